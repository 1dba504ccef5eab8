// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Reports, NACK and PLI of a subscriber (02 FWD-10 to FWD-13).
#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "base/state/hand_over_testing.h"
#include "sfu/forward/forward_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;
using test::pass;
using test::Stream;

constexpr std::int64_t kTs = 0x1'0000'0000;
const NtpTime kNtp(std::uint64_t{4'000'000'000} << 32);

struct Video {
    Video()
        : source(test::source_of(Codec::kVp8)),
          rng(1),
          stream(Codec::kVp8, 2, 70'000, kTs),
          track(test::subscription(Codec::kVp8), source, rng) {}
    std::uint16_t send(std::int64_t ms, bool key = false) {
        const auto out = pass(track, stream.next(3000, key), at_ms(ms));
        REQUIRE(out);
        return static_cast<std::uint16_t>(out->sequence);
    }
    std::vector<ResendPacket> nack(std::uint16_t sequence, std::int64_t ms) {
        std::array<ResendPacket, 8> out;
        const std::array<std::uint16_t, 1> asked{sequence};
        const std::size_t count = track.handle_nack(asked, at_ms(ms), out);
        for (ResendPacket& copy : std::span(out).first(count))
            complete_resend(copy, stored, false);
        return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count)};
    }
    MediaPacket stored;  // what the history has of what is asked for
    SourceState source;
    Rng rng;
    Stream stream;
    DownTrack track;
};

}  // namespace

TEST_CASE("DownTrack: answers a NACK on the RTX stream [FWD-11] [FWD-01] [TRAP-14] [TRAP-15]") {
    Video v;
    (void)v.send(0, true);
    MediaPacket lost = v.stream.next(3000);
    lost.has_abs_capture_time = true;
    lost.abs_capture_time = 99;
    v.source.add_report(2, {kNtp, kTs, at_ms(0)});
    const auto sent = pass(v.track, lost, at_ms(33));
    REQUIRE(sent);
    const auto sequence = static_cast<std::uint16_t>(sent->sequence);
    CHECK(v.nack(sequence, 34).empty());  // may still be on its way
    v.stored = lost;
    const auto again = v.nack(sequence, 200);
    REQUIRE(again.size() == 1);
    const ForwardedPacket first = again[0].packet;
    CHECK(first.rtx);
    CHECK(first.ssrc == 0x2222);
    CHECK(first.payload_type == 97);
    CHECK(first.sequence >= 0x8000);
    CHECK(first.sequence < 0xC000);
    CHECK(first.timestamp == sent->timestamp);
    CHECK(first.marker == sent->marker);
    CHECK(again[0].source_sequence == lost.sequence);
    CHECK(again[0].stream == 2);
    CHECK(load_be16(first.prefix.data()) == sequence);  // the original number
    CHECK(first.prefix_size == 2 + sent->prefix_size);
    CHECK(first.payload_offset == sent->payload_offset);
    CHECK(again[0].packet.has_abs_capture_time);
    CHECK(again[0].packet.abs_capture_time == 99);
    // Each copy has its own number; the fourth is refused.
    CHECK(v.nack(sequence, 400)[0].packet.sequence == first.sequence + 1);
    CHECK(v.nack(sequence, 600)[0].packet.sequence == first.sequence + 2);
    CHECK(v.nack(sequence, 800).empty());
    CHECK(v.track.stats().resent == 3);
}

