// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// AV1 RTP payload specification 1.0, Appendix A.4; 02 FWD-08.
#include "sfu/layers/dependency_selector.h"

#include <algorithm>

#include "base/sequence.h"

namespace confab::sfu {

void DependencySelector::reset() {
    started_ = false;
    broken_ = ~std::uint32_t{0};
    active_ = 0;
    limit_ = kNoLayer;
    newest_ = -1;
    decisions_.fill(Decision::kUnknown);
}

std::int64_t DependencySelector::unwrap(std::uint16_t frame_number) const {
    // The start leaves room for frames that are older than the first one seen.
    if (newest_ < 0) return 0x1'0000 + std::int64_t{frame_number};
    return newest_ + sequence_distance(static_cast<std::uint16_t>(newest_), frame_number);
}

DependencySelector::Decision DependencySelector::decision(std::int64_t frame) const {
    if (frame > newest_ || newest_ - frame >= kFrames || frame < 0) return Decision::kUnknown;
    return decisions_[static_cast<std::size_t>(frame % kFrames)];
}

void DependencySelector::decide(std::int64_t frame, Decision decision) {
    if (newest_ - frame < kFrames && frame >= 0)
        decisions_[static_cast<std::size_t>(frame % kFrames)] = decision;
}

void DependencySelector::advance_to(std::int64_t frame) {
    for (std::int64_t f = std::max(newest_ + 1, frame - kFrames + 1); f <= frame; ++f)
        decisions_[static_cast<std::size_t>(f % kFrames)] = Decision::kUnknown;
    newest_ = frame;
}

void DependencySelector::update_chains(const wire::DependencyInfo& dd, std::int64_t frame) {
    for (std::uint8_t c = 0; c < dd.chain_count; ++c) {
        const std::uint32_t bit = std::uint32_t{1} << c;
        const std::int64_t diff = dd.chain_diffs[c];
        if (diff == 0) {
            broken_ &= ~bit;
            continue;
        }
        // A frame that did not come yet may still come.
        const Decision previous = decision(frame - diff);
        const bool lost = previous == Decision::kUnknown && diff >= kPatience;
        if (previous == Decision::kDropped || lost) broken_ |= bit;
    }
}

// A lower layer counts from the next picture on: one without its upper layers has no end, and
// clients wait for it with all that refers to it.
void DependencySelector::follow_target(Layer target, const MediaPacket& packet) {
    if (packet.late && limit_.valid()) return;
    if (packet.timestamp != picture_ || !limit_.valid()) limit_ = target;
    picture_ = packet.timestamp;
    limit_ = {std::max(limit_.spatial, target.spatial), target.temporal};
}

bool DependencySelector::intact(const DecodeTargets& targets, std::uint8_t target) const {
    if ((active_ >> target & 1) == 0) return false;
    const std::uint8_t chain = targets.chain[target];
    if (chain == DecodeTargets::kNoChain) return started_;
    return (broken_ >> chain & 1) == 0;
}

DependencySelector::Choice DependencySelector::best_within(Layer limit,
                                                           const DecodeTargets& targets) const {
    Choice best;
    for (std::uint8_t t = 0; t < targets.count; ++t) {
        if (targets.spatial[t] > limit.spatial || targets.temporal[t] > limit.temporal) continue;
        if (!intact(targets, t)) continue;
        const auto rank = [&](std::uint8_t x) {
            return (targets.spatial[x] << 8) | targets.temporal[x];
        };
        if (!best.found || rank(t) > rank(best.target)) best = {t, true};
    }
    return best;
}

DependencySelector::Choice DependencySelector::choose(const LayerState& state,
                                                      const DecodeTargets& targets) const {
    if (const Choice wanted = best_within(limit_, targets); wanted.found) return wanted;
    // Nothing of what is asked for can be decoded before a key frame: stay, at the temporal layer
    // asked for. A congested link gets the pictures that all others refer to: to stop would be to
    // freeze until the key frame, to go on to make it come late, behind what the link can not take.
    if (!state.current.valid()) return {};
    const Layer stay{state.current.spatial, deficient_ ? std::int8_t{0} : limit_.temporal};
    return best_within(stay, targets);
}

bool DependencySelector::references_kept(const wire::DependencyInfo& dd, std::int64_t frame) const {
    for (const std::uint16_t diff : dd.diffs())
        if (decision(frame - diff) == Decision::kDropped) return false;
    return true;
}

bool DependencySelector::decide_new_frame(LayerState& s, const MediaPacket& packet,
                                          const DecodeTargets& targets, std::int64_t frame) {
    const wire::DependencyInfo& dd = packet.dd;
    if (frame > newest_) {
        advance_to(frame);
        if (dd.structure_attached) started_ = true;
        if (dd.structure_attached || dd.has_active_targets) active_ = dd.active_targets;
        update_chains(dd, frame);
    }
    if (!started_) return false;
    const Choice choice = choose(s, targets);
    if (!choice.found || dd.dtis[choice.target] == wire::Dti::kNotPresent ||
        !references_kept(dd, frame)) {
        decide(frame, Decision::kDropped);
        return false;
    }
    decide(frame, Decision::kForwarded);
    const Layer layer{static_cast<std::int8_t>(targets.spatial[choice.target]),
                      static_cast<std::int8_t>(targets.temporal[choice.target])};
    if (layer != s.current && !packet.late) s.move_to(layer);
    return true;
}

void DependencySelector::fill_rewrite(const LayerState& s, const MediaPacket& packet,
                                      const DecodeTargets& targets, Rewrite& rewrite) {
    const wire::DependencyInfo& dd = packet.dd;
    // A repaired one belongs to a frame of which other packets went out under its number.
    if (dd.structure_attached && sent_before_ && !packet.late) {
        const auto out = static_cast<std::uint16_t>(dd.frame_number + frame_offset_);
        if (sequence_distance(last_sent_frame_, out) < 0)
            frame_offset_ =
                static_cast<std::uint16_t>(last_sent_frame_ + kRestartGap - dd.frame_number);
    }
    rewrite.frame_number = static_cast<std::uint16_t>(dd.frame_number + frame_offset_);
    rewrite.target_count = targets.count;
    rewrite.mask = targets.up_to(static_cast<std::uint8_t>(s.current.spatial),
                                 static_cast<std::uint8_t>(s.current.temporal));
    if (!sent_before_ || sequence_distance(last_sent_frame_, rewrite.frame_number) > 0)
        last_sent_frame_ = rewrite.frame_number;
    sent_before_ = true;
}

Selection DependencySelector::select(LayerState& s, const MediaPacket& packet,
                                     const DecodeTargets& targets, Rewrite& rewrite,
                                     bool deficient) {
    Selection result;
    result.relevant = true;
    deficient_ = deficient;
    if (!s.target.valid() || !packet.has_dd) return result;
    const wire::DependencyInfo& dd = packet.dd;
    // Never start on a packet that came late (02 TRAP-08).
    if (!started_ && (packet.late || !dd.structure_attached)) return result;
    const bool starting = !s.current.valid();
    // A structure in order whose number goes back: the encoder began to count anew.
    if (dd.structure_attached && !packet.late && newest_ >= 0 &&
        sequence_distance(static_cast<std::uint16_t>(newest_), dd.frame_number) < 0)
        reset();
    follow_target(s.target, packet);
    const std::int64_t frame = unwrap(dd.frame_number);
    Decision known = decision(frame);
    if (known == Decision::kUnknown) {
        if (frame <= newest_ - kFrames || dd.decode_target_count != targets.count) return result;
        known =
            decide_new_frame(s, packet, targets, frame) ? Decision::kForwarded : Decision::kDropped;
    }
    if (known != Decision::kForwarded || !s.current.valid()) return result;
    fill_rewrite(s, packet, targets, rewrite);
    result.forward = true;
    result.switched = starting;
    const bool top = static_cast<std::int8_t>(dd.spatial_id) == s.current.spatial;
    result.marker = packet.marker || (dd.last_packet_in_frame && top);
    return result;
}

}  // namespace confab::sfu
