// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "base/net_address.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace confab {
namespace {

std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t max, int base) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value > max)
        return std::nullopt;
    return value;
}

std::optional<std::uint32_t> parse_v4(std::string_view text) {
    std::uint32_t value = 0;
    for (int part = 0; part < 4; ++part) {
        const std::size_t dot = part < 3 ? text.find('.') : text.size();
        if (dot == std::string_view::npos) return std::nullopt;
        const auto number = parse_number(text.substr(0, dot), 255, 10);
        // RFC 6943 §3.1.1: a leading zero could be read as octal; refuse it.
        if (!number || (dot > 1 && text[0] == '0')) return std::nullopt;
        value = (value << 8) | *number;
        text.remove_prefix(std::min(dot + 1, text.size()));
    }
    return value;
}

// The 16-bit groups of one side of "::"; an IPv4 tail counts as two.
bool parse_groups(std::string_view text, std::vector<std::uint16_t>& groups) {
    if (text.empty()) return true;
    while (true) {
        const std::size_t colon = text.find(':');
        const std::string_view group = text.substr(0, colon);
        if (colon == std::string_view::npos && group.find('.') != std::string_view::npos) {
            const auto v4 = parse_v4(group);
            if (!v4) return false;
            groups.push_back(static_cast<std::uint16_t>(*v4 >> 16));
            groups.push_back(static_cast<std::uint16_t>(*v4));
            return groups.size() <= 8;
        }
        const auto number = group.size() > 4 ? std::nullopt : parse_number(group, 0xFFFF, 16);
        if (!number || groups.size() >= 8) return false;
        groups.push_back(static_cast<std::uint16_t>(*number));
        if (colon == std::string_view::npos) return true;
        text.remove_prefix(colon + 1);
    }
}

std::optional<IpAddress> parse_v6(std::string_view text) {
    std::vector<std::uint16_t> head;
    std::vector<std::uint16_t> tail;
    const std::size_t gap = text.find("::");
    if (gap == std::string_view::npos) {
        if (!parse_groups(text, head) || head.size() != 8) return std::nullopt;
    } else {
        if (text.find("::", gap + 1) != std::string_view::npos) return std::nullopt;
        if (!parse_groups(text.substr(0, gap), head) || !parse_groups(text.substr(gap + 2), tail))
            return std::nullopt;
        if (head.size() + tail.size() > 7) return std::nullopt;
        head.resize(8 - tail.size());
        head.insert(head.end(), tail.begin(), tail.end());
    }
    std::array<std::uint8_t, 16> bytes;
    for (std::size_t i = 0; i < 8; ++i)
        store_be16(&bytes[2 * i], head[i]);
    return IpAddress::v6_bytes(bytes);
}

std::string v6_to_string(BytesView bytes) {
    std::array<std::uint16_t, 8> groups;
    for (std::size_t i = 0; i < 8; ++i)
        groups[i] = load_be16(&bytes[2 * i]);
    // RFC 5952 §4.2: "::" replaces the longest run of two or more zero groups, the first if equal.
    std::size_t best = 8, best_length = 1;
    for (std::size_t i = 0; i < 8;) {
        std::size_t end = i;
        while (end < 8 && groups[end] == 0)
            ++end;
        if (end - i > best_length) best = i, best_length = end - i;
        i = end == i ? i + 1 : end;
    }
    std::string text;
    for (std::size_t i = 0; i < 8;) {
        if (i == best) {
            text += "::";
            i += best_length;
            continue;
        }
        if (!text.empty() && text.back() != ':') text += ':';
        char buffer[5];
        const auto end = std::to_chars(buffer, buffer + sizeof buffer, groups[i], 16).ptr;
        text.append(buffer, end);
        ++i;
    }
    return text;
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) {
    IpAddress address;
    address.family_ = Family::kV4;
    store_be32(address.bytes_.data(), host_order);
    return address;
}

IpAddress IpAddress::v4_bytes(BytesView four) {
    return four.size() == 4 ? v4(load_be32(four.data())) : IpAddress{};
}

IpAddress IpAddress::v6_bytes(BytesView sixteen) {
    IpAddress address;
    if (sixteen.size() != 16) return address;
    address.family_ = Family::kV6;
    std::copy(sixteen.begin(), sixteen.end(), address.bytes_.begin());
    return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    if (text.size() > 45) return std::nullopt;
    if (text.find(':') != std::string_view::npos) return parse_v6(text);
    const auto value = parse_v4(text);
    return value ? std::optional(v4(*value)) : std::nullopt;
}

bool IpAddress::is_loopback() const {
    if (is_v4()) return bytes_[0] == 127;
    return is_v6() && bytes_[15] == 1 &&
           std::all_of(bytes_.begin(), bytes_.begin() + 15, [](auto b) { return b == 0; });
}

bool IpAddress::is_link_local() const {
    if (is_v4()) return bytes_[0] == 169 && bytes_[1] == 254;
    return is_v6() && bytes_[0] == 0xFE && (bytes_[1] & 0xC0) == 0x80;
}

bool IpAddress::is_unspecified() const {
    return std::all_of(bytes_.begin(), bytes_.end(), [](auto b) { return b == 0; });
}

std::string IpAddress::to_string() const {
    if (is_none()) return "";
    if (is_v6()) return v6_to_string(bytes_);
    return std::to_string(bytes_[0]) + "." + std::to_string(bytes_[1]) + "." +
           std::to_string(bytes_[2]) + "." + std::to_string(bytes_[3]);
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view host = text.substr(0, colon);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string_view::npos)
        return std::nullopt;
    const auto ip = IpAddress::parse(host);
    const auto port = parse_number(text.substr(colon + 1), 65'535, 10);
    if (!ip || !port) return std::nullopt;
    return SocketAddress{*ip, static_cast<std::uint16_t>(*port)};
}

std::string SocketAddress::to_string() const {
    const std::string host = ip.is_v6() ? "[" + ip.to_string() + "]" : ip.to_string();
    return host + ":" + std::to_string(port);
}

}  // namespace confab

std::size_t std::hash<confab::IpAddress>::operator()(const confab::IpAddress& a) const noexcept {
    std::size_t h = static_cast<std::size_t>(a.family());
    for (const auto byte : a.bytes())
        h = (h ^ byte) * 0x100000001B3ULL;  // FNV-1a
    return h;
}
