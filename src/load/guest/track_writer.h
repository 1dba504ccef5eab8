// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What arrives of one track, as a file: Opus in Ogg, VP8, VP9 and AV1 in IVF, H.264 and H.265 as
// they are (Annex B). Begins with a key frame. Pure: gives the octets to append.
#pragma once

#include <optional>
#include <string>

#include "base/sequence.h"
#include "client/media/clip/clip.h"
#include "client/media/depacketizer.h"
#include "client/media/jitter_buffer.h"
#include "livekit_models.pb.h"

namespace confab::load {

class TrackWriter {
  public:
    // Nothing: its codec is none of these.
    static std::optional<TrackWriter> create(const livekit::TrackInfo& track);

    // "ogg", "ivf", "h264", "h265"
    std::string extension() const;
    // A decrypted packet of the track, and one that repairs another (RFC 4588).
    void push(Timestamp now, BytesView rtp);
    void push_repair(Timestamp now, BytesView rtp);
    // What is to be appended; empty: nothing.
    Bytes take(Timestamp now);
    std::uint64_t frames() const { return frames_; }
    // What comes can not be shown without one: at the beginning, and after a loss.
    bool wants_key_frame() const { return wants_key_frame_; }

  private:
    TrackWriter(client::FrameFormat format, const livekit::TrackInfo& track);
    void add(Timestamp now, std::uint16_t sequence, std::uint32_t timestamp, bool marker,
             BytesView payload);
    void write(const client::EncodedFrame& frame, Bytes& out);
    Bytes sound(const client::EncodedFrame& frame, std::uint64_t at);

    client::FrameFormat format_;
    std::uint16_t width_;
    std::uint16_t height_;
    SeqUnwrapper sequences_;
    RtpTimeUnwrapper times_;
    std::optional<std::int64_t> first_time_;
    client::JitterBuffer buffer_;
    client::Depacketizer frames_of_;
    client::OggOpusWriter ogg_;
    std::uint64_t frames_ = 0;
    bool wants_key_frame_ = false;
    Timestamp began_;  // when the first frame came
};

}  // namespace confab::load
