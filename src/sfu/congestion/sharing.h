// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Dividing one downlink among video tracks: everything anew (02 BWE-04), one track that changed and
// what others give it (BWE-03), and the use of capacity that became free (BWE-05). They change the
// caps in `tracks.shares` and know nothing of time.
#pragma once

#include <cstdint>
#include <optional>

#include "sfu/congestion/video_demand.h"

namespace confab::sfu {

struct SharingRule {
    std::uint64_t capacity = 0;  // bits per second
    bool allow_pause = false;
};

// Layer by layer, tracks in order of priority, then of what they may want. Without allow_pause
// every track keeps its lowest layer whatever the capacity. Returns the bits used.
std::uint64_t share_all(const TrackList& tracks, SharingRule rule);

// Track `index` changed. `was_sent`: the layer it was sent with before, none if it begins or was
// muted or paused.
void share_one(const TrackList& tracks, std::size_t index, Layer was_sent, SharingRule rule);

// Improves the most distant tracks, in order of priority, as long as the next step fits, or
// `percent` of what it adds.
void boost(const TrackList& tracks, std::uint64_t capacity, std::uint64_t percent = 100);

// The step a probe shall make room for: of the most distant deficient track (BWE-06).
struct ProbeStep {
    std::size_t index = 0;
    Layer layer;
    std::uint64_t more = 0;  // bits per second it adds
};
std::optional<ProbeStep> next_probe_step(const TrackList& tracks);

}  // namespace confab::sfu
