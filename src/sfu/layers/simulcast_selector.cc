// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 FWD-05.
#include "sfu/layers/simulcast_selector.h"

namespace confab::sfu {
namespace {

// The layer a key frame of layer `spatial` takes us to is that layer, or none.
bool leads_to_target(const LayerState& s, std::int8_t spatial) {
    if (s.current.spatial == s.target.spatial) return false;
    const bool up = spatial > s.current.spatial && spatial <= s.target.spatial;
    const bool down = spatial < s.current.spatial && spatial >= s.target.spatial;
    return up || down;
}

}  // namespace

Selection select_simulcast(LayerState& s, const MediaPacket& packet, bool deficient) {
    Selection result;
    const auto spatial = static_cast<std::int8_t>(packet.spatial);
    if (!s.target.valid()) return result;
    if (packet.key_frame && !packet.late) {
        bool move = leads_to_target(s, spatial);
        if (!move && s.current.spatial > s.max.spatial && spatial <= s.max.spatial) {
            // More than was asked for is being sent. On the way to another layer this one comes in
            // between; without one, as there was none that small before, it is the target.
            move = true;
            if (s.target.spatial > s.max.spatial) s.target.spatial = spatial;
        }
        if (move) {
            const bool vp8 = packet.codec == Codec::kVp8;
            s.move_to(
                {spatial, vp8 ? static_cast<std::int8_t>(packet.temporal) : s.target.temporal});
            result.switched = true;
        }
    }
    result.relevant = s.current.spatial == spatial;
    result.forward = result.relevant && !(deficient && s.target.spatial < s.current.spatial);
    result.marker = packet.marker;
    return result;
}

std::int8_t update_vp8_temporal(LayerState& s, const MediaPacket& packet) {
    const auto temporal = static_cast<std::int8_t>(packet.temporal);
    const std::int8_t before = s.current.temporal;
    if (before < s.target.temporal) {
        // Behind a key frame everything can be decoded. Elsewhere up at a frame that needs nothing
        // of what was left out and behind which nothing else does; upstream takes any frame of a
        // higher layer, and shows broken pictures.
        const bool decodable =
            temporal <= before || (temporal == before + 1 && packet.needs_lower_only);
        if (packet.key_frame)
            s.current.temporal = s.target.temporal;
        else if (packet.frame_start && decodable && packet.sync_temporal > before)
            s.current.temporal = lower_of(packet.sync_temporal, s.target.temporal);
        return s.current.temporal;
    }
    if (before > s.target.temporal && packet.marker) s.current.temporal = s.target.temporal;
    return before;
}

}  // namespace confab::sfu
