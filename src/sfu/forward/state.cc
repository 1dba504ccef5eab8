// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A down-track as bytes (base/state/state.h; 02 FWD-18): where numbers, times and layers of its
// stream go on. What was sent stays behind: a NACK for it is not answered, and the next one finds
// what was sent since.
#include "base/state/state.h"

#include <algorithm>
#include <vector>

#include "sfu/forward/down_track.h"
#include "sfu/packet/state_fields.h"

namespace confab::sfu {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr int kMaxBlank = 1000;
constexpr std::uint64_t kMaxBitrate = std::uint64_t{1} << 40;
constexpr std::uint8_t kMaxChain = 31;

template <typename Io, typename T>
void ntp_field(Io& io, std::uint8_t tag, T& ntp) {
    std::uint64_t value = ntp.value();
    io.field(tag, value);
    if constexpr (Io::kReads) ntp = NtpTime(value);
}

template <typename Io, typename R>
void report_fields(Io& io, R& report) {
    ntp_field(io, 1, report.ntp);
    line_field(io, 2, report.timestamp);
    since_field(io, 3, report.arrival);
}

template <typename Io, typename H>
void held_fields(Io& io, H& held) {
    line_field(io, 1, held.offset);
    line_field(io, 2, held.from);
}

template <typename Io, typename S>
void stats_fields(Io& io, S& stats) {
    io.field(1, stats.packets);
    io.field(2, stats.octets);
    io.field(3, stats.resent);
    io.field(4, stats.nacked);
    io.field(5, stats.nack_repeats);
    io.field(6, stats.plis);
    io.field(7, stats.late_dropped);
    io.field(8, stats.refused_switches);
    io.field(9, stats.out_of_order);
    io.field(10, stats.reported_lost);
    io.field(11, stats.jitter);
    io.field(12, stats.fraction_lost);
    bounded_field(io, 13, stats.before_first, -1, kMaxRtpIndex);
    io.field(14, stats.repairs);
    io.field(15, stats.repairs_lost);
    io.field(16, stats.probe_copies);
}

template <typename Io, typename S>
void settings_fields(Io& io, S& settings) {
    io.field(1, settings.enabled);
    io.field(2, settings.max_spatial);
    io.field(3, settings.max_temporal);
    io.field(4, settings.max_fps);
    io.field(5, settings.priority);
}

template <typename Io, typename T>
void targets_fields(Io& io, T& targets) {
    bounded_field(io, 1, targets.count, 0, wire::kMaxDdDecodeTargets);
    bounded_field(io, 2, targets.chain_count, 0, kMaxChain + 1);
    io.field(3, targets.spatial);
    io.field(4, targets.temporal);
    io.field(5, targets.chain);
    if constexpr (Io::kReads)
        for (const std::uint8_t chain : targets.chain)
            io.require(chain <= kMaxChain || chain == DecodeTargets::kNoChain);
}

// A packet of our own, without what the settings say.
template <typename Io, typename P>
void own_packet_fields(Io& io, P& packet) {
    bounded_field(io, 1, packet.sequence, 0, kMaxRtpIndex);
    io.field(2, packet.timestamp);
    io.field(3, packet.ssrc);
    io.field(4, packet.payload_type);
    io.field(5, packet.marker);
    io.field(6, packet.padding);
    bounded_field(io, 7, packet.prefix_size, 0, wire::kMaxVp8DescriptorSize);
    io.field(8, packet.prefix);
}

}  // namespace

// ---------------------------------------------------------------- the source as it was known

