// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 BWE-01, BWE-02.
#include "sfu/layers/layer_allocation.h"

namespace confab::sfu {
namespace {

Layer seen_or(const SourceState& source, Layer otherwise) {
    return source.max_seen.valid() ? source.max_seen : otherwise;
}

Allocation paused(const SourceState& source, const AllocationInput& input, PauseReason reason) {
    Allocation out;
    out.pause = reason;
    if (reason == PauseReason::kBandwidth)
        out.distance = distance_to_desired(source, input.max, kNoLayer);
    return out;
}

}  // namespace

double distance_to_desired(const SourceState& source, Layer max_subscribed, Layer target) {
    Layer max = lower_of(max_subscribed, seen_or(source, max_subscribed));
    const std::int8_t available = source.highest_available(max.spatial);
    if (available >= 0) max.spatial = available;
    if (!max.valid()) return 0;
    const bool pause = !target.valid();
    const int steps = max.temporal + 1;
    const int spatial = max.spatial - (pause ? 0 : target.spatial);
    const int temporal = max.temporal - (pause ? 0 : lower_of(target.temporal, max.temporal));
    const double distance = static_cast<double>(spatial * steps + temporal) / steps;
    return distance + (pause ? 1 : 0);
}

Allocation allocate_layer(const SourceState& source, const AllocationInput& in) {
    if (in.muted) return paused(source, in, PauseReason::kMuted);
    if (source.muted) return paused(source, in, PauseReason::kPublisherMuted);
    if (!in.cap.valid()) return paused(source, in, PauseReason::kBandwidth);
    const Layer wish = lower_of(in.max, in.cap);
    const Layer limit = lower_of(wish, seen_or(source, wish));

    Allocation out;
    out.request = source.highest_available(limit.spatial);
    // Rather a layer larger than wanted than no picture.
    if (out.request < 0 && !source.svc()) out.request = source.lowest_available();
    if (in.current.valid() && out.request < 0) {
        // The feed ran dry; keep what we have for when it comes back.
        out.target = in.target.valid() ? in.target : wish;
        out.request = in.request;
    } else if (in.current.valid()) {
        out.target = {out.request, wish.temporal};
    } else {
        // Whatever key frame within the wish comes first is taken.
        out.target = {wish.spatial > out.request ? wish.spatial : out.request, wish.temporal};
    }
    if (source.codec == Codec::kH264 && out.target.temporal > 0) out.target.temporal = 0;
    out.distance = distance_to_desired(source, in.max, out.target);
    return out;
}

}  // namespace confab::sfu
