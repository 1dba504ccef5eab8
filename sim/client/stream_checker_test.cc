// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Each fault that the check of one stream is for, planted. Audio: one packet is one frame.

#include "sim/client/stream_checker.h"

#include <doctest/doctest.h>

namespace confab::sim {
namespace {

constexpr std::uint32_t kSsrc = 7;
constexpr std::uint8_t kType = 111;
constexpr Duration kFrame = Duration::millis(20);

struct Stream {
    Stream() : checker("somebody", plan()) {}
    static SubscriptionPlan plan() {
        SubscriptionPlan plan;
        plan.track = 5;
        plan.ssrc = kSsrc;
        plan.payload_type = kType;
        return plan;
    }
    // A packet as it leaves the server.
    static Bytes packet(std::uint16_t sequence, std::uint32_t track, std::uint32_t frame,
                        std::uint8_t type = kType) {
        Bytes bytes(12 + MediaStamp::kSize);
        ByteWriter out(bytes);
        out.u8(0x80);
        out.u8(type);
        out.u16(sequence);
        out.u32(std::uint32_t{sequence} * 960);
        out.u32(kSsrc);
        MediaStamp stamp;
        stamp.track = track;
        stamp.frame = frame;
        stamp.count = 1;
        client::write_stamp(out, stamp);
        return bytes;
    }
    void sent(const Bytes& bytes) {
        checker.sent(now, *wire::peek_rtp(bytes), load_be32(bytes.data() + 4), report);
    }
    void arrived(const Bytes& bytes) {
        checker.receive(now, *wire::parse_rtp(bytes), report);
        now = now + kFrame;
    }
    void flow(std::uint16_t sequence, std::uint32_t frame, std::uint32_t track = 5) {
        const Bytes bytes = packet(sequence, track, frame);
        sent(bytes);
        arrived(bytes);
    }

    StreamChecker checker;
    Report report;
    Timestamp now = kRunStart;
};

TEST_CASE("StreamChecker: a stream in order, and one with a loss, are fine") {
    Stream s;
    for (std::uint16_t n = 100; n < 120; ++n) {
        const Bytes bytes = Stream::packet(n, 5, n);
        s.sent(bytes);
        if (n != 110) s.arrived(bytes);
    }
    s.now = s.now + client::JitterBuffer::kPatience;
    s.checker.handle_timeout(s.now, s.report);
    CHECK(s.report.count() == 0);
    CHECK(s.checker.given_up() == 1);
    CHECK(s.checker.last_content() == s.now);
}

TEST_CASE("StreamChecker: content of another track, and content that goes back, is found") {
    Stream s;
    s.flow(100, 1);
    SUBCASE("another track") {
        s.flow(101, 2, 6);
    }
    SUBCASE("goes back") {
        s.flow(101, 0);
    }
    CHECK(s.report.count() == 1);
}

TEST_CASE("StreamChecker: another payload type is found where it leaves the server") {
    Stream s;
    s.sent(Stream::packet(100, 5, 1, 96));
    CHECK(s.report.count() == 1);
}

TEST_CASE("StreamChecker: what was muted must not leave the server, from the grace on") {
    Stream s;
    s.flow(100, 1);
    s.checker.forbid_from(s.now);
    s.flow(101, 2);  // the shard does not know yet
    CHECK(s.report.count() == 0);
    s.now = s.now + Duration::millis(10);
    s.flow(102, 3);
    CHECK(s.report.count() == 1);
    s.checker.allow_from(s.now);
    s.flow(103, 4);
    CHECK(s.report.count() == 1);
}

TEST_CASE("StreamChecker: the same number with other contents is found") {
    Stream s;
    s.flow(100, 1);
    s.sent(Stream::packet(101, 5, 2));
    s.sent(Stream::packet(102, 5, 3));
    s.arrived(Stream::packet(102, 5, 3));
    s.arrived(Stream::packet(102, 5, 4));
    CHECK(s.report.count() == 1);
}

}  // namespace
}  // namespace confab::sim