namespace {

template <typename Io, typename S>
void source_fields(Io& io, S& source) {
    io.choice(1, source.codec, Codec::kAv1);
    io.choice(2, source.mode, LayerMode::kOneSpatialLayerPerStreamIncompleteRtcpSr);
    bounded_field(io, 3, source.clock_rate, 1, 1'000'000);
    io.field(4, source.dependency_descriptor);
    io.field(5, source.muted);
    io.field(6, source.available);
    layer_field(io, 7, source.max_seen);
    io.record(8, [&source](auto& inner) {
        std::uint8_t tag = 1;
        for (auto& spatial : source.bitrate)
            for (auto& rate : spatial)
                bounded_field(inner, tag++, rate, 0, kMaxBitrate);
    });
    io.record(9, [&source](auto& inner) {
        std::uint8_t tag = 1;
        for (auto& spatial : source.fps)
            for (auto& rate : spatial)
                real_field(inner, tag++, rate);
    });
    io.record(10, [&source](auto& inner) {
        std::uint8_t tag = 1;
        for (auto& report : source.reports)
            inner.maybe(tag++, report, [](auto& fields, auto& one) { report_fields(fields, one); });
    });
    io.record(11, [&source](auto& inner) { targets_fields(inner, source.decode_targets); });
    io.record(12, [&source](auto& inner) {
        std::uint8_t tag = 1;
        for (auto& spatial : source.peak)
            for (auto& rate : spatial)
                bounded_field(inner, tag++, rate, 0, kMaxBitrate);
    });
}

}  // namespace

void SourceState::save(StateWriter& out) const {
    source_fields(out, *this);
}
void SourceState::load(StateReader& in) {
    source_fields(in, *this);
}

// ---------------------------------------------------------------- parts

template <typename Self, typename Io>
void StreamClock::fields(Self& self, Io& io) {
    bounded_field(io, 1, self.reference_stream_, 0, kMaxSpatialLayers - 1);
    line_field(io, 2, self.reference_offset_);
    line_field(io, 3, self.first_timestamp_);
    since_field(io, 4, self.first_time_);
    io.field(5, self.after_publisher_mute_);
    io.field(6, self.foreign_source_);
}
void StreamClock::save(StateWriter& out) const {
    fields(*this, out);
}
void StreamClock::load(StateReader& in) {
    fields(*this, in);
}

template <typename Self, typename Io>
void SenderReports::fields(Self& self, Io& io) {
    io.field(1, self.any_);
    ntp_field(io, 2, self.last_.ntp);
    line_field(io, 3, self.last_.timestamp);
    bounded_field(io, 4, self.next_sent_, 0, kMaxRemembered - 1);
    io.record(5, [&self](auto& inner) {
        std::uint8_t tag = 1;
        for (auto& sent : self.sent_)
            inner.record(tag++, [&sent](auto& one) {
                one.field(1, sent.ntp);
                one.field(2, sent.at);
                if constexpr (Io::kReads) one.require(!sent.at.is_never());
            });
    });
}
void SenderReports::save(StateWriter& out) const {
    fields(*this, out);
}
void SenderReports::load(StateReader& in) {
    fields(*this, in);
}

template <typename Self, typename Io>
void SubscriberReports::fields(Self& self, Io& io) {
    bounded_field(io, 1, self.rtt_, Duration::zero(), kMaxSpan);
    io.field(2, self.any_);
    io.field(3, self.window_reported_);
    io.field(4, self.window_rtt_);
    io.record(5, [&self](auto& inner) { stats_fields(inner, self.window_start_); });
    io.field(6, self.unsent_before_);
    io.field(7, self.reported_packets_);
    io.field(8, self.judged_packets_);
    begun_field(io, 9, self.reported_at_);
    begun_field(io, 10, self.judged_at_);
    io.field(11, self.spare_repairs_);
}
void SubscriberReports::save(StateWriter& out) const {
    fields(*this, out);
}
void SubscriberReports::load(StateReader& in) {
    fields(*this, in);
}

