// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What one connection sent and received, for metrics (02 OBS-01).
#pragma once

#include <cstdint>

namespace confab::sfu {

struct PeerCounters {
    // With every packet.
    std::uint64_t rtp_in = 0;
    std::uint64_t rtp_bytes_in = 0;
    std::uint64_t rtp_out = 0;
    std::uint64_t rtp_bytes_out = 0;
    // Of those, retransmissions and probes.
    std::uint64_t rtx_in = 0;
    std::uint64_t rtx_bytes_in = 0;
    std::uint64_t rtx_out = 0;
    std::uint64_t rtx_bytes_out = 0;
    std::uint64_t rtp_levelled = 0;  // with octets of padding to the length of others
    std::uint64_t rtp_unknown_ssrc = 0;
    std::uint64_t rtp_malformed = 0;  // the packet, its descriptor or payload
    std::uint64_t rtp_repeated = 0;   // came before
    std::uint64_t rtcp_in = 0;
    std::uint64_t rtcp_malformed = 0;
    std::uint64_t nacks_out = 0;  // packets asked for
    std::uint64_t plis_out = 0;
    std::uint64_t dropped_unconnected = 0;
    std::uint64_t dropped_full = 0;
};

}  // namespace confab::sfu
