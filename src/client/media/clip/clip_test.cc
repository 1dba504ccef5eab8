// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/media/clip/clip.h"

#include <doctest/doctest.h>

#include "client/media/clip/clip_source.h"
#include "wire/video/vp8.h"

namespace confab::client {
namespace {

Timestamp at(std::int64_t ms) {
    return Timestamp{} + Duration::millis(ms);
}

void add(Bytes& to, const Bytes& more) {
    to.insert(to.end(), more.begin(), more.end());
}

// Frames of these sizes; the first is a key frame.
Bytes ivf(std::initializer_list<std::size_t> sizes) {
    Bytes file = ivf_header("VP80", 320, 180);
    std::uint8_t first = 0;
    for (const std::size_t size : sizes) {
        Bytes frame(size, 7);
        if (size > 0) frame[0] = first;
        add(file, ivf_frame(0, frame));
        first = 1;
    }
    return file;
}

Bytes ogg(std::initializer_list<Bytes> packets) {
    OggOpusWriter writer(1);
    Bytes file = writer.header();
    for (const Bytes& packet : packets)
        add(file, writer.packet(packet));
    return file;
}

}  // namespace

TEST_CASE(
    "read_ivf: what was written, 30 pictures a second where the clock is no picture's [LKC-21]") {
    const auto clip = read_ivf(ivf({500, 10, 0, 20}));
    REQUIRE(clip);
    CHECK(clip->kind == MediaKind::kVideo);
    CHECK(clip->width == 320);
    CHECK(clip->height == 180);
    REQUIRE(clip->frames.size() == 3);
    CHECK(clip->frames[0].key_frame);
    CHECK(!clip->frames[1].key_frame);
    CHECK(clip->frames[2].data.size() == 20);
    CHECK(clip->frames[0].duration == Duration::micros(33'333));
    CHECK(read_ivf(ivf({5}), 25)->frames[0].duration == Duration::millis(40));
}

TEST_CASE("read_ivf: other codecs, other files and cut ones") {
    CHECK(read_ivf(ivf_header("VP90", 1, 1)).error() == "has VP90; only VP8 can be published");
    CHECK(read_ivf(Bytes(40, 1)).error() == "is no IVF file");
    CHECK(read_ivf(Bytes{}).error() == "is no IVF file");
    CHECK(read_ivf(ivf({})).error() == "has no frames");
    Bytes file = ivf({5, 5});
    file.pop_back();
    CHECK(read_ivf(file)->frames.size() == 1);
    Bytes no_key = ivf({5});
    no_key[44] = 1;
    CHECK(read_ivf(no_key).error() == "does not begin with a key frame");
}

TEST_CASE("read_ogg: packets of any length, with their time; what is cut off is left out") {
    Bytes large;
    large.resize(700, 0xFC);
    Bytes exact;
    exact.resize(510, 0xFC);
    Bytes file = ogg({{0xFC, 1}, large, exact});
    const auto clip = read_ogg(file);
    REQUIRE(clip);
    REQUIRE(clip->frames.size() == 3);
    CHECK(clip->frames[0].data == Bytes{0xFC, 1});
    CHECK(clip->frames[1].data == large);
    CHECK(clip->frames[2].data == exact);
    CHECK(clip->frames[0].duration == Duration::millis(20));
    file.resize(file.size() - 3);
    CHECK(read_ogg(file)->frames.size() == 2);
    CHECK(read_ogg(Bytes{1, 2, 3}).error() == "is no Ogg file with Opus");
    CHECK(read_ogg(ogg({})).error() == "is no Ogg file with Opus");
}

TEST_CASE("opus_duration: by the table of contents (RFC 6716 §3.1)") {
    CHECK(opus_duration(Bytes{0x00}) == Duration::millis(10));
    CHECK(opus_duration(Bytes{0x19}) == Duration::millis(120));
    CHECK(opus_duration(Bytes{0x60}) == Duration::millis(10));
    CHECK(opus_duration(Bytes{0x80}) == Duration::micros(2'500));
    CHECK(opus_duration(Bytes{0xFB, 3}) == Duration::millis(60));
    CHECK(opus_duration(Bytes{0xFB}) == Duration::zero());
    CHECK(opus_duration(Bytes{}) == Duration::zero());
}

TEST_CASE("OggOpusWriter: pages with their checksum, numbers and times (RFC 3533 §6)") {
    OggOpusWriter writer(0x01020304);
    const Bytes head = writer.header();
    CHECK(as_text(BytesView(head).subspan(0, 4)) == "OggS");
    CHECK(head[5] == 2);
    const Bytes page = writer.packet(Bytes{0xFC, 1});
    CHECK(page[6] == 0xC0);  // 960 samples
    CHECK(page[7] == 0x03);
    CHECK(page[18] == 2);
    CHECK(page.size() == 27 + 1 + 2);
    Bytes huge;
    huge.resize(std::size_t{254} * 255);
    CHECK(writer.packet(huge).empty());
}

TEST_CASE("ClipSource: frames at their times; a picture in packets that a receiver puts together") {
    auto clip = std::make_shared<Clip>(*read_ivf(ivf({3000, 10}), 25));
    ClipSource source(clip, at(1000), Rng(1));
    CHECK(source.next_frame() == at(1000));
    CHECK(source.encode(at(999)).empty());
    const auto packets = source.encode(at(1000));
    REQUIRE(packets.size() == 3);
    std::size_t size = 0;
    for (const EncodedPacket& packet : packets) {
        const auto descriptor = wire::parse_vp8(packet.payload);
        REQUIRE(descriptor);
        CHECK(descriptor->start_of_partition == (size == 0));
        CHECK(packet.timestamp == packets[0].timestamp);
        CHECK(packet.payload.size() <= ClipSource::kMaxPayload);
        size += packet.payload.size() - descriptor->size;
    }
    CHECK(size == 3000);
    CHECK(packets[2].marker);
    CHECK(!packets[0].marker);
    const auto second = source.encode(at(1040));
    REQUIRE(second.size() == 1);
    CHECK(second[0].timestamp == packets[0].timestamp + 3600);
    CHECK(source.next_frame().is_never());
    CHECK(source.encode(at(9000)).empty());
    CHECK(source.key_frames() == 1);
}

TEST_CASE("ClipSource: a key frame that is asked for is the next one there is; loops begin anew") {
    auto clip = std::make_shared<Clip>(*read_ivf(ivf({10, 20, 30}), 25));
    clip->loops = true;
    ClipSource source(clip, at(1000), Rng(1));
    (void)source.encode(at(1000));
    source.request_key_frame();  // who asks has not seen the one that has just left
    CHECK(source.encode(at(1040))[0].payload.size() == 20 + 4);
    for (int i = 0; i < 11; ++i)
        source.skip_frame();
    CHECK(source.next_frame() == at(1520));
    source.request_key_frame();
    const auto again = source.encode(at(1520));
    REQUIRE(again.size() == 1);
    CHECK(again[0].payload.size() == 10 + 4);
    source.skip_frame();
    source.skip_frame();
    CHECK(source.next_frame() == at(1640));
    CHECK(source.encode(at(1640))[0].payload.size() == 10 + 4);
    clip->loops = false;
    ClipSource once(clip, at(1000), Rng(1));
    (void)once.encode(at(1000));
    once.request_key_frame();
    CHECK(once.encode(at(1040))[0].payload.size() == 20 + 4);
}

TEST_CASE("ClipSource: nothing of a clip is lost while its connection is made") {
    auto clip = std::make_shared<Clip>(*read_ivf(ivf({10, 20, 30}), 25));
    ClipSource source(clip, at(1000), Rng(1));
    for (int i = 0; i < 5; ++i) {
        CHECK(source.encode(at(1000 + 40 * i))[0].payload.size() == 10 + 4);
        source.start_again();
    }
    source.request_key_frame();
    CHECK(source.encode(at(1200))[0].payload.size() == 10 + 4);
    CHECK(source.encode(at(1240))[0].payload.size() == 20 + 4);
}

TEST_CASE("ClipSource: sound is a packet each") {
    auto clip = std::make_shared<Clip>(*read_ogg(ogg({{0xFC, 1}, {0xFC, 2}})));
    ClipSource source(clip, at(1000), Rng(1));
    const auto first = source.encode(at(1000));
    REQUIRE(first.size() == 1);
    CHECK(first[0].payload == Bytes{0xFC, 1});
    CHECK(source.next_frame() == at(1020));
    CHECK(source.rtp_time(at(1020), 0) == first[0].timestamp + 960);
}

}  // namespace confab::client
