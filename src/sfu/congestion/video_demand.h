// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the allocator of a peer is told of one video down-track, and what it answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/time.h"
#include "sfu/forward/source_state.h"
#include "sfu/layers/layer.h"

namespace confab::sfu {

inline constexpr std::size_t kMaxAllocatedTracks = 256;  // those beyond it stay as they are

// One video down-track as the allocator sees it.
struct VideoDemand {
    const SourceState* source = nullptr;
    Layer max;                       // asked for, the subscriber's wish
    std::uint8_t priority = 1;       // larger first
    bool muted = false;              // by either side: takes nothing
    bool exempt = false;             // single-layer screen share: always whole, paid first
    bool detailed = false;           // a screen: a larger picture is worth more than a fluent one
    std::uint64_t packets = 0;       // sent so far, without resends
    std::uint64_t nack_repeats = 0;  // copies so far of what had been sent again
    Layer cap = kTopLayer;           // what it was answered last
    bool deficient = false;
};

// What of a demand and its source makes the allocator look at a track again. Bitrates are left out
// but for being known: they change each second.
struct DemandSignature {
    Layer max;
    Layer max_seen;
    std::uint8_t available = 0;
    std::uint8_t measured = 0;  // bit s: bitrates of spatial layer s are known
    std::uint8_t priority = 0;
    bool muted = false;
    bool exempt = false;

    bool operator==(const DemandSignature&) const = default;
};

// The answer for one of them: DownTrack::set_bandwidth(). The rest are notes of the allocator; a
// new down-track begins with VideoShare{}, later the share of the call before is handed back.
struct VideoShare {
    Layer cap = kTopLayer;  // none: pause
    bool deficient = false;

    bool known = false;
    DemandSignature seen;
    Layer sent;  // the layer `cap` came to at the end of the last call; none: nothing is sent
    std::uint64_t packets = 0;
    std::uint64_t nack_repeats = 0;
};

// Demands and answers of one call, in the same order.
struct TrackList {
    std::span<const VideoDemand> demands;
    std::span<VideoShare> shares;

    std::size_t size() const { return demands.size(); }
};

}  // namespace confab::sfu
