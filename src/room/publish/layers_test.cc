// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which quality is which layer.
#include "room/publish/layers.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace confab::room {
namespace {

livekit::TrackInfo track_with(std::initializer_list<std::pair<livekit::VideoQuality, unsigned>> l) {
    livekit::TrackInfo track;
    track.set_type(livekit::VIDEO);
    track.set_width(1280);
    track.set_height(720);
    for (const auto& [quality, height] : l) {
        track.add_layers()->set_quality(quality);
        track.mutable_layers(track.layers_size() - 1)->set_height(height);
    }
    return track;
}

}  // namespace

TEST_CASE("Layers: rids by name, qualities by declaration [SDP-27]") {
    CHECK(order_rids({"f", "h", "q"}) == std::vector<std::string>{"q", "h", "f"});
    CHECK(order_rids({"0", "1", "2"}) == std::vector<std::string>{"2", "1", "0"});
    CHECK(order_rids({"x", "a", "b", "c"}) == std::vector<std::string>{"x", "a", "b"});
    auto low_high = track_with({{livekit::HIGH, 720}, {livekit::LOW, 180}, {livekit::LOW, 90}});
    normalize_layers(*low_high.mutable_layers());
    REQUIRE(low_high.layers_size() == 2);
    assign_rids(*low_high.mutable_layers(), {"q", "h"});
    CHECK(low_high.layers(1).rid() == "h");
    CHECK(low_high.layers(1).spatial_layer() == 1);
    CHECK(spatial_for_quality(low_high.layers(), livekit::HIGH) == 1);
    CHECK(spatial_for_quality(low_high.layers(), livekit::MEDIUM) == 1);
    CHECK(quality_for_spatial(low_high.layers(), 1) == livekit::HIGH);
    const auto upper = track_with({{livekit::MEDIUM, 360}, {livekit::HIGH, 720}});
    CHECK(spatial_for_quality(upper.layers(), livekit::MEDIUM) == 0);
    CHECK(spatial_for_quality(upper.layers(), livekit::LOW) == 0);
    CHECK(spatial_for_quality({}, livekit::HIGH) == 2);
}

TEST_CASE("Layers: the smallest quality that covers the size [SUB-02]") {
    const auto track =
        track_with({{livekit::LOW, 180}, {livekit::MEDIUM, 360}, {livekit::HIGH, 720}});
    CHECK(quality_for_size(track, 160, 90) == livekit::LOW);
    CHECK(quality_for_size(track, 355, 200) == livekit::LOW);  // 200 × 0.9 = 180
    CHECK(quality_for_size(track, 360, 202) == livekit::MEDIUM);
    CHECK(quality_for_size(track, 4000, 4000) == livekit::HIGH);
    CHECK(quality_for_size(livekit::TrackInfo{}, 100, 100) == livekit::HIGH);
}

}  // namespace confab::room
