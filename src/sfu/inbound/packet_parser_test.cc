// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/packet_parser.h"

#include <doctest/doctest.h>

#include "sfu/forward/forward_testing.h"
#include "sfu/layers/simulcast_selector.h"

namespace confab::sfu {
namespace {

// Packets of one VP8 stream of Chromium: one-byte descriptor, dependency descriptor beside it.
class Chromium {
  public:
    MediaPacket frame(std::string_view descriptor, bool key = false) {
        return packet(descriptor, ++sequence_, key, false);
    }
    MediaPacket packet(std::string_view descriptor, std::int64_t sequence, bool key, bool late) {
        dd_ = test::from_hex(descriptor);
        payload_ = {
            0x10, static_cast<std::uint8_t>(key ? 0x00 : 0x01), 0, 0, 0x9D, 1, 0x2A, 64, 0, 48, 0};
        MediaPacket packet;
        packet.codec = Codec::kVp8;
        packet.payload = payload_;
        packet.dd_bytes = dd_;
        packet.marker = true;
        packet.sequence = sequence;
        packet.late = late;
        wire::FrameSize size;
        REQUIRE(parse_payload({}, state_, packet, size));
        return packet;
    }

  private:
    DependencyState state_;
    std::int64_t sequence_ = 100;
    Bytes dd_;
    Bytes payload_;
};

}  // namespace

TEST_CASE("parse_payload: where temporal layers of VP8 can be taken up [FWD-05] [IN-25]") {
    // As recorded: a key frame, and frames of an L1T3 stream; frame numbers count for three
    // streams.
    Chromium stream;
    const MediaPacket key = stream.frame("8000018002044eaaaf2860414d34538a0940409fc059c0", true);
    CHECK(key.sync_temporal == 2);
    CHECK(key.needs_lower_only);
    const MediaPacket base = stream.frame("80008012e0");  // layer 0: S S S, 8 frames back
    CHECK(base.temporal == 0);
    CHECK(base.sync_temporal == 2);
    const MediaPacket required = stream.frame("82007812e0");  // S R R: layers above need more
    CHECK(required.sync_temporal == 0);
    const MediaPacket top = stream.frame("85007a12c880");  // - - D, refers to a frame not seen
    CHECK(top.temporal == 2);
    CHECK(top.sync_temporal == -1);
    CHECK_FALSE(top.needs_lower_only);
    const MediaPacket middle = stream.frame("84007b12e900");  // - D S, to frames 115 and 120
    CHECK(middle.temporal == 1);
    CHECK(middle.sync_temporal == 2);
    CHECK_FALSE(middle.needs_lower_only);

    // A subscriber that was on layer 0 only: up at the frame that allows it, not at any other.
    LayerState state;
    state.target = {0, 3};
    for (const auto& [packet, after] :
         {std::pair{required, 0}, std::pair{top, 0}, std::pair{middle, 0}, std::pair{base, 2}}) {
        state.current = {0, 0};
        CHECK(update_vp8_temporal(state, packet) == after);
    }
    state.current = {0, 1};
    CHECK(update_vp8_temporal(state, middle) == 2);
}

TEST_CASE("parse_payload: a late structure is taken if it is the newer one [IN-20]") {
    constexpr std::string_view kThreeLayers = "8000018002044eaaaf2860414d34538a0940409fc059c0";
    constexpr std::string_view kOneLayer = "80000180003a410100400001";
    constexpr std::string_view kMiddle = "84007b12e900";  // template 4: there in the first only
    Chromium stream;
    (void)stream.packet(kThreeLayers, 200, true, false);
    // Repaired, from before.
    CHECK_FALSE(stream.packet(kOneLayer, 190, true, true).has_dd);
    CHECK(stream.packet(kMiddle, 201, false, false).temporal == 1);
    // Repaired, from behind: the packets that follow are of it.
    CHECK(stream.packet(kOneLayer, 205, true, true).has_dd);
    CHECK_FALSE(stream.packet(kMiddle, 206, false, false).has_dd);
}

TEST_CASE("parse_payload: the Y bit of a full VP8 descriptor [FWD-05]") {
    DependencyState state;
    const auto parsed = [&](std::uint8_t tid_y) {
        Bytes payload{0x90, 0xF0, 0x90, 0x01, 0x05, tid_y, 0x01, 0, 0};
        MediaPacket packet;
        packet.codec = Codec::kVp8;
        packet.payload = payload;
        wire::FrameSize size;
        REQUIRE(parse_payload({}, state, packet, size));
        return packet;
    };
    CHECK(parsed(0xA0).sync_temporal == 2);  // TID 2, Y
    CHECK(parsed(0xA0).needs_lower_only);
    CHECK(parsed(0x80).sync_temporal == -1);  // TID 2
    CHECK(parsed(0x20).sync_temporal == -1);  // TID 0, Y: nothing of the layers above
}

}  // namespace confab::sfu
