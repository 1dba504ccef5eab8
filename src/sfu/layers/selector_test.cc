// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Layer selection by codec (02 FWD-05, FWD-07, FWD-08).
#include <doctest/doctest.h>

#include <vector>

#include "sfu/forward/forward_testing.h"
#include "sfu/layers/dependency_selector.h"
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

// ------------------------------------------------------------------ dependency descriptor

namespace {

// L3T3_KEY as Chromium sends it: pictures of three frames, one per spatial layer.
class L3T3Key {
  public:
    L3T3Key() {
        const auto info = wire::parse_dependency_descriptor(test::from_hex(test::kL3T3KeyStructure),
                                                            nullptr, &structure_);
        REQUIRE(info.has_value());
        targets = DecodeTargets::of(structure_);
    }
    // One packet; `dd` in hex as recorded.
    MediaPacket packet(std::string_view dd) {
        MediaPacket p;
        p.codec = Codec::kAv1;
        p.sequence = sequence_++;
        const auto info = wire::parse_dependency_descriptor(test::from_hex(dd), &structure_);
        REQUIRE(info.has_value());
        p.dd = *info;
        p.has_dd = true;
        p.key_frame = info->structure_attached;
        p.spatial = info->spatial_id;
        p.temporal = info->temporal_id;
        return p;
    }
    struct Seen {
        bool forward = false;
        bool marker = false;
        std::uint32_t mask = 0;
    };
    Seen show(const MediaPacket& p) {
        DependencySelector::Rewrite rewrite;
        const Selection out = selector.select(layers, p, targets, rewrite);
        return {out.forward, out.forward && out.marker, out.forward ? rewrite.mask : 0};
    }
    Seen show(std::string_view dd) { return show(packet(dd)); }

    DependencySelector selector;
    LayerState layers;
    DecodeTargets targets;

  private:
    wire::DependencyStructure structure_;
    std::int64_t sequence_ = 70'000;
};

}  // namespace

TEST_CASE("dependency: all layers of a key frame, then the target's own [FWD-08] [IN-26]") {
    // Frame numbers and templates of the recording: key picture 1–3, then T2, T1 pictures.
    L3T3Key av1;
    av1.layers.target = {2, 3};
    CHECK_FALSE(av1.show("c40004").forward);  // nothing before the structure
    const auto s0 = av1.show(test::kL3T3KeyStructure);
    CHECK(s0.forward);
    CHECK_FALSE(s0.marker);
    CHECK(s0.mask == 0x1FF);
    CHECK(av1.show("400001").forward);
    CHECK(av1.show("850002").forward);
    CHECK(av1.show("450002").mask == 0x1FF);
    const auto s2 = av1.show("ca0003");
    CHECK(s2.forward);
    CHECK(s2.marker);
    CHECK_FALSE(av1.show("c30004").forward);  // S0 of the next picture
    CHECK_FALSE(av1.show("c80005").forward);
    const auto delta = av1.show("cd0006");
    CHECK(delta.forward);
    CHECK(delta.marker);
    CHECK(delta.mask == 0x1FF);
}

TEST_CASE("dependency: down waits for a key frame too [FWD-08] [IN-26]") {
    L3T3Key av1;
    av1.layers.target = {2, 3};
    (void)av1.show(test::kL3T3KeyStructure);
    (void)av1.show("c50002");
    (void)av1.show("ca0003");
    // T2, T1, T2, T0 pictures, of which only S2 passes.
    for (const char* dd : {"c30004", "c80005", "cd0006", "c20007", "c70008", "cc0009", "c4000a",
                           "c9000b", "ce000c", "c1000d", "c6000e", "cb000f"})
        CHECK(av1.show(dd).forward == ((dd[1] >= 'b' && dd[1] <= 'e')));
    av1.layers.target = {0, 3};
    CHECK_FALSE(av1.show("c30010").forward);  // S0's chain was left: not decodable
    CHECK_FALSE(av1.show("c80011").forward);
    CHECK(av1.show("cd0012").forward);  // the old layer goes on
    CHECK(av1.layers.current.spatial == 2);
    auto key = av1.packet(test::kL3T3KeyStructure);
    key.dd.frame_number = 0x13;
    const auto s0 = av1.show(key);
    CHECK(s0.forward);
    CHECK(s0.mask == 0x007);
    CHECK(av1.layers.current.spatial == 0);
    CHECK_FALSE(av1.show("c50014").forward);
    CHECK_FALSE(av1.show("ca0015").forward);
    const auto t2 = av1.show("c30016");
    CHECK(t2.forward);
    CHECK(t2.marker);
    CHECK(t2.mask == 0x007);
}

