// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a shard holds and has counted since it began.
#pragma once

#include <cstddef>
#include <cstdint>

namespace confab::sfu {

class ShardPeer;

struct ShardSnapshot {
    std::size_t peers = 0;
    std::size_t receivers = 0;
    std::size_t tracks = 0;
    std::size_t down_tracks = 0;
    std::size_t pool_bytes = 0;
    std::size_t packets_in_use = 0;
    std::uint64_t unknown_datagrams = 0;
    std::uint64_t rtp_in = 0;
    std::uint64_t rtp_out = 0;
    std::uint64_t bytes_in = 0;  // of all datagrams
    std::uint64_t rtp_bytes_out = 0;
    std::uint64_t rtp_bytes_in = 0;
    std::uint64_t rtx_in = 0;  // of rtp_in
    std::uint64_t rtx_bytes_in = 0;
    std::uint64_t rtx_out = 0;  // of rtp_out
    std::uint64_t rtx_bytes_out = 0;
    std::uint64_t rtp_levelled = 0;
    std::uint64_t srtp_failures = 0;
    std::uint64_t rtp_unknown_ssrc = 0;
    std::uint64_t links_dropped = 0;  // packets for subscribers on other workers
    std::uint64_t nacks_in = 0;       // packets that subscribers asked for
    std::uint64_t nacks_out = 0;      // packets that publishers were asked for
    std::uint64_t plis_in = 0;
    std::uint64_t plis_out = 0;
    std::uint64_t firs_in = 0;
    std::uint64_t events_dropped = 0;
    std::uint64_t data_dropped = 0;  // no channel, or a receiver that is too slow

    // Adds those of another shard.
    void merge(const ShardSnapshot& other);
    // Adds what the connection counted.
    void add(const ShardPeer& peer);
};

}  // namespace confab::sfu
