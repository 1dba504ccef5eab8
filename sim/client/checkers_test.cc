// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The checks must find what they are for: every kind of fault, planted.

#include <doctest/doctest.h>

#include "client/media/encoder.h"
#include "sim/client/sent_log.h"
#include "sim/client/video_checker.h"

namespace confab::sim {
namespace {

using client::EncodedPacket;
using client::Encoder;
using client::MediaKind;
using client::read_stamp;
using client::TrackPlan;
using client::write_stamp;

TrackPlan video_plan() {
    TrackPlan plan;
    plan.number = 5;
    plan.kind = MediaKind::kVideo;
    plan.layers = {{"q", 1, 2, 320, 180, 1}, {"h", 3, 4, 640, 360, 2}, {"f", 5, 6, 1280, 720, 3}};
    return plan;
}

// Packets of one layer of an encoder, as an SFU that forwards it would number them.
struct Stream {
    explicit Stream(std::size_t of) : layer(of), encoder(video_plan(), kRunStart, Rng(9)) {}
    std::vector<EncodedPacket> next_frame() {
        std::vector<EncodedPacket> out;
        for (EncodedPacket& packet : encoder.encode(encoder.next_frame()))
            if (packet.layer == layer) out.push_back(std::move(packet));
        return out;
    }
    std::size_t layer;
    Encoder encoder;
};

struct Check {
    VideoChecker checker{"stream", 5};
    Report report;
    std::int64_t sequence = 100;
    void take(const std::vector<EncodedPacket>& packets, bool contiguous = true) {
        for (const EncodedPacket& p : packets) {
            checker.take(kRunStart, {sequence++, p.timestamp, p.marker, contiguous, p.payload},
                         report);
            contiguous = true;
        }
    }
};

TEST_CASE("MediaStamp: comes back as written, damage is no stamp") {
    MediaStamp stamp{7, 8, 1, 3, 2, 1, true, {4, 2}, Timestamp::micros(123'456'789)};
    Bytes bytes(MediaStamp::kSize);
    ByteWriter out(bytes);
    write_stamp(out, stamp);
    REQUIRE(out.ok());
    REQUIRE(out.size() == MediaStamp::kSize);
    CHECK(read_stamp(bytes) == stamp);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        Bytes damaged = bytes;
        damaged[i] ^= 0x10;
        CHECK_FALSE(read_stamp(damaged).has_value());
        CHECK_FALSE(read_stamp(BytesView(bytes).first(i)).has_value());
    }
}

TEST_CASE("Encoder: three layers, a key frame when asked, then temporal layers 0 2 1 2 [DES-52]") {
    Encoder encoder(video_plan(), kRunStart, Rng(1));
    CHECK(encoder.encode(kRunStart - Duration::micros(1)).empty());
    const auto first = encoder.encode(kRunStart);
    REQUIRE(first.size() == 6);
    std::vector<std::uint8_t> temporal;
    for (int i = 0; i < 6; ++i) {
        if (i == 4) encoder.request_key_frame();
        const auto packets = encoder.encode(encoder.next_frame());
        const auto descriptor = wire::parse_vp8(packets.front().payload).value();
        CHECK(descriptor.frame_start());
        CHECK(descriptor.key_frame == (i == 4));
        temporal.push_back(descriptor.temporal_id);
    }
    CHECK(temporal == std::vector<std::uint8_t>{2, 1, 2, 0, 0, 2});
    CHECK(encoder.key_frames() == 2);
}

TEST_CASE(
    "VideoChecker: a whole stream is decodable, also without its upper temporal layer [DES-52]") {
    Stream stream(1);
    Check check;
    for (int i = 0; i < 40; ++i)
        check.take(stream.next_frame());
    CHECK(check.report.count() == 0);
    CHECK(check.checker.counters().frames == 40);
    CHECK(check.checker.counters().key_frames == 1);
    CHECK_FALSE(check.checker.broken());
}

TEST_CASE("VideoChecker: a blank frame is the first one where all before it was lost [FWD-15]") {
    for (const bool contiguous : {true, false}) {
        CAPTURE(contiguous);
        Check check;
        // A key frame of one picture id, with nothing of an encoder of ours in it.
        const Bytes blank{0x90, 0x80, 0x01, 0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A};
        check.checker.take(kRunStart, {100, 3000, true, contiguous, blank}, check.report);
        CHECK(check.report.count() == (contiguous ? 1 : 0));
        CHECK(check.checker.counters().blank_frames == 1);
    }
}

TEST_CASE("VideoChecker: a start or a switch without a key frame is found [DES-52]") {
    Stream stream(0);
    (void)stream.next_frame();
    Check start;
    start.take(stream.next_frame());
    CHECK(start.report.count() == 1);

    Stream low(0);
    Stream high(2);
    Check check;
    for (int i = 0; i < 4; ++i)
        check.take(low.next_frame()), (void)high.next_frame();
    CHECK(check.report.count() == 0);
    check.take(high.next_frame());
    REQUIRE(check.report.count() >= 1);
    CHECK(check.report.texts().back().find("refers to") == std::string::npos);
}

TEST_CASE("VideoChecker: a frame left out, cut or repeated is found [DES-52]") {
    SUBCASE("a reference is missing") {
        Stream stream(0);
        Check check;
        check.take(stream.next_frame());
        (void)stream.next_frame();
        (void)stream.next_frame();
        check.take(stream.next_frame());  // T2 behind the T1 that was left out
        CHECK(check.report.count() >= 1);
        CHECK(check.checker.broken());
    }
    SUBCASE("the last packet of a frame is missing") {
        Stream stream(2);
        Check check;
        auto frame = stream.next_frame();
        frame.pop_back();
        check.take(frame);
        check.take(stream.next_frame());
        CHECK(check.report.count() >= 1);
    }
    SUBCASE("a packet comes twice") {
        Stream stream(2);
        Check check;
        auto frame = stream.next_frame();
        frame.push_back(frame.back());
        check.take(frame);
        CHECK(check.report.count() >= 1);
    }
    SUBCASE("another track") {
        Stream stream(0);
        Check check;
        check.checker = VideoChecker("stream", 6);
        check.take(stream.next_frame());
        CHECK(check.report.count() == 1);
    }
}

TEST_CASE(
    "VideoChecker: behind a known loss it waits for a key frame and finds no fault [DES-52]") {
    Stream stream(1);
    Check check;
    check.take(stream.next_frame());
    (void)stream.next_frame();
    check.take(stream.next_frame(), false);
    CHECK(check.checker.broken());
    check.take(stream.next_frame());
    CHECK(check.checker.counters().frames == 1);
    stream.encoder.request_key_frame();
    check.take(stream.next_frame());
    CHECK_FALSE(check.checker.broken());
    CHECK(check.checker.counters().frames == 2);
    CHECK(check.checker.counters().freezes == 1);
    CHECK(check.report.count() == 0);
}

TEST_CASE("SentLog: numbers once, times in the order of numbers, late ones allowed [TRAP-14]") {
    Report report;
    SentLog log("stream", false);
    log.sent(kRunStart, 65'534, 1000, report);
    log.sent(kRunStart, 65'535, 1000, report);
    log.sent(kRunStart, 1, 2000, report);
    log.sent(kRunStart, 0, 1000, report);
    CHECK(report.count() == 0);
    CHECK(log.late() == 1);
    CHECK(log.holes() == 0);
    SUBCASE("twice") {
        log.sent(kRunStart, 1, 2000, report);
        CHECK(report.count() >= 1);
    }
    SUBCASE("time goes back") {
        log.sent(kRunStart, 2, 1999, report);
        CHECK(report.count() == 1);
    }
    SUBCASE("a late one from the future") {
        log.sent(kRunStart, 4, 3000, report);
        log.sent(kRunStart, 3, 3001, report);
        CHECK(report.count() == 1);
    }
    SUBCASE("before the first") {
        log.sent(kRunStart, 65'533, 1000, report);
        CHECK(report.count() == 1);
    }
}

}  // namespace
}  // namespace confab::sim