TEST_CASE("dependency: temporal layers change without key frame [FWD-08]") {
    L3T3Key av1;
    av1.layers.target = {2, 0};
    CHECK(av1.show(test::kL3T3KeyStructure).mask == 0x049);
    CHECK(av1.show("c50002").forward);
    CHECK(av1.show("ca0003").mask == 0x049);
    CHECK_FALSE(av1.show("cd0006").forward);  // T2
    av1.layers.target = {2, 1};
    const auto t1 = av1.show("cc0009");
    CHECK(t1.forward);
    CHECK(t1.mask == 0x0DB);
    CHECK_FALSE(av1.show("ce000c").forward);
    for (const char* dd : {"c1000d", "c6000e"})
        CHECK_FALSE(av1.show(dd).forward);
    CHECK(av1.show("cb000f").forward);
    av1.layers.target = {1, 3};
    CHECK(av1.show("cd0012").mask == 0x1FF);  // spatial change waits, temporal does not
}

TEST_CASE("dependency: masks by layer [FWD-08]") {
    const L3T3Key av1;
    CHECK(av1.targets.count == 9);
    CHECK(av1.targets.chain_count == 3);
    CHECK(av1.targets.up_to(2, 3) == 0x1FF);
    CHECK(av1.targets.up_to(1, 3) == 0x03F);
    CHECK(av1.targets.up_to(0, 3) == 0x007);
    CHECK(av1.targets.up_to(2, 0) == 0x049);
    CHECK(av1.targets.up_to(2, 1) == 0x0DB);
}

TEST_CASE("dependency: a frame that refers to a dropped one is dropped [FWD-08]") {
    L3T3Key av1;
    av1.layers.target = {2, 3};
    (void)av1.show(test::kL3T3KeyStructure);
    (void)av1.show("c50002");
    (void)av1.show("ca0003");
    auto t1 = av1.packet("cc0006");
    CHECK(av1.show(t1).forward);
    // A T2 frame made to refer to S0's frame 4, which is not forwarded.
    (void)av1.show("c30004");
    CHECK_FALSE(av1.show("c30007").forward);
    auto bad = av1.packet("cd0009");
    bad.dd.frame_diff_count = 1;
    bad.dd.frame_diffs[0] = 2;
    CHECK_FALSE(av1.show(bad).forward);
}

TEST_CASE("dependency: a frame keeps its decision for all its packets, late ones too [FWD-08]") {
    L3T3Key av1;
    av1.layers.target = {2, 3};
    (void)av1.show(test::kL3T3KeyStructure);
    (void)av1.show("850002");
    (void)av1.show("8a0003");
    CHECK(av1.show("8d0006").forward);
    av1.layers.target = {0, 3};
    auto late = av1.packet("0a0003");
    late.late = true;
    CHECK(av1.show(late).forward);
    CHECK(av1.show("4d0006").forward);
    CHECK(av1.layers.current.spatial == 2);
}

TEST_CASE(
    "dependency: never starts on a late structure; an old number restarts [FWD-08] [TRAP-08]") {
    L3T3Key av1;
    av1.layers.target = {2, 3};
    auto key = av1.packet(test::kL3T3KeyStructure);
    key.late = true;
    CHECK_FALSE(av1.show(key).forward);
    key.late = false;
    key.dd.frame_number = 5000;
    DependencySelector::Rewrite rewrite;
    CHECK(av1.selector.select(av1.layers, key, av1.targets, rewrite).forward);
    CHECK(rewrite.frame_number == 5000);
    // The encoder began again at 1: its number would look older, so it is raised past the last.
    key.dd.frame_number = 1;
    CHECK(av1.selector.select(av1.layers, key, av1.targets, rewrite).forward);
    CHECK(rewrite.frame_number == 5000 + 6000);
    auto next = av1.packet("c50002");
    CHECK(av1.selector.select(av1.layers, next, av1.targets, rewrite).forward);
    CHECK(rewrite.frame_number == 11'001);
}

}  // namespace confab::sfu
