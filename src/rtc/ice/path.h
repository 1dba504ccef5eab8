// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Where a packet came from or goes to: the 5-tuple plus the names the driver has for its socket and
// stream. A value; the key of every demultiplexing table.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

#include "base/net_address.h"

namespace confab::ice {

enum class Protocol : std::uint8_t { kUdp, kTcp };

struct Path {
    std::uint16_t socket = 0;  // index of the local socket or listener, given by the driver
    Protocol protocol = Protocol::kUdp;
    // Number of the accepted stream, unique within the process; 0 for UDP.
    std::uint32_t tcp_connection = 0;
    SocketAddress local;
    SocketAddress remote;

    auto operator<=>(const Path&) const = default;
};

}  // namespace confab::ice

template <>
struct std::hash<confab::ice::Path> {
    std::size_t operator()(const confab::ice::Path& path) const noexcept {
        constexpr std::size_t kMix = 0x9E3779B97F4A7C15ULL;
        std::size_t h = std::hash<confab::SocketAddress>{}(path.remote);
        h = h * kMix + std::hash<confab::SocketAddress>{}(path.local);
        h = h * kMix + ((std::size_t{path.tcp_connection} << 17) | (std::size_t{path.socket} << 1) |
                        (path.protocol == confab::ice::Protocol::kTcp ? 1U : 0U));
        return h;
    }
};