TEST_CASE("DownTrack: audio without RTX is sent again as it was [FWD-11] [TRAP-14]") {
    AddDownTrack config = test::subscription(Codec::kOpus, 111);
    config.codecs = {{Codec::kRed, PayloadType(63), {}, 48'000, false},
                     {Codec::kOpus, PayloadType(111), {}, 48'000, true}};
    config.extensions = {};
    config.extensions.abs_capture_time = 2;
    SourceState source = test::source_of(Codec::kOpus);
    source.add_report(0, {kNtp, kTs, at_ms(0)});
    Rng rng(1);
    DownTrack track(config, source, rng);
    Stream mic(Codec::kOpus, 0, 131'071, kTs);  // the next number begins a new cycle
    std::array<std::uint8_t, 64> first{};
    std::array<std::uint8_t, 64> again{};
    std::array<ResendPacket, 4> out;
    for (int i = 0; i < 3; ++i) {
        MediaPacket lost = mic.next(960);
        lost.has_abs_capture_time = true;
        lost.abs_capture_time = 99;
        const auto sent = pass(track, lost, at_ms(i * 20));
        REQUIRE(sent);
        const std::size_t size = build_header(*sent, config.extensions, {}, {}, first);
        const std::array<std::uint16_t, 1> asked{static_cast<std::uint16_t>(sent->sequence)};
        CHECK(track.handle_nack(asked, at_ms(i * 20 + 10), out) == 0);  // may be on its way
        (void)pass(track, mic.next(960), at_ms(i * 20 + 10));
        REQUIRE(track.handle_nack(asked, at_ms(1'000 + i), out) == 1);
        complete_resend(out[0], lost, false);
        CHECK(out[0].packet.sequence == sent->sequence);  // the index of SRTP, with its cycle
        CHECK(build_header(out[0].packet, config.extensions, {}, {}, again) == size);
        CHECK(first == again);
    }
    // Not where something is stamped on leaving, and not where NACK was not negotiated.
    config.extensions.abs_send_time = 3;
    DownTrack stamped(config, source, rng);
    config.extensions.abs_send_time = 0;
    config.codecs[1].nack = false;
    DownTrack silent(config, source, rng);
    for (DownTrack* refused : {&stamped, &silent}) {
        const auto sent = pass(*refused, mic.next(960), at_ms(2'000));
        REQUIRE(sent);
        const std::array<std::uint16_t, 1> asked{static_cast<std::uint16_t>(sent->sequence)};
        CHECK(refused->handle_nack(asked, at_ms(3'000), out) == 0);
    }
}

TEST_CASE("DownTrack: no copies of video without an RTX stream [FWD-11] [TRAP-14]") {
    AddDownTrack config = test::subscription(Codec::kVp8);
    config.codecs[0].rtx_pt.reset();
    SourceState source = test::source_of(Codec::kVp8);
    Rng rng(1);
    DownTrack track(config, source, rng);
    Stream f(Codec::kVp8, 2, 70'000, kTs);
    const auto sent = pass(track, f.next(0, true), at_ms(0));
    std::array<ResendPacket, 4> out;
    const std::array<std::uint16_t, 1> asked{static_cast<std::uint16_t>(sent->sequence)};
    CHECK(track.handle_nack(asked, at_ms(500), out) == 0);
}

TEST_CASE("DownTrack: blank frames are never sent again [FWD-11]") {
    AddDownTrack config = test::subscription(Codec::kOpus, 111);
    SourceState source = test::source_of(Codec::kOpus);
    Rng rng(1);
    DownTrack track(config, source, rng);
    Stream mic(Codec::kOpus, 0, 70'000, kTs);
    REQUIRE(pass(track, mic.next(), at_ms(0)));
    source.muted = true;
    track.source_changed(at_ms(20));
    const auto silence = test::drain(track);
    REQUIRE(!silence.empty());
    std::array<ResendPacket, 4> out;
    const std::array<std::uint16_t, 1> asked{
        static_cast<std::uint16_t>(silence[0].packet.sequence)};
    CHECK(track.handle_nack(asked, at_ms(500), out) == 0);
}

TEST_CASE("DownTrack: between a PLI and the key frame nothing is sent again [FWD-12] [FWD-13]") {
    Video v;
    (void)v.send(0, true);
    const std::uint16_t sequence = v.send(33);
    CHECK(v.track.handle_pli(at_ms(200)) == 2);
    CHECK(v.nack(sequence, 210).empty());
    (void)v.send(220);
    CHECK(v.nack(sequence, 230).empty());
    (void)v.send(240, true);
    CHECK(v.nack(sequence, 250).size() == 1);
    CHECK(v.track.stats().plis == 1);
}

TEST_CASE("DownTrack: on a congested link layers to be left are not sent again [FWD-12]") {
    Video v;
    (void)v.send(0, true);
    const std::uint16_t sequence = v.send(33);
    v.track.set_bandwidth({0, 3}, true, at_ms(100));
    CHECK(v.nack(sequence, 300).empty());
    v.track.set_bandwidth(kTopLayer, false, at_ms(400));
    CHECK(v.nack(sequence, 500).size() == 1);
}

TEST_CASE("DownTrack: passes sender reports on, moved to its own time line [FWD-10]") {
    Video v;
    (void)v.send(0, true);  // time kTs + 3000 is sent as 3000
    CHECK_FALSE(v.track.sender_report(at_ms(100)));
    v.source.add_report(2, {kNtp, kTs + 12'000, at_ms(200)});
    const auto report = v.track.sender_report(at_ms(1200));
    REQUIRE(report);
    CHECK(report->ssrc == 0x1111);
    CHECK(report->ntp == kNtp + Duration::seconds(1));
    CHECK(report->rtp_time == 12'000 + 90'000);
    CHECK(report->packet_count == 1);
    // Header 12, extension block 8 (abs-send-time), descriptor and picture 40.
    CHECK(report->octet_count == 60);
    CHECK_FALSE(v.track.sender_report(at_ms(1200)));  // would not be newer
    CHECK(v.track.sender_report(at_ms(4200))->rtp_time == 12'000 + 360'000);
    CHECK(v.track.info().sdes_chunk().cname == "PA_pub|TR_cam");
    CHECK(v.track.info().sdes_chunk().mid == "1");
    DownTrackSettings off = v.track.settings();
    off.enabled = false;
    v.track.update_settings(off, at_ms(5000));
    CHECK_FALSE(v.track.sender_report(at_ms(7200)));
}

TEST_CASE(
    "DownTrack: sender reports stay with the media where the source's clock stood still [FWD-10]") {
    for (const bool moved : {false, true}) {
        SourceState source = test::source_of(Codec::kOpus);
        Rng rng(1);
        const AddDownTrack config = test::subscription(Codec::kOpus, 111);
        DownTrack track(config, source, rng);
        Stream mic(Codec::kOpus, 0, 1'000, kTs);
        MediaPacket last;
        std::int64_t sent = 0;
        const auto send = [&](std::int64_t from, std::int64_t count) {
            for (std::int64_t i = 0; i < count; ++i) {
                last = mic.next(960);
                sent = pass(track, last, at_ms(from + i * 20))->timestamp;
            }
        };
        const auto hear = [&](std::int64_t ms) {
            source.add_report(0, {kNtp + Duration::millis(ms), last.timestamp, at_ms(ms)});
        };
        // How far it is from what is sent now, in ms.
        const auto away = [&](std::int64_t ms) {
            const auto report = track.sender_report(at_ms(ms));
            REQUIRE(report);
            const auto ahead =
                static_cast<std::int32_t>(report->rtp_time - static_cast<std::uint32_t>(sent));
            return std::abs(ahead) / 48;
        };
        send(0, 50);
        hear(980);
        CHECK(away(980) <= 20);
        std::int64_t now = 1'000;
        for (int round = 0; round < 2; ++round) {  // the second before the publisher's next report
            source.muted = true;
            track.source_changed(at_ms(now));
            now += 20'000;
            source.muted = false;
            track.source_changed(at_ms(now));
            send(now, 50);
            now += 1'000;
            if (moved) hand_over(track, DownTrack(config, source, rng), at_ms(now));
            CHECK(away(now - 20) <= 60);
        }
        hear(now - 20);
        send(now, 50);
        CHECK(away(now + 980) <= 60);
    }
}

TEST_CASE("DownTrack: sender reports never go back when the source changes [FWD-10]") {
    Video v;
    (void)v.send(0, true);
    v.source.add_report(2, {kNtp, kTs + 12'000, at_ms(200)});
    REQUIRE(v.track.sender_report(at_ms(1200)));
    v.source.reports[2] = SourceReport{kNtp, kTs, at_ms(1200)};
    CHECK_FALSE(v.track.sender_report(at_ms(1300)));
    CHECK(v.track.sender_report(at_ms(4300)));
}

TEST_CASE("DownTrack: round trip time from its own reports [FWD-10] [FWD-11]") {
    Video v;
    (void)v.send(0, true);
    v.source.add_report(2, {kNtp, kTs, at_ms(0)});
    const auto report = v.track.sender_report(at_ms(1000));
    REQUIRE(report);
    wire::ReportBlock block;
    block.ssrc = 0x1111;
    block.fraction_lost = 64;
    block.cumulative_lost = 5;
    CHECK_FALSE(v.track.handle_report(block, at_ms(1100)));
    block.last_sr = report->ntp.compact();
    block.delay_since_last_sr = to_compact_ntp(Duration::millis(500));
    const auto rtt = v.track.handle_report(block, at_ms(1630));
    REQUIRE(rtt);
    CHECK(rtt->ms() >= 129);
    CHECK(rtt->ms() <= 131);
    CHECK(v.track.rtt().ms() >= 99);  // half of 70 and 130
    CHECK(v.track.rtt().ms() <= 101);
    CHECK(v.track.stats().fraction_lost == 64);
    block.last_sr += 1;
    CHECK_FALSE(v.track.handle_report(block, at_ms(1630)));
    block.last_sr -= 1;
    block.delay_since_last_sr = 0xFFFFFFFF;  // more than ever passed
    CHECK_FALSE(v.track.handle_report(block, at_ms(1630)));
    const DownTrackWindow window = v.track.window(at_ms(5'000));
    CHECK(window.lost == 5);
    CHECK(window.packets == 1);
    CHECK(v.track.window(at_ms(5'000)).lost == 0);
}

}  // namespace confab::sfu
