// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/congestion/sharing.h"

#include <doctest/doctest.h>

#include "base/rng.h"
#include "sfu/congestion/allocator_testing.h"

namespace confab::sfu {
namespace {

using test::camera;
using test::Tracks;
using test::wish;

constexpr SharingRule keep(std::uint64_t capacity) {
    return {capacity, false};
}
constexpr SharingRule pausing(std::uint64_t capacity) {
    return {capacity, true};
}

}  // namespace

TEST_CASE("share_all: never more than the capacity, but for lowest layers [BWE-04] [DES-56]") {
    Rng rng(5);
    const SourceState source = camera();
    for (int round = 0; round < 2000; ++round) {
        Tracks tracks;
        for (std::uint64_t i = 1 + rng.below(12); i > 0; --i) {
            tracks.add(wish(source, {static_cast<std::int8_t>(rng.below(3)), 3},
                            static_cast<std::uint8_t>(1 + rng.below(3))));
            tracks.demands.back().muted = rng.below(6) == 0;
        }
        const std::uint64_t capacity = rng.below(12'000'000);
        const std::uint64_t used = share_all(tracks.list(), pausing(capacity));
        REQUIRE(used <= capacity);
        REQUIRE(used == tracks.usage());
        share_all(tracks.list(), keep(capacity));
        for (const VideoShare& share : tracks.shares)
            REQUIRE(share.cap.valid());
        share_all(tracks.list(), keep(100'000'000));
        for (const VideoShare& share : tracks.shares) {
            REQUIRE_FALSE(share.deficient);
            REQUIRE(share.cap == kTopLayer);
        }
    }
}

TEST_CASE("share_all: more capacity gives one track no less [BWE-04] [DES-56]") {
    const SourceState source = camera();
    Tracks tracks;
    tracks.add(wish(source));
    std::uint64_t before = 0;
    for (std::uint64_t capacity = 0; capacity < 2'000'000; capacity += 7000) {
        const std::uint64_t used = share_all(tracks.list(), pausing(capacity));
        REQUIRE(used >= before);
        before = used;
    }
    CHECK(before == 1'700'000);
}

TEST_CASE("share_all: priority first, exempt ones before all [BWE-04] [SUB-06]") {
    const SourceState source = camera();
    Tracks tracks;
    for (int i = 0; i < 3; ++i)
        tracks.add(wish(source));
    tracks.demands[1].priority = 255;
    share_all(tracks.list(), keep(700'000));
    CHECK(tracks.sent(1) == Layer{1, 1});
    CHECK(tracks.sent(0) == Layer{0, 2});
    CHECK(tracks.sent(2) == Layer{0, 2});
    CHECK(tracks.shares[0].deficient);
    tracks.demands[2].exempt = true;
    share_all(tracks.list(), keep(900'000));
    CHECK(tracks.shares[2].cap == kTopLayer);
    CHECK(tracks.sent(1) == Layer{0, 0});
    // Nothing left: all others pause, if they may.
    share_all(tracks.list(), pausing(900'000));
    CHECK(tracks.shares[0].cap == kNoLayer);
    CHECK(tracks.shares[1].cap == kNoLayer);
    CHECK(tracks.shares[2].cap == kTopLayer);
}

TEST_CASE(
    "share_all: a small picture that moves before a large one that stutters [BWE-03] [BWE-04]") {
    SourceState source = camera();
    for (std::size_t s = 0; s < 3; ++s)
        source.fps[s] = {7.5F, 15, 30, 0};
    Tracks tracks;
    tracks.add(wish(source));
    share_all(tracks.list(), keep(399'999));  // the larger one with half its pictures takes 400 000
    CHECK(tracks.sent(0) == Layer{0, 2});
    share_all(tracks.list(), keep(400'000));
    CHECK(tracks.sent(0) == Layer{1, 1});
    tracks.demands[0].detailed = true;
    share_all(tracks.list(), keep(399'999));
    CHECK(tracks.sent(0) == Layer{1, 0});
    // Nor does one that gives something to another go on with few pictures.
    tracks.demands[0].detailed = false;
    share_all(tracks.list(), keep(500'000));
    REQUIRE(tracks.sent(0) == Layer{1, 2});
    const std::size_t second = tracks.add(wish(source, {0, 0}));
    share_one(tracks.list(), second, kNoLayer, keep(500'000));
    CHECK(tracks.sent(second) == Layer{0, 0});
    CHECK(tracks.sent(0) == Layer{1, 1});
    CHECK(tracks.usage() <= 500'000);
}

TEST_CASE("share_all: of equal priority the one that wants most goes first [BWE-04]") {
    const SourceState source = camera();
    Tracks tracks;
    tracks.add(wish(source, {1, 3}));
    tracks.add(wish(source));
    share_all(tracks.list(), keep(450'000));
    CHECK(tracks.sent(1) == Layer{1, 0});
    CHECK(tracks.sent(0) == Layer{0, 2});
}

TEST_CASE("share_all: layers that cost nothing yet are not taken for free [BWE-04]") {
    SourceState source = camera();
    source.bitrate[2] = {};
    Tracks tracks;
    tracks.add(wish(source));
    share_all(tracks.list(), keep(10'000'000));
    CHECK(tracks.sent(0) == Layer{1, 2});
    CHECK(tracks.shares[0].deficient);
    source.bitrate = {};
    share_all(tracks.list(), keep(0));
    CHECK(tracks.sent(0).spatial == 0);
}

TEST_CASE("layers: costs and steps of one source [BWE-02] [BWE-05]") {
    SourceState source = camera();
    VideoDemand d = wish(source);
    CHECK(best_layer(d) == Layer{2, 2});
    CHECK(minimal_layer(d) == Layer{0, 0});
    CHECK(next_layer(d, kNoLayer) == Layer{0, 0});
    CHECK(next_layer(d, {0, 1}) == Layer{0, 2});
    CHECK(next_layer(d, {0, 2}) == Layer{1, 0});
    CHECK(next_layer(d, {2, 2}) == kNoLayer);
    CHECK(largest_within(d, 450'000) == Layer{1, 1});
    CHECK(largest_within(d, 50'000) == kNoLayer);
    source.available = 5;  // the middle one stopped
    CHECK(next_layer(d, {0, 2}) == Layer{2, 0});
    CHECK(layer_under(d, {1, 2}) == Layer{0, 2});
    source.available = 4;  // only one larger than asked for
    d.max = {0, 3};
    CHECK(best_layer(d) == Layer{2, 2});
    CHECK(layer_under(d, {0, 0}) == Layer{2, 0});
    source.mode = LayerMode::kMultipleSpatialLayersPerStream;
    CHECK_FALSE(best_layer(d).valid());
    // H264 has one temporal layer: its cost stands for all.
    source = camera();
    source.bitrate[1] = {500'000, 0, 0, 0};
    d.max = {1, 3};
    CHECK(best_layer(d) == Layer{1, 0});
    source.max_seen = {0, 0};
    CHECK(best_layer(d) == Layer{0, 2});
}

TEST_CASE("share_one: takes what is free, else what others can spare [BWE-03]") {
    const SourceState source = camera();
    Tracks tracks;
    tracks.add(wish(source));
    tracks.add(wish(source));
    settle_on(tracks.demands[0], tracks.shares[0], {1, 2});
    SUBCASE("room for more than the least") {
        share_one(tracks.list(), 1, kNoLayer, keep(630'000));
        CHECK(tracks.sent(0) == Layer{1, 2});
        CHECK(tracks.sent(1) == Layer{0, 1});
    }
    SUBCASE("the other goes down") {
        // 90 k are needed, 40 k are free; a temporal step of the other saves 100 k.
        share_one(tracks.list(), 1, kNoLayer, keep(540'000));
        CHECK(tracks.sent(0) == Layer{1, 0});
        CHECK(tracks.sent(1) == Layer{0, 0});
        CHECK(tracks.usage() <= 540'000);
    }
    SUBCASE("not enough to be had: it pauses, and nobody gives") {
        share_one(tracks.list(), 1, kNoLayer, pausing(100'000));
        CHECK(tracks.shares[1].cap == kNoLayer);
        CHECK(tracks.shares[1].deficient);
        CHECK(tracks.sent(0) == Layer{1, 2});
    }
    SUBCASE("the same where pausing is not allowed") {
        share_one(tracks.list(), 1, kNoLayer, keep(100'000));
        CHECK(tracks.sent(1) == Layer{0, 0});
        CHECK(tracks.sent(0) == Layer{1, 2});
    }
}

TEST_CASE("share_one: the less important and better served give first [BWE-03]") {
    const SourceState source = camera();
    Tracks tracks;
    for (int i = 0; i < 4; ++i)
        tracks.add(wish(source));
    tracks.demands[0].priority = 255;
    settle_on(tracks.demands[0], tracks.shares[0], {2, 2});
    settle_on(tracks.demands[1], tracks.shares[1], {0, 2});
    settle_on(tracks.demands[2], tracks.shares[2], {1, 2});
    share_one(tracks.list(), 3, kNoLayer, keep(2'350'000));
    CHECK(tracks.sent(0) == Layer{2, 2});
    CHECK(tracks.sent(1) == Layer{0, 2});
    CHECK(tracks.sent(2) == Layer{1, 0});
    CHECK(tracks.sent(3) == Layer{0, 0});
}

TEST_CASE("share_one: a smaller wish or a mute leaves room for others [BWE-03] [BWE-05]") {
    const SourceState source = camera();
    Tracks tracks;
    tracks.add(wish(source));
    tracks.add(wish(source));
    settle_on(tracks.demands[0], tracks.shares[0], {1, 2});
    settle_on(tracks.demands[1], tracks.shares[1], {0, 2});
    SUBCASE("wish") {
        tracks.demands[0].max = {0, 3};
        share_one(tracks.list(), 0, {1, 2}, keep(660'000));
        CHECK(tracks.sent(0) == Layer{0, 2});
        CHECK_FALSE(tracks.shares[0].deficient);
        CHECK(tracks.sent(1) == Layer{1, 2});
    }
    SUBCASE("mute") {
        tracks.demands[0].muted = true;
        share_one(tracks.list(), 0, {1, 2}, keep(660'000));
        CHECK_FALSE(tracks.shares[0].deficient);
        CHECK(tracks.sent(1) == Layer{1, 2});
    }
    SUBCASE("a larger wish waits for room") {
        tracks.demands[0].max = {1, 3};
        tracks.demands[0].max = kTopLayer;
        share_one(tracks.list(), 0, {1, 2}, keep(660'000));
        CHECK(tracks.sent(0) == Layer{1, 2});
        CHECK(tracks.shares[0].deficient);
    }
}

TEST_CASE("boost: the most distant track of the highest priority first [BWE-05]") {
    const SourceState source = camera();
    Tracks tracks;
    for (int i = 0; i < 3; ++i)
        tracks.add(wish(source));
    settle_on(tracks.demands[0], tracks.shares[0], {1, 2});
    settle_on(tracks.demands[1], tracks.shares[1], {0, 0});
    settle_on(tracks.demands[2], tracks.shares[2], {0, 0});
    boost(tracks.list(), tracks.usage() + 100'000);
    CHECK(tracks.sent(1) == Layer{0, 2});
    CHECK(tracks.sent(2) == Layer{0, 1});
    tracks.demands[0].priority = 2;
    boost(tracks.list(), tracks.usage() + 600'000);
    CHECK(tracks.sent(0) == Layer{2, 0});
    boost(tracks.list(), 100'000'000);
    for (const VideoShare& share : tracks.shares)
        CHECK(share.cap == kTopLayer);
}

TEST_CASE("boost: a step may have to leave more room than it takes [BWE-05]") {
    const SourceState source = camera();
    Tracks tracks;
    tracks.add(wish(source));
    settle_on(tracks.demands[0], tracks.shares[0], {0, 2});
    const std::uint64_t used = tracks.usage();
    boost(tracks.list(), used + 164'999, 110);  // the next step adds 150 000
    CHECK(tracks.sent(0) == Layer{0, 2});
    boost(tracks.list(), used + 165'000, 110);
    CHECK(tracks.sent(0) == Layer{1, 0});
}

TEST_CASE("boost: a layer that varies is judged by the most it took lately [BWE-05] [MC-13]") {
    SourceState source = camera();
    Tracks tracks;
    tracks.add(wish(source));
    tracks.shares[0].cap = {0, 2};
    tracks.shares[0].deficient = true;
    source.bitrate[1] = {250'000, 300'000, 350'000, 0};  // it is quiet now
    source.peak = source.bitrate;
    SUBCASE("it was never more") {
        boost(tracks.list(), 350'000);
        CHECK(tracks.sent(0) == Layer{1, 2});
    }
    SUBCASE("it was more a moment ago") {
        source.peak[1] = {400'000, 450'000, 500'000, 0};
        boost(tracks.list(), 350'000);
        CHECK(tracks.sent(0) == Layer{0, 2});
        CHECK(next_probe_step(tracks.list())->more == 250'000);
        boost(tracks.list(), 460'000);
        CHECK(tracks.sent(0) == Layer{1, 1});
    }
}

TEST_CASE("next_probe_step: of the most distant deficient track [BWE-06]") {
    const SourceState source = camera();
    Tracks tracks;
    tracks.add(wish(source));
    tracks.add(wish(source));
    CHECK_FALSE(next_probe_step(tracks.list()));
    settle_on(tracks.demands[0], tracks.shares[0], {1, 2});
    settle_on(tracks.demands[1], tracks.shares[1], {0, 2});
    const auto step = next_probe_step(tracks.list());
    REQUIRE(step);
    CHECK(step->index == 1);
    CHECK(step->layer == Layer{1, 0});
    CHECK(step->more == 150'000);
}

TEST_CASE("sharing: any order of changes keeps the rules [BWE-03] [BWE-05] [DES-56]") {
    Rng rng(11);
    std::vector<SourceState> sources(8, camera());
    Tracks tracks;
    for (int round = 0; round < 5000; ++round) {
        if (tracks.demands.size() < 8 && rng.below(4) == 0)
            tracks.add(wish(sources[tracks.demands.size()]));
        if (tracks.demands.empty()) continue;
        const auto i = static_cast<std::size_t>(rng.below(tracks.demands.size()));
        VideoDemand& d = tracks.demands[i];
        const Layer was = tracks.sent(i);
        d.max = {static_cast<std::int8_t>(rng.below(3)), static_cast<std::int8_t>(rng.below(4))};
        d.muted = rng.below(8) == 0;
        sources[i].available = static_cast<std::uint8_t>(rng.below(8));
        const std::uint64_t capacity = rng.below(6'000'000);
        const std::uint64_t before = tracks.usage();
        share_one(tracks.list(), i, was, pausing(capacity));
        REQUIRE(tracks.usage() <= std::max(before, capacity));
        share_one(tracks.list(), i, kNoLayer, pausing(capacity));
        boost(tracks.list(), capacity);
        const std::uint64_t used = share_all(tracks.list(), pausing(capacity));
        REQUIRE(used <= capacity);
    }
}

}  // namespace confab::sfu
