// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 BWE-02.
#include "sfu/congestion/layer_cost.h"

#include <algorithm>
#include <array>

#include "sfu/layers/layer_allocation.h"

namespace confab::sfu {
namespace {

using Rates = std::array<std::array<std::uint64_t, kMaxTemporalLayers>, kMaxSpatialLayers>;

std::uint64_t highest(const Rates& rates, Layer layer) {
    if (!layer.valid()) return 0;
    const auto& row = rates[static_cast<std::size_t>(layer.spatial)];
    std::uint64_t bits = 0;
    for (std::int8_t t = 0; t <= layer.temporal; ++t)
        bits = std::max(bits, row[static_cast<std::size_t>(t)]);
    return bits;
}

bool flows(const SourceState& source, std::int8_t spatial) {
    return spatial >= 0 && (source.available >> spatial & 1) != 0;
}

std::int8_t best_spatial(const VideoDemand& d) {
    const SourceState& source = *d.source;
    const std::int8_t seen = source.max_seen.valid() ? source.max_seen.spatial : d.max.spatial;
    const std::int8_t within = source.highest_available(lower_of(d.max.spatial, seen));
    return within >= 0 || source.svc() ? within : source.lowest_available();
}

}  // namespace

std::uint64_t bits_of(const SourceState& source, Layer layer) {
    return highest(source.bitrate, layer);
}

std::uint64_t added_bits(const VideoDemand& d, Layer from, Layer to) {
    const std::uint64_t now = bits_of(*d.source, from);
    const std::uint64_t then = std::max(bits_of(*d.source, to), highest(d.source->peak, to));
    return then > now ? then - now : 0;
}

bool is_measured(const SourceState& source, std::int8_t spatial) {
    return bits_of(source, {spatial, kMaxTemporalLayers - 1}) > 0;
}

DemandSignature signature_of(const VideoDemand& d) {
    DemandSignature out;
    out.max = d.max;
    out.max_seen = d.source->max_seen;
    out.available = d.source->available;
    for (std::int8_t s = 0; s < static_cast<std::int8_t>(kMaxSpatialLayers); ++s)
        if (is_measured(*d.source, s))
            out.measured = static_cast<std::uint8_t>(out.measured | 1U << s);
    out.priority = d.priority;
    out.muted = d.muted;
    out.exempt = d.exempt;
    return out;
}

std::int8_t top_temporal(const VideoDemand& d, std::int8_t spatial) {
    const std::int8_t limit = lower_of(d.max.temporal, std::int8_t{kMaxTemporalLayers - 1});
    const std::uint64_t all = bits_of(*d.source, {spatial, limit});
    std::int8_t t = std::max<std::int8_t>(limit, 0);
    while (t > 0 && bits_of(*d.source, {spatial, static_cast<std::int8_t>(t - 1)}) == all)
        --t;
    return t;
}

Layer best_layer(const VideoDemand& d) {
    const std::int8_t spatial = best_spatial(d);
    if (spatial < 0) return kNoLayer;
    return {spatial, top_temporal(d, spatial)};
}

bool is_managed(const VideoDemand& d) {
    return !d.muted && !d.exempt && best_spatial(d) >= 0;
}

bool can_choose(const VideoDemand& d, std::int8_t spatial) {
    const SourceState& source = *d.source;
    if (!flows(source, spatial) || spatial > best_spatial(d)) return false;
    if (is_measured(source, spatial)) return true;
    return spatial == source.lowest_available();
}

Layer minimal_layer(const VideoDemand& d) {
    const std::int8_t best = best_spatial(d);
    for (std::int8_t s = 0; s <= best; ++s)
        if (can_choose(d, s)) return {s, 0};
    return kNoLayer;
}

std::int8_t least_temporal(const VideoDemand& d, std::int8_t spatial) {
    if (d.detailed || spatial <= minimal_layer(d).spatial) return 0;
    const auto& fps = d.source->fps[static_cast<std::size_t>(spatial)];
    const std::int8_t top = top_temporal(d, spatial);
    // Rates are measured: of 12 pictures a second some are 11.
    const float enough = 0.9F * std::min(kFluent, fps[static_cast<std::size_t>(top)]);
    std::int8_t t = 0;
    while (t < top && fps[static_cast<std::size_t>(t)] < enough)
        ++t;
    return t;
}

Layer next_layer(const VideoDemand& d, Layer from) {
    if (!from.valid()) return minimal_layer(d);
    const std::uint64_t bits = bits_of(*d.source, from);
    const std::int8_t top = top_temporal(d, from.spatial);
    for (auto t = static_cast<std::int8_t>(from.temporal + 1); t <= top; ++t)
        if (bits_of(*d.source, {from.spatial, t}) > bits) return {from.spatial, t};
    const std::int8_t best = best_spatial(d);
    for (auto s = static_cast<std::int8_t>(from.spatial + 1); s <= best; ++s)
        if (can_choose(d, s)) return {s, least_temporal(d, s)};
    return kNoLayer;
}

Layer largest_within(const VideoDemand& d, std::uint64_t bits) {
    for (std::int8_t s = best_spatial(d); s >= 0; --s) {
        if (!can_choose(d, s)) continue;
        for (std::int8_t t = top_temporal(d, s); t >= least_temporal(d, s); --t)
            if (bits_of(*d.source, {s, t}) <= bits) return {s, t};
    }
    return kNoLayer;
}

Layer layer_under(const VideoDemand& d, Layer cap) {
    if (d.muted || !cap.valid()) return kNoLayer;
    const Layer best = best_layer(d);
    if (d.exempt || !best.valid()) return best;
    // A cap below all that flows still lets the lowest layer through.
    if (cap.spatial < d.source->lowest_available())
        return {d.source->lowest_available(), lower_of(cap.temporal, best.temporal)};
    if (cap.spatial >= best.spatial) return lower_of(cap, best);
    const std::int8_t spatial = d.source->highest_available(cap.spatial);
    return {spatial, lower_of(cap.temporal, top_temporal(d, spatial))};
}

std::uint64_t bits_sent(const VideoDemand& d, const VideoShare& share) {
    return bits_of(*d.source, layer_under(d, share.cap));
}

std::uint64_t usage_of(const TrackList& tracks) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < tracks.size(); ++i)
        sum += bits_sent(tracks.demands[i], tracks.shares[i]);
    return sum;
}

