// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Settings, mutes, pauses and the end of a down-track, and its RTCP (02 FWD-10, FWD-12, FWD-13,
// FWD-15, FWD-17, BWE-09, SUB-01).
#include "sfu/forward/down_track.h"

#include <algorithm>

namespace confab::sfu {

DownTrack::DownTrack(const AddDownTrack& config, const SourceState& source, Rng& rng,
                     std::size_t kept)
    : forwarder_(config, source, rng, kept), cold_(std::make_unique<DownTrackCold>(config, rng)) {
    refresh(Timestamp{});
}

// ------------------------------------------------------------------ what flows

bool DownTrack::muted() const {
    return !cold_->settings.enabled || source().muted || forwarder_.closing();
}

void DownTrack::refresh(Timestamp now) {
    DownTrackCold& cold = *cold_;
    const bool before = forwarder_.flowing();
    const bool video = cold.info.video();
    LayerState& layers = forwarder_.selector().layers();
    if (video) {
        const bool muted_here = !cold.settings.enabled || forwarder_.closing();
        const auto outcome = cold.allocator.allocate(
            source(), wished_layer(cold.settings, source()), muted_here, layers);
        if (outcome != LayerAllocator::Outcome::kSame) cold.key_frames.set_due(now);
        if (outcome == LayerAllocator::Outcome::kPaused) forwarder_.announce_pause();
    }
    const bool flowing = !muted() && (!video || layers.target.valid());
    forwarder_.set_flowing(flowing);
    cold.quality.distance.set(now, cold.allocator.distance());
    cold.quality.unmuted.set(now, muted() ? 0 : 1);
    if (before && !flowing && !video && !forwarder_.closing())
        cold.own.start_blank(forwarder_, kMuteFrames, now);
    if (!before && flowing) {
        cold.quality.heard = now;
        cold.own.stop_blank();
        cold.key_frames.set_due(now);
    }
}

void DownTrack::update_settings(const DownTrackSettings& settings, Timestamp now) {
    if (settings == cold_->settings) return;
    // While disabled the layer stays as it was asked for last (02 SUB-01).
    if (settings.enabled) {
        cold_->settings = settings;
    } else {
        cold_->settings.enabled = false;
        cold_->settings.priority = settings.priority;
    }
    refresh(now);
}

void DownTrack::source_changed(Timestamp now) {
    forwarder_.source_changed();
    const LayerState& layers = forwarder_.selector().layers();
    const std::int8_t before = layers.request;
    refresh(now);
    // The rest of this picture may bring what is wanted.
    if (source().svc() && layers.current.valid() && layers.request > before)
        cold_->key_frames.set_due(now + kPictureSpread);
}

void DownTrack::switch_source(const SourceState& source, Timestamp now) {
    forwarder_.switch_source(source);
    refresh(now);
}

void DownTrack::set_bandwidth(Layer cap, bool deficient, Timestamp now) {
    forwarder_.selector().set_deficient(deficient);
    if (cold_->allocator.set_cap(cap)) refresh(now);
}

void DownTrack::interrupt(Timestamp now) {
    forwarder_.stop();
    refresh(now);
}

void DownTrack::close(Timestamp now, bool blank_frames) {
    if (forwarder_.closing()) return;
    forwarder_.close();
    refresh(now);
    cold_->own.stop_blank();
    if (blank_frames)
        cold_->own.start_blank(forwarder_,
                               cold_->info.video() ? kCloseVideoFrames : kCloseAudioFrames, now);
}

Timestamp DownTrack::next_deadline() const {
    const Timestamp next = cold_->own.next_deadline(forwarder_);
    return needs_key_frame() ? earlier(next, cold_->key_frames.due()) : next;
}

std::optional<std::uint8_t> DownTrack::poll_key_frame_request(Timestamp now) {
    if (!needs_key_frame() || !cold_->key_frames.take_due(now, rtt())) return std::nullopt;
    return static_cast<std::uint8_t>(forwarder_.selector().layers().request);
}

// ------------------------------------------------------------------ probing

// A stream that was stopped on purpose takes none: nobody waits for more of it.
bool DownTrack::probing_allowed() const {
    return started() && cold_->reports.any() && !muted();
}

std::optional<ResendPacket> DownTrack::probe_packet(std::size_t back) {
    if (!probing_allowed() || back >= kProbePackets) return std::nullopt;
    return forwarder_.copy_of_sent(back);
}

std::size_t DownTrack::write_padding(std::size_t packets, bool forced) {
    if (!probing_allowed() || (!forced && !forwarder_.numbers().last_marker())) return 0;
    return cold_->own.write_padding(forwarder_, packets);
}

// ------------------------------------------------------------------ RTCP

std::optional<std::uint8_t> DownTrack::handle_pli(Timestamp now, KeyFrameCause cause) {
    if (!forwarder_.wants_key_frame(cause, now)) return std::nullopt;
    const LayerState& layers = forwarder_.selector().layers();
    const std::int8_t wanted = layers.request >= 0 ? layers.request : layers.current.spatial;
    if (wanted < 0) return std::nullopt;
    cold_->key_frames.asked(now, rtt());
    return static_cast<std::uint8_t>(wanted);
}

std::optional<Duration> DownTrack::handle_report(const wire::ReportBlock& block, Timestamp now) {
    if (info().rtx_ssrc != 0 && block.ssrc == info().rtx_ssrc) {
        SubscriberReports::note_repairs(block, forwarder_.stats());
        return std::nullopt;
    }
    forwarder_.handle_report(block, now);
    cold_->quality.heard = now;
    cold_->reports.note(block, forwarder_.stats(), now);
    const std::optional<Duration> rtt = cold_->sender_reports.round_trip(block, now);
    if (rtt) cold_->reports.note_rtt(*rtt);
    return rtt;
}

std::optional<wire::SenderReport> DownTrack::sender_report(Timestamp now) {
    const auto placed = forwarder_.source_report();
    if (!placed) return std::nullopt;
    const auto times =
        cold_->sender_reports.next(placed->report, placed->offset, source().clock_rate, now);
    if (!times) return std::nullopt;
    wire::SenderReport report;
    report.ssrc = cold_->info.ssrc;
    report.ntp = times->ntp;
    report.rtp_time = static_cast<std::uint32_t>(times->timestamp);
    report.packet_count = static_cast<std::uint32_t>(stats().packets);
    report.octet_count = static_cast<std::uint32_t>(stats().octets);
    return report;
}

// ------------------------------------------------------------------ views

DownTrackLayers DownTrack::layers() const {
    const LayerState& layers = forwarder_.selector().layers();
    const LayerAllocator& allocator = cold_->allocator;
    return {layers.current, layers.target, allocator.pause(), allocator.distance()};
}

std::uint8_t DownTrack::streams() const {
    if (!forwarder_.flowing()) return 0;
    if (!info().video() || source().svc()) return 1;
    const LayerState& layers = forwarder_.selector().layers();
    const std::int8_t current = layers.current.spatial;
    const bool any_below = current < 0 || current > layers.max.spatial;
    const int low = any_below ? 0 : std::min(current, layers.target.spatial);
    const int high = std::max({current, layers.target.spatial, layers.request});
    return static_cast<std::uint8_t>((2U << high) - (1U << low));
}

VideoDemand DownTrack::demand() const {
    VideoDemand demand;
    demand.source = &source();
    demand.max = wished_layer(cold_->settings, source());
    demand.priority = cold_->settings.priority;
    demand.muted = !cold_->settings.enabled || source().muted;
    demand.exempt = cold_->info.screen_share && source().max_seen.spatial <= 0;
    demand.detailed = cold_->info.screen_share;
    demand.packets = stats().packets;
    demand.nack_repeats = stats().nack_repeats;
    demand.cap = cold_->allocator.cap();
    demand.deficient = forwarder_.selector().deficient();
    return demand;
}

DownTrackWindow DownTrack::window(Timestamp now) {
    QualityWindow& quality = cold_->quality;
    DownTrackWindow out =
        cold_->reports.window(stats(), forwarder_.numbers().last_sequence(), source().clock_rate);
    out.distance = quality.distance.take(now);
    out.unmuted = quality.unmuted.take(now);
    out.codec = forwarder_.sent_codec();
    if (out.packets == 0 || quality.heard == Timestamp()) quality.heard = now;
    out.unreported = now - quality.heard >= QualityWindow::kPatience;
    return out;
}

}  // namespace confab::sfu
