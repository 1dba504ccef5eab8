// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Layer selection by codec (02 FWD-05, FWD-07, FWD-08).
#include <doctest/doctest.h>

#include <vector>

#include "sfu/forward/forward_testing.h"
#include "sfu/layers/simulcast_selector.h"
#include "sfu/layers/vp9_selector.h"

namespace confab::sfu {
namespace {

MediaPacket vp8(std::int8_t spatial, bool key, std::uint8_t temporal = 0, bool marker = true) {
    MediaPacket p;
    p.codec = Codec::kVp8;
    p.spatial = static_cast<std::uint8_t>(spatial);
    p.key_frame = key;
    p.temporal = temporal;
    p.marker = marker;
    p.frame_start = true;
    return p;
}

}  // namespace

TEST_CASE("simulcast: switches on key frames only, up and down [FWD-05]") {
    LayerState s;
    s.target = {2, 3};
    CHECK_FALSE(select_simulcast(s, vp8(2, false), false).relevant);
    const Selection start = select_simulcast(s, vp8(0, true), false);
    CHECK(start.forward);
    CHECK(start.switched);  // a lower layer, for as long as there is nothing better
    CHECK_FALSE(select_simulcast(s, vp8(2, false), false).forward);
    CHECK(select_simulcast(s, vp8(1, true), false).switched);
    CHECK(select_simulcast(s, vp8(2, true), false).switched);
    CHECK_FALSE(select_simulcast(s, vp8(1, true), false).forward);  // not down again
    s.target = {0, 3};
    CHECK(select_simulcast(s, vp8(2, false), false).forward);  // goes on until the key frame
    CHECK_FALSE(select_simulcast(s, vp8(0, false), false).relevant);
    CHECK(select_simulcast(s, vp8(0, true), false).switched);
    CHECK(s.current.spatial == 0);
    s.roll_back();
    CHECK(s.current.spatial == 2);
}

TEST_CASE("simulcast: never switches on a late packet [TRAP-08]") {
    LayerState s;
    s.target = {2, 3};
    MediaPacket p = vp8(2, true);
    p.late = true;
    CHECK_FALSE(select_simulcast(s, p, false).forward);
    CHECK_FALSE(s.current.valid());
}

TEST_CASE("simulcast: dials back from above the maximum [FWD-05]") {
    LayerState s;
    s.max = {0, 3};
    s.target = {2, 3};
    CHECK(select_simulcast(s, vp8(2, true), false).forward);
    CHECK(select_simulcast(s, vp8(0, true), false).switched);
    CHECK_FALSE(select_simulcast(s, vp8(2, true), false).forward);
}

TEST_CASE("simulcast: on a congested link a layer to be left stops at once [FWD-05]") {
    LayerState s;
    s.target = {2, 3};
    (void)select_simulcast(s, vp8(2, true), true);
    s.target = {0, 3};
    const Selection frozen = select_simulcast(s, vp8(2, false), true);
    CHECK_FALSE(frozen.forward);
    CHECK(frozen.relevant);
    CHECK(select_simulcast(s, vp8(0, true), true).forward);
}

TEST_CASE("vp8 temporal: up where it can be decoded, down behind a marker [FWD-05]") {
    // Differs from upstream, which takes any frame of a higher layer.
    const auto sync = [](std::uint8_t temporal) {
        MediaPacket p = vp8(0, false, temporal);
        p.needs_lower_only = true;
        p.sync_temporal = static_cast<std::int8_t>(temporal);
        return p;
    };
    LayerState s;
    s.target = {0, 2};
    s.current = {0, 0};
    MediaPacket middle = sync(1);
    middle.frame_start = false;
    CHECK(update_vp8_temporal(s, middle) == 0);
    CHECK(update_vp8_temporal(s, sync(3)) == 0);           // above the target
    CHECK(update_vp8_temporal(s, vp8(0, false, 1)) == 0);  // may need a layer 1 frame left out
    CHECK(update_vp8_temporal(s, sync(2)) == 0);           // the next layer 1 frame might as well
    CHECK(update_vp8_temporal(s, sync(1)) == 1);
    CHECK(update_vp8_temporal(s, vp8(0, false, 2)) == 1);
    CHECK(update_vp8_temporal(s, sync(2)) == 2);
    // A frame that passes anyhow may say that it is a switch point for layers above it.
    s.current = {0, 0};
    MediaPacket base = vp8(0, false, 0);
    base.sync_temporal = 3;
    CHECK(update_vp8_temporal(s, base) == 2);
    // Behind a key frame there is nothing from before to be missed.
    s.current = {0, 0};
    CHECK(update_vp8_temporal(s, vp8(0, true, 0)) == 2);
    s.target.temporal = 0;
    CHECK(update_vp8_temporal(s, vp8(0, false, 2, false)) == 2);
    CHECK(update_vp8_temporal(s, vp8(0, false, 2, true)) == 2);  // this one still passes
    CHECK(update_vp8_temporal(s, vp8(0, false, 2, false)) == 0);
}

TEST_CASE("vp9: locks on a key frame, steps at switching points [FWD-07]") {
    const auto packet = [](std::uint8_t s, std::uint8_t t, bool key = false) {
        MediaPacket p;
        p.codec = Codec::kVp9;
        p.spatial = s;
        p.temporal = t;
        p.key_frame = key;
        p.vp9.frame_start = p.vp9.frame_end = true;
        p.vp9.inter_picture_predicted = !key;
        return p;
    };
    LayerState s;
    s.target = {2, 2};
    CHECK_FALSE(select_vp9(s, packet(0, 0)).forward);
    CHECK(select_vp9(s, packet(0, 0, true)).switched);
    // Upper layers of the key picture have P=0.
    CHECK_FALSE(select_vp9(s, packet(0, 0)).marker == false);
    CHECK(select_vp9(s, packet(1, 0, true)).forward);
    CHECK(select_vp9(s, packet(2, 0, true)).forward);
    CHECK(s.current.spatial == 2);
    CHECK_FALSE(select_vp9(s, packet(0, 1)).forward);
    MediaPacket up = packet(0, 1);
    up.vp9.switching_up_point = true;
    CHECK(select_vp9(s, up).forward);
    CHECK(s.current.temporal == 1);
    s.target = {1, 0};
    CHECK(select_vp9(s, packet(2, 1)).forward);  // the end of this frame is where it goes down
    CHECK_FALSE(select_vp9(s, packet(2, 0)).forward);
    CHECK_FALSE(select_vp9(s, packet(1, 1)).forward);
    const Selection top = select_vp9(s, packet(1, 0));
    CHECK(top.forward);
    CHECK(top.marker);
    CHECK_FALSE(select_vp9(s, packet(0, 0)).marker);
}

}  // namespace confab::sfu
