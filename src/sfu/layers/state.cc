// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which layers of a source are forwarded, as bytes (base/state/state.h; 02 FWD-18).
#include "base/state/state.h"

#include <array>

#include "sfu/layers/dependency_selector.h"
#include "sfu/layers/layer_allocator.h"
#include "sfu/layers/video_layer_selector.h"
#include "sfu/packet/state_fields.h"

namespace confab::sfu {
namespace {

template <typename Io, typename L>
void layers_fields(Io& io, L& layers) {
    layer_field(io, 1, layers.current);
    layer_field(io, 2, layers.previous);
    layer_field(io, 3, layers.target);
    layer_field(io, 4, layers.max);
    bounded_field(io, 5, layers.request, -1, kMaxSpatialLayers - 1);
}

}  // namespace

template <typename Self, typename Io>
void DependencySelector::fields(Self& self, Io& io) {
    io.field(1, self.started_);
    io.field(2, self.sent_before_);
    io.field(3, self.frame_offset_);
    io.field(4, self.last_sent_frame_);
    io.field(5, self.broken_);
    io.field(6, self.active_);
    bounded_field(io, 7, self.newest_, -1, kMaxLine);
    std::array<std::uint8_t, kFrames> decisions{};
    for (std::size_t i = 0; i < decisions.size(); ++i)
        decisions[i] = static_cast<std::uint8_t>(self.decisions_[i]);
    io.field(8, decisions);
    layer_field(io, 9, self.limit_);
    io.field(10, self.picture_);
    if constexpr (Io::kReads) {
        for (std::size_t i = 0; i < decisions.size(); ++i) {
            io.require(decisions[i] <= static_cast<std::uint8_t>(Decision::kDropped));
            self.decisions_[i] = static_cast<Decision>(decisions[i]);
        }
    }
}
void DependencySelector::save(StateWriter& out) const {
    fields(*this, out);
}
void DependencySelector::load(StateReader& in) {
    fields(*this, in);
}

void VideoLayerSelector::save(StateWriter& out) const {
    out.record(1, [this](auto& inner) { layers_fields(inner, layers_); });
    out.field(2, deficient_);
    if (dependency_) out.part(3, *dependency_);
}
void VideoLayerSelector::load(StateReader& in) {
    in.record(1, [this](auto& inner) { layers_fields(inner, layers_); });
    in.field(2, deficient_);
    in.record(3, [this](StateReader& inner) {
        if (!dependency_) dependency_ = std::make_unique<DependencySelector>();
        dependency_->load(inner);
    });
}

template <typename Self, typename Io>
void LayerAllocator::fields(Self& self, Io& io) {
    layer_field(io, 1, self.cap_);
    io.choice(2, self.pause_, PauseReason::kBandwidth);
    real_field(io, 3, self.distance_);
}
void LayerAllocator::save(StateWriter& out) const {
    fields(*this, out);
}
void LayerAllocator::load(StateReader& in) {
    fields(*this, in);
}

}  // namespace confab::sfu
