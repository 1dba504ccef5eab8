// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/address.h"

#include <charconv>

namespace confab::redis {
namespace {

constexpr std::size_t kMaxHost = 255;

std::optional<Address> make(std::string_view host, std::string_view port) {
    if (host.empty() || host.size() > kMaxHost) return std::nullopt;
    if (host.find_first_of(std::string_view(" \t\r\n/@\0", 7)) != std::string_view::npos)
        return std::nullopt;
    Address address{std::string(host), 0};
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc() || end != port.data() + port.size() || address.port == 0)
        return std::nullopt;
    return address;
}

}  // namespace

std::optional<Address> parse_address(std::string_view text, std::uint16_t default_port) {
    const std::string fallback = std::to_string(default_port);
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        const std::string_view rest = text.substr(end + 1);
        if (rest.empty()) return make(text.substr(1, end - 1), fallback);
        if (rest[0] != ':') return std::nullopt;
        return make(text.substr(1, end - 1), rest.substr(1));
    }
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos)
        return make(text, fallback);  // a name, or an IPv6 address without brackets
    return make(text.substr(0, colon), text.substr(colon + 1));
}

std::string to_text(const Address& address) {
    const bool v6 = address.host.find(':') != std::string::npos;
    return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace confab::redis
