// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// An SVC stream with dependency descriptors, shown to a selector packet by packet.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string_view>

#include "sfu/forward/forward_testing.h"
#include "sfu/layers/dependency_selector.h"

namespace confab::sfu::test {

// L3T3_KEY as Chromium sends it: pictures of three frames, one per spatial layer.
class L3T3Key {
  public:
    L3T3Key() {
        const auto info =
            wire::parse_dependency_descriptor(from_hex(kL3T3KeyStructure), nullptr, &structure_);
        REQUIRE(info.has_value());
        targets = DecodeTargets::of(structure_);
    }
    // One packet; `dd` in hex as recorded.
    MediaPacket packet(std::string_view dd) {
        MediaPacket p;
        p.codec = Codec::kAv1;
        p.sequence = sequence_++;
        const auto info = wire::parse_dependency_descriptor(from_hex(dd), &structure_);
        REQUIRE(info.has_value());
        p.dd = *info;
        p.has_dd = true;
        p.key_frame = info->structure_attached;
        p.spatial = info->spatial_id;
        p.temporal = info->temporal_id;
        // The next picture begins where layers begin anew, except within a frame.
        if (info->spatial_id <= spatial_ && info->frame_number != frame_) timestamp_ += 3000;
        spatial_ = info->spatial_id;
        frame_ = info->frame_number;
        p.timestamp = timestamp_;
        return p;
    }
    struct Seen {
        bool forward = false;
        bool marker = false;
        std::uint32_t mask = 0;
        std::uint16_t number = 0;
    };
    Seen show(const MediaPacket& p) {
        DependencySelector::Rewrite rewrite;
        const Selection out = selector.select(layers, p, targets, rewrite, deficient);
        return {out.forward, out.forward && out.marker, out.forward ? rewrite.mask : 0,
                rewrite.frame_number};
    }
    Seen show(std::string_view dd) { return show(packet(dd)); }
    Seen show(std::string_view dd, std::uint16_t number) {
        MediaPacket p = packet(dd);
        p.dd.frame_number = number;
        return show(p);
    }
    // The three layers of a key picture, the first of which is `number`.
    void show_key(std::uint16_t number = 1) {
        CHECK(show(kL3T3KeyStructure, number).forward == (layers.current.spatial >= 0));
        (void)show(kKey1, static_cast<std::uint16_t>(number + 1));
        (void)show(kKey2, static_cast<std::uint16_t>(number + 2));
    }

    // Descriptors of the recording, by layer: of the key picture, T0 and T2.
    static constexpr std::string_view kKey1 = "c50002", kKey2 = "ca0003";
    static constexpr std::string_view kS2T0 = "cb000f", kS2T2 = "cd0006", kS0T2 = "c30004",
                                      kS1T2 = "c80005";

    DependencySelector selector;
    bool deficient = false;  // the link
    LayerState layers;
    DecodeTargets targets;

  private:
    wire::DependencyStructure structure_;
    std::int64_t sequence_ = 70'000;
    std::int64_t timestamp_ = 0;
    std::uint8_t spatial_ = 0;
    std::uint16_t frame_ = 0;
};

}  // namespace confab::sfu::test
