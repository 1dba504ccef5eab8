// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Where a server is, as configurations and servers write it.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace confab::redis {

struct Address {
    std::string host;  // a name or an address, without brackets
    std::uint16_t port = 6379;
    auto operator<=>(const Address&) const = default;
};

// "host:port", "[2001:db8::1]:port", "2001:db8::1", "host": the default port where there is none.
std::optional<Address> parse_address(std::string_view text, std::uint16_t default_port = 6379);
std::string to_text(const Address& address);

}  // namespace confab::redis
