// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/layers/video_layer_selector.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

SourceState source_of(Codec codec, LayerMode mode) {
    SourceState source;
    source.codec = codec;
    source.mode = mode;
    source.available = 7;
    return source;
}

MediaPacket key_frame(Codec codec, std::uint8_t spatial) {
    MediaPacket packet;
    packet.codec = codec;
    packet.spatial = spatial;
    packet.key_frame = packet.frame_start = packet.frame_end = packet.marker = true;
    return packet;
}

TEST_CASE(
    "VideoLayerSelector: layers of one stream are told apart, streams switch [FWD-05] [FWD-07]") {
    // A packet of a lower layer belongs to the same picture only where one stream has both.
    const auto lower_after_higher = [](Codec codec, LayerMode mode) {
        SourceState source = source_of(codec, mode);
        source.dependency_descriptor = codec == Codec::kVp8;  // of no use to it
        VideoLayerSelector selector;
        selector.take_codec(codec, source);
        selector.layers().target = {2, 3};
        selector.layers().request = 2;
        VideoLayerSelector::Rewrite rewrite;
        MediaPacket key = key_frame(codec, 2);
        MediaPacket lower = key_frame(codec, 0);
        key.has_dd = lower.has_dd = source.dependency_descriptor;
        REQUIRE(selector.select(key, source, rewrite).forward);
        lower.key_frame = false;
        return selector.select(lower, source, rewrite);
    };
    CHECK_FALSE(lower_after_higher(Codec::kVp8, LayerMode::kOneSpatialLayerPerStream).relevant);
    CHECK_FALSE(lower_after_higher(Codec::kVp9, LayerMode::kOneSpatialLayerPerStream).relevant);
    CHECK(lower_after_higher(Codec::kVp9, LayerMode::kMultipleSpatialLayersPerStream).relevant);
    // VP8 has no spatial layers in a stream, whatever the publisher says.
    CHECK_FALSE(
        lower_after_higher(Codec::kVp8, LayerMode::kMultipleSpatialLayersPerStream).relevant);
}

TEST_CASE("VideoLayerSelector: a congested link takes no copies of a layer to be left [FWD-11]") {
    VideoLayerSelector selector;
    LayerState& layers = selector.layers();
    layers.current = {1, 0};
    layers.target = {0, 0};
    CHECK(selector.may_resend(2));
    selector.set_deficient(true);
    CHECK_FALSE(selector.may_resend(1));
    layers.target = {1, 0};
    CHECK(selector.may_resend(1));
    CHECK(selector.may_resend(0));
    CHECK_FALSE(selector.may_resend(2));
}

TEST_CASE("VideoLayerSelector: once stopped it waits for a key frame [FWD-03]") {
    const SourceState source = source_of(Codec::kVp8, LayerMode::kOneSpatialLayerPerStream);
    VideoLayerSelector selector;
    selector.take_codec(Codec::kVp8, source);
    selector.layers().target = {2, 3};
    VideoLayerSelector::Rewrite rewrite;
    const MediaPacket key = key_frame(Codec::kVp8, 2);
    MediaPacket delta = key;
    delta.key_frame = false;
    REQUIRE(selector.select(key, source, rewrite).switched);
    REQUIRE(selector.select(delta, source, rewrite).forward);
    selector.stop();
    CHECK_FALSE(selector.layers().current.valid());
    CHECK_FALSE(selector.select(delta, source, rewrite).forward);
    CHECK(selector.select(key, source, rewrite).switched);
}

}  // namespace
}  // namespace confab::sfu
