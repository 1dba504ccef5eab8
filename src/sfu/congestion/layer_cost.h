// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The layers of one source within a subscriber's wish: which can be had, what they cost, how far
// they are from the best (02 BWE-02). Pure functions of one demand.
#pragma once

#include <cstdint>

#include "sfu/congestion/video_demand.h"

namespace confab::sfu {

// Bits per second; temporal layers that were never measured cost what those below them cost.
std::uint64_t bits_of(const SourceState& source, Layer layer);
// What a step from one layer to another adds, by the most that the other took lately.
std::uint64_t added_bits(const VideoDemand& demand, Layer from, Layer to);
bool is_measured(const SourceState& source, std::int8_t spatial);
DemandSignature signature_of(const VideoDemand& demand);

// Takes part in sharing: neither muted nor exempt, and something of its source flows.
bool is_managed(const VideoDemand& demand);
// The best there is within the wish; where only larger layers flow, the smallest of them; none if
// nothing flows. The temporal layer is the highest that adds bits.
Layer best_layer(const VideoDemand& demand);
// Can this spatial layer be chosen? It flows, is within best_layer(), and its cost is known; of a
// source without any known cost the lowest layer is taken on trust.
bool can_choose(const VideoDemand& demand, std::int8_t spatial);
// The highest temporal layer of a spatial one within the wish that adds bits.
std::int8_t top_temporal(const VideoDemand& demand, std::int8_t spatial);
// The lowest temporal layer of a spatial one that is better than the whole of a smaller one: it has
// kFluent pictures a second, or all that there are. 0 for the smallest, for screens and for what
// was not measured.
inline constexpr float kFluent = 12;
std::int8_t least_temporal(const VideoDemand& demand, std::int8_t spatial);
// The least that shows a picture; none if nothing flows.
Layer minimal_layer(const VideoDemand& demand);
// The next temporal layer that adds bits, else the least_temporal() of the next spatial layer
// (BWE-05); the minimal layer behind none. None at the top.
Layer next_layer(const VideoDemand& demand, Layer from);
// The largest layer of at most `bits`; none if not even the minimal one fits.
Layer largest_within(const VideoDemand& demand, std::uint64_t bits);

// What a cap comes to: none if muted, paused or dry.
Layer layer_under(const VideoDemand& demand, Layer cap);
// Bits of what is sent, of managed and exempt tracks alike.
std::uint64_t bits_sent(const VideoDemand& demand, const VideoShare& share);
std::uint64_t usage_of(const TrackList& tracks);
// What all of them would take beyond that if they were sent whole.
std::uint64_t missing_bits(const TrackList& tracks);
double distance_of(const VideoDemand& demand, const VideoShare& share);

// Gives a track a layer, none to pause it: whole and free of any cap, or deficient.
void settle_on(const VideoDemand& demand, VideoShare& share, Layer layer);
// The share of a track that moved here with what it was answered before.
VideoShare share_before(const VideoDemand& demand);
inline void open_up(VideoShare& share) {
    share.cap = kTopLayer;
    share.deficient = false;
}

}  // namespace confab::sfu