std::uint64_t missing_bits(const TrackList& tracks) {
    std::uint64_t missing = 0;
    for (std::size_t i = 0; i < tracks.size(); ++i) {
        const VideoDemand& d = tracks.demands[i];
        if (!is_managed(d)) continue;
        const std::uint64_t whole = bits_of(*d.source, best_layer(d));
        const std::uint64_t sent = bits_sent(d, tracks.shares[i]);
        missing += whole > sent ? whole - sent : 0;
    }
    return missing;
}

double distance_of(const VideoDemand& d, const VideoShare& share) {
    return distance_to_desired(*d.source, d.max, layer_under(d, share.cap));
}

void settle_on(const VideoDemand& d, VideoShare& share, Layer layer) {
    const Layer best = best_layer(d);
    const bool whole =
        layer.valid() && layer.spatial >= best.spatial && layer.temporal >= best.temporal;
    share.cap = whole ? kTopLayer : layer;
    share.deficient = !whole;
}

VideoShare share_before(const VideoDemand& demand) {
    VideoShare share;
    share.cap = demand.cap;
    share.deficient = demand.deficient;
    share.known = true;
    share.seen = signature_of(demand);
    share.sent = layer_under(demand, demand.cap);
    share.packets = demand.packets;
    share.nack_repeats = demand.nack_repeats;
    return share;
}

}  // namespace confab::sfu
