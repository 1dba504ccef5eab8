// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The packet path of a down-track: 02 FWD-01, FWD-04, FWD-05, FWD-06, FWD-08, IN-32, IN-34.
#include "sfu/forward/down_track.h"

#include <algorithm>

#include "base/prefetch.h"
#include "sfu/layers/simulcast_selector.h"
#include "sfu/layers/vp9_selector.h"

namespace confab::sfu {

std::size_t DownTrack::forward(const MediaPacket& packet, Timestamp now, Output out) {
    if (!flowing_) return 0;
    if (packet.codec != codec_ && !take_codec(packet.codec)) return 0;
    if (packet.padding_only) return forward_padding(packet, now, out);
    return kind_of(codec_) == MediaKind::kAudio ? forward_audio(packet, now, out)
                                                : forward_video(packet, now, out);
}

void DownTrack::prefetch() const {
    prefetch_for_write(this, sizeof *this);
}

void DownTrack::prefetch_parts() const {
    if (vp8_) vp8_->prefetch();
    if (sequencer_) sequencer_->prefetch(static_cast<std::uint16_t>(munger_.last_sequence() + 1));
    prefetch_for_write(&cold_->events);
}

// Where the stream starts, switches or goes on (02 FWD-01, FWD-02, FWD-03).
bool DownTrack::place(const MediaPacket& packet, Timestamp now) {
    StreamClock& clock = cold_->clock;
    const std::size_t stream = source_->stream_of(static_cast<std::int8_t>(packet.spatial));
    const StreamClock::Position position{packet.timestamp, stream};
    if (!munger_.started()) {
        munger_.start(packet.sequence, packet.timestamp);
        clock.start(position, munger_.timestamp_offset(), now);
    } else {
        const auto next = clock.next(*source_, position, munger_.last_timestamp(), !synced_, now);
        if (!next) return false;
        munger_.switch_source(packet.sequence, packet.timestamp, *next);
    }
    if (codec_ == Codec::kVp8) vp8_->switch_source(packet.vp8);
    stream_ = static_cast<std::uint8_t>(stream);
    reference_stream_ = static_cast<std::uint8_t>(clock.reference_stream());
    synced_ = true;
    cold_->early.stop();
    return true;
}

// A padding packet that came late has a number that was kept free for it (02 IN-02).
std::size_t DownTrack::forward_padding(const MediaPacket& packet, Timestamp now, Output out) {
    if (!packet.late || !synced_ ||
        source_->stream_of(static_cast<std::int8_t>(packet.spatial)) != stream_)
        return 0;
    out[0] = {};
    return emit(packet, {packet.sequence, packet.timestamp}, false, now, out[0]) ? 1 : 0;
}

std::size_t DownTrack::forward_audio(const MediaPacket& packet, Timestamp now, Output out) {
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

Selection DownTrack::select(const MediaPacket& packet, DependencySelector::Rewrite& rewrite) {
    const bool layered_codec = codec_ == Codec::kVp9 || codec_ == Codec::kAv1;
    if (!layered_codec || !source_->svc()) return select_simulcast(layers_, packet, deficient_);
    if (packet.has_dd && dependency_)
        return dependency_->select(layers_, packet, source_->decode_targets, rewrite);
    if (codec_ == Codec::kVp9) return select_vp9(layers_, packet);
    return select_simulcast(layers_, packet, deficient_);
}

bool DownTrack::vp8_passes(const MediaPacket& packet, ForwardedPacket& out) {
    const Munger::Order order = munger_.order(packet.sequence);
    const std::int8_t limit = order == Munger::Order::kLate ? layers_.current.temporal
                                                            : update_vp8_temporal(layers_, packet);
    const bool too_high = static_cast<std::int8_t>(packet.temporal) > limit;
    DescriptorPatch patch;
    const Vp8Munger::Verdict verdict =
        vp8_->process(packet.vp8, packet.timestamp, order, too_high, patch, limit);
    if (verdict == Vp8Munger::Verdict::kFilter) munger_.drop(packet.sequence);
    if (verdict == Vp8Munger::Verdict::kFill) out.payload_size = 0;
    if (verdict != Vp8Munger::Verdict::kForward) return verdict == Vp8Munger::Verdict::kFill;
    out.prefix_size = patch.size;
    out.prefix = patch.bytes;
    out.payload_offset = packet.vp8.size;
    return true;
}

std::size_t DownTrack::forward_video(const MediaPacket& packet, Timestamp now, Output out) {
    DependencySelector::Rewrite rewrite;
    const Selection selection = select(packet, rewrite);
    if (!selection.relevant) return 0;
    if (selection.switched && !place(packet, now)) {
        layers_.roll_back();
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
    if (codec_ == Codec::kVp8 && !vp8_passes(packet, p)) return 0;
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

bool DownTrack::emit(const MediaPacket& packet, Munger::Output position, bool marker, Timestamp now,
                     ForwardedPacket& out) {
    const auto mapped = munger_.map(position.sequence, position.timestamp, marker);
    if (!mapped) {
        ++stats_.late_dropped;
        return false;
    }
    out.sequence = mapped->sequence;
    out.timestamp = static_cast<std::uint32_t>(mapped->timestamp);
    out.ssrc = ssrc_;
    out.payload_type = payload_type_;
    out.marker = marker;
    // Without a report of the reference layer the capture time can not be placed (02 IN-40).
    if (packet.has_abs_capture_time && source_->reports[reference_stream_].has_value()) {
        out.has_abs_capture_time = true;
        out.abs_capture_time = packet.abs_capture_time;
    }
    if (playout_delay_due_) write_playout_delay(out);
    if (sequencer_ && !packet.padding_only && out.payload_size != 0)
        sequencer_->push(now, out, packet.sequence, stream_, packet.spatial);
    ++stats_.packets;
    if (packet.late) cold_->reports.note_out_of_order();
    stats_.octets +=
        header_size(out, extensions_, packet.dd_bytes) + out.body(packet.payload).size();
    if (resuming_) {
        resuming_ = false;
        if (kind_of(codec_) == MediaKind::kVideo) announce(StreamState::kActive);
    }
    return true;
}

}  // namespace confab::sfu
