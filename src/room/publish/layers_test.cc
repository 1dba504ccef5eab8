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
    // Layers whose size nobody knows, as of one that is not sent, are passed over.
    const auto top_unknown =
        track_with({{livekit::LOW, 180}, {livekit::MEDIUM, 360}, {livekit::HIGH, 0}});
    CHECK(quality_for_size(top_unknown, 160, 90) == livekit::LOW);
    CHECK(quality_for_size(top_unknown, 600, 340) == livekit::MEDIUM);
    CHECK(quality_for_size(top_unknown, 1280, 720) == livekit::HIGH);
    const auto low_unknown =
        track_with({{livekit::LOW, 0}, {livekit::MEDIUM, 360}, {livekit::HIGH, 720}});
    CHECK(quality_for_size(low_unknown, 1, 0) == livekit::MEDIUM);
    const auto none_known =
        track_with({{livekit::LOW, 0}, {livekit::MEDIUM, 0}, {livekit::HIGH, 0}});
    CHECK(quality_for_size(none_known, 16, 9) == livekit::HIGH);
    // Of two that look the same the better one.
    const auto alike =
        track_with({{livekit::LOW, 360}, {livekit::MEDIUM, 360}, {livekit::HIGH, 720}});
    CHECK(quality_for_size(alike, 300, 180) == livekit::MEDIUM);
}

TEST_CASE("Layers: a portrait source without declared layers is compared by its width [SUB-02]") {
    livekit::TrackInfo portrait;
    portrait.set_width(720);
    portrait.set_height(1280);
    CHECK(quality_for_size(portrait, 200, 1000) == livekit::LOW);
    CHECK(quality_for_size(portrait, 700, 300) == livekit::HIGH);
}

}  // namespace confab::room
