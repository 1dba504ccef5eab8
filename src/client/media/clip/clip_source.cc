// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/media/clip/clip_source.h"

#include <algorithm>

namespace confab::client {
namespace {

// X and S; I; a picture id of 15 bits (RFC 7741 §4.2).
constexpr std::size_t kDescriptor = 4;
constexpr std::uint8_t kExtended = 0x80;
constexpr std::uint8_t kStart = 0x10;
constexpr std::uint8_t kHasPictureId = 0x80;
constexpr std::uint8_t kLongId = 0x80;
constexpr Duration kLongest = Duration::seconds(3600);  // what files say may be anything

}  // namespace

ClipSource::ClipSource(std::shared_ptr<const Clip> clip, Timestamp start, Rng rng)
    : clip_(std::move(clip)),
      start_(start),
      next_(clip_->frames.empty() ? Timestamp::never() : start),
      timestamp_base_(rng.u32()),
      picture_id_(rng.u16() & 0x7FFF) {}

std::uint32_t ClipSource::rtp_time(Timestamp now, std::size_t) const {
    constexpr std::int64_t kSecond = 1'000'000;
    const std::int64_t since = (now - start_).us();
    const std::int64_t rate = clock_rate(clip_->kind);
    const std::int64_t ticks = since / kSecond * rate + since % kSecond * rate / kSecond;
    return timestamp_base_ + static_cast<std::uint32_t>(ticks);
}

std::vector<EncodedPacket> ClipSource::encode(Timestamp now) {
    std::vector<EncodedPacket> out;
    if (now < next_) return out;
    const ClipFrame& frame = clip_->frames[index_];
    packetize(frame, rtp_time(next_, 0), out);
    if (clip_->kind == MediaKind::kVideo && frame.key_frame) {
        ++key_frames_;
        last_key_ = next_;
    }
    skip_frame();
    return out;
}

void ClipSource::skip_frame() {
    if (next_.is_never()) return;
    next_ = next_ + std::clamp(clip_->frames[index_].duration, Duration::millis(1), kLongest);
    if (++index_ < clip_->frames.size()) return;
    index_ = 0;
    if (!clip_->loops) next_ = Timestamp::never();
}

void ClipSource::start_again() {
    index_ = 0;
    last_key_ = Timestamp::never();
}

void ClipSource::request_key_frame() {
    if (!last_key_.is_never() && next_ - last_key_ < kKeyFrameGap) return;
    for (std::size_t i = index_; i < clip_->frames.size(); ++i)
        if (clip_->frames[i].key_frame) {
            index_ = i;
            return;
        }
    if (clip_->loops) index_ = 0;
}

void ClipSource::packetize(const ClipFrame& frame, std::uint32_t timestamp,
                           std::vector<EncodedPacket>& out) {
    if (clip_->kind == MediaKind::kAudio) {
        out.push_back({.layer = 0,
                       .timestamp = timestamp,
                       .marker = false,
                       .audio_level = 30,
                       .payload = frame.data});
        return;
    }
    picture_id_ = (picture_id_ + 1) & 0x7FFF;
    for (std::size_t at = 0; at < frame.data.size();) {
        const std::size_t size = std::min(kMaxPayload - kDescriptor, frame.data.size() - at);
        Bytes payload{static_cast<std::uint8_t>(kExtended | (at == 0 ? kStart : 0)), kHasPictureId,
                      static_cast<std::uint8_t>(kLongId | (picture_id_ >> 8)),
                      static_cast<std::uint8_t>(picture_id_)};
        const auto begin = frame.data.begin() + static_cast<std::ptrdiff_t>(at);
        payload.insert(payload.end(), begin, begin + static_cast<std::ptrdiff_t>(size));
        at += size;
        out.push_back({.layer = 0,
                       .timestamp = timestamp,
                       .marker = at == frame.data.size(),
                       .audio_level = 127,
                       .payload = std::move(payload)});
    }
}

}  // namespace confab::client
