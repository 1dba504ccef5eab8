// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 FWD-01, FWD-04, FWD-05, FWD-06, FWD-08, IN-32, IN-34.
#include "sfu/forward/forwarder.h"

#include <algorithm>

#include "base/prefetch.h"
#include "sfu/forward/own_media.h"
#include "sfu/rewrite/trailer_strip.h"

namespace confab::sfu {
namespace {

// Whether a packet of VP8 goes on as what `out` says.
bool vp8_passes(const MediaPacket& packet, LayerState& layers, Munger& munger, Vp8Munger& vp8,
                ForwardedPacket& out) {
    const Munger::Order order = munger.order(packet.sequence);
    const std::int8_t limit = order == Munger::Order::kLate ? layers.current.temporal
                                                            : update_vp8_temporal(layers, packet);
    const bool too_high = static_cast<std::int8_t>(packet.temporal) > limit;
    DescriptorPatch patch;
    const Vp8Munger::Verdict verdict =
        vp8.process(packet.vp8, packet.timestamp, order, too_high, patch, limit,
                    static_cast<std::int8_t>(packet.temporal));
    if (verdict == Vp8Munger::Verdict::kFilter) munger.drop(packet.sequence);
    if (verdict == Vp8Munger::Verdict::kFill) out.payload_size = 0;
    if (verdict != Vp8Munger::Verdict::kForward) return verdict == Vp8Munger::Verdict::kFill;
    out.prefix_size = patch.size;
    out.prefix = patch.bytes;
    out.payload_offset = packet.vp8.size;
    return true;
}

// The stream goes on at `now.from`; what was held stays as long as no report came since.
void hold_offset(std::optional<HeldOffset>& held, const std::optional<SourceReport>& report,
                 HeldOffset now) {
    if (held && report && report->timestamp < held->from) now.offset = held->offset;
    held = now;
}

}  // namespace

Forwarder::Forwarder(const AddDownTrack& config, const SourceState& source, Rng& rng,
                     std::size_t kept)
    : source_(&source),
      ssrc_(config.ssrc.value()),
      kind_(config.kind),
      strip_trailers_(config.strip_packet_trailers),
      extensions_(config.extensions),
      rare_(std::make_unique<Rare>()) {
    rare_->codecs = SendCodecs(config.codecs, config.encrypted);
    rare_->publisher_was_muted = source.muted;
    rare_->screen_share = config.screen_share;
    const std::int64_t first_rtx_sequence = third_quarter_start(rng);
    if (Retransmitter::needed(config))
        retransmitter_ = std::make_unique<Retransmitter>(config, kept, first_rtx_sequence);
    if (config.playout_delay && config.extensions.playout_delay != 0) {
        rare_->playout_delay.emplace(*config.playout_delay);
        playout_delay_due_ = true;
    }
    (void)ensure_codec();
}

// ------------------------------------------------------------------ packets

std::size_t Forwarder::forward(const MediaPacket& packet, Timestamp now, Output out,
                               std::int64_t later) {
    time_shift_ = later;
    if (!flowing_) return 0;
    if (packet.codec != codec_ && !take_codec(packet.codec)) return 0;
    if (packet.padding_only) return forward_padding(packet, now, out);
    return kind_of(codec_) == MediaKind::kAudio ? forward_audio(packet, now, out)
                                                : forward_video(packet, now, out);
}

void Forwarder::prefetch_parts(PrefetchStep step) const {
    if (step == PrefetchStep::kMiddle) {
        if (vp8_) vp8_->prefetch();
        if (retransmitter_) retransmitter_->prefetch();
    } else if (step == PrefetchStep::kNear && retransmitter_) {
        retransmitter_->prefetch_place();
    }
}

// Where the stream starts, switches or goes on (02 FWD-01, FWD-02, FWD-03).
bool Forwarder::place(const MediaPacket& packet, Timestamp now) {
    StreamClock& clock = rare_->clock;
    // What is sent late would have been sent then.
    now = now - Duration::micros(time_shift_ * 1'000'000 / source_->clock_rate);
    const std::size_t stream = source_->stream_of(static_cast<std::int8_t>(packet.spatial));
    const StreamClock::Position position{packet.timestamp, stream};
    if (!munger_.started()) {
        munger_.start(packet.sequence, packet.timestamp);
        stats_.before_first = munger_.last_sequence();
        clock.start(position, munger_.timestamp_offset(), now);
    } else {
        const bool foreign = clock.is_foreign();
        const auto next = clock.next(*source_, position, munger_.last_timestamp(), !synced_, now);
        if (!next) return false;
        const std::int64_t before = munger_.timestamp_offset();
        munger_.switch_source(packet.sequence, packet.timestamp, *next);
        if (stream != stream_ || foreign)
            rare_->held.reset();
        else
            hold_offset(rare_->held, source_->reports[stream], {before, packet.timestamp});
    }
    if (codec_ == Codec::kVp8) vp8_->switch_source(packet.vp8);
    stream_ = static_cast<std::uint8_t>(stream);
    reference_stream_ = static_cast<std::uint8_t>(clock.reference_stream());
    synced_ = true;
    rare_->placed = true;
    return true;
}

// A padding packet that came late has a number that was kept free for it (02 IN-02).
std::size_t Forwarder::forward_padding(const MediaPacket& packet, Timestamp now, Output out) {
    if (!packet.late || !synced_ ||
        source_->stream_of(static_cast<std::int8_t>(packet.spatial)) != stream_)
        return 0;
    out[0] = {};
    return emit(packet, {packet.sequence, packet.timestamp}, false, now, out[0]) ? 1 : 0;
}

std::size_t Forwarder::forward_audio(const MediaPacket& packet, Timestamp now, Output out) {
    if (!synced_ && (packet.late || !place(packet, now))) return 0;
    if (!down_convert_) {
        out[0] = {};
        return emit(packet, {packet.sequence, packet.timestamp}, false, now, out[0]) ? 1 : 0;
    }
    const RedSlices red = split_red(packet.payload, packet.sequence, packet.timestamp);
    std::size_t count = 0;
    for (std::size_t i = 0; i < red.count; ++i) {
        const RedSlice& slice = red.slices[i];
        const bool primary = slice.sequence == packet.sequence;
        // Redundant frames are for holes only; a number already sent is refused below.
        if (!primary && !munger_.is_open(slice.sequence)) continue;
        ForwardedPacket& p = out[count];
        p = {};
        p.payload_offset = slice.offset;
        p.payload_size = slice.size;
        if (emit(packet, {slice.sequence, slice.timestamp}, false, now, p)) ++count;
    }
    return count;
}

std::size_t Forwarder::forward_video(const MediaPacket& packet, Timestamp now, Output out) {
    VideoLayerSelector::Rewrite rewrite;
    const Selection selection = selector_.select(packet, *source_, rewrite);
    if (!selection.relevant) return 0;
    if (selection.switched && !place(packet, now)) {
        selector_.layers().roll_back();
        ++stats_.refused_switches;
        return 0;
    }
    if (!synced_) return 0;
    if (!selection.forward) {
        munger_.drop(packet.sequence);
        return 0;
    }
    ForwardedPacket& p = out[0];
    p = {};
    if (codec_ == Codec::kVp8 && !vp8_passes(packet, selector_.layers(), munger_, *vp8_, p))
        return 0;
    if (rewrite.target_count > 0) {
        p.dd_mode = packet.dd.structure_attached ? DescriptorMode::kAsIs : DescriptorMode::kSetMask;
        p.dd_mask = rewrite.mask;
        p.dd_frame_number = rewrite.frame_number;
        p.dd_target_count = rewrite.target_count;
    }
    if (!emit(packet, {packet.sequence, packet.timestamp}, selection.marker, now, p)) return 0;
    if (packet.key_frame) pli_pending_ = false;
    return 1;
}

bool Forwarder::emit(const MediaPacket& packet, Munger::Output position, bool marker, Timestamp now,
                     ForwardedPacket& out) {
    const auto mapped = munger_.map(position.sequence, position.timestamp, marker);
    if (!mapped) {
        ++stats_.late_dropped;
        return false;
    }
    out.sequence = mapped->sequence;
    out.timestamp = static_cast<std::uint32_t>(mapped->timestamp + time_shift_);
    out.ssrc = ssrc_;
    out.payload_type = payload_type_;
    out.marker = marker;
    // Without a report of the reference layer the capture time can not be placed (02 IN-40).
    if (packet.has_abs_capture_time && source_->reports[reference_stream_].has_value()) {
        out.has_abs_capture_time = true;
        out.abs_capture_time = packet.abs_capture_time;
    }
    if (playout_delay_due_) rare_->playout_delay->write(out);
    // Copies of sound have no stream of their own, but for very few clients.
    out.may_repeat = retransmitter_ != nullptr && kind_ == MediaKind::kAudio;
    // What only fills a number, too: without picture ids a decoder waits for each one.
    if (retransmitter_ && !packet.padding_only)
        retransmitter_->note_sent(now, out, packet.sequence, stream_, packet.spatial);
    // Of a copy it is cut off again, in complete_resend().
    if (strip_trailers_ && (marker || packet.frame_end)) strip_trailer(out, packet);
    ++stats_.packets;
    if (packet.late) ++stats_.out_of_order;
    stats_.octets +=
        header_size(out, extensions_, packet.dd_bytes) + out.body(packet.payload).size();
    if (resuming_) {
        resuming_ = false;
        if (kind_of(codec_) == MediaKind::kVideo)
            has_events_ = rare_->events.push(StreamState::kActive) || has_events_;
    }
    return true;
}

// ------------------------------------------------------------------ frames

class Forwarder::Frames {
  public:
    Frames(Forwarder& to, std::span<const ArrivedPacket> packets, const SharedFrame& shared)
        : to_(to), frame_(packets), shared_(shared) {}

