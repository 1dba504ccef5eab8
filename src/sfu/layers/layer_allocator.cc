// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/layers/layer_allocator.h"

#include "sfu/inbound/layer_fps.h"

namespace confab::sfu {

Layer wished_layer(const DownTrackSettings& asked, const SourceState& source) {
    Layer max = lower_of({static_cast<std::int8_t>(asked.max_spatial & 3),
                          static_cast<std::int8_t>(asked.max_temporal & 3)},
                         kTopLayer);
    if (asked.max_fps == 0) return max;
    const std::int8_t measured = std::max(source.highest_available(max.spatial), std::int8_t{0});
    const auto& fps = source.fps[static_cast<std::size_t>(measured)];
    max.temporal = std::min(max.temporal, temporal_for_fps(fps, asked.max_fps));
    return max;
}

bool LayerAllocator::set_cap(Layer cap) {
    if (cap == cap_) return false;
    cap_ = cap;
    return true;
}

LayerAllocator::Outcome LayerAllocator::allocate(const SourceState& source, Layer wish, bool muted,
                                                 LayerState& layers) {
    AllocationInput in;
    in.max = wish;
    in.cap = cap_;
    in.current = layers.current;
    in.target = layers.target;
    in.request = layers.request;
    in.muted = muted;
    const Allocation out = allocate_layer(source, in);
    const bool changed = layers.request != out.request || out.pause != pause_;
    const bool paused = out.pause == PauseReason::kBandwidth && pause_ != PauseReason::kBandwidth;
    layers.max = in.max;
    layers.target = out.target;
    layers.request = out.request;
    distance_ = out.distance;
    pause_ = out.pause;
    if (paused) return Outcome::kPaused;
    return changed ? Outcome::kChanged : Outcome::kSame;
}

}  // namespace confab::sfu
