// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RFC 9628 §4.2, 02 FWD-07.
#include "sfu/layers/vp9_selector.h"

namespace confab::sfu {
namespace {

struct Step {
    Layer now;    // for this packet
    Layer after;  // from the next one on
};

void step_temporal(const LayerState& s, const wire::Vp9Descriptor& d, std::int8_t temporal,
                   Step& step) {
    if (s.current.temporal < s.target.temporal) {
        const bool in_reach = temporal > s.current.temporal && temporal <= s.target.temporal;
        if (in_reach && d.switching_up_point && d.frame_start)
            step.now.temporal = step.after.temporal = temporal;
    } else if (s.current.temporal > s.target.temporal && d.frame_end) {
        step.after.temporal = s.target.temporal;
    }
}

void step_spatial(const LayerState& s, const wire::Vp9Descriptor& d, std::int8_t spatial,
                  Step& step) {
    if (s.current.spatial < s.target.spatial) {
        const bool in_reach = spatial > s.current.spatial && spatial <= s.target.spatial;
        if (in_reach && !d.inter_picture_predicted && d.frame_start)
            step.now.spatial = step.after.spatial = spatial;
    } else if (s.current.spatial > s.target.spatial && d.frame_end) {
        step.after.spatial = s.target.spatial;
    }
}

}  // namespace

Selection select_vp9(LayerState& s, const MediaPacket& packet) {
    Selection result;
    if (!s.target.valid()) return result;
    const wire::Vp9Descriptor& d = packet.vp9;
    const auto spatial = static_cast<std::int8_t>(packet.spatial);
    const auto temporal = static_cast<std::int8_t>(packet.temporal);
    Step step{s.current, s.current};
    if (!s.current.valid()) {
        if (!packet.key_frame || packet.late || spatial > s.target.spatial) return result;
        step.now = step.after = {spatial, temporal};
        result.switched = true;
    } else if (s.current != s.target && !packet.late) {
        step_temporal(s, d, temporal, step);
        step_spatial(s, d, spatial, step);
    }
    if (step.after != s.current) s.move_to(step.after);
    result.relevant = true;
    result.forward = spatial <= step.now.spatial && temporal <= step.now.temporal;
    // A picture ends where its highest forwarded layer ends, which is here if it goes down behind
    // this one; while layers above may still be added by this key picture the end is not known yet.
    const bool top = d.frame_end && spatial >= step.after.spatial &&
                     (d.inter_picture_predicted || s.target.spatial <= step.now.spatial);
    result.marker = packet.marker || top;
    return result;
}

}  // namespace confab::sfu
