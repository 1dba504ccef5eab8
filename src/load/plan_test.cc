// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "load/plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

namespace confab::load {
namespace {

Options options_of(std::size_t video, std::size_t audio, std::size_t subscribers) {
    Options options;
    options.video_publishers = video;
    options.audio_publishers = audio;
    options.subscribers = subscribers;
    return options;
}

TEST_CASE("Plan: an index below both counts publishes audio and video [LKC-30]") {
    const auto people = plan_of(options_of(2, 3, 1));
    REQUIRE(people.size() == 4);
    CHECK((people[0].audio && people[0].video && people[1].video));
    CHECK((people[2].audio && !people[2].video && !people[2].subscribes));
    CHECK((people[3].subscribes && !people[3].publishes()));
}

TEST_CASE("Plan: publishers of all rooms join first, at the rate asked for [LKC-34]") {
    Options options = options_of(1, 0, 1);
    options.rooms = 3;
    options.join_rate = 4;
    const auto people = plan_of(options);
    REQUIRE(people.size() == 6);
    std::set<std::string> rooms;
    for (std::size_t i = 0; i < 6; ++i) {
        CHECK(people[i].publishes() == (i < 3));
        CHECK(people[i].joins_after == Duration::millis(250) * static_cast<std::int64_t>(i));
        rooms.insert(people[i].room);
    }
    CHECK(rooms == std::set<std::string>{"load-test-0", "load-test-1", "load-test-2"});
    options.join_rate = 0;
    CHECK(plan_of(options).back().joins_after == Duration::zero());
    options.rooms = 1;
    CHECK(plan_of(options).front().room == "load-test");
}

TEST_CASE(
    "Plan: subscribers expect all sound, and as many pictures as their layout shows [LKC-30]") {
    Options options = options_of(12, 20, 1);
    const auto people = plan_of(options);
    CHECK(expected_tracks(people.front(), options) == 0);
    CHECK(expected_tracks(people.back(), options) == 26);
    options.layout = Layout::k3x3;
    CHECK(expected_tracks(people.back(), options) == 29);
    options.layout = Layout::k5x5;
    options.screen_publishers = 2;
    CHECK(expected_tracks(people.back(), options) == 34);
    options.publishers_subscribe = true;
    CHECK(expected_tracks(plan_of(options).front(), options) == 19 + 12);
}

TEST_CASE("Plan: cameras have the layers of the resolution asked for [LKC-30]") {
    Options options;
    client::TrackPlan plan = camera_plan(1, options);
    REQUIRE(plan.layers.size() == 3);
    CHECK(plan.layers[2].width == 1280);
    CHECK(plan.layers[0].rid == "q");
    CHECK_FALSE(plan.announce_ssrcs);
    options.resolution = Resolution::kMedium;
    CHECK(camera_plan(1, options).layers.back().height == 360);
    options.simulcast = false;
    plan = camera_plan(1, options);
    REQUIRE(plan.layers.size() == 1);
    CHECK(plan.layers[0].width == 640);
    CHECK(plan.layers[0].rid.empty());
    CHECK(plan.announce_ssrcs);
    options.resolution = Resolution::kLow;
    CHECK(camera_plan(1, options).layers.front().bit_rate == 160'000);
    CHECK(screen_plan(1, options).frames_per_second == 10);
}

TEST_CASE("Plan: speakers take turns of three seconds [LKC-30]") {
    CHECK(speaker_at(Duration::millis(2999), 3) == 0);
    CHECK(speaker_at(Duration::seconds(3), 3) == 1);
    CHECK(speaker_at(Duration::seconds(9), 3) == 0);
    CHECK(speaker_at(Duration::seconds(9), 0) == 0);
}

}  // namespace
}  // namespace confab::load
