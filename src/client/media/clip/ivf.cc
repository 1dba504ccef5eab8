// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// IVF: a header of 32 octets, then frames behind headers of 12; all numbers little-endian.
#include "client/media/clip/clip.h"

namespace confab::client {
namespace {

constexpr std::size_t kHeader = 32;
constexpr std::size_t kFrameHeader = 12;
constexpr std::uint32_t kRtpClock = 90'000;

std::uint64_t little(BytesView bytes, std::size_t at, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = size; i > 0; --i)
        value = value << 8 | bytes[at + i - 1];
    return value;
}

void put_little(Bytes& out, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
        out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

Duration frame_time(BytesView file, double frame_rate) {
    const double rate = static_cast<double>(little(file, 16, 4));
    const double scale = static_cast<double>(little(file, 20, 4));
    double seconds = rate > 0 && scale > 0 ? scale / rate : 0;
    // Some writers count milliseconds or RTP ticks, and number the frames by them.
    if (seconds < 1.0 / 240) seconds = 1.0 / 30;
    if (frame_rate > 0) seconds = 1 / frame_rate;
    return Duration::micros(static_cast<std::int64_t>(seconds * 1'000'000));
}

}  // namespace

Result<Clip, std::string> read_ivf(BytesView file, double frame_rate) {
    if (file.size() < kHeader || as_text(file.subspan(0, 4)) != "DKIF")
        return fail(std::string("is no IVF file"));
    const std::string fourcc(as_text(file.subspan(8, 4)));
    if (fourcc != "VP80") return fail("has " + fourcc + "; only VP8 can be published");
    Clip clip;
    clip.kind = MediaKind::kVideo;
    clip.width = static_cast<std::uint16_t>(little(file, 12, 2));
    clip.height = static_cast<std::uint16_t>(little(file, 14, 2));
    const Duration duration = frame_time(file, frame_rate);
    std::size_t at = little(file, 6, 2);
    if (at < kHeader) at = kHeader;
    while (at + kFrameHeader <= file.size() && clip.frames.size() < Clip::kMaxFrames) {
        const std::uint64_t size = little(file, at, 4);
        at += kFrameHeader;
        if (size > file.size() - at) break;  // cut off
        const BytesView data = file.subspan(at, size);
        at += size;
        if (data.empty()) continue;
        clip.frames.push_back({Bytes(data.begin(), data.end()), (data[0] & 1) == 0, duration});
    }
    if (clip.frames.empty()) return fail(std::string("has no frames"));
    if (!clip.frames.front().key_frame) return fail(std::string("does not begin with a key frame"));
    return clip;
}

Bytes ivf_header(std::string_view fourcc, std::uint16_t width, std::uint16_t height) {
    Bytes out;
    for (const char c : std::string("DKIF"))
        out.push_back(static_cast<std::uint8_t>(c));
    put_little(out, 0, 2);  // version
    put_little(out, kHeader, 2);
    for (const char c : fourcc)
        out.push_back(static_cast<std::uint8_t>(c));
    put_little(out, width, 2);
    put_little(out, height, 2);
    put_little(out, kRtpClock, 4);
    put_little(out, 1, 4);
    put_little(out, 0, 8);  // how many frames is not known
    return out;
}

Bytes ivf_frame(std::uint64_t timestamp, BytesView frame) {
    Bytes out;
    put_little(out, frame.size(), 4);
    put_little(out, timestamp, 8);
    out.insert(out.end(), frame.begin(), frame.end());
    return out;
}

}  // namespace confab::client
