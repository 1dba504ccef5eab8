// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/media/depacketizer.h"

#include <doctest/doctest.h>

#include <vector>

#include "client/media/encoder.h"
#include "wire/video/h264.h"

namespace confab::client {
namespace {

struct Stream {
    explicit Stream(FrameFormat format) : frames(format) {}

    void packet(std::uint32_t timestamp, Bytes payload, bool marker = false) {
        frames.push({++sequence, timestamp, marker, !lost, Timestamp::micros(sequence),
                     std::move(payload)});
        lost = false;
    }
    void lose() { lost = true; }
    std::vector<EncodedFrame> take() {
        std::vector<EncodedFrame> result;
        while (auto frame = frames.pop())
            result.push_back(*std::move(frame));
        return result;
    }
    // The only frame there is.
    EncodedFrame one() {
        auto all = take();
        REQUIRE(all.size() == 1);
        return all[0];
    }

    Depacketizer frames;
    std::int64_t sequence = 0;
    bool lost = false;
};

Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}
const Bytes kStart{0, 0, 0, 1};

// VP8: S, PID 0; a key frame's header; then what goes on.
const Bytes kVp8Key{0x10, 0x00, 0x9d, 0x01};
const Bytes kVp8Delta{0x10, 0x01, 0x22};
const Bytes kVp8More{0x00, 0x33};

// H.264: parameter sets, an IDR slice and another slice, each from macroblock 0 on.
const Bytes kSps{0x67, 0x42, 0x00, 0x1f}, kPps{0x68, 0xce}, kIdr{0x65, 0x88, 0x84};
const Bytes kSlice{0x41, 0x9a, 0x01};

}  // namespace

TEST_CASE("Depacketizer: each packet of audio is a frame, what is empty is none") {
    Stream s(FrameFormat::kAudio);
    s.packet(960, {1, 2, 3});
    s.packet(1920, {});
    s.packet(1920, {4});
    s.lose();
    s.packet(4800, {5});
    const auto frames = s.take();
    REQUIRE(frames.size() == 3);
    CHECK(frames[0].data == Bytes{1, 2, 3});
    CHECK(frames[1].timestamp == 1920);
    CHECK_FALSE(frames[1].after_loss);
    CHECK(frames[2].after_loss);
    CHECK(frames[2].arrival == Timestamp::micros(4));
}

TEST_CASE("Depacketizer: a VP8 frame without its descriptors, whole with its marker") {
    Stream s(FrameFormat::kVp8);
    s.packet(3000, kVp8Key);
    CHECK(s.take().empty());
    s.packet(3000, kVp8More, true);
    const EncodedFrame key = s.one();
    CHECK(key.data == Bytes{0x00, 0x9d, 0x01, 0x33});
    CHECK(key.key_frame);
    CHECK(key.timestamp == 3000);
    s.packet(6000, kVp8Delta);
    s.packet(9000, kVp8Delta, true);  // the marker before it was not sent
    const auto frames = s.take();
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].timestamp == 6000);
    CHECK_FALSE(frames[0].key_frame);
    CHECK(s.frames.lost() == 0);
}

TEST_CASE("Depacketizer: of a frame with a hole nothing is handed on, and the next one says so") {
    Stream s(FrameFormat::kVp8);
    s.packet(3000, kVp8Key);
    s.lose();
    s.packet(3000, kVp8More, true);
    CHECK(s.take().empty());
    CHECK(s.frames.lost() == 1);
    s.packet(6000, kVp8Delta, true);
    CHECK(s.one().after_loss);
    s.packet(9000, kVp8Delta, true);
    CHECK_FALSE(s.one().after_loss);
    s.lose();  // the beginning of the next frame
    s.packet(12000, kVp8More);
    s.packet(12000, kVp8More, true);
    s.packet(15000, kVp8Delta, true);
    CHECK(s.one().timestamp == 15000);
    CHECK(s.frames.lost() == 2);
}

