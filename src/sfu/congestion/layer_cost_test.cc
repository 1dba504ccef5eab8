// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/congestion/layer_cost.h"

#include <doctest/doctest.h>

#include <vector>

#include "base/rng.h"
#include "sfu/congestion/allocator_testing.h"

namespace confab::sfu {
namespace {

using test::camera;
using test::Tracks;
using test::wish;

VideoShare capped(Layer cap) {
    VideoShare share;
    share.cap = cap;
    return share;
}

TEST_CASE("layers: a temporal layer that was never measured costs what those below do [BWE-02]") {
    SourceState source = camera();
    source.bitrate[1] = {300'000, 0, 500'000, 0};
    CHECK(bits_of(source, kNoLayer) == 0);
    CHECK(bits_of(source, {1, 0}) == 300'000);
    CHECK(bits_of(source, {1, 1}) == 300'000);
    CHECK(bits_of(source, {1, 2}) == 500'000);
    CHECK(bits_of(source, {1, 3}) == 500'000);
    CHECK(is_measured(source, 1));
    source.bitrate[1] = {};
    CHECK_FALSE(is_measured(source, 1));
}

TEST_CASE("layers: a step that adds nothing is none [BWE-02] [BWE-05]") {
    SourceState source = camera();
    source.bitrate[0] = {100'000, 100'000, 150'000, 150'000};
    const VideoDemand d = wish(source);
    CHECK(top_temporal(d, 0) == 2);
    CHECK(next_layer(d, {0, 0}) == Layer{0, 2});  // past the one that adds nothing
    CHECK(next_layer(d, {0, 2}) == Layer{1, 0});
    CHECK(largest_within(d, 149'999) == Layer{0, 1});
    CHECK(largest_within(d, 150'000) == Layer{0, 2});
    CHECK(top_temporal(wish(source, {2, 0}), 0) == 0);
    CHECK(top_temporal(wish(source, {2, 1}), 0) == 0);
}

TEST_CASE(
    "layers: a larger picture is taken with enough pictures a second only [BWE-02] [BWE-05]") {
    SourceState source = camera();
    VideoDemand d = wish(source);
    CHECK(least_temporal(d, 1) == 0);  // not measured
    for (std::size_t s = 0; s < 3; ++s)
        source.fps[s] = {7.4F, 15, 30, 0};
    CHECK(least_temporal(d, 0) == 0);
    CHECK(least_temporal(d, 1) == 1);
    CHECK(next_layer(d, {0, 2}) == Layer{1, 1});
    CHECK(next_layer(d, {1, 0}) == Layer{1, 1});
    CHECK(largest_within(d, 399'999) == Layer{0, 2});
    CHECK(largest_within(d, 400'000) == Layer{1, 1});
    SUBCASE("of few that are all") {
        for (std::size_t s = 0; s < 3; ++s)
            source.fps[s] = {1.2F, 2.5F, 5, 0};
        CHECK(least_temporal(d, 2) == 2);
        source.fps[2] = {5, 5, 5, 0};
        CHECK(least_temporal(d, 2) == 0);
    }
    SUBCASE("by what was measured, not by what was meant") {
        source.fps[2] = {5.4F, 10.7F, 21, 0};
        CHECK(least_temporal(d, 2) == 2);
        source.fps[2] = {5.4F, 10.9F, 21, 0};
        CHECK(least_temporal(d, 2) == 1);
    }
    SUBCASE("where the smallest has stopped the next one is the smallest") {
        source.available = 6;
        CHECK(least_temporal(d, 1) == 0);
        CHECK(least_temporal(d, 2) == 1);
    }
    SUBCASE("a screen is to be read") {
        d.detailed = true;
        CHECK(least_temporal(d, 1) == 0);
        CHECK(largest_within(d, 399'999) == Layer{1, 0});
    }
}

TEST_CASE("layers: who is muted, exempt or dry takes no part [BWE-02]") {
    SourceState source = camera();
    VideoDemand d = wish(source);
    CHECK(is_managed(d));
    d.muted = true;
    CHECK_FALSE(is_managed(d));
    CHECK(layer_under(d, kTopLayer) == kNoLayer);
    CHECK(bits_sent(d, capped(kTopLayer)) == 0);
    d.muted = false;
    d.exempt = true;
    CHECK_FALSE(is_managed(d));
    // Exempt is whole under any cap, and costs what it costs.
    CHECK(layer_under(d, {0, 0}) == best_layer(d));
    CHECK(bits_sent(d, capped({0, 0})) == 1'700'000);
    d.exempt = false;
    source.available = 0;
    CHECK_FALSE(is_managed(d));
    CHECK(best_layer(d) == kNoLayer);
    CHECK(minimal_layer(d) == kNoLayer);
    CHECK(next_layer(d, kNoLayer) == kNoLayer);
    CHECK(layer_under(d, kTopLayer) == kNoLayer);
}

TEST_CASE("layers: a layer whose cost is unknown is chosen only where none is lower [BWE-04]") {
    SourceState source = camera();
    const VideoDemand d = wish(source);
    source.bitrate[1] = {};
    CHECK_FALSE(can_choose(d, 1));
    CHECK(next_layer(d, {0, 2}) == Layer{2, 0});
    source.bitrate[0] = {};
    CHECK(can_choose(d, 0));
    CHECK(minimal_layer(d) == Layer{0, 0});
    source.available = 6;  // the middle one is the lowest that flows
    CHECK(can_choose(d, 1));
    CHECK(minimal_layer(d) == Layer{1, 0});
    CHECK_FALSE(can_choose(d, 0));
}

TEST_CASE("layers: nothing above the wish or what was ever seen is chosen [BWE-01] [BWE-02]") {
    SourceState source = camera();
    CHECK_FALSE(can_choose(wish(source, {1, 3}), 2));
    CHECK(best_layer(wish(source, {1, 1})) == Layer{1, 1});
    CHECK(largest_within(wish(source, {1, 1}), 10'000'000) == Layer{1, 1});
    source.max_seen = {1, 2};  // available says more: not seen yet
    CHECK_FALSE(can_choose(wish(source), 2));
    CHECK(best_layer(wish(source)) == Layer{1, 2});
}

TEST_CASE("layers: what a cap comes to where layers are missing [BWE-02]") {
    SourceState source = camera();
    const VideoDemand d = wish(source);
    CHECK(layer_under(d, kNoLayer) == kNoLayer);
    CHECK(layer_under(d, kTopLayer) == Layer{2, 2});
    CHECK(layer_under(d, {2, 0}) == Layer{2, 0});
    source.available = 5;
    CHECK(layer_under(d, {1, 1}) == Layer{0, 1});
    CHECK(layer_under(d, {2, 1}) == Layer{2, 1});
    source.available = 6;  // a cap below all that flows lets the lowest through
    CHECK(layer_under(d, {0, 1}) == Layer{1, 1});
}

TEST_CASE("layers: a track that has its best is free of any cap, else deficient [BWE-03]") {
    const SourceState source = camera();
    const VideoDemand d = wish(source, {1, 3});
    VideoShare share;
    settle_on(d, share, {1, 1});
    CHECK(share.cap == Layer{1, 1});
    CHECK(share.deficient);
    settle_on(d, share, {1, 2});
    CHECK(share.cap == kTopLayer);
    CHECK_FALSE(share.deficient);
    settle_on(d, share, kNoLayer);
    CHECK(share.cap == kNoLayer);
    CHECK(share.deficient);
    open_up(share);
    CHECK(share.cap == kTopLayer);
    CHECK_FALSE(share.deficient);
}

TEST_CASE("layers: a track is looked at again for all but the size of its bitrates [BWE-03]") {
    SourceState source = camera();
    VideoDemand d = wish(source);
    const DemandSignature before = signature_of(d);
    source.bitrate[2][2] += 100'000;
    d.packets += 5;
    d.nack_repeats += 1;
    CHECK(signature_of(d) == before);
    const auto changed = [&](auto&& change) {
        SourceState other = source;
        VideoDemand demand = d;
        demand.source = &other;
        change(demand, other);
        return signature_of(demand) != before;
    };
    CHECK(changed([](VideoDemand& v, SourceState&) { v.max = {1, 3}; }));
    CHECK(changed([](VideoDemand& v, SourceState&) { v.priority = 2; }));
    CHECK(changed([](VideoDemand& v, SourceState&) { v.muted = true; }));
    CHECK(changed([](VideoDemand& v, SourceState&) { v.exempt = true; }));
    CHECK(changed([](VideoDemand&, SourceState& s) { s.available = 3; }));
    CHECK(changed([](VideoDemand&, SourceState& s) { s.max_seen = {1, 2}; }));
    CHECK(changed([](VideoDemand&, SourceState& s) { s.bitrate[1] = {}; }));
}

TEST_CASE("layers: from step to step the bits grow, up to the best there is [BWE-05] [DES-56]") {
    Rng rng(31);
    for (int round = 0; round < 3'000; ++round) {
        SourceState source = camera();
        for (auto& row : source.bitrate)
            for (auto& bits : row)
                bits = rng.below(4) == 0 ? 0 : rng.below(2'000'000);
        source.available = static_cast<std::uint8_t>(rng.below(8));
        const VideoDemand d = wish(source, {static_cast<std::int8_t>(rng.below(3)),
                                            static_cast<std::int8_t>(rng.below(4))});
        Layer layer = minimal_layer(d);
        REQUIRE(layer.valid() == is_managed(d));
        int steps = 0;
        for (Layer next = layer; next.valid(); next = next_layer(d, layer), ++steps) {
            REQUIRE(can_choose(d, next.spatial));
            if (next.spatial == layer.spatial && steps > 0)
                REQUIRE(bits_of(source, next) > bits_of(source, layer));
            // What is chosen comes out as it was chosen.
            REQUIRE(layer_under(d, next) == next);
            layer = next;
        }
        REQUIRE(steps <= 12);
        const Layer fitting = largest_within(d, rng.below(2'000'000));
        if (fitting.valid()) REQUIRE(layer_under(d, fitting) == fitting);
    }
}

}  // namespace
}  // namespace confab::sfu