template <typename Self, typename Io>
void PlayoutDelay::fields(Self& self, Io& io) {
    bounded_field(io, 1, self.delay_, Duration::zero(), kGreatest);
    io.field(2, self.last_);
    io.field(3, self.reported_.packets);
    io.field(4, self.reported_.nacked);
    io.field(5, self.updated_);
    bounded_field(io, 6, self.first_, -1, kMaxRtpIndex);
}
void PlayoutDelay::save(StateWriter& out) const {
    fields(*this, out);
}
void PlayoutDelay::load(StateReader& in) {
    fields(*this, in);
    in.require(!last_.is_never());
    delay_ = std::clamp(delay_, min_, max_);
}

template <typename Self, typename Io>
void BlankFrames::fields(Self& self, Io& io) {
    bounded_field(io, 1, self.left_, 0, kMaxBlank);
    io.field(2, self.due_);
}
void BlankFrames::save(StateWriter& out) const {
    fields(*this, out);
}
void BlankFrames::load(StateReader& in) {
    fields(*this, in);
}

template <typename Self, typename Io>
void EarlyMedia::fields(Self& self, Io& io) {
    io.field(1, self.wanted_);
    io.field(2, self.due_);
    io.field(3, self.end_);
    bounded_field(io, 4, self.sequence_, 0, 0xFFFF);
    bounded_field(io, 5, self.timestamp_, 0, 0xFFFF'FFFF);
}
void EarlyMedia::save(StateWriter& out) const {
    fields(*this, out);
}
void EarlyMedia::load(StateReader& in) {
    fields(*this, in);
}

void OwnPackets::save(StateWriter& out) const {
    out.part(1, blank_);
    out.part(2, early_);
    for (std::size_t i = 0; i < waiting_.size(); ++i)
        out.record(3, [&](auto& inner) { own_packet_fields(inner, waiting_[i].packet); });
}

void OwnPackets::load(const Forwarder& stream, StateReader& in) {
    in.part(1, blank_);
    in.part(2, early_);
    std::vector<ForwardedPacket> packets;
    in.list(3, packets, kMaxWaiting,
            [](auto& inner, auto& packet) { own_packet_fields(inner, packet); });
    // What they are made of is at hand again; or they are not made any more.
    const bool ready = prepare_blank(stream);
    if (!ready) blank_.stop();
    for (const ForwardedPacket& packet : packets)
        if (packet.padding || ready)
            (void)waiting_.push(
                {packet, packet.padding ? BytesView(kPaddingOctets) : blank_.payload()});
}

}  // namespace confab::sfu

