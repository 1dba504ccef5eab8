// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Encoded media out of a file, ready to be published, and the files it comes from and goes to: VP8
// in IVF, Opus in Ogg (RFC 3533, RFC 7845). Every octet is from outside.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "client/media/track_plan.h"

namespace confab::client {

struct ClipFrame {
    Bytes data;
    bool key_frame = true;
    Duration duration;
};

struct Clip {
    static constexpr std::size_t kMaxFrames = 1'000'000;

    MediaKind kind = MediaKind::kAudio;
    std::uint16_t width = 0;  // of video
    std::uint16_t height = 0;
    bool loops = false;
    std::vector<ClipFrame> frames;
};

// The error says what is wrong with the file. `frame_rate` above 0 is taken instead of the file's.
Result<Clip, std::string> read_ivf(BytesView file, double frame_rate = 0);
Result<Clip, std::string> read_ogg(BytesView file);

// How long an Opus packet sounds (RFC 6716 §3.1); zero for what is none.
Duration opus_duration(BytesView packet);

// ---------------------------------------------------------------- writing

// IVF with the clock of RTP; `fourcc` is VP80, VP90 or AV01.
Bytes ivf_header(std::string_view fourcc, std::uint16_t width, std::uint16_t height);
Bytes ivf_frame(std::uint64_t timestamp, BytesView frame);

// One packet a page, so that a file is whole at each moment.
class OggOpusWriter {
  public:
    static constexpr std::uint64_t kMaxFill = std::uint64_t{3600} * 48'000;

    explicit OggOpusWriter(std::uint32_t serial) : serial_(serial) {}
    Bytes header();
    // `at`: where it begins, in samples since the first. What is missing before it is filled with
    // packets that ask for concealment (RFC 7845 §4.1), kMaxFill at most.
    Bytes packet(BytesView packet, std::uint64_t at = 0);

  private:
    Bytes page(BytesView packet, std::uint8_t flags);
    Bytes fill(std::uint64_t missing, std::uint8_t toc);

    std::uint32_t serial_;
    std::uint32_t sequence_ = 0;
    std::uint64_t samples_ = 0;   // at 48 kHz, to the end of the last packet
    std::uint64_t left_out_ = 0;  // beyond kMaxFill
};

}  // namespace confab::client
