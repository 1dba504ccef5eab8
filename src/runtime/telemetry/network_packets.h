// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the network interfaces sent, as Linux counts it (/proc/net/dev). Traffic of the machine with
// itself (lo) is left out.
#pragma once

#include <cstdint>
#include <string_view>

namespace confab::telemetry {

struct NetworkPackets {
    std::uint64_t sent = 0;
    std::uint64_t dropped = 0;  // on the way out
};

// The text of /proc/net/dev; lines that do not parse count nothing.
NetworkPackets parse_network_packets(std::string_view text);
NetworkPackets read_network_packets();

}  // namespace confab::telemetry
