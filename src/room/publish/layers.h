// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Qualities, rids, spatial layers and sizes of one video track (02 SDP-27, SUB-02).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "livekit_models.pb.h"

namespace confab::room {

using Layers = google::protobuf::RepeatedPtrField<livekit::VideoLayer>;

inline constexpr std::size_t kMaxLayers = 3;

// Ascending quality, equal ones once, at most three.
void normalize_layers(Layers& layers);
// Rids of an offer from lowest to highest: q h f and 2 1 0 by name, others in their order; the
// first three.
std::vector<std::string> order_rids(const std::vector<std::string>& rids);
// Writes rid and spatial_layer into the declared layers.
void assign_rids(Layers& layers, const std::vector<std::string>& ordered_rids);
// The spatial layer for a wanted quality; 0 with no declared layers and LOW … 2 with HIGH.
std::uint8_t spatial_for_quality(const Layers& layers, livekit::VideoQuality quality);
// The declared quality of a spatial layer.
livekit::VideoQuality quality_for_spatial(const Layers& layers, std::uint8_t spatial);
// The smallest declared quality that covers the wanted size; HIGH when no size is known.
livekit::VideoQuality quality_for_size(const livekit::TrackInfo& track, std::uint32_t width,
                                       std::uint32_t height);

}  // namespace confab::room
