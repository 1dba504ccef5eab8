// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "load/guest/track_writer.h"

#include <doctest/doctest.h>

#include "client/media/clip/clip_source.h"
#include "wire/rtp/red.h"
#include "wire/rtp/rtp.h"
#include "wire/rtp/rtp_extensions.h"

namespace confab::load {
namespace {

Bytes rtp(std::uint16_t sequence, std::uint32_t timestamp, bool marker, BytesView payload) {
    Bytes out{0x80, static_cast<std::uint8_t>(marker ? 0x80 | 96 : 96),
              static_cast<std::uint8_t>(sequence >> 8), static_cast<std::uint8_t>(sequence)};
    for (int shift = 24; shift >= 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(timestamp >> shift));
    out.insert(out.end(), {0, 0, 0, 9});
    out.insert(out.end(), payload.begin(), payload.end());
    return out;
}

livekit::TrackInfo track(const char* mime_type) {
    livekit::TrackInfo info;
    info.set_mime_type(mime_type);
    info.set_width(320);
    info.set_height(180);
    return info;
}

constexpr Timestamp kNow = Timestamp::micros(1'000'000);

}  // namespace

TEST_CASE(
    "TrackWriter: a clip that is published is recorded as it was, one packet repaired [LKC-24]") {
    auto clip = std::make_shared<client::Clip>();
    clip->kind = client::MediaKind::kVideo;
    for (int i = 0; i < 3; ++i) {
        client::ClipFrame frame{Bytes(static_cast<std::size_t>(i == 0 ? 2500 : 100 + i), 3), i == 0,
                                Duration::millis(40)};
        frame.data[0] = i == 0 ? 0x10 : 0x11;
        clip->frames.push_back(std::move(frame));
    }
    client::ClipSource source(clip, kNow, Rng(1));
    auto writer = TrackWriter::create(track("video/VP8"));
    REQUIRE(writer);
    CHECK(writer->extension() == "ivf");
    Bytes file;
    std::uint16_t sequence = 65'534;
    for (Timestamp now = kNow; !source.next_frame().is_never(); now = source.next_frame()) {
        for (const auto& packet : source.encode(now)) {
            const std::uint16_t number = sequence++;
            if (number == 65'535) {  // comes as a repair, behind the next one
                Bytes repair{0xFF, 0xFF};
                repair.insert(repair.end(), packet.payload.begin(), packet.payload.end());
                const Bytes late = rtp(5, packet.timestamp, packet.marker, repair);
                writer->push_repair(now, late);
            } else {
                writer->push(now, rtp(number, packet.timestamp, packet.marker, packet.payload));
            }
            const Bytes more = writer->take(now);
            file.insert(file.end(), more.begin(), more.end());
        }
    }
    const auto read = client::read_ivf(file);
    REQUIRE(read);
    CHECK(read->width == 320);
    REQUIRE(read->frames.size() == 3);
    for (std::size_t i = 0; i < 3; ++i)
        CHECK(read->frames[i].data == clip->frames[i].data);
    CHECK(writer->frames() == 3);
}

TEST_CASE("TrackWriter: begins with a key frame; sound is Ogg; unknown codecs are none") {
    auto video = TrackWriter::create(track("video/vp8"));
    video->push(kNow, rtp(1, 0, true, Bytes{0x10, 0x11, 1, 2, 3}));
    CHECK(video->take(kNow).empty());
    auto audio = TrackWriter::create(track("audio/opus"));
    CHECK(audio->extension() == "ogg");
    audio->push(kNow, rtp(1, 0, false, Bytes{0xFC, 9}));
    const auto clip = client::read_ogg(audio->take(kNow));
    REQUIRE(clip);
    CHECK(clip->frames[0].data == Bytes{0xFC, 9});
    CHECK(TrackWriter::create(track("video/H264"))->extension() == "h264");
    CHECK(!TrackWriter::create(track("video/theora")));
    audio->push(kNow, Bytes{1, 2});
    audio->push_repair(kNow, rtp(2, 0, false, Bytes{1}));
    CHECK(audio->take(kNow).empty());
}

TEST_CASE("TrackWriter: of redundant sound a packet's own block is written [LKC-24] [SDP-24]") {
    auto writer = TrackWriter::create(track("audio/red"));
    REQUIRE(writer);
    const Bytes before{0xFC, 1};
    const Bytes own{0xFC, 2};
    const std::vector<wire::RedBlock> blocks{{111, 960, before}};
    Bytes red(64);
    ByteWriter out(red);
    REQUIRE(wire::write_red(out, blocks, 111, own));
    red.resize(out.size());
    const auto push = [&](std::uint16_t number, std::uint8_t type, BytesView payload) {
        Bytes packet = rtp(number, number * 960U, false, payload);
        packet[1] = type;
        writer->push(kNow, packet);
    };
    push(1, 63, red);
    push(2, 63, Bytes{0x80});      // cut off
    push(2, 63, {});               // padding
    push(2, 111, Bytes{0xFC, 3});  // who subscribes may be sent plain Opus at any time
    const auto clip = client::read_ogg(writer->take(kNow));
    REQUIRE(clip);
    REQUIRE(clip->frames.size() == 2);
    CHECK(clip->frames[0].data == own);
    CHECK(clip->frames[1].data == Bytes{0xFC, 3});
}

TEST_CASE("TrackWriter: silence that is not sent has its time, as far as it can be [LKC-24]") {
    auto audio = TrackWriter::create(track("audio/opus"));
    Bytes file;
    const auto push = [&](std::uint16_t number, std::uint32_t time, Timestamp at) {
        audio->push(at, rtp(number, time, false, Bytes{0xFC, 9}));
        const Bytes more = audio->take(at);
        file.insert(file.end(), more.begin(), more.end());
    };
    const auto length = [&] {
        Duration sum = Duration::zero();
        const auto clip = client::read_ogg(file);
        for (const auto& frame : clip.value().frames)
            sum = sum + frame.duration;
        return sum;
    };
    for (std::uint16_t i = 0; i < 6; ++i)  // Opus with DTX: each 400 ms
        push(i, 19'200U * i, kNow + Duration::millis(400) * i);
    CHECK(length() == Duration::millis(2'020));
    // An hour of its clock, of which 100 ms passed: what it says is not true.
    push(6, 19'200U * 5 + 48'000U * 3'600U, kNow + Duration::millis(2'100));
    CHECK(length() <= Duration::millis(3'200));
}

TEST_CASE("TrackWriter: after a loss it wants a key frame, until one comes [LKC-24]") {
    auto video = TrackWriter::create(track("video/vp8"));
    const auto push = [&](std::uint16_t number, std::uint8_t tag, Timestamp at) {
        Bytes payload(12, 0);
        payload[0] = 0x10;
        payload[1] = tag;
        video->push(at, rtp(number, 3000U * number, true, payload));
    };
    constexpr std::uint8_t kKey = 0x10;
    constexpr std::uint8_t kDelta = 0x11;
    push(0, kDelta, kNow);
    (void)video->take(kNow);
    CHECK(video->wants_key_frame());  // nothing can be shown yet
    push(1, kKey, kNow);
    (void)video->take(kNow);
    CHECK_FALSE(video->wants_key_frame());
    push(3, kDelta, kNow);
    push(4, kDelta, kNow);
    const Timestamp later = kNow + Duration::seconds(1);
    (void)video->take(later);
    CHECK(video->wants_key_frame());
    push(5, kDelta, later);
    (void)video->take(later);
    CHECK(video->wants_key_frame());
    push(6, kKey, later);
    (void)video->take(later);
    CHECK_FALSE(video->wants_key_frame());
}

}  // namespace confab::load
