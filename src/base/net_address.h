// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// IP addresses and transport addresses as plain values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace confab {

class IpAddress {
  public:
    enum class Family : std::uint8_t { kNone, kV4, kV6 };

    constexpr IpAddress() = default;
    static IpAddress v4(std::uint32_t host_order);
    static IpAddress v4_bytes(BytesView four);
    static IpAddress v6_bytes(BytesView sixteen);
    // Dotted IPv4, or IPv6 text without zone id. "::ffff:a.b.c.d" stays IPv6.
    static std::optional<IpAddress> parse(std::string_view text);

    Family family() const { return family_; }
    bool is_v4() const { return family_ == Family::kV4; }
    bool is_v6() const { return family_ == Family::kV6; }
    bool is_none() const { return family_ == Family::kNone; }
    bool is_loopback() const;
    bool is_link_local() const;
    bool is_unspecified() const;
    std::uint32_t to_v4() const { return load_be32(bytes_.data()); }
    // 4 or 16 bytes in network order.
    BytesView bytes() const { return BytesView(bytes_).first(is_v4() ? 4 : 16); }
    std::string to_string() const;

    auto operator<=>(const IpAddress&) const = default;

  private:
    Family family_ = Family::kNone;
    std::array<std::uint8_t, 16> bytes_{};
};

struct SocketAddress {
    IpAddress ip;
    std::uint16_t port = 0;

    // "1.2.3.4:5" or "[::1]:5".
    static std::optional<SocketAddress> parse(std::string_view text);
    std::string to_string() const;
    auto operator<=>(const SocketAddress&) const = default;
};

}  // namespace confab

template <>
struct std::hash<confab::IpAddress> {
    std::size_t operator()(const confab::IpAddress& a) const noexcept;
};
template <>
struct std::hash<confab::SocketAddress> {
    std::size_t operator()(const confab::SocketAddress& a) const noexcept {
        return std::hash<confab::IpAddress>{}(a.ip) * 0x9E3779B97F4A7C15ULL + a.port;
    }
};
