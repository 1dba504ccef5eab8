// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/forward/own_media.h"

#include <utility>

#include "wire/video/blank_frames.h"

namespace confab::sfu {
namespace {

constexpr std::uint8_t kDefaultOpusType = 111;

BytesView blank_frame(Codec codec) {
    switch (codec) {
        case Codec::kRed:
        case Codec::kOpus:
            return wire::opus_silence();
        case Codec::kPcmu:
            return wire::pcmu_silence();
        case Codec::kPcma:
            return wire::pcma_silence();
        case Codec::kVp8:
            return wire::vp8_blank_frame();
        case Codec::kH264:
            return wire::h264_blank_frame();
        default:
            return {};
    }
}

}  // namespace

bool BlankFrames::prepare(Codec codec, std::optional<PayloadType> opus, BytesView trailer) {
    if (codec == codec_) return true;
    const BytesView frame = blank_frame(codec);
    if (frame.empty()) return false;
    payload_.clear();
    // The one block of a RED packet (RFC 2198 §3).
    if (codec == Codec::kRed) payload_.push_back(opus ? opus->value() : kDefaultOpusType);
    payload_.insert(payload_.end(), frame.begin(), frame.end());
    payload_.insert(payload_.end(), trailer.begin(), trailer.end());
    codec_ = codec;
    return true;
}

bool BlankFrames::take_due(Timestamp now, Duration interval) {
    if (done() || now < due_) return false;
    --left_;
    due_ = due_ + interval;
    if (due_ <= now) due_ = now + interval;
    return true;
}

void EarlyMedia::start(Timestamp now) {
    if (!std::exchange(wanted_, false)) return;
    due_ = now + kInterval;
    end_ = now + kLimit;
}

bool EarlyMedia::take_due(Timestamp now, bool last) {
    if (now < due_) return false;
    due_ = now + kInterval > end_ || last ? Timestamp::never() : now + kInterval;
    return true;
}

}  // namespace confab::sfu
