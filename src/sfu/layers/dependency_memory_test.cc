// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a selector by dependency descriptors remembers, and for how long (02 FWD-08, IN-20, IN-26).
#include <doctest/doctest.h>

#include <utility>

#include "sfu/layers/dependency_testing.h"

namespace confab::sfu {

using test::L3T3Key;

TEST_CASE("dependency: a structure that was repaired keeps the number of its frame [FWD-08]") {
    L3T3Key av1;
    av1.layers.target = {0, 3};
    CHECK(av1.show(test::kL3T3KeyStructure).forward);
    // The first packet of the next key frame is lost; the rest of it and more come.
    MediaPacket key = av1.packet(test::kL3T3KeyStructure);
    key.dd.frame_number = 10;
    MediaPacket rest = key;
    rest.dd.structure_attached = false;
    CHECK(av1.show(rest).number == 10);
    CHECK(av1.show(av1.kS0T2, 13).number == 13);
    key.late = true;
    const auto repaired = av1.show(key);
    CHECK(repaired.forward);
    CHECK(repaired.number == 10);
    CHECK(av1.show(av1.kS0T2, 16).number == 16);  // it refers to those before by its number
}

TEST_CASE("dependency: a missing frame of the chain ends it after 80 frames [FWD-08]") {
    for (const int diff : {79, 80, 255}) {
        CAPTURE(diff);
        L3T3Key av1;
        av1.layers.target = {2, 3};
        av1.show_key();
        MediaPacket far = av1.packet(av1.kS2T0);  // the frame before it on the chain never came
        far.dd.frame_number = 400;
        far.dd.chain_diffs[2] = static_cast<std::uint8_t>(diff);
        CHECK(av1.show(far).forward == (diff < DependencySelector::kPatience));
        CHECK(av1.show(av1.kS2T2, 403).forward == (diff < DependencySelector::kPatience));
        av1.show_key(410);
        CHECK(av1.show(av1.kS2T2, 415).forward);  // whole again
    }
}

TEST_CASE("dependency: a chain ends at once with a frame that was dropped [FWD-08]") {
    L3T3Key av1;
    av1.layers.target = {2, 3};
    av1.show_key();
    MediaPacket bad = av1.packet(av1.kS2T0);
    bad.dd.frame_number = 15;
    bad.dd.frame_diff_count = 1;
    bad.dd.frame_diffs[0] = 14;  // to S0 of the key picture, which went on
    CHECK(av1.show(bad).forward);
    CHECK_FALSE(av1.show(av1.kS0T2, 16).forward);
    bad.dd.frame_number = 27;
    bad.dd.frame_diffs[0] = 11;  // to 16, which did not
    bad.dd.chain_diffs[2] = 12;
    CHECK_FALSE(av1.show(bad).forward);
    bad.dd.frame_number = 39;
    bad.dd.frame_diff_count = 0;  // on the chain behind it
    CHECK_FALSE(av1.show(bad).forward);
    CHECK_FALSE(av1.show(av1.kS2T2, 42).forward);
    av1.show_key(50);
    CHECK(av1.show(av1.kS2T2, 55).forward);
}

TEST_CASE("dependency: decisions are remembered for 256 frames, then all is left out [FWD-08]") {
    for (const int back : {1, 255, 256, 257, 1000}) {
        CAPTURE(back);
        L3T3Key av1;
        av1.layers.target = {2, 0};
        av1.show_key(1000);
        CHECK_FALSE(av1.show(av1.kS2T2, 1005).forward);
        // Layer T2 is wanted from here on; what depends on it came as it was then.
        av1.layers.target = {2, 3};
        CHECK(av1.show(av1.kS2T2, static_cast<std::uint16_t>(1005 + back)).forward);
        MediaPacket late = av1.packet(av1.kS2T2);
        late.dd.frame_number = 1005;
        late.late = true;
        CHECK_FALSE(av1.show(late).forward);
    }
}

TEST_CASE("dependency: frame numbers go on over their 16 bits [FWD-08]") {
    L3T3Key av1;
    av1.layers.target = {2, 3};
    av1.show_key(65'534);
    CHECK(av1.show(av1.kS2T2, 3).number == 3);
    CHECK_FALSE(av1.show(av1.kS0T2, 4).forward);
    MediaPacket late = av1.packet(av1.kKey2);  // its number is 0
    late.dd.frame_number = 0;
    late.late = true;
    CHECK(av1.show(late).forward);
    av1.show_key(7);  // no restart
    CHECK(av1.show(av1.kS2T2, 12).number == 12);
}

TEST_CASE("dependency: only layers that the encoder produces are chosen [FWD-08] [IN-26]") {
    L3T3Key av1;
    av1.layers.target = {2, 3};
    MediaPacket key = av1.packet(test::kL3T3KeyStructure);
    key.dd.has_active_targets = true;
    key.dd.active_targets = 0x03F;
    CHECK(av1.show(key).mask == 0x03F);
    CHECK(av1.selector.active() == 0x03F);
    CHECK(av1.layers.current == Layer{1, 2});
    const auto top = av1.show(av1.kKey1);
    CHECK(top.forward);
    CHECK(top.marker);
    MediaPacket more = av1.packet(av1.kS1T2);
    more.dd.has_active_targets = true;
    more.dd.active_targets = 0x1FF;
    more.dd.frame_number = 4;
    (void)av1.show(more);
    CHECK(av1.selector.active() == 0x1FF);
    av1.show_key(7);
    CHECK(av1.layers.current == Layer{2, 2});
    // A mask that comes late is out of date.
    more.dd.frame_number = 2;
    more.dd.active_targets = 0x007;
    more.late = true;
    (void)av1.show(more);
    CHECK(av1.selector.active() == 0x1FF);
}

TEST_CASE("dependency: nothing without target, descriptor or structure [FWD-08] [IN-20]") {
    L3T3Key av1;
    DependencySelector::Rewrite rewrite;
    const MediaPacket key = av1.packet(test::kL3T3KeyStructure);
    Selection out = av1.selector.select(av1.layers, key, av1.targets, rewrite);
    CHECK(out.relevant);  // it leaves no hole
    CHECK_FALSE(out.forward);
    av1.layers.target = {2, 3};
    out = av1.selector.select(av1.layers, key, av1.targets, rewrite);
    CHECK(out.forward);
    CHECK(out.switched);
    MediaPacket bare = av1.packet(av1.kKey1);
    bare.has_dd = false;
    CHECK_FALSE(av1.show(bare).forward);
    // Made for a structure of fewer targets than the one in force.
    MediaPacket foreign = av1.packet(av1.kKey1);
    foreign.dd.decode_target_count = 8;
    CHECK_FALSE(av1.show(foreign).forward);
    CHECK(av1.show(av1.kKey1).forward);
    CHECK_FALSE(av1.selector.select(av1.layers, key, av1.targets, rewrite).switched);
    av1.selector.reset();
    CHECK(av1.selector.active() == 0);
    CHECK_FALSE(av1.show(av1.kKey2).forward);
    CHECK(av1.show(test::kL3T3KeyStructure, 4).forward);
}

TEST_CASE("dependency: without chains each frame goes by its references [FWD-08]") {
    L3T3Key av1;
    av1.targets.chain.fill(DecodeTargets::kNoChain);
    av1.layers.target = {0, 3};
    MediaPacket key = av1.packet(test::kL3T3KeyStructure);
    key.dd.chain_count = 0;
    CHECK(av1.show(key).forward);
    MediaPacket delta = av1.packet(av1.kS0T2);
    delta.dd.chain_count = 0;
    CHECK(av1.show(delta).forward);
    delta.dd.frame_number = 7;
    delta.dd.frame_diff_count = 1;
    delta.dd.frame_diffs[0] = 5;  // to S1 of the key picture, which did not go on
    (void)av1.show(av1.kKey1);
    CHECK_FALSE(av1.show(delta).forward);
    delta.dd.frame_number = 8;
    delta.dd.frame_diffs[0] = 4;
    CHECK(av1.show(delta).forward);
}

TEST_CASE("dependency: the best target counts, wherever it stands in the structure [FWD-08]") {
    for (const bool turned : {false, true}) {
        L3T3Key av1;
        av1.layers.target = {1, 3};
        if (turned) {  // of layer 1 the targets of T0 and T2 change places
            std::swap(av1.targets.temporal[3], av1.targets.temporal[5]);
            std::swap(av1.targets.spatial[0], av1.targets.spatial[8]);
            std::swap(av1.targets.chain[0], av1.targets.chain[8]);
        }
        CHECK(av1.show(test::kL3T3KeyStructure).forward);
        CHECK(av1.layers.current == Layer{1, 2});
    }
}

TEST_CASE("dependency: late packets move neither the layer nor the last number [FWD-08]") {
    L3T3Key av1;
    av1.layers.target = {2, 0};
    av1.show_key(1000);
    MediaPacket missing = av1.packet(av1.kS2T0);
    missing.dd.frame_number = 1015;
    missing.late = true;
    CHECK(av1.show(av1.kS2T0, 1027).forward);
    av1.layers.target = {2, 3};
    CHECK(av1.show(missing).number == 1015);
    CHECK(av1.layers.current == Layer{2, 0});
    // The encoder begins anew between the two: behind what was sent last, not before it.
    CHECK(av1.show(test::kL3T3KeyStructure, 1020).number == 1027 + DependencySelector::kRestartGap);
    CHECK(av1.show(av1.kKey1, 1021).number == 1028 + DependencySelector::kRestartGap);
}

TEST_CASE("dependency: what was decided before a key frame stays so behind it [FWD-08]") {
    L3T3Key av1;
    av1.layers.target = {2, 3};
    av1.show_key(1000);
    CHECK(av1.show(av1.kS2T2, 1006).forward);
    av1.layers.target = {0, 0};
    av1.show_key(1007);
    CHECK(av1.layers.current == Layer{0, 0});
    MediaPacket late = av1.packet(av1.kS2T2);
    late.dd.frame_number = 1006;
    late.late = true;
    CHECK(av1.show(late).number == 1006);  // the rest of it went out
    CHECK(av1.layers.current == Layer{0, 0});
}

TEST_CASE("dependency: nothing is decided by what was before a reset [FWD-08] [FWD-17]") {
    L3T3Key av1;
    av1.layers.target = {2, 0};
    av1.show_key(1000);
    CHECK_FALSE(av1.show(av1.kS2T2, 1006).forward);  // not at this rate
    av1.selector.reset();
    av1.layers.stop();
    av1.layers.target = {2, 3};
    CHECK_FALSE(av1.show(av1.kS2T2, 1009).forward);
    CHECK_FALSE(av1.layers.current.valid());
    av1.show_key(1001);  // other frames, some of the same numbers
    MediaPacket same = av1.packet(av1.kS2T2);
    same.dd.frame_number = 1006;
    CHECK(av1.show(same).forward);
}

}  // namespace confab::sfu
