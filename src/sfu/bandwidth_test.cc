// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sharing one downlink, and which layer a down-track aims at (02 BWE-01, BWE-02, BWE-04).
#include "sfu/bandwidth.h"

#include <doctest/doctest.h>

#include <vector>

#include "base/rng.h"
#include "sfu/forward_testing.h"
#include "sfu/layer_allocation.h"

namespace confab::sfu {
namespace {

using test::at_ms;

// 150 k, 500 k and 1.7 M; temporal layers 60 %, 80 % and all of it.
SourceState camera() {
    SourceState out = test::source_of(Codec::kVp8);
    const std::uint64_t full[] = {150'000, 500'000, 1'700'000};
    for (std::size_t s = 0; s < 3; ++s)
        out.bitrate[s] = {full[s] * 6 / 10, full[s] * 8 / 10, full[s], 0};
    out.max_seen = {2, 2};
    return out;
}

std::uint64_t sum_of(const std::vector<VideoDemand>& demands,
                     const std::vector<VideoShare>& shares) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < demands.size(); ++i) {
        const Layer cap = lower_of(shares[i].cap, Layer{demands[i].max.spatial, 2});
        if (!cap.valid() || demands[i].muted) continue;
        sum += demands[i].source->bitrate[static_cast<std::size_t>(cap.spatial)]
                                         [static_cast<std::size_t>(cap.temporal)];
    }
    return sum;
}

}  // namespace

TEST_CASE("allocate_layer: highest available layer within the wish [BWE-01] [BWE-02]") {
    SourceState source = camera();
    AllocationInput in;
    Allocation out = allocate_layer(source, in);
    CHECK(out.target.spatial == 2);
    CHECK(out.request == 2);
    source.available = 3;  // the top layer stopped
    out = allocate_layer(source, in);
    CHECK(out.target.spatial == 2);  // not forwarding yet: take what comes
    CHECK(out.request == 1);
    in.current = {1, 2};
    out = allocate_layer(source, in);
    CHECK(out.target.spatial == 1);
    in.max = {0, 3};
    CHECK(allocate_layer(source, in).target.spatial == 0);
    source.available = 4;  // only the top layer flows
    CHECK(allocate_layer(source, in).request == 2);
    source.mode = LayerMode::kMultipleSpatialLayersPerStream;
    CHECK(allocate_layer(source, in).request == -1);
}

TEST_CASE("allocate_layer: a dry feed keeps its target, mutes and pauses have none [BWE-01]") {
    SourceState source = camera();
    source.available = 0;
    AllocationInput in;
    in.current = in.target = {1, 3};
    in.request = 1;
    CHECK(allocate_layer(source, in).target == Layer{1, 3});
    CHECK(allocate_layer(source, in).request == 1);
    in.muted = true;
    CHECK(allocate_layer(source, in).pause == PauseReason::kMuted);
    in.muted = false;
    source.muted = true;
    CHECK(allocate_layer(source, in).pause == PauseReason::kPublisherMuted);
    source.muted = false;
    in.cap = kNoLayer;
    const Allocation out = allocate_layer(source, in);
    CHECK(out.pause == PauseReason::kBandwidth);
    CHECK_FALSE(out.target.valid());
}

TEST_CASE("allocate_layer: H264 has temporal layer 0 only [BWE-02]") {
    SourceState source = camera();
    source.codec = Codec::kH264;
    CHECK(allocate_layer(source, {}).target == Layer{2, 0});
}

TEST_CASE("distance_to_desired: in spatial steps [BWE-02]") {
    const SourceState source = camera();  // seen up to temporal 2
    CHECK(distance_to_desired(source, kTopLayer, {2, 3}) == 0);
    CHECK(distance_to_desired(source, kTopLayer, {1, 2}) == 1);
    CHECK(distance_to_desired(source, kTopLayer, {0, 0}) == doctest::Approx(2 + 2.0 / 3));
    CHECK(distance_to_desired(source, kTopLayer, kNoLayer) == doctest::Approx(3 + 2.0 / 3));
}

