// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Encoded frames out of the packets of one RTP stream that a JitterBuffer has put in order, for
// recordings, decoders and agents (RFC 6184, 7741, 7798, 9628; AV1's RTP specification §4, §5). A
// frame of which something is missing is never handed on. What comes out:
//   VP8, VP9     the frame as the encoder made it (VP9: all spatial layers of a picture)
//   H.264, H.265 NAL units with start codes (Annex B), parameter sets included where they were sent
//   AV1          OBUs with size fields, without temporal delimiters
//   audio        the payload
// Pure; every byte is from a peer.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "client/media/jitter_buffer.h"

namespace confab::client {

enum class FrameFormat : std::uint8_t { kAudio, kVp8, kVp9, kH264, kH265, kAv1 };

struct EncodedFrame {
    std::uint32_t timestamp = 0;  // of RTP
    bool key_frame = false;       // of video
    bool after_loss = false;  // at least one before it was lost: wants a key frame if it is none
    Timestamp arrival;        // of its last packet
    Bytes data;
};

class Depacketizer {
  public:
    static constexpr std::size_t kMaxFrame = 4 * 1024 * 1024;
    // Frames that wait for pop(); beyond it the oldest goes and counts as lost.
    static constexpr std::size_t kMaxReady = 64;

    explicit Depacketizer(FrameFormat format) : format_(format) {}

    void push(const JitterBuffer::Packet& packet);
    // Whole frames, oldest first. One whose marker was not sent is whole with the packet behind it.
    std::optional<EncodedFrame> pop();
    std::uint64_t lost() const { return lost_; }  // frames begun, or known to be, and not whole

  private:
    // What a payload says of its place.
    struct Part {
        bool starts = false;         // a frame, if the packet before it belongs to another
        bool surely_starts = false;  // a frame, whatever was before it
        bool key_frame = false;
    };
    std::optional<Part> describe(BytesView payload) const;
    // Appends to the frame; false if it does not fit what came before.
    bool append(BytesView payload);
    bool append_h264(BytesView payload);
    bool append_h265(BytesView payload);
    bool append_av1(BytesView payload);
    bool append_nal(BytesView nal);
    bool begin_fragment();
    bool append_obu(BytesView obu);
    void finish();
    void lose();

    FrameFormat format_;
    std::deque<EncodedFrame> ready_;
    EncodedFrame frame_;  // being put together
    bool open_ = false;
    bool in_fragment_ = false;              // a NAL unit or OBU goes on in the next packet
    Bytes obu_;                             // its part so far
    bool unsure_ = true;                    // what comes next may be the middle of a frame
    std::optional<std::uint32_t> skipped_;  // a frame of which something is missing
    bool after_loss_ = false;
    std::uint64_t lost_ = 0;
};

}  // namespace confab::client
