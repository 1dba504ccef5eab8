// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/layers/layer_allocator.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

using Outcome = LayerAllocator::Outcome;

constexpr Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1'000);
}

SourceState three_layers() {
    SourceState source;
    source.codec = Codec::kVp8;
    source.available = 7;
    source.max_seen = {2, 2};
    return source;
}

TEST_CASE("LayerAllocator: a pause of the link is told once, others only as a change [BWE-09]") {
    const SourceState source = three_layers();
    LayerAllocator allocator;
    LayerState layers;
    const auto allocate = [&](bool muted = false) {
        return allocator.allocate(source, kTopLayer, muted, layers);
    };
    CHECK(allocate() == Outcome::kChanged);
    CHECK(layers.request == 2);
    CHECK(layers.target.valid());
    CHECK(allocate() == Outcome::kSame);

    CHECK(allocator.set_cap(kNoLayer));
    CHECK_FALSE(allocator.set_cap(kNoLayer));
    CHECK(allocate() == Outcome::kPaused);
    CHECK(allocator.pause() == PauseReason::kBandwidth);
    CHECK(allocator.distance() > 0);
    CHECK_FALSE(layers.target.valid());
    CHECK(allocate() == Outcome::kSame);
    // What the subscriber does not want is no pause of the link.
    CHECK(allocate(true) == Outcome::kChanged);
    CHECK(allocator.pause() == PauseReason::kMuted);
    CHECK(allocate() == Outcome::kPaused);
}

TEST_CASE("LayerAllocator: the link's layer and the wish bound what is asked for [BWE-02]") {
    const SourceState source = three_layers();
    LayerAllocator allocator;
    LayerState layers;
    REQUIRE(allocator.set_cap({1, 1}));
    (void)allocator.allocate(source, {2, 3}, false, layers);
    CHECK(layers.request == 1);
    CHECK(layers.target == Layer{1, 1});
    CHECK(layers.max == Layer{2, 3});
    CHECK(allocator.allocate(source, {0, 3}, false, layers) == Outcome::kChanged);
    CHECK(layers.request == 0);
    CHECK(layers.max == Layer{0, 3});
}

TEST_CASE("wished_layer: a frame rate takes no more temporal layers than it needs [SUB-03]") {
    SourceState source = three_layers();
    DownTrackSettings asked;
    CHECK(wished_layer(asked, source) == kTopLayer);
    asked.max_fps = 15;
    source.fps[2] = {7.5F, 15.0F, 30.0F, 30.0F};
    source.fps[0] = {15.0F, 30.0F, 30.0F, 30.0F};
    CHECK(wished_layer(asked, source) == Layer{2, 1});
    // Of the layer that is asked for, where it flows.
    asked.max_spatial = 0;
    CHECK(wished_layer(asked, source) == Layer{0, 0});
}

TEST_CASE("LayerState: a key frame is needed until the layer asked for is reached [FWD-13]") {
    LayerState layers;
    CHECK_FALSE(layers.needs_key_frame());  // nothing is asked for: audio
    layers.request = 1;
    layers.target = {1, 3};
    CHECK(layers.needs_key_frame());
    layers.move_to({1, 0});
    CHECK_FALSE(layers.needs_key_frame());
    layers.move_to({2, 0});  // above what may be sent
    CHECK(layers.needs_key_frame());
}

TEST_CASE("KeyFrameRequests: again after two round trips, from 200 ms to 1 s [FWD-13]") {
    KeyFrameRequests requests;
    requests.set_due(at_ms(100));
    CHECK_FALSE(requests.take_due(at_ms(99), Duration::millis(150)));
    CHECK(requests.take_due(at_ms(100), Duration::millis(150)));
    CHECK(requests.due() == at_ms(400));
    CHECK_FALSE(requests.take_due(at_ms(399), Duration::millis(150)));
    requests.asked(at_ms(1'000), Duration::millis(1));
    CHECK(requests.due() == at_ms(1'200));
    requests.asked(at_ms(1'000), Duration::seconds(5));
    CHECK(requests.due() == at_ms(2'000));
}

}  // namespace
}  // namespace confab::sfu