TEST_CASE("share_capacity: never more than the capacity, but for lowest layers [BWE-04] [DES-56]") {
    Rng rng(5);
    const SourceState source = camera();
    for (int round = 0; round < 2000; ++round) {
        std::vector<VideoDemand> demands(1 + rng.below(12));
        for (VideoDemand& d : demands) {
            d.source = &source;
            d.max = {static_cast<std::int8_t>(rng.below(3)), 3};
            d.priority = static_cast<std::uint8_t>(1 + rng.below(3));
            d.muted = rng.below(6) == 0;
        }
        const std::uint64_t capacity = rng.below(12'000'000);
        std::vector<VideoShare> shares(demands.size());
        const std::uint64_t used = share_capacity(demands, capacity, true, shares);
        REQUIRE(used <= capacity);
        REQUIRE(sum_of(demands, shares) <= capacity);
        // More capacity never gives a smaller sum.
        std::vector<VideoShare> more(demands.size());
        (void)share_capacity(demands, capacity, false, shares);
        for (std::size_t i = 0; i < demands.size(); ++i)
            REQUIRE(shares[i].cap.valid());
        (void)share_capacity(demands, 100'000'000, false, more);
        for (const VideoShare& share : more)
            REQUIRE_FALSE(share.deficient);
    }
}

TEST_CASE("share_capacity: priority first, exempt ones before all [BWE-04] [SUB-06]") {
    const SourceState source = camera();
    std::vector<VideoDemand> demands(3);
    for (VideoDemand& d : demands)
        d = {&source, kTopLayer, 1, false, false};
    demands[1].priority = 255;
    std::vector<VideoShare> shares(3);
    (void)share_capacity(demands, 700'000, false, shares);
    CHECK(shares[1].cap == Layer{1, 1});
    CHECK(shares[0].cap == Layer{0, 3});
    CHECK(shares[2].cap == Layer{0, 3});
    CHECK(shares[0].deficient);
    demands[2].exempt = true;
    (void)share_capacity(demands, 900'000, false, shares);
    CHECK(shares[2].cap == kTopLayer);
    CHECK(shares[1].cap == Layer{0, 0});
}

TEST_CASE("RembBandwidth: pauses only when allowed [BWE-04]") {
    const SourceState source = camera();
    for (const bool allow : {false, true}) {
        RembBandwidth bandwidth({.enabled = true, .allow_pause = allow, .min_capacity = 0});
        std::vector<VideoDemand> demands{{&source, kTopLayer, 1, false, false}};
        std::vector<VideoShare> shares(1);
        (void)bandwidth.allocate(demands, shares, at_ms(0));
        CHECK(shares[0].cap == kTopLayer);
        bandwidth.handle_remb(15'000, at_ms(10));
        (void)bandwidth.allocate(demands, shares, at_ms(10));
        CHECK(shares[0].cap == kTopLayer);  // one low report is not believed
        (void)bandwidth.allocate(demands, shares, at_ms(500));
        CHECK(shares[0].cap == (allow ? kNoLayer : Layer{0, 0}));
        CHECK(bandwidth.deficient());
    }
}

TEST_CASE("RembBandwidth: goes down fast, comes back slowly, does not swing [BWE-04]") {
    const SourceState source = camera();
    RembBandwidth bandwidth;
    std::vector<VideoDemand> demands{{&source, kTopLayer, 1, false, false}};
    std::vector<VideoShare> shares(1);
    int changes = 0;
    // The estimate wobbles around 1.2 Mbit/s for a minute: between layer 1 and layer 2.
    for (std::int64_t ms = 0; ms < 60'000; ms += 200) {
        bandwidth.handle_remb(ms / 200 % 2 == 0 ? 1'100'000 : 1'300'000, at_ms(ms));
        changes += bandwidth.allocate(demands, shares, at_ms(ms));
    }
    CHECK(shares[0].cap.spatial <= 2);
    CHECK(changes <= 12);
    // Then the link is free again.
    for (std::int64_t ms = 60'000; ms < 200'000; ms += 200) {
        bandwidth.handle_remb(5'000'000, at_ms(ms));
        (void)bandwidth.allocate(demands, shares, at_ms(ms));
    }
    CHECK(shares[0].cap == kTopLayer);
    CHECK_FALSE(bandwidth.deficient());
    CHECK(bandwidth.next_deadline().is_never());
}

TEST_CASE("RembBandwidth: an outer limit holds without any report [BWE-10]") {
    const SourceState source = camera();
    RembBandwidth bandwidth;
    bandwidth.set_limit(600'000);
    std::vector<VideoDemand> demands{{&source, kTopLayer, 1, false, false}};
    std::vector<VideoShare> shares(1);
    CHECK(bandwidth.allocate(demands, shares, at_ms(0)));
    CHECK(shares[0].cap.spatial == 1);
    bandwidth.set_limit(0);
    CHECK(bandwidth.allocate(demands, shares, at_ms(1)));
    CHECK(shares[0].cap == kTopLayer);
}

}  // namespace confab::sfu
