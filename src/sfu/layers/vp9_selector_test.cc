// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RFC 9628 §4.2, 02 FWD-07.
#include "sfu/layers/vp9_selector.h"

#include <doctest/doctest.h>

namespace confab::sfu {

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

namespace {

struct Vp9Flags {
    std::uint8_t spatial = 0, temporal = 0;
    bool start = true, end = true, predicted = true, up = false, marker = false, late = false;
};
MediaPacket vp9(const Vp9Flags& f) {
    MediaPacket p;
    p.codec = Codec::kVp9;
    p.spatial = f.spatial;
    p.temporal = f.temporal;
    p.marker = f.marker;
    p.late = f.late;
    p.vp9.frame_start = f.start;
    p.vp9.frame_end = f.end;
    p.vp9.inter_picture_predicted = f.predicted;
    p.vp9.switching_up_point = f.up;
    return p;
}

}  // namespace

TEST_CASE("vp9: where layers may change, flag by flag [FWD-07]") {
    struct Row {
        const char* what;
        Layer current, target;
        Vp9Flags packet;
        bool forward;
        Layer after;
    };
    const Row rows[] = {
        {"up in time", {1, 0}, {1, 2}, {.temporal = 1, .up = true}, true, {1, 1}},
        {"no switching point", {1, 0}, {1, 2}, {.temporal = 1}, false, {1, 0}},
        {"inside a frame",
         {1, 0},
         {1, 2},
         {.temporal = 1, .start = false, .up = true},
         false,
         {1, 0}},
        {"beyond the target", {1, 0}, {1, 1}, {.temporal = 2, .up = true}, false, {1, 0}},
        {"late", {1, 0}, {1, 2}, {.temporal = 1, .up = true, .late = true}, false, {1, 0}},
        {"there already", {1, 1}, {1, 1}, {.temporal = 2, .up = true}, false, {1, 1}},
        {"down in time at the end", {1, 2}, {1, 0}, {.temporal = 2}, true, {1, 0}},
        {"not before the end", {1, 2}, {1, 0}, {.temporal = 2, .end = false}, true, {1, 2}},
        {"not by a late one", {1, 2}, {1, 0}, {.temporal = 2, .late = true}, true, {1, 2}},
        {"up in space", {0, 0}, {2, 0}, {.spatial = 1, .predicted = false}, true, {1, 0}},
        {"predicted", {0, 0}, {2, 0}, {.spatial = 1}, false, {0, 0}},
        {"inside a layer",
         {0, 0},
         {2, 0},
         {.spatial = 1, .start = false, .predicted = false},
         false,
         {0, 0}},
        {"a layer too high", {0, 0}, {1, 0}, {.spatial = 2, .predicted = false}, false, {0, 0}},
        {"down in space at the end", {2, 0}, {0, 0}, {.spatial = 2}, true, {0, 0}},
        {"not before", {2, 0}, {0, 0}, {.spatial = 2, .end = false}, true, {2, 0}},
        {"both at once",
         {1, 0},
         {2, 1},
         {.spatial = 2, .temporal = 1, .predicted = false, .up = true},
         true,
         {2, 1}},
        {"paused", {1, 0}, kNoLayer, {.spatial = 1}, false, {1, 0}}};
    for (const Row& row : rows) {
        CAPTURE(row.what);
        LayerState s;
        s.current = row.current;
        s.target = row.target;
        const Selection out = select_vp9(s, vp9(row.packet));
        CHECK(out.forward == row.forward);
        CHECK(out.relevant == row.target.valid());
        CHECK_FALSE(out.switched);
        CHECK(s.current == row.after);
        if (row.current != row.after) CHECK(s.previous == row.current);
    }
}

TEST_CASE("vp9: begins with a key frame in order, of a layer that is wanted [FWD-07] [TRAP-08]") {
    for (const bool late : {false, true})
        for (std::uint8_t spatial = 0; spatial < 3; ++spatial) {
            LayerState s;
            s.target = {1, 3};
            MediaPacket p = vp9({.spatial = spatial, .predicted = false, .late = late});
            CHECK_FALSE(select_vp9(s, p).relevant);
            p.key_frame = true;
            const Selection out = select_vp9(s, p);
            CHECK(out.switched == (!late && spatial <= 1));
            CHECK(out.forward == out.switched);
            CHECK(s.current.valid() == out.switched);
        }
}

TEST_CASE("vp9: the picture ends with its highest layer that goes on [FWD-07]") {
    struct Row {
        std::int8_t current, target;
        Vp9Flags packet;
        bool marker;
    };
    for (const Row& row :
         {Row{1, 1, {.spatial = 1}, true}, Row{1, 1, {.spatial = 0}, false},
          Row{1, 1, {.spatial = 1, .end = false}, false},
          Row{1, 1, {.spatial = 0, .marker = true}, true},
          // Goes down with this picture: what is above is left out already.
          Row{2, 0, {.spatial = 0}, true}, Row{2, 0, {.spatial = 1}, true},
          Row{2, 1, {.spatial = 0}, false}, Row{2, 1, {.spatial = 1}, true},
          Row{2, 0, {.spatial = 0, .end = false}, false},
          // More may come with this key picture.
          Row{1, 2, {.spatial = 1, .predicted = false}, false}, Row{1, 2, {.spatial = 1}, true},
          Row{1, 1, {.spatial = 1, .predicted = false}, true}}) {
        LayerState s;
        s.current = {row.current, 0};
        s.target = {row.target, 0};
        CHECK(select_vp9(s, vp9(row.packet)).marker == row.marker);
    }
}

}  // namespace confab::sfu
