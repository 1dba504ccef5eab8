// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/publish/layers.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace confab::room {
namespace {

// Position of a well-known rid, or -1.
int rid_rank(std::string_view rid, const std::array<std::string_view, 3>& names) {
    for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i] == rid) return static_cast<int>(i);
    return -1;
}

bool order_by(std::vector<std::string>& rids, const std::array<std::string_view, 3>& names) {
    for (const std::string& rid : rids)
        if (rid_rank(rid, names) < 0) return false;
    std::sort(rids.begin(), rids.end(), [&](const std::string& a, const std::string& b) {
        return rid_rank(a, names) < rid_rank(b, names);
    });
    return true;
}

}  // namespace

void normalize_layers(Layers& layers) {
    Layers kept;
    for (const auto quality : {livekit::LOW, livekit::MEDIUM, livekit::HIGH}) {
        const auto found = std::find_if(layers.begin(), layers.end(), [&](const auto& layer) {
            return layer.quality() == quality;
        });
        if (found != layers.end()) *kept.Add() = *found;
    }
    layers.Swap(&kept);
}

std::vector<std::string> order_rids(const std::vector<std::string>& rids) {
    std::vector<std::string> result = rids;
    if (!order_by(result, {"q", "h", "f"})) (void)order_by(result, {"2", "1", "0"});
    if (result.size() > kMaxLayers) result.resize(kMaxLayers);
    return result;
}

void assign_rids(Layers& layers, const std::vector<std::string>& ordered_rids) {
    for (int i = 0; i < layers.size(); ++i) {
        const auto index = static_cast<std::size_t>(i);
        if (index < ordered_rids.size()) layers[i].set_rid(ordered_rids[index]);
        layers[i].set_spatial_layer(i);
    }
}

std::uint8_t spatial_for_quality(const Layers& layers, livekit::VideoQuality quality) {
    if (layers.empty()) return static_cast<std::uint8_t>(std::clamp<int>(quality, 0, 2));
    for (int i = 0; i < layers.size(); ++i)
        if (layers[i].quality() == quality) return static_cast<std::uint8_t>(i);
    const auto top = static_cast<std::uint8_t>(layers.size() - 1);
    if (quality == livekit::HIGH) return top;
    if (quality != livekit::MEDIUM) return 0;
    const bool medium_is_lowest = layers.size() == 1 || layers[0].quality() == livekit::MEDIUM;
    return medium_is_lowest ? std::uint8_t{0} : std::min<std::uint8_t>(1, top);
}

livekit::VideoQuality quality_for_spatial(const Layers& layers, std::uint8_t spatial) {
    if (layers.empty())
        return static_cast<livekit::VideoQuality>(std::min<std::uint8_t>(spatial, 2));
    const int index = std::min<int>(spatial, layers.size() - 1);
    return layers[index].quality();
}

livekit::VideoQuality quality_for_size(const livekit::TrackInfo& track, std::uint32_t width,
                                       std::uint32_t height) {
    std::vector<std::uint32_t> sizes;
    const bool portrait = track.layers().empty() && track.width() < track.height();
    for (const livekit::VideoLayer& layer : track.layers())
        sizes.push_back(layer.height());
    if (sizes.empty()) {
        const std::uint32_t whole = portrait ? track.width() : track.height();
        if (whole == 0) return livekit::HIGH;
        sizes = {180, 360, whole};
    }
    const double wanted = 0.9 * (portrait ? width : height);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        const bool differs = i + 1 == sizes.size() || sizes[i + 1] != sizes[i];
        if (sizes[i] != 0 && sizes[i] >= wanted && differs)
            return static_cast<livekit::VideoQuality>(std::min<std::size_t>(i, 2));
    }
    return livekit::HIGH;
}

}  // namespace confab::room
