// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The RTCP of a subscription, both ways (02 FWD-10, FWD-11, FWD-12, FWD-13).
#include <algorithm>

#include "sfu/forward/down_track.h"

namespace confab::sfu {
namespace {

constexpr std::size_t kMaxNacked = 5000;  // numbers looked at per packet (02 FWD-11)

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

std::size_t DownTrack::handle_nack(std::span<const std::uint16_t> sequences, Timestamp now,
                                   std::span<ResendPacket> out) {
    stats_.nacked += sequences.size();
    if (!sequencer_) return 0;
    const bool silent = !cold_->rtx.answers() || pli_pending_ || closing_;
    std::size_t count = 0;
    for (const std::uint16_t sequence : sequences.first(std::min(sequences.size(), kMaxNacked))) {
        if (count == out.size()) break;
        const Sequencer::Asked asked = sequencer_->asked(sequence);
        if (asked.repeated) ++stats_.nack_repeats;
        if (silent || asked.spatial < 0 || !resend_allowed(asked.spatial)) continue;
        Sequencer::Found found;
        if (sequencer_->request(now, sequence, rtt(), found) != Sequencer::Answer::kResend)
            continue;
        out[count++] = cold_->rtx.negotiated()
                           ? cold_->rtx.copy_of(found, sequence)
                           : RtxStream::same_again(found, sequence, ssrc_, munger_.last_sequence());
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
    if (cold_->playout_delay) update_playout_delay(block, now);
    cold_->reports.note(block, stats_);
    const std::optional<Duration> rtt = cold_->sender_reports.round_trip(block, now);
    if (rtt) cold_->reports.note_rtt(*rtt);
    return rtt;
}

std::optional<wire::SenderReport> DownTrack::sender_report(Timestamp now) {
    if (!flowing_ || !synced_) return std::nullopt;
    const std::optional<SourceReport>& source = source_->reports[stream_];
    if (!source) return std::nullopt;
    const auto times =
        cold_->sender_reports.next(*source, munger_.timestamp_offset(), source_->clock_rate, now);
    if (!times) return std::nullopt;
    wire::SenderReport report;
    report.ssrc = ssrc_;
    report.ntp = times->ntp;
    report.rtp_time = static_cast<std::uint32_t>(times->timestamp);
    report.packet_count = static_cast<std::uint32_t>(stats_.packets);
    report.octet_count = static_cast<std::uint32_t>(stats_.octets);
    return report;
}

DownTrackWindow DownTrack::window() {
    return cold_->reports.window(stats_, source_->clock_rate);
}

}  // namespace confab::sfu