    Together decide(Timestamp now, ForwardedPacket& first) {
        if (!to_.flowing_) return Together::kNone;
        if (packet().codec != to_.codec_ || to_.playout_delay_due_ ||
            !to_.selector_.by_stream(*to_.source_))
            return Together::kEach;
        VideoLayerSelector::Rewrite none;
        const Selection selection = to_.selector_.select(packet(), *to_.source_, none);
        if (!selection.relevant || !to_.synced_) return Together::kNone;
        if (!selection.forward || changes_temporal_layer()) return Together::kEach;
        // The first packet behind a pause is announced.
        const Munger::Order order = to_.munger_.order(packet().sequence);
        if (to_.resuming_ || order == Munger::Order::kLate) return Together::kEach;
        first = {};
        if (ends_in_trailer() || !describe(order, first) || !number(first)) return Together::kEach;
        emit(now, first);
        return Together::kAll;
    }

  private:
    const MediaPacket& packet() const { return frame_.front().media; }
    const LayerState& layers() const { return to_.selector_.layers(); }
    // VP8 does so inside of a frame; of other codecs each stream has all its temporal layers.
    bool changes_temporal_layer() const {
        return to_.codec_ == Codec::kVp8 && layers().current.temporal != layers().target.temporal;
    }
    // Of the last packet something is left out.
    bool ends_in_trailer() const {
        const MediaPacket& last = frame_.back().media;
        return to_.strip_trailers_ && last.marker && has_trailer(last);
    }
    // The munger of VP8 says the same when it is asked again.
    bool describe(Munger::Order order, ForwardedPacket& first) {
        if (to_.codec_ != Codec::kVp8) return true;
        const std::int8_t limit = layers().current.temporal;
        const auto temporal = static_cast<std::int8_t>(packet().temporal);
        if (temporal > limit) return false;
        DescriptorPatch patch;
        const Vp8Munger::Verdict verdict = to_.vp8_->process(packet().vp8, packet().timestamp,
                                                             order, false, patch, limit, temporal);
        first.prefix_size = patch.size;
        first.prefix = patch.bytes;
        first.payload_offset = packet().vp8.size;
        return verdict == Vp8Munger::Verdict::kForward;
    }
    bool number(ForwardedPacket& first) {
        const auto position = to_.munger_.map_frame(packet().sequence, packet().timestamp,
                                                    static_cast<std::int64_t>(frame_.size()),
                                                    frame_.back().media.marker);
        if (!position) return false;
        first.sequence = position->sequence;
        first.timestamp = static_cast<std::uint32_t>(position->timestamp);
        return true;
    }
    void emit(Timestamp now, ForwardedPacket& first) {
        first.ssrc = to_.ssrc_;
        first.payload_type = to_.payload_type_;
        first.marker = packet().marker;
        if (to_.retransmitter_)
            to_.retransmitter_->note_frame(now, first, shared_, packet().sequence, to_.stream_,
                                           packet().spatial);
        DownTrackStats& stats = to_.stats_;
        stats.packets += shared_.count;
        stats.octets += shared_.count * header_size(first, to_.extensions_, {}) +
                        shared_.octets_without(first.payload_offset);
    }

