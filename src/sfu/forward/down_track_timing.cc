// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Where the stream of a down-track continues when its source starts, switches or resumes (02
// FWD-01, FWD-02, FWD-03), and the sender reports that follow from it (FWD-10).
#include <algorithm>

#include "sfu/forward/down_track.h"

namespace confab::sfu {

std::int64_t DownTrack::to_clock(Duration d) const {
    return d.us() * static_cast<std::int64_t>(source_->clock_rate) / 1'000'000;
}

std::int64_t DownTrack::expected_time(Timestamp now) const {
    return cold_->first_timestamp + to_clock(now - cold_->first_time);
}

void DownTrack::place_first(const MediaPacket& packet, Timestamp now) {
    munger_.start(packet.sequence, packet.timestamp);
    reference_stream_ =
        static_cast<std::uint8_t>(source_->stream_of(static_cast<std::int8_t>(packet.spatial)));
    cold_->first_timestamp = packet.timestamp - munger_.timestamp_offset();
    cold_->first_time = now;
    cold_->reference_offset = -munger_.timestamp_offset();
}

// The packet's time on the clock of the outgoing stream; nullopt while reports are missing.
std::optional<std::int64_t> DownTrack::reference_time(const MediaPacket& packet,
                                                      std::size_t stream) const {
    const std::int64_t own = packet.timestamp + cold_->reference_offset;
    if (stream == reference_stream_) return own;
    if (source_->mode == LayerMode::kOneSpatialLayerPerStreamIncompleteRtcpSr)
        return munger_.last_timestamp();
    const std::optional<SourceReport>& reference = source_->reports[reference_stream_];
    const std::optional<SourceReport>& target = source_->reports[stream];
    if (!reference || !target) return std::nullopt;
    return own + reference->timestamp -
           (target->timestamp + to_clock(reference->ntp - target->ntp));
}

std::int64_t DownTrack::resume_time(std::int64_t reference, Timestamp now) {
    const std::int64_t expected = expected_time(now);
    const std::int64_t behind = expected - reference;
    const Duration limit = cold_->after_publisher_mute ? kResumeBehind : kResumeBehindHigh;
    if (behind <= to_clock(limit)) return reference;
    // The source's clock stood still; later switches must count from the new place.
    cold_->reference_offset += behind;
    return expected;
}

std::optional<std::int64_t> DownTrack::next_time(const MediaPacket& packet, std::size_t stream,
                                                 Timestamp now) {
    const std::int64_t least = munger_.last_timestamp() + 1;
    if (cold_->foreign_source) {
        // No common clock with what was sent before (02 DYN-05).
        const std::int64_t next = std::max(expected_time(now), least);
        reference_stream_ = static_cast<std::uint8_t>(stream);
        cold_->reference_offset = next - packet.timestamp;
        return next;
    }
    const std::optional<std::int64_t> reference = reference_time(packet, stream);
    if (!reference) return std::nullopt;
    if (!synced_) return std::max(resume_time(*reference, now), least);
    // The publisher trickles this layer out too late: wait for its next key frame.
    if (*reference - munger_.last_timestamp() < -to_clock(kSwitchBehind)) return std::nullopt;
    return std::max(*reference, least);
}

bool DownTrack::place(const MediaPacket& packet, Timestamp now) {
    const std::size_t stream = source_->stream_of(static_cast<std::int8_t>(packet.spatial));
    if (!munger_.started()) {
        place_first(packet, now);
    } else {
        const std::optional<std::int64_t> next = next_time(packet, stream, now);
        if (!next) return false;
        munger_.switch_source(packet.sequence, packet.timestamp, *next);
    }
    if (codec_ == Codec::kVp8) vp8_->switch_source(packet.vp8);
    stream_ = static_cast<std::uint8_t>(stream);
    synced_ = true;
    cold_->foreign_source = false;
    cold_->early_due = Timestamp::never();
    cold_->after_publisher_mute = false;
    return true;
}

std::optional<wire::SenderReport> DownTrack::sender_report(Timestamp now) {
    if (!flowing_ || !synced_) return std::nullopt;
    const std::optional<SourceReport>& source = source_->reports[stream_];
    if (!source) return std::nullopt;
    const Duration since = std::max(now - source->arrival, Duration::zero());
    const NtpTime ntp = source->ntp + since;
    const std::int64_t time = source->timestamp - munger_.timestamp_offset() + to_clock(since);
    if (cold_->any_report && (ntp <= cold_->last_report_ntp || time <= cold_->last_report_time))
        return std::nullopt;
    cold_->any_report = true;
    cold_->last_report_ntp = ntp;
    cold_->last_report_time = time;
    cold_->sent_reports[cold_->next_sent_report++ % cold_->sent_reports.size()] = {ntp.compact(),
                                                                                   now};
    wire::SenderReport report;
    report.ssrc = ssrc_;
    report.ntp = ntp;
    report.rtp_time = static_cast<std::uint32_t>(time);
    report.packet_count = static_cast<std::uint32_t>(stats_.packets);
    report.octet_count = static_cast<std::uint32_t>(stats_.octets);
    return report;
}

}  // namespace confab::sfu
