// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/rewrite/retransmitter.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "sfu/layers/video_layer_selector.h"

namespace confab::sfu {
namespace {

std::size_t sequencer_entries(MediaKind kind, std::size_t kept) {
    const std::size_t usual =
        kind == MediaKind::kVideo ? Sequencer::kVideoEntries : Sequencer::kAudioEntries;
    return kept == 0 ? usual : std::bit_ceil(std::min(kept, Sequencer::kMaxEntries));
}

}  // namespace

bool Retransmitter::needed(const AddDownTrack& config) {
    return std::any_of(config.codecs.begin(), config.codecs.end(), [&](const SendCodec& c) {
        return (c.rtx_pt.has_value() && config.rtx_ssrc.value() != 0) ||
               may_resend_on_main(c, config.extensions);
    });
}

Retransmitter::Retransmitter(const AddDownTrack& config, std::size_t kept,
                             std::int64_t first_rtx_sequence)
    : sent_(sequencer_entries(config.kind, kept),
            config.kind == MediaKind::kVideo ? Sequencer::kVideoKept : Sequencer::kKept),
      rtx_(config.rtx_ssrc.value(), first_rtx_sequence) {}

std::size_t Retransmitter::handle_nack(std::span<const std::uint16_t> sequences, Timestamp now,
                                       const State& state, DownTrackStats& stats,
                                       std::span<ResendPacket> out) {
    if (state.silent || !rtx_.answers()) return 0;
    std::size_t count = 0;
    for (const std::uint16_t sequence : sequences.first(std::min(sequences.size(), kMaxNacked))) {
        if (count == out.size()) break;
        const std::optional<std::int8_t> spatial = sent_.spatial_of(sequence);
        if (!spatial) {
            if (state.layers != nullptr && was_before(sequence, state.newest)) stuck_ = true;
            continue;
        }
        if (state.layers != nullptr && !state.layers->may_resend(*spatial)) continue;
        Sequencer::Found found;
        const Sequencer::Answer answer = sent_.request(now, sequence, state.rtt, found);
        if (answer == Sequencer::Answer::kLost && state.layers != nullptr) stuck_ = true;
        if (answer != Sequencer::Answer::kResend) continue;
        out[count] = rtx_.negotiated()
                         ? rtx_.copy_of(found, sequence)
                         : RtxStream::same_again(found, sequence, state.ssrc, state.newest);
        out[count++].counts = &stats;
        // The copy before this one did not come either. What is asked for while that may still be
        // on its way says nothing, and random losses alone would look like a link that is full.
        if (found.resends > 1) ++stats.nack_repeats;
    }
    return count;
}

// Of the packets that could still be asked for when the stream came here.
bool Retransmitter::was_before(std::uint16_t sequence, std::int64_t newest) const {
    const std::int64_t number =
        newest - static_cast<std::uint16_t>(static_cast<std::uint16_t>(newest) - sequence);
    return number <= before_ &&
           before_ - number < static_cast<std::int64_t>(Sequencer::kVideoEntries);
}

bool Retransmitter::take_stuck(Timestamp now) {
    if (!std::exchange(stuck_, false) || now < next_stuck_) return false;
    next_stuck_ = now + kStuckEvery;
    return true;
}

std::optional<ResendPacket> Retransmitter::copy_of(std::uint16_t sequence) {
    if (!rtx_.negotiated()) return std::nullopt;
    Sequencer::Found found;
    if (!sent_.find(sequence, found)) return std::nullopt;
    return rtx_.copy_of(found, sequence);
}

}  // namespace confab::sfu
