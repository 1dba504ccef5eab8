// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/source_monitor.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace confab::sfu {
namespace {
void set_available(SourceState& state, std::size_t layer, bool available) {
    const auto bit = static_cast<std::uint8_t>(1U << layer);
    state.available =
        static_cast<std::uint8_t>(available ? state.available | bit : state.available & ~bit);
}
// A peak is forgotten by a 32nd with each measurement: by half in 22 s of a camera.
constexpr std::uint64_t kPeakFades = 32;

void note_peaks(SourceState& state) {
    for (std::size_t s = 0; s < kMaxSpatialLayers; ++s)
        for (std::size_t t = 0; t < kMaxTemporalLayers; ++t) {
            std::uint64_t& peak = state.peak[s][t];
            const std::uint64_t rate = state.bitrate[s][t];
            peak = rate == 0 ? 0 : std::max(rate, peak - peak / kPeakFades);
        }
}

Duration meter_interval(bool screen_share) {
    return screen_share ? BitrateMeter::kScreenInterval : BitrateMeter::kCameraInterval;
}
}  // namespace

SourceMonitor::LayerWatch SourceMonitor::watch(std::uint8_t spatial, bool screen_share) {
    return {StreamTracker(TrackerOptions::for_layer(spatial, screen_share)),
            BitrateMeter(meter_interval(screen_share)), LayerFps(), 0, 0};
}

SourceMonitor::SourceMonitor(MediaKind kind, bool screen_share)
    : kind_(kind),
      layers_{watch(0, screen_share), watch(1, screen_share), watch(2, screen_share)} {}

bool SourceMonitor::packet(const MediaPacket& packet, SourceState& state) {
    const std::size_t layer = std::min<std::size_t>(packet.spatial, kMaxSpatialLayers - 1);
    state.codec = packet.codec;
    if (layers_due_.is_never()) layers_due_ = packet.arrival + kEncoderStart;
    bool changed = false;
    const Layer seen{
        static_cast<std::int8_t>(layer),
        static_cast<std::int8_t>(std::min<std::size_t>(packet.temporal, kMaxTemporalLayers - 1))};
    if (seen.spatial > state.max_seen.spatial || seen.temporal > state.max_seen.temporal) {
        state.max_seen = {std::max(seen.spatial, state.max_seen.spatial),
                          std::max(seen.temporal, state.max_seen.temporal)};
        changed = true;
    }
    layers_[layer].meter.packet(packet.arrival, packet.temporal, packet.payload.size() + 40);
    if (kind_ == MediaKind::kVideo && !packet.late)
        layers_[layer].fps.packet(packet.timestamp, packet.temporal);
    const bool told = state.svc() && packet.has_dd && !packet.late &&
                      (packet.dd.structure_attached || packet.dd.has_active_targets);
    const std::uint8_t before = produced_;
    if (told) produced_ = state.decode_targets.layers(packet.dd.active_targets);
    const std::size_t tracker = produced_ != 0 ? 0 : layer;
    const bool started =
        layers_[tracker].tracker.packet(packet.arrival) == StreamTracker::Change::kStarted;
    if (started) begin_cycle(layers_[tracker]);
    ++all_packets_;
    if (tracker == 0) ++lowest_packets_;
    if (started || (produced_ != before && layers_[tracker].tracker.active())) {
        set_flowing(state, tracker, true);
        changed = true;
    }
    return changed;
}

void SourceMonitor::restart(std::uint8_t spatial, SourceState& state) {
    produced_ = 0;
    layers_due_ = Timestamp::never();
    state.available = 0;
    set_available(state, spatial, true);
    state.max_seen = {};
    state.decode_targets = {};
    for (LayerWatch& one : layers_)
        one.tracker.reset();
}

// Few packets say nothing of an SVC layer: whether it is there stands in the mask (02 IN-21).
void SourceMonitor::set_flowing(SourceState& state, std::size_t tracker, bool flowing) const {
    if (produced_ == 0)
        set_available(state, tracker, flowing);
    else
        state.available = flowing ? produced_ : std::uint8_t{0};
}

