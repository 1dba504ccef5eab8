// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a shard holds and has counted since it began.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sfu/data/data_track_meter.h"

namespace confab::sfu {

class ShardPeer;

// Of what is held to confab.limits.
struct LimitFigures {
    std::uint64_t strangers_dropped = 0;  // checks that name nobody
    std::uint64_t data_dropped = 0;       // messages that may be lost, and frames
    std::uint64_t data_paused = 0;        // how often a sender had to wait

    void merge(const LimitFigures& other) {
        strangers_dropped += other.strangers_dropped;
        data_dropped += other.data_dropped;
        data_paused += other.data_paused;
    }
};

struct ShardSnapshot {
    std::size_t peers = 0;
    std::size_t receivers = 0;
    std::size_t tracks = 0;
    std::size_t down_tracks = 0;
    std::size_t pool_bytes = 0;
    std::size_t packets_in_use = 0;
    std::size_t timers = 0;  // that wait
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
    // Refused, of a known peer's addresses or under its keys.
    std::uint64_t unvalidated = 0;     // DTLS and SRTP from where no check was right
    std::uint64_t unknown_kind = 0;    // nothing that RFC 7983 knows
    std::uint64_t before_keys = 0;     // SRTP before DTLS was through
    std::uint64_t srtp_throttled = 0;  // not tried: too many were wrong (DES-25)
    std::uint64_t rtp_malformed = 0;   // packets, descriptors and payloads
    std::uint64_t rtp_repeated = 0;
    std::uint64_t rtcp_malformed = 0;
    std::uint64_t rtp_unknown_ssrc = 0;
    std::uint64_t links_dropped = 0;  // packets for subscribers on other workers
    std::uint64_t nacks_in = 0;       // packets that subscribers asked for
    std::uint64_t nacks_out = 0;      // packets that publishers were asked for
    std::uint64_t plis_in = 0;
    std::uint64_t plis_out = 0;
    std::uint64_t firs_in = 0;
    std::uint64_t events_dropped = 0;
    std::uint64_t data_dropped = 0;  // no channel, or a receiver that is too slow
    LimitFigures limits;
    DataTrackFigures data_tracks;  // of those published here

    // Adds those of another shard.
    void merge(const ShardSnapshot& other);
    // Adds what the connection counted.
    void add(const ShardPeer& peer);
};

}  // namespace confab::sfu
