// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/peer/srtp_session.h"

#include <doctest/doctest.h>

#include "base/bytes.h"
#include "wire/rtp/rtp.h"

namespace confab::peer {
namespace {

constexpr srtp::Profile kProfile = srtp::Profile::kAeadAes128Gcm;
constexpr std::uint32_t kMax = SrtpSession::kMaxFailuresPerSecond;

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

srtp::MasterKey key(std::uint8_t fill) {
    return *srtp::MasterKey::from(kProfile, Bytes(srtp::key_size(kProfile), fill),
                                  Bytes(srtp::salt_size(kProfile), fill));
}

// Two ends with each other's keys.
struct Ends {
    srtp::Engine engine;
    SrtpSession a;
    SrtpSession b;
    std::uint16_t sequence = 0;

    Ends() {
        a.start(engine, key(1), key(2));
        b.start(engine, key(2), key(1));
    }
    // An authentic packet of a for b.
    Bytes packet(std::uint32_t ssrc) {
        Bytes bytes(300);
        ByteWriter out(bytes);
        wire::RtpHeader header;
        header.payload_type = 96;
        header.sequence = ++sequence;
        header.ssrc = ssrc;
        wire::write_rtp_header(out, header);
        bytes.resize(a.sender()->protect_rtp(bytes, 12, Bytes(100, 7), sequence));
        return bytes;
    }
    Media::Kind receive(std::int64_t ms, Bytes bytes) {
        return b.unprotect(at_ms(ms), bytes, Media::Kind::kRtp).kind;
    }
    Media::Kind forge(std::int64_t ms, std::uint32_t ssrc = 4711) {
        Bytes bytes = packet(ssrc);
        bytes.back() ^= 1;
        return receive(ms, std::move(bytes));
    }
};

TEST_CASE("SrtpSession: nothing before the keys, both kinds with them [SRTP-02]") {
    SrtpSession early;
    Bytes junk(100, 0x80);
    CHECK(early.unprotect(at_ms(0), junk, Media::Kind::kRtp).kind == Media::Kind::kNone);
    CHECK(early.counters().before_keys == 1);
    CHECK(early.sender() == nullptr);

    Ends ends;
    Bytes rtp = ends.packet(42);
    const Media media = ends.b.unprotect(at_ms(0), rtp, Media::Kind::kRtp);
    CHECK(media.kind == Media::Kind::kRtp);
    REQUIRE(media.packet.size() == 112);
    CHECK(to_vector(media.packet.subspan(12)) == Bytes(100, 7));

    Bytes rtcp(64);
    rtcp[0] = 0x80;
    rtcp[1] = 201;
    rtcp[3] = 1;
    rtcp.resize(ends.a.sender()->protect_rtcp(rtcp, 8));
    const Media report = ends.b.unprotect(at_ms(0), rtcp, Media::Kind::kRtcp);
    CHECK(report.kind == Media::Kind::kRtcp);
    CHECK(report.packet.size() == 8);
    CHECK(ends.b.counters().failures == 0);
}

TEST_CASE(
    "SrtpSession: after 100 failures in a second strangers are not tried for its rest [DES-25]") {
    Ends ends;
    for (std::uint32_t i = 0; i < kMax - 1; ++i)
        CHECK(ends.forge(i) == Media::Kind::kNone);
    CHECK(ends.receive(200, ends.packet(42)) == Media::Kind::kRtp);
    CHECK(ends.forge(300) == Media::Kind::kNone);
    CHECK(ends.b.counters().failures == kMax);
    CHECK(ends.b.counters().throttled == 0);
    // Now a stream that was authentic before goes on, a new one waits.
    CHECK(ends.receive(301, ends.packet(43)) == Media::Kind::kNone);
    CHECK(ends.b.counters().throttled == 1);
    CHECK(ends.receive(999, ends.packet(42)) == Media::Kind::kRtp);
    CHECK(ends.receive(999, ends.packet(43)) == Media::Kind::kNone);
    CHECK(ends.receive(1000, ends.packet(43)) == Media::Kind::kRtp);
    CHECK(ends.b.counters().throttled == 2);
}

TEST_CASE("SrtpSession: failures that are spread over seconds shed nothing [DES-25]") {
    Ends ends;
    for (std::uint32_t i = 0; i < 3 * kMax; ++i)
        CHECK(ends.forge(i * 11) == Media::Kind::kNone);
    CHECK(ends.b.counters().throttled == 0);
    CHECK(ends.b.counters().failures == 3 * kMax);
}

TEST_CASE("SrtpSession: a second of failures begins with the first after a quiet one [DES-25]") {
    Ends ends;
    for (std::uint32_t i = 0; i < kMax / 2; ++i)
        CHECK(ends.forge(0) == Media::Kind::kNone);
    for (std::uint32_t i = 0; i < kMax; ++i)
        CHECK(ends.forge(1500) == Media::Kind::kNone);
    CHECK(ends.b.counters().throttled == 0);
    CHECK(ends.receive(2499, ends.packet(42)) == Media::Kind::kNone);
    CHECK(ends.receive(2500, ends.packet(42)) == Media::Kind::kRtp);
    CHECK(ends.b.counters().throttled == 1);
}

}  // namespace
}  // namespace confab::peer
