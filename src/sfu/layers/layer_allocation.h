// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which layer a video down-track shall forward (02 BWE-01, BWE-02). Pure functions: the allocator
// of a peer (bandwidth.h) sets a cap, these turn cap, wish and what flows into a target.
#pragma once

#include <cstdint>

#include "sfu/forward/source_state.h"
#include "sfu/layers/layer.h"

namespace confab::sfu {

enum class PauseReason : std::uint8_t { kNone, kMuted, kPublisherMuted, kFeedDry, kBandwidth };

struct AllocationInput {
    Layer max = kTopLayer;     // what the subscriber asked for
    Layer cap = kTopLayer;     // what the link allows; none: pause
    Layer current;             // being forwarded
    Layer target;              // of the last allocation
    std::int8_t request = -1;  // of the last allocation
    bool muted = false;        // by the subscriber
};

struct Allocation {
    Layer target;              // none: paused
    std::int8_t request = -1;  // spatial layer whose key frame is needed, -1 for none
    PauseReason pause = PauseReason::kNone;
    double distance = 0;  // to what was asked for, 0 at the optimum
};

Allocation allocate_layer(const SourceState& source, const AllocationInput& input);

// How far a target is from what could be had, in spatial steps (02 BWE-02).
double distance_to_desired(const SourceState& source, Layer max_subscribed, Layer target);

}  // namespace confab::sfu
