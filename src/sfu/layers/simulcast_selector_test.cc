// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 FWD-05.
#include "sfu/layers/simulcast_selector.h"

#include <doctest/doctest.h>

#include <array>

#include "sfu/forward/forward_testing.h"

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

TEST_CASE("simulcast: where a key frame leads, from everywhere to everywhere [FWD-05]") {
    // By target; rows: the layer that goes on, none first; columns: the layer of the key frame.
    constexpr std::int8_t kAfter[3][4][3] = {
        {{0, -1, -1}, {0, 0, 0}, {0, 1, 1}, {0, 1, 2}},
        {{0, 1, -1}, {0, 1, 0}, {1, 1, 1}, {2, 1, 2}},
        {{0, 1, 2}, {0, 1, 2}, {1, 1, 2}, {2, 2, 2}},
    };
    for (std::int8_t target = 0; target < 3; ++target)
        for (std::int8_t current = -1; current < 3; ++current)
            for (std::int8_t key = 0; key < 3; ++key) {
                CAPTURE(static_cast<int>(target));
                CAPTURE(static_cast<int>(current));
                CAPTURE(static_cast<int>(key));
                LayerState s;
                s.target = {target, 1};
                s.current = {current, static_cast<std::int8_t>(current < 0 ? -1 : 3)};
                const Selection out = select_simulcast(s, vp8(key, true, 2), false);
                const std::int8_t after = kAfter[target][current + 1][key];
                CHECK(s.current.spatial == after);
                CHECK(out.switched == (after != current));
                CHECK(out.forward == (after == key));
                CHECK(out.relevant == (after == key));
                // VP8 goes on from the key frame's own temporal layer.
                if (out.switched) CHECK(s.current.temporal == 2);
            }
}

TEST_CASE("simulcast: back from above the maximum by any key frame within it [FWD-05]") {
    for (const auto& [max, key, after] :
         {std::array{1, 1, 1}, std::array{1, 0, 0}, std::array{0, 1, 2}, std::array{0, 0, 0}}) {
        CAPTURE(max);
        CAPTURE(key);
        LayerState s;
        s.max = {static_cast<std::int8_t>(max), 3};
        s.target = s.current = {2, 3};
        (void)select_simulcast(s, vp8(static_cast<std::int8_t>(key), true), false);
        CHECK(s.current.spatial == after);
        CHECK(s.target.spatial == after);  // and it stays there
    }
}

TEST_CASE("simulcast: back from above a new maximum, past key frames below it [FWD-05]") {
    LayerState s;
    s.max = s.target = {1, 3};
    s.current = {2, 3};
    CHECK(select_simulcast(s, vp8(0, true), false).switched);
    CHECK(s.current.spatial == 0);
    CHECK(s.target.spatial == 1);
    CHECK(select_simulcast(s, vp8(1, true), false).switched);
    CHECK(s.current.spatial == 1);
}

TEST_CASE("simulcast: paused nothing, congested upwards as ever, H264 at the target [FWD-05]") {
    LayerState s;
    const Selection paused = select_simulcast(s, vp8(0, true), false);
    CHECK_FALSE(paused.relevant);
    CHECK_FALSE(paused.forward);
    s.target = {1, 2};
    MediaPacket h264 = vp8(0, true, 0, false);
    h264.codec = Codec::kH264;
    const Selection low = select_simulcast(s, h264, true);
    CHECK(low.forward);
    CHECK_FALSE(low.marker);
    CHECK(s.current == Layer{0, 2});
    CHECK(select_simulcast(s, vp8(0, false), true).marker);  // as it came
    CHECK(select_simulcast(s, vp8(0, false), true).forward);
}

TEST_CASE("vp8 temporal: each step by sync point and target [FWD-05]") {
    struct Row {
        std::int8_t current, target;
        std::uint8_t temporal;
        bool lower_only;
        std::int8_t sync, used, after;
    };
    for (const Row& row :
         {Row{1, 1, 2, true, 2, 1, 1},    // there already
          Row{0, 2, 1, true, 1, 1, 1},    // up by one
          Row{0, 2, 1, true, 3, 2, 2},    // further, if it says so, up to the target
          Row{0, 2, 1, false, 2, 0, 0},   // refers to what was left out
          Row{0, 3, 2, true, 2, 0, 0},    // over a layer in between
          Row{1, 3, 1, false, 1, 1, 1},   // no point for what is above
          Row{1, 3, 0, false, 3, 3, 3},   // of a layer that goes on, whatever it refers to
          Row{3, 1, 0, false, -1, 3, 1},  // down: from the next frame on
          Row{2, 0, 2, false, -1, 2, 0}}) {
        CAPTURE(static_cast<int>(row.current));
        CAPTURE(static_cast<int>(row.target));
        CAPTURE(static_cast<int>(row.temporal));
        LayerState s;
        s.current = {0, row.current};
        s.target = {0, row.target};
        MediaPacket p = vp8(0, false, row.temporal);
        p.needs_lower_only = row.lower_only;
        p.sync_temporal = row.sync;
        CHECK(update_vp8_temporal(s, p) == row.used);
        CHECK(s.current.temporal == row.after);
    }
}

}  // namespace confab::sfu