TEST_CASE("Depacketizer: all layers of a VP9 picture are one frame") {
    Stream s(FrameFormat::kVp9);
    // L; B and E; TID, U, SID, D; TL0PICIDX.
    s.packet(3000, {0x2C, 0x00, 0x07, 0x82, 0x49});         // a key frame, spatial layer 0
    s.packet(3000, {0x2C | 0x40, 0x03, 0x07, 0x55}, true);  // layer 1, of it
    const EncodedFrame frame = s.one();
    CHECK(frame.data == Bytes{0x82, 0x49, 0x55});
    CHECK(frame.key_frame);
    s.lose();
    s.packet(6000, {0x2C | 0x40, 0x03, 0x08, 0x55}, true);  // layer 1 alone
    CHECK(s.take().empty());
}

TEST_CASE("Depacketizer: H.264 as Annex B out of NALs, aggregates and fragments") {
    Stream s(FrameFormat::kH264);
    s.packet(3000, Bytes{0x78, 0, 4} + kSps + Bytes{0, 2} + kPps);
    s.packet(3000, {0x7c, 0x85, 0x88});        // FU-A: an IDR slice begins
    s.packet(3000, {0x7c, 0x05, 0x84});        // goes on
    s.packet(3000, {0x7c, 0x45, 0x01}, true);  // ends
    const EncodedFrame frame = s.one();
    CHECK(frame.data == kStart + kSps + kStart + kPps + kStart + Bytes{0x65, 0x88, 0x84, 0x01});
    CHECK(frame.key_frame);
    s.packet(6000, kSlice, true);
    CHECK(s.one().data == kStart + kSlice);
}

TEST_CASE("Depacketizer: H.264 after a loss begins where a picture surely does") {
    Stream s(FrameFormat::kH264);
    s.packet(3000, {0x41, 0x40, 0x01}, true);  // a slice from the middle: nobody knows of what
    CHECK(s.take().empty());
    s.packet(6000, kSlice, true);
    CHECK(s.one().after_loss);
    s.lose();
    s.packet(9000, {0x41, 0x40, 0x01});
    s.packet(9000, {0x41, 0x40, 0x01}, true);
    s.packet(12000, {0x41, 0x40, 0x01}, true);  // begins behind a marker: a frame
    CHECK(s.one().timestamp == 12000);
}

TEST_CASE("Depacketizer: fragments that do not fit each other lose their frame") {
    const Bytes begins{0x7c, 0x85, 0x88}, goes_on{0x7c, 0x05, 0x84}, ends{0x7c, 0x45, 0x01};
    const std::vector<std::vector<Bytes>> wrong{
        {kIdr, goes_on},                   // no beginning
        {kIdr, begins, begins},            // twice
        {kIdr, begins, kSlice},            // a NAL within
        {kIdr, begins, goes_on},           // no end
        {kIdr, {0x7c}},                    // no header
        {kIdr, {0x78, 0, 9, 1}},           // longer than the packet
        {kIdr, {0x79, 0, 0, 0, 1, 0x41}},  // interleaved
    };
    for (const auto& packets : wrong) {
        Stream s(FrameFormat::kH264);
        for (std::size_t i = 0; i < packets.size(); ++i)
            s.packet(3000, packets[i], i + 1 == packets.size());
        CHECK(s.take().empty());
        CHECK(s.frames.lost() == 1);
        s.packet(6000, kIdr, true);
        CHECK(s.one().data == kStart + kIdr);
    }
    Stream whole(FrameFormat::kH264);
    for (const Bytes& part : {kIdr, begins, goes_on})
        whole.packet(3000, part);
    whole.packet(3000, ends, true);
    CHECK(whole.one().data == kStart + kIdr + kStart + Bytes{0x65, 0x88, 0x84, 0x01});
}