namespace confab {

using sfu::Codec;
using sfu::DownTrack;
using sfu::Forwarder;

// ---------------------------------------------------------------- the way of packets

template <typename Self, typename Io>
void StateAccess<Forwarder>::fields(Self& self, Io& io) {
    io.field(2, self.flowing_);
    io.field(3, self.synced_);
    io.field(4, self.resuming_);
    io.field(5, self.pli_pending_);
    io.field(6, self.closing_);
    io.choice(7, self.refused_, Forwarder::Refused::kTold);
    io.field(8, self.playout_delay_due_);
    bounded_field(io, 9, self.stream_, 0, sfu::kMaxSpatialLayers - 1);
    bounded_field(io, 10, self.reference_stream_, 0, sfu::kMaxSpatialLayers - 1);
    io.part(11, self.selector_);
    io.part(12, self.munger_);
    io.record(13, [&self](auto& inner) { sfu::stats_fields(inner, self.stats_); });
    if (self.munger_.started()) io.part(14, self.rare_->clock);
    io.field(15, self.rare_->publisher_was_muted);
    io.field(16, self.rare_->placed);
}

void StateAccess<Forwarder>::save(const Forwarder& f, StateWriter& out) {
    out.field(1, static_cast<std::uint8_t>(f.codec_));
    fields(f, out);
    for (std::size_t i = 0; i < f.rare_->events.size(); ++i)
        out.field(17, static_cast<std::uint8_t>(f.rare_->events[i]));
    if (f.vp8_) out.part(18, *f.vp8_);
    if (f.retransmitter_) out.part(19, *f.retransmitter_);
    if (f.rare_->playout_delay) out.part(20, *f.rare_->playout_delay);
    out.maybe(21, f.rare_->held, [](auto& io, auto& held) { sfu::held_fields(io, held); });
}

void StateAccess<Forwarder>::load(Forwarder& f, StateReader& in) {
    Codec codec = Codec::kNone;
    in.choice(1, codec, Codec::kAv1);
    in.require(codec == Codec::kNone || kind_of(codec) == f.kind_);
    const bool taken = in.ok() && (codec == Codec::kNone || f.take_codec(codec));
    fields(f, in);
    std::vector<std::uint8_t> events;
    in.numbers(17, events, 8);
    for (const std::uint8_t event : events) {
        in.require(event <= static_cast<std::uint8_t>(sfu::StreamState::kPaused));
        f.has_events_ = f.rare_->events.push(static_cast<sfu::StreamState>(event)) || f.has_events_;
    }
    in.record(18, [&f](StateReader& inner) {
        if (!f.vp8_) f.vp8_ = std::make_unique<sfu::Vp8Munger>();
        f.vp8_->load(inner);
    });
    in.record(19, [&f](StateReader& inner) {
        if (f.retransmitter_) f.retransmitter_->load(inner);
    });
    if (f.retransmitter_ && f.munger_.started())
        f.retransmitter_->begin_behind(f.munger_.last_sequence());
    in.record(20, [&f](StateReader& inner) {
        if (f.rare_->playout_delay) f.rare_->playout_delay->load(inner);
    });
    in.maybe(21, f.rare_->held, [](auto& io, auto& held) { sfu::held_fields(io, held); });
    f.playout_delay_due_ = f.playout_delay_due_ && f.rare_->playout_delay;
    // In the middle of a stream there is one, and a codec of its kind.
    in.require(!f.synced_ || (f.munger_.started() && codec != Codec::kNone));
    in.require(!f.rare_->placed || f.munger_.started());
    // It is not taken any more.
    if (!taken) f.stop();
}

void StateAccess<Forwarder>::skip_ahead(Forwarder& f, std::int64_t count) {
    f.munger_.skip_ahead(count);
    if (f.retransmitter_) f.retransmitter_->skip_ahead(count);
}

// ---------------------------------------------------------------- all of it

void StateAccess<DownTrack>::save(const DownTrack& track, StateWriter& out) {
    const sfu::DownTrackCold& cold = *track.cold_;
    state_version(out, sfu::kVersion);
    out.part(2, track.forwarder_);
    out.record(3, [&cold](auto& inner) { sfu::settings_fields(inner, cold.settings); });
    out.part(4, cold.allocator);
    out.part(5, cold.key_frames);
    out.part(6, cold.own);
    out.part(7, cold.sender_reports);
    out.part(8, cold.reports);
    out.part(9, cold.quality);
}

void StateAccess<DownTrack>::load(DownTrack& track, StateReader& in) {
    sfu::DownTrackCold& cold = *track.cold_;
    state_version(in, sfu::kVersion);
    // Its numbers can not be guessed.
    const bool numbered = in.record(
        2, [&track](StateReader& inner) { StateAccess<Forwarder>::load(track.forwarder_, inner); });
    in.require(numbered);
    in.record(3, [&cold](auto& inner) { sfu::settings_fields(inner, cold.settings); });
    in.part(4, cold.allocator);
    in.part(5, cold.key_frames);
    in.record(6, [&](StateReader& inner) { cold.own.load(track.forwarder_, inner); });
    in.part(7, cold.sender_reports);
    in.part(8, cold.reports);
    in.part(9, cold.quality);
}

void StateAccess<DownTrack>::skip_ahead(DownTrack& track, std::int64_t count) {
    StateAccess<Forwarder>::skip_ahead(track.forwarder_, count);
}

}  // namespace confab
