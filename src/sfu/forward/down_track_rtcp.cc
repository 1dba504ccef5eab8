// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a subscriber's RTCP does to its down-track (02 FWD-11, FWD-12, FWD-13).
#include <algorithm>
#include <utility>

#include "sfu/forward/down_track.h"

namespace confab::sfu {
namespace {

constexpr std::size_t kMaxNacked = 5000;  // numbers looked at per packet (02 FWD-11)

Duration jitter_time(std::uint32_t jitter, std::uint32_t clock_rate) {
    return Duration::micros(std::int64_t{jitter} * 1'000'000 /
                            std::max(std::int64_t{clock_rate}, std::int64_t{1}));
}

}  // namespace

void complete_resend(ResendPacket& resend, const MediaPacket& source) {
    resend.packet.has_abs_capture_time &= source.has_abs_capture_time;
    resend.packet.abs_capture_time = source.abs_capture_time;
}

// While the link is congested copies of layers about to be left help nobody.
bool DownTrack::resend_allowed(std::int8_t spatial) const {
    if (!deficient_ || cold_->kind == MediaKind::kAudio) return true;
    return spatial <= layers_.current.spatial && layers_.target.spatial >= layers_.current.spatial;
}

// The descriptor in the prefix makes room for the original number (RFC 4588 §4).
ResendPacket DownTrack::copy_of(Sequencer::Found& found, std::uint16_t sequence) {
    ForwardedPacket& p = found.packet;
    std::copy_backward(p.prefix.begin(), p.prefix.begin() + p.prefix_size,
                       p.prefix.begin() + p.prefix_size + 2);
    store_be16(p.prefix.data(), sequence);
    p.prefix_size = static_cast<std::uint8_t>(p.prefix_size + 2);
    p.rtx = true;
    p.ssrc = cold_->rtx_ssrc;
    p.payload_type = cold_->rtx_pt->value();
    p.sequence = cold_->rtx_sequence++;
    return {p, found.source_sequence, found.stream};
}

// The packet itself once more: the same number may never carry other octets (02 TRAP-14).
ResendPacket DownTrack::same_again(Sequencer::Found& found, std::uint16_t sequence) const {
    ForwardedPacket& p = found.packet;
    const std::int64_t newest = munger_.last_sequence();
    p.sequence = newest - static_cast<std::uint16_t>(static_cast<std::uint16_t>(newest) - sequence);
    p.ssrc = ssrc_;
    p.rtx = true;
    return {p, found.source_sequence, found.stream};
}

std::size_t DownTrack::handle_nack(std::span<const std::uint16_t> sequences, Timestamp now,
                                   std::span<ResendPacket> out) {
    stats_.nacked += sequences.size();
    if (!sequencer_) return 0;
    const bool answers = cold_->rtx_pt || cold_->resends_on_main;
    const bool silent = !answers || pli_pending_ || closing_;
    std::size_t count = 0;
    for (const std::uint16_t sequence : sequences.first(std::min(sequences.size(), kMaxNacked))) {
        if (count == out.size()) break;
        const Sequencer::Asked asked = sequencer_->asked(sequence);
        if (asked.repeated) ++stats_.nack_repeats;
        if (silent || asked.spatial < 0 || !resend_allowed(asked.spatial)) continue;
        Sequencer::Found found;
        if (sequencer_->request(now, sequence, rtt(), found) != Sequencer::Answer::kResend)
            continue;
        out[count++] = cold_->rtx_pt ? copy_of(found, sequence) : same_again(found, sequence);
        ++stats_.resent;
    }
    return count;
}

std::optional<std::uint8_t> DownTrack::handle_pli(Timestamp now) {
    ++stats_.plis;
    if (!flowing_ || cold_->kind == MediaKind::kAudio) return std::nullopt;
    // A copy of an old packet is of no use before the next key frame.
    pli_pending_ = synced_;
    const std::int8_t wanted = request_ >= 0 ? request_ : layers_.current.spatial;
    if (wanted < 0) return std::nullopt;
    cold_->key_frame_due = now + std::clamp(rtt() * 2, kKeyFrameIntervalMin, kKeyFrameIntervalMax);
    return static_cast<std::uint8_t>(wanted);
}

void DownTrack::write_playout_delay(ForwardedPacket& out) {
    out.has_playout_delay = true;
    out.playout_delay = cold_->playout_delay->wire();
    cold_->playout_delay->carried(out.sequence);
}

void DownTrack::update_playout_delay(const wire::ReportBlock& block, Timestamp now) {
    PlayoutDelay& delay = *cold_->playout_delay;
    if (delay.acknowledged(block.highest_sequence)) playout_delay_due_ = false;
    const DownTrackStats& from = cold_->playout_start;
    const std::uint64_t packets = std::max<std::uint64_t>(stats_.packets - from.packets, 1);
    const auto percent = static_cast<std::int64_t>((stats_.nacked - from.nacked) * 100 / packets);
    if (delay.update(jitter_time(block.jitter, source_->clock_rate), percent, now))
        playout_delay_due_ = true;
    cold_->playout_start = stats_;
}

std::optional<Duration> DownTrack::handle_report(const wire::ReportBlock& block, Timestamp now) {
    cold_->reported_on = cold_->window_reported = true;
    if (cold_->playout_delay) update_playout_delay(block, now);
    stats_.fraction_lost = block.fraction_lost;
    stats_.jitter = block.jitter;
    // Duplicates can make the sum fall; it counts as it stands then.
    stats_.reported_lost =
        static_cast<std::uint32_t>(std::max<std::int32_t>(block.cumulative_lost, 0));
    if (block.last_sr == 0) return std::nullopt;
    const auto& sent = cold_->sent_reports;
    const auto it = std::find_if(sent.begin(), sent.end(), [&](const DownTrackCold::SentReport& r) {
        return r.ntp == block.last_sr;
    });
    if (it == sent.end()) return std::nullopt;
    const Duration rtt = now - it->at - from_compact_ntp(block.delay_since_last_sr);
    if (rtt < Duration::zero()) return std::nullopt;
    cold_->rtt = (cold_->rtt + rtt) / 2;
    cold_->window_rtt = rtt;
    return rtt;
}

DownTrackWindow DownTrack::window() {
    const DownTrackStats& from = cold_->window_start;
    DownTrackWindow out;
    out.packets = stats_.packets - from.packets;
    out.octets = stats_.octets - from.octets;
    out.nacked = stats_.nacked - from.nacked;
    if (stats_.reported_lost > from.reported_lost)
        out.lost = stats_.reported_lost - from.reported_lost;
    out.out_of_order = std::exchange(cold_->window_out_of_order, std::uint64_t{0});
    if (std::exchange(cold_->window_reported, false))
        out.jitter = jitter_time(stats_.jitter, source_->clock_rate);
    out.rtt = std::exchange(cold_->window_rtt, std::nullopt);
    cold_->window_start = stats_;
    return out;
}

}  // namespace confab::sfu