TEST_CASE("Depacketizer: H.265 with two-byte headers") {
    Stream s(FrameFormat::kH265);
    const Bytes vps{0x40, 0x01, 0x0c}, idr{0x26, 0x01, 0xaf};
    s.packet(3000, Bytes{0x60, 0x01, 0, 3} + vps + Bytes{0, 3} + idr);
    s.packet(3000, {0x62, 0x01, 0x93, 0xaf});        // a fragment: type 19 begins
    s.packet(3000, {0x62, 0x01, 0x53, 0x07}, true);  // ends
    CHECK(s.one().data == kStart + vps + kStart + idr + kStart + Bytes{0x26, 0x01, 0xaf, 0x07});
    s.packet(6000, {0x62, 0x01, 0x13, 0x07}, true);
    CHECK(s.take().empty());
}

TEST_CASE("Depacketizer: AV1's OBUs get their sizes, over packets too") {
    Stream s(FrameFormat::kAv1);
    const Bytes sequence{0x08, 0x01, 0x02};  // a sequence header without a size
    // N, two elements: the sequence header with its length, a frame that goes on (Y).
    s.packet(3000, Bytes{0x68, 3} + sequence + Bytes{0x30, 0xaa});
    s.packet(3000, {0x90, 0xbb, 0xcc}, true);  // Z, one element
    const EncodedFrame frame = s.one();
    CHECK(frame.data == Bytes{0x0a, 2, 0x01, 0x02, 0x32, 3, 0xaa, 0xbb, 0xcc});
    // An OBU that has its size keeps one; a temporal delimiter goes; extensions stay.
    s.packet(6000, {0x30, 2, 0x12, 0x00, 4, 0x36, 0x20, 0x01, 0xdd, 0x30, 0xee}, true);
    CHECK(s.one().data == Bytes{0x36, 0x20, 1, 0xdd, 0x32, 1, 0xee});
    s.packet(9000, {0x90, 0xbb}, true);  // goes on, but nothing began
    CHECK(s.take().empty());
    s.packet(12000, {0x50, 0x30, 0xaa}, true);  // does not end
    CHECK(s.take().empty());
    Bytes large(200, 0x55);
    s.packet(15000, Bytes{0x10, 0x30} + large, true);
    CHECK(s.one().data == Bytes{0x32, 0xc8, 0x01} + large);
}

TEST_CASE("Depacketizer: neither frames nor their number grow without end [IMM-15]") {
    Stream s(FrameFormat::kVp8);
    s.packet(0, kVp8Key);
    const Bytes part = Bytes{0x00} + Bytes(60'000, 7);
    for (std::size_t size = 0; size <= Depacketizer::kMaxFrame; size += 60'000)
        s.packet(0, part);
    s.packet(0, part, true);
    CHECK(s.take().empty());
    CHECK(s.frames.lost() == 1);
    for (std::uint32_t i = 1; i <= Depacketizer::kMaxReady + 1; ++i)
        s.packet(i * 3000, kVp8Delta, true);
    const auto frames = s.take();
    REQUIRE(frames.size() == Depacketizer::kMaxReady);
    CHECK(frames[0].timestamp == 6000);
    CHECK(frames[0].after_loss);
    CHECK_FALSE(frames[1].after_loss);
}

TEST_CASE("Depacketizer: what the encoder of a track made comes out again") {
    TrackPlan plan;
    plan.kind = MediaKind::kVideo;
    plan.layers = {{"", 1, 2, 320, 180, 3}};
    Encoder encoder(plan, Timestamp::micros(0), Rng(7));
    Stream s(FrameFormat::kVp8);
    std::size_t packets = 0;
    for (int frame = 0; frame < 30; ++frame)
        for (const EncodedPacket& packet : encoder.encode(encoder.next_frame())) {
            s.packet(packet.timestamp, packet.payload, packet.marker);
            ++packets;
        }
    const auto frames = s.take();
    CHECK(frames.size() == 30);
    CHECK(packets == 90);
    CHECK(frames[0].key_frame);
    CHECK(s.frames.lost() == 0);
}

}  // namespace confab::client
