// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "load/guest/track_writer.h"

#include <algorithm>

#include "base/text.h"
#include "client/media/track_plan.h"
#include "wire/rtp/red.h"
#include "wire/rtp/rtp.h"
#include "wire/rtp/rtx.h"

namespace confab::load {
namespace {

using client::FrameFormat;

std::optional<FrameFormat> format_of(const std::string& mime_type) {
    const std::string type = to_lower(mime_type);
    if (type == "audio/opus" || type == "audio/red") return FrameFormat::kAudio;
    if (type == "video/vp8") return FrameFormat::kVp8;
    if (type == "video/vp9") return FrameFormat::kVp9;
    if (type == "video/h264") return FrameFormat::kH264;
    if (type == "video/h265") return FrameFormat::kH265;
    if (type == "video/av1") return FrameFormat::kAv1;
    return std::nullopt;
}

void append(Bytes& out, const Bytes& more) {
    out.insert(out.end(), more.begin(), more.end());
}

}  // namespace

std::optional<TrackWriter> TrackWriter::create(const livekit::TrackInfo& track) {
    std::string type = track.mime_type();
    if (type.empty()) type = track.type() == livekit::AUDIO ? "audio/opus" : "video/vp8";
    const auto format = format_of(type);
    if (!format) return std::nullopt;
    return TrackWriter(*format, track);
}

TrackWriter::TrackWriter(FrameFormat format, const livekit::TrackInfo& track)
    : format_(format),
      width_(static_cast<std::uint16_t>(track.width())),
      height_(static_cast<std::uint16_t>(track.height())),
      frames_of_(format),
      ogg_(0x636F'6E66) {}

std::string TrackWriter::extension() const {
    switch (format_) {
        case FrameFormat::kAudio:
            return "ogg";
        case FrameFormat::kH264:
            return "h264";
        case FrameFormat::kH265:
            return "h265";
        default:
            return "ivf";
    }
}

void TrackWriter::push(Timestamp now, BytesView packet) {
    const auto rtp = wire::parse_rtp(packet);
    if (!rtp) return;
    BytesView payload = rtp->payload;
    // Of redundant sound the last block is the packet's own (RFC 2198 §3).
    if (format_ == FrameFormat::kAudio && rtp->header.payload_type == client::kRedType) {
        const auto red = wire::parse_red(payload);
        if (!red) return;
        payload = red->primary().data;
    }
    add(now, rtp->header.sequence, rtp->header.timestamp, rtp->header.marker, payload);
}

void TrackWriter::push_repair(Timestamp now, BytesView packet) {
    const auto rtp = wire::parse_rtp(packet);
    if (!rtp) return;
    const auto repair = wire::parse_rtx(rtp->payload);
    if (!repair || repair->payload.empty()) return;
    add(now, repair->original_sequence, rtp->header.timestamp, rtp->header.marker, repair->payload);
}

void TrackWriter::add(Timestamp now, std::uint16_t sequence, std::uint32_t timestamp, bool marker,
                      BytesView payload) {
    const std::int64_t number = sequences_.unwrap(sequence);
    if (!buffer_.started()) buffer_.start(number);
    (void)buffer_.add({.sequence = number,
                       .timestamp = timestamp,
                       .marker = marker,
                       .contiguous = true,
                       .arrival = now,
                       .payload = Bytes(payload.begin(), payload.end())});
}

Bytes TrackWriter::take(Timestamp now) {
    Bytes out;
    while (auto packet = buffer_.pop(now)) {
        frames_of_.push(*packet);
        while (const auto frame = frames_of_.pop())
            write(*frame, out);
    }
    return out;
}

// Whatever its times say, it is not silent for longer than it lasts.
Bytes TrackWriter::sound(const client::EncodedFrame& frame, std::uint64_t at) {
    constexpr std::int64_t kSampleRate = 48'000;
    constexpr Duration kAhead = Duration::seconds(1);
    const Duration lasted = std::max(frame.arrival - began_, Duration::zero()) + kAhead;
    const auto most = static_cast<std::uint64_t>(lasted.us() / 1000 * kSampleRate / 1000);
    return ogg_.packet(frame.data, std::min(at, most));
}

void TrackWriter::write(const client::EncodedFrame& frame, Bytes& out) {
    const bool is_video = format_ != FrameFormat::kAudio;
    wants_key_frame_ =
        is_video && !frame.key_frame && (wants_key_frame_ || frame.after_loss || frames_ == 0);
    if (frames_ == 0 && is_video && !frame.key_frame) return;
    const std::int64_t time = times_.unwrap(frame.timestamp);
    if (!first_time_) {
        first_time_ = time;
        began_ = frame.arrival;
    }
    const auto at = static_cast<std::uint64_t>(std::max<std::int64_t>(0, time - *first_time_));
    const bool first = frames_++ == 0;
    switch (format_) {
        case FrameFormat::kAudio:
            if (first) append(out, ogg_.header());
            return append(out, sound(frame, at));
        case FrameFormat::kH264:
        case FrameFormat::kH265:
            return append(out, frame.data);
        case FrameFormat::kVp8:
        case FrameFormat::kVp9:
        case FrameFormat::kAv1:
            break;
    }
    const char* const fourcc = format_ == FrameFormat::kVp8   ? "VP80"
                               : format_ == FrameFormat::kVp9 ? "VP90"
                                                              : "AV01";
    if (first) append(out, client::ivf_header(fourcc, width_, height_));
    append(out, client::ivf_frame(at, frame.data));
}

}  // namespace confab::load
