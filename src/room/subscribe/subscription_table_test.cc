// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/subscribe/subscription_table.h"

#include <doctest/doctest.h>

#include <optional>
#include <utility>

namespace confab::room {

TEST_CASE("Settings: start, size, disabled, screen share [SUB-01] [SUB-04] [SUB-06]") {
    livekit::TrackInfo track;
    track.set_type(livekit::VIDEO);
    track.set_width(1280);
    track.set_height(720);
    for (const auto& [quality, height] :
         {std::pair{livekit::LOW, 180U}, std::pair{livekit::MEDIUM, 360U},
          std::pair{livekit::HIGH, 720U}}) {
        livekit::VideoLayer& layer = *track.add_layers();
        layer.set_quality(quality);
        layer.set_height(height);
    }
    CHECK(shard_settings(track, std::nullopt, false).max_spatial == 2);
    CHECK(shard_settings(track, std::nullopt, true).max_spatial == 0);
    livekit::UpdateTrackSettings settings;
    settings.set_width(320);
    settings.set_height(180);
    settings.set_disabled(true);
    const auto small = shard_settings(track, settings, false);
    CHECK_FALSE(small.enabled);
    CHECK(small.max_spatial == 0);
    CHECK(small.max_temporal == 3);
    track.set_source(livekit::SCREEN_SHARE);
    CHECK(shard_settings(track, std::nullopt, false).priority == 255);
}

}  // namespace confab::room