void SourceMonitor::write_rates(SourceState& state) const {
    write_bitrates(state);
    note_peaks(state);
    for (std::size_t s = 0; s < kMaxSpatialLayers; ++s)
        if (layers_[s].fps.known())
            std::copy_n(layers_[s].fps.fps().begin(), kMaxTemporalLayers, state.fps[s].begin());
}

void SourceMonitor::write_bitrates(SourceState& state) const {
    for (std::size_t s = 0; s < kMaxSpatialLayers; ++s) {
        state.bitrate[s] = layers_[s].meter.rates();
        // An SVC layer needs all layers below it (IN-21).
        if (!state.svc() || s == 0) continue;
        std::uint64_t below = 0;
        for (std::size_t t = 0; t < kMaxTemporalLayers; ++t) {
            below = std::max(below, state.bitrate[s - 1][t]);
            if (state.bitrate[s][t] > 0) state.bitrate[s][t] += below;
        }
    }
}

bool SourceMonitor::handle_timeout(Timestamp now, SourceState& state) {
    bool changed = false;
    bool measured = false;
    for (std::size_t s = 0; s < kMaxSpatialLayers; ++s) {
        const auto change = end_cycle(s, now);
        if (change != StreamTracker::Change::kNone && (produced_ == 0 || s == 0)) {
            set_flowing(state, s, change == StreamTracker::Change::kStarted);
            changed = true;
        }
        measured = layers_[s].meter.update(now) || measured;
    }
    if (measured && kind_ == MediaKind::kVideo) write_rates(state);
    return changed || measured;
}

void SourceMonitor::begin_cycle(LayerWatch& watch) const {
    watch.all_before = all_packets_;
    watch.lowest_before = lowest_packets_;
}

StreamTracker::Change SourceMonitor::end_cycle(std::size_t layer, Timestamp now) {
    LayerWatch& watch = layers_[layer];
    if (now < watch.tracker.next_deadline()) return StreamTracker::Change::kNone;
    StreamTracker::Others others;
    // Whether an SVC layer is there stands in the mask, not in its packets.
    others.all_silent = produced_ == 0 && all_packets_ == watch.all_before;
    if (layer > 0) {
        const std::uint64_t lowest = lowest_packets_ - watch.lowest_before;
        others.lowest = static_cast<std::uint32_t>(std::min<std::uint64_t>(lowest, 1'000));
    }
    begin_cycle(watch);
    return watch.tracker.handle_timeout(now, others);
}

Timestamp SourceMonitor::next_deadline() const {
    Timestamp deadline = Timestamp::never();
    for (const LayerWatch& layer : layers_)
        deadline = earlier(deadline, layer.tracker.next_deadline());
    return deadline;
}

void SourceMonitor::set_muted(bool muted, SourceState& state) {
    state.muted = muted;
    layers_due_ = Timestamp::never();
    for (std::size_t s = 0; s < kMaxSpatialLayers; ++s) {
        if (muted) {
            (void)layers_[s].tracker.pause();
            set_available(state, s, false);
        } else {
            layers_[s].tracker.reset();
        }
        layers_[s].meter.reset();
    }
}

void SourceMonitor::want(Timestamp now, std::int8_t max_spatial) {
    const std::int8_t before = std::exchange(wanted_, max_spatial);
    if (max_spatial <= before) return;
    if (!layers_due_.is_never()) layers_due_ = now + kEncoderStart;
    if (produced_ != 0) layers_[0].tracker.expect();  // it watches all of them
    for (std::size_t s = 0; s < kMaxSpatialLayers; ++s)
        if (static_cast<std::int8_t>(s) > before && static_cast<std::int8_t>(s) <= max_spatial)
            layers_[s].tracker.expect();
}

double SourceMonitor::missing_layers(Timestamp now, const SourceState& state,
                                     std::int8_t announced) const {
    if (kind_ != MediaKind::kVideo || state.available == 0) return 0;
    const std::int8_t seen = state.max_seen.spatial;
    const std::int8_t top = now >= layers_due_ ? std::max(announced, seen) : seen;
    const int desired = std::min(wanted_, top);
    return std::max(0, desired + 1 - static_cast<int>(std::bit_width(state.available)));
}

}  // namespace confab::sfu
