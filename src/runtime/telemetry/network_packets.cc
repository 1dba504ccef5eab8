// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/telemetry/network_packets.h"

#include <array>
#include <fstream>
#include <iterator>
#include <string>

#include "base/text.h"

namespace confab::telemetry {

// Two lines of headings, then per interface
//   eth0: <received: bytes packets errs drop fifo frame compressed multicast>
//         <sent:     bytes packets errs drop fifo colls carrier compressed>
NetworkPackets parse_network_packets(std::string_view text) {
    constexpr std::size_t kSentPackets = 9, kSentDropped = 11, kColumns = 16;
    NetworkPackets result;
    for (const std::string_view line : split(text, '\n')) {
        const std::size_t colon = line.find(':');
        if (colon == line.npos || trim(line.substr(0, colon)) == "lo") continue;
        std::array<std::uint64_t, kColumns> columns{};
        std::size_t count = 0;
        for (const std::string_view word : split(line.substr(colon + 1), ' ')) {
            if (word.empty()) continue;
            const auto number = parse_decimal<std::uint64_t>(word);
            if (!number || count == kColumns) break;
            columns[count++] = *number;
        }
        if (count < kColumns) continue;
        result.sent += columns[kSentPackets];
        result.dropped += columns[kSentDropped];
    }
    return result;
}

NetworkPackets read_network_packets() {
    std::ifstream file("/proc/net/dev");
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    return parse_network_packets(text);
}

}  // namespace confab::telemetry