    Forwarder& to_;
    std::span<const ArrivedPacket> frame_;
    const SharedFrame& shared_;
};

Forwarder::Together Forwarder::forward_frame(std::span<const ArrivedPacket> packets,
                                             const SharedFrame& shared, Timestamp now,
                                             ForwardedPacket& first) {
    return Frames(*this, packets, shared).decide(now, first);
}

// ------------------------------------------------------------------ control

bool Forwarder::take_codec(Codec codec) {
    const auto [send, convert] = rare_->codecs.choose(codec);
    if (send == nullptr) {
        if (refused_ == Refused::kNo) refused_ = Refused::kUntold;
        return false;
    }
    refused_ = Refused::kNo;
    if (kind_of(codec) == MediaKind::kVideo && codec_ != Codec::kNone && codec != codec_) {
        stop();
        // Copies would have the new codec's RTX payload type.
        if (retransmitter_) retransmitter_->clear();
    }
    codec_ = codec;
    down_convert_ = convert;
    payload_type_ = send->pt.value();
    if (retransmitter_) retransmitter_->take_codec(*send, extensions_);
    if (codec == Codec::kVp8 && !vp8_) vp8_ = std::make_unique<Vp8Munger>();
    selector_.take_codec(codec, *source_);
    return true;
}

bool Forwarder::ensure_codec() {
    if (codec_ == Codec::kNone && source_->codec != Codec::kNone) (void)take_codec(source_->codec);
    return codec_ != Codec::kNone;
}

void Forwarder::stop() {
    selector_.stop();
    synced_ = false;
    resuming_ = true;
}

void Forwarder::set_flowing(bool flowing) {
    if (flowing_ && !flowing) stop();
    flowing_ = flowing;
}

void Forwarder::source_changed() {
    if (source_->muted && !rare_->publisher_was_muted) rare_->clock.note_publisher_mute();
    rare_->publisher_was_muted = source_->muted;
    // A later offer of the publisher brought them; its layers are told by them from now on.
    if (!selector_.lacks_descriptors(*source_)) return;
    stop();
    selector_.take_codec(codec_, *source_);
}

void Forwarder::switch_source(const SourceState& source) {
    source_ = &source;
    stop();
    rare_->clock.switch_source();
    rare_->publisher_was_muted = source.muted;
    reference_stream_ = 0;
    stream_ = 0;
    selector_.layers().request = -1;
    refused_ = Refused::kNo;
    // Numbers sent so far refer to the other receiver's history.
    if (retransmitter_) retransmitter_->clear();
    if (source.codec != Codec::kNone && source.codec != codec_) (void)take_codec(source.codec);
}

// ------------------------------------------------------------------ feedback

std::size_t Forwarder::handle_nack(std::span<const std::uint16_t> sequences, Timestamp now,
                                   Duration rtt, std::span<ResendPacket> out) {
    stats_.nacked += sequences.size();
    if (!retransmitter_) return 0;
    Retransmitter::State state;
    state.rtt = rtt;
    state.ssrc = ssrc_;
    state.newest = munger_.last_sequence();
    state.silent = pli_pending_ || closing_;
    if (kind_ == MediaKind::kVideo) state.layers = &selector_;
    return retransmitter_->handle_nack(sequences, now, state, stats_, out);
}

bool Forwarder::wants_key_frame(KeyFrameCause cause, Timestamp now) {
    if (cause == KeyFrameCause::kStuck) return retransmitter_ && retransmitter_->take_stuck(now);
    ++stats_.plis;
    if (!flowing_ || kind_ == MediaKind::kAudio) return false;
    // A copy of an old packet is of no use before the next key frame.
    pli_pending_ = synced_;
    return true;
}

void Forwarder::handle_report(const wire::ReportBlock& block, Timestamp now) {
    if (!rare_->playout_delay) return;
    // Pictures of a screen come seldom and in bursts: what looks like jitter is none.
    const bool steady = rare_->screen_share;
    const Duration jitter =
        steady ? Duration::zero() : jitter_time(block.jitter, source_->clock_rate);
    const PlayoutDelay::Sent sent =
        steady ? PlayoutDelay::Sent{} : PlayoutDelay::Sent{stats_.packets, stats_.nacked};
    if (const auto due =
            rare_->playout_delay->handle_report(block.highest_sequence, jitter, sent, now))
        playout_delay_due_ = *due;
}

std::optional<ResendPacket> Forwarder::copy_of_sent(std::size_t back) {
    if (!retransmitter_) return std::nullopt;
    auto copy = retransmitter_->copy_of(
        static_cast<std::uint16_t>(munger_.last_sequence() - static_cast<std::int64_t>(back)));
    if (copy) {
        copy->counts = &stats_;
        copy->probe = true;
    }
    return copy;
}

std::optional<PlacedReport> Forwarder::source_report() const {
    if (!flowing_ || !synced_) return std::nullopt;
    const std::optional<SourceReport>& report = source_->reports[stream_];
    if (!report) return std::nullopt;
    const std::optional<HeldOffset>& held = rare_->held;
    const bool before = held && report->timestamp < held->from;
    return PlacedReport{*report, before ? held->offset : munger_.timestamp_offset()};
}

// ------------------------------------------------------------------ packets of our own

void Forwarder::start_own(std::int64_t sequence, std::int64_t timestamp, Timestamp now) {
    munger_.start(sequence, timestamp);
    stats_.before_first = munger_.last_sequence();
    rare_->clock.start_own(timestamp, now);
}

std::int64_t Forwarder::next_own_time(Timestamp now) const {
    return std::max(rare_->clock.expected(now, source_->clock_rate), munger_.last_timestamp() + 1);
}

ForwardedPacket Forwarder::own_packet(std::int64_t timestamp, bool frame_ended) {
    ForwardedPacket out;
    out.sequence = munger_.insert(timestamp, frame_ended);
    out.timestamp = static_cast<std::uint32_t>(timestamp);
    out.ssrc = ssrc_;
    out.payload_type = payload_type_;
    return out;
}

ForwardedPacket Forwarder::blank_frame(std::int64_t timestamp, BytesView payload) {
    ForwardedPacket out = own_packet(timestamp, true);
    out.marker = true;
    if (codec_ == Codec::kVp8) {
        const DescriptorPatch descriptor = vp8_->blank_frame();
        out.prefix_size = descriptor.size;
        std::copy_n(descriptor.bytes.begin(), descriptor.size, out.prefix.begin());
    }
    ++stats_.packets;
    stats_.octets += header_size(out, extensions_, {}) + payload.size();
    return out;
}

ForwardedPacket Forwarder::padding(bool frame_ended, BytesView payload) {
    ForwardedPacket out = own_packet(munger_.last_timestamp(), frame_ended);
    out.padding = true;
    ++stats_.packets;
    stats_.octets += header_size(out, extensions_, {}) + payload.size();
    return out;
}

}  // namespace confab::sfu
