// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/limits/client_hop.h"

#include <optional>

#include "base/limits/sources.h"

namespace confab::api {
namespace {

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == text.npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// "192.0.2.1", "192.0.2.1:5000", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:5000": proxies
// differ.
std::optional<IpAddress> parse_hop(std::string_view text) {
    text = trimmed(text);
    if (const auto plain = IpAddress::parse(text)) return plain;
    if (const auto with_port = SocketAddress::parse(text)) return with_port->ip;
    if (text.size() > 2 && text.front() == '[' && text.back() == ']')
        return IpAddress::parse(text.substr(1, text.size() - 2));
    return std::nullopt;
}

}  // namespace

IpAddress client_hop(const IpAddress& socket, std::string_view forwarded, std::string_view real_ip,
                     const std::vector<Cidr>& proxies) {
    if (!is_listed(proxies, socket)) return socket;
    if (trimmed(forwarded).empty()) return parse_hop(real_ip).value_or(socket);
    IpAddress nearest = socket;
    for (int hops = 0; hops < kMaxHops; ++hops) {
        const std::size_t comma = forwarded.rfind(',');
        const auto hop =
            parse_hop(comma == forwarded.npos ? forwarded : forwarded.substr(comma + 1));
        if (!hop) return nearest;
        nearest = *hop;
        if (!is_listed(proxies, nearest) || comma == forwarded.npos) return nearest;
        forwarded = forwarded.substr(0, comma);
    }
    return nearest;
}

}  // namespace confab::api
