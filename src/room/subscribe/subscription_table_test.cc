// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/subscribe/subscription_table.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>

namespace confab::room {
namespace {

std::string sid_of(std::size_t number) {
    return "TR_" + std::to_string(number);
}

}  // namespace

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

TEST_CASE("SubscriptionTable: kMaxEntries wishes, the known go on [IMM-15]") {
    SubscriptionTable table;
    const Timestamp now;
    for (std::size_t i = 0; i < SubscriptionTable::kMaxEntries; ++i)
        REQUIRE(table.want(now, sid_of(i)));
    CHECK_FALSE(table.want(now, "TR_more"));
    CHECK_FALSE(table.set_settings("TR_more", {}, now));
    CHECK(table.entries().size() == SubscriptionTable::kMaxEntries);
    CHECK(table.want(now, sid_of(0)));
    CHECK(table.set_settings(sid_of(1), {}, now));
    table.unwant(sid_of(0));
    CHECK(table.want(now, "TR_more"));
}

TEST_CASE("SubscriptionTable: what is longer than a sid is nobody's [SID-01] [IMM-13]") {
    SubscriptionTable table;
    for (const std::size_t size :
         {SubscriptionTable::kMaxSidBytes, SubscriptionTable::kMaxSidBytes + 1}) {
        const bool fits = size <= SubscriptionTable::kMaxSidBytes;
        CHECK(table.want(Timestamp(), std::string(size, 'w')) == fits);
        CHECK(table.set_settings(std::string(size, 's'), {}, Timestamp()) == fits);
    }
    CHECK(table.entries().size() == 2);
}

}  // namespace confab::room
