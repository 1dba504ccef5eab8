// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Layers chosen by dependency descriptors (AV1 RTP payload specification 1.0, Appendix A; 02
// FWD-08).
#include "sfu/layers/dependency_selector.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "sfu/layers/dependency_testing.h"

namespace confab::sfu {
namespace {

using test::L3T3Key;

// L3T3, of which each picture is of T0: every layer refers to the one below and to the one before.
struct L3T3 {
    static constexpr int kTargets = 9;

    L3T3() {
        targets.count = kTargets;
        targets.chain_count = 3;
        for (std::uint8_t t = 0; t < kTargets; ++t) {
            targets.spatial[t] = targets.chain[t] = t / 3;
            targets.temporal[t] = t % 3;
        }
    }
    MediaPacket packet(int picture, int layer) const {
        MediaPacket p;
        p.codec = Codec::kAv1;
        p.sequence = 70'000 + picture * 3 + layer;
        p.timestamp = picture * 3000;
        p.spatial = static_cast<std::uint8_t>(layer);
        p.has_dd = true;
        p.dd.frame_number = static_cast<std::uint16_t>(1 + picture * 3 + layer);
        p.dd.first_packet_in_frame = p.dd.last_packet_in_frame = true;
        p.dd.spatial_id = p.spatial;
        p.dd.structure_attached = p.key_frame = picture == 0 && layer == 0;
        p.dd.active_targets = p.key_frame ? 0x1FF : 0;
        p.dd.decode_target_count = kTargets;
        p.dd.chain_count = 3;
        for (std::uint8_t t = 0; t < kTargets; ++t)
            if (layer <= targets.spatial[t]) p.dd.dtis.set(t, wire::Dti::kSwitch);
        if (layer > 0) p.dd.frame_diffs[p.dd.frame_diff_count++] = 1;
        if (picture > 0) p.dd.frame_diffs[p.dd.frame_diff_count++] = 3;
        for (int chain = 0; chain < 3 && !p.key_frame; ++chain)
            p.dd.chain_diffs[static_cast<std::size_t>(chain)] = static_cast<std::uint8_t>(
                layer == 0 ? 3 - chain : layer - std::min(layer - 1, chain));
        return p;
    }
    // Which layers of a picture went on; 8 is added where it has an end.
    int show(int picture, int first = 0, int last = 2) {
        int out = 0;
        for (int layer = first; layer <= last; ++layer)
            out |= show(packet(picture, layer)) << layer;
        return out | (std::exchange(ended, false) ? 8 : 0);
    }
    int show(const MediaPacket& p) {
        DependencySelector::Rewrite rewrite;
        const Selection out = selector.select(layers, p, targets, rewrite);
        ended |= out.forward && out.marker;
        return out.forward ? 1 : 0;
    }

    DependencySelector selector;
    LayerState layers;
    DecodeTargets targets;
    bool ended = false;
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

TEST_CASE("dependency: a congested link waits with the pictures that others refer to [FWD-08]") {
    L3T3Key av1;
    av1.layers.target = {2, 3};
    (void)av1.show(test::kL3T3KeyStructure);
    (void)av1.show("c50002");
    (void)av1.show("ca0003");
    // S0, S1 and S2 of the pictures T2, T1, T2, T0, from frame `first` on: whether S2 passes.
    const auto pictures = [&av1](std::uint8_t first) {
        std::string seen;
        for (const int begin :
             {0xC3, 0xC8, 0xCD, 0xC2, 0xC7, 0xCC, 0xC4, 0xC9, 0xCE, 0xC1, 0xC6, 0xCB}) {
            const bool forward =
                av1.show(to_hex(Bytes{static_cast<std::uint8_t>(begin), 0, first++})).forward;
            if (begin >= 0xCB)
                seen += forward ? 'x' : '-';
            else
                CHECK_FALSE(forward);
        }
        return seen;
    };
    CHECK(pictures(4) == "xxxx");
    av1.deficient = true;
    av1.layers.target = {1, 3};
    CHECK(pictures(16) == "---x");
    CHECK(av1.layers.current == Layer{2, 0});
    // It is not congested any more, and still waits.
    av1.deficient = false;
    CHECK(pictures(28) == "xxxx");
    CHECK(av1.layers.current == Layer{2, 2});
    auto key = av1.packet(test::kL3T3KeyStructure);
    key.dd.frame_number = 40;
    CHECK(av1.show(key).forward);
    CHECK(av1.show("c50029").forward);
    CHECK_FALSE(av1.show("ca002a").forward);
    CHECK(av1.layers.current.spatial == 1);
}

TEST_CASE("dependency: down between pictures, none of them stays without its end [FWD-08]") {
    for (int layer = 0; layer < 2; ++layer) {  // behind which fewer are wanted
        CAPTURE(layer);
        L3T3 av1;
        av1.layers.target = {2, 2};
        CHECK(av1.show(0) == 0b1111);
        CHECK(av1.show(1, 0, layer) == (1 << (layer + 1)) - 1);
        av1.layers.target = {0, 2};
        MediaPacket repaired = av1.packet(0, 1);
        repaired.late = true;
        CHECK(av1.show(repaired) == 1);
        CHECK((av1.show(1, layer + 1) & 0b1100) == 0b1100);
        CHECK(av1.layers.current.spatial == 2);
        CHECK(av1.show(2) == 0b1001);
        CHECK(av1.layers.current.spatial == 0);
    }
    // A key picture as well, of which it is not known yet how far it goes.
    L3T3 key;
    key.layers.target = {2, 2};
    CHECK(key.show(0, 0, 0) == 0b0001);
    key.layers.target = {1, 2};
    CHECK(key.show(0, 1) == 0b1110);
    CHECK(key.show(1) == 0b1011);
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
