// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Blocks of addresses, "10.0.0.0/8" (RFC 4632 §3.1, RFC 4291 §2.3).
#pragma once

#include <optional>
#include <string_view>

#include "base/net_address.h"

namespace confab {

struct Cidr {
    IpAddress base;
    unsigned prefix = 0;  // bits

    // The prefix is needed; host bits may be set and are ignored.
    static std::optional<Cidr> parse(std::string_view text);
    // False if the families differ.
    bool contains(const IpAddress& address) const;
};

}  // namespace confab
