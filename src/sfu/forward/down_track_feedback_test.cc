// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Limits of what a subscriber's RTCP does, and what is told of it (02 FWD-10 to FWD-13, IN-41,
// CQ-01).
#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "sfu/forward/forward_testing.h"
#include "sfu/forward/leg_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;
using test::Leg;
using test::pass;

const NtpTime kNtp(std::uint64_t{4'000'000'000} << 32);

wire::ReportBlock report_of(std::uint32_t last_sr, Duration held) {
    wire::ReportBlock block;
    block.ssrc = 0x1111;
    block.last_sr = last_sr;
    block.delay_since_last_sr = to_compact_ntp(held);
    return block;
}

}  // namespace

// ------------------------------------------------------------------ NACK

TEST_CASE("DownTrack: a NACK is answered as far as there is room, the rest later [FWD-11]") {
    Leg leg(Codec::kVp8, 2);
    std::vector<std::uint16_t> asked;
    asked.reserve(5);
    for (int i = 0; i < 5; ++i)
        asked.push_back(static_cast<std::uint16_t>(leg.send(i, 3000, i == 0)->sequence));
    std::array<ResendPacket, 3> out;
    REQUIRE(leg.track.handle_nack(asked, at_ms(500), out) == 3);
    for (const ResendPacket& r : out)
        CHECK(r.packet.rtx);
    CHECK(leg.track.handle_nack(asked, at_ms(501), out) == 2);
    CHECK(load_be16(out[0].packet.prefix.data()) == asked[3]);
    CHECK(leg.track.stats().nacked == 10);
    CHECK(leg.track.stats().resent == 0);  // none of them was sent
    CHECK(leg.track.handle_nack(asked, at_ms(900), {}) == 0);
}

TEST_CASE("DownTrack: no more than 5000 numbers of a NACK are looked at [FWD-11]") {
    for (const std::size_t before : {4999U, 5000U}) {
        Leg leg(Codec::kVp8, 2);
        const auto sent = leg.send(0, 0, true);
        REQUIRE(sent);
        std::vector<std::uint16_t> asked(before, static_cast<std::uint16_t>(sent->sequence + 100));
        asked.push_back(static_cast<std::uint16_t>(sent->sequence));
        std::array<ResendPacket, 2> out;
        CHECK(leg.track.handle_nack(asked, at_ms(500), out) == (before < 5000 ? 1 : 0));
        CHECK(leg.track.stats().nacked == before + 1);
    }
}

TEST_CASE("DownTrack: on a congested link only copies of what goes on [FWD-12]") {
    struct Row {
        std::uint8_t current;  // layer 1 and then this one were sent
        std::int8_t cap;
        bool deficient;
        bool first_again;  // the packet of layer 1
        bool second_again;
    };
    for (const Row& row : {Row{0, 2, true, false, true}, Row{0, 2, false, true, true},
                           Row{2, 2, true, true, true}, Row{2, 1, true, false, false},
                           Row{2, 1, false, true, true}, Row{0, 0, true, false, true}}) {
        CAPTURE(static_cast<int>(row.current));
        CAPTURE(static_cast<int>(row.cap));
        CAPTURE(row.deficient);
        Leg leg(Codec::kVp8, 1);
        leg.source.mode = LayerMode::kOneSpatialLayerPerStreamIncompleteRtcpSr;
        leg.change(0, [](DownTrackSettings& s) { s.max_spatial = 1; });
        const auto first = leg.send(0, 0, true);
        REQUIRE(first);
        leg.change(10, [&](DownTrackSettings& s) { s.max_spatial = row.current; });
        test::Stream other(Codec::kVp8, row.current, 900, 900);
        const auto second = pass(leg.track, other.next(0, true), at_ms(20));
        REQUIRE(second);
        leg.track.set_bandwidth({row.cap, 3}, row.deficient, at_ms(30));
        CHECK(leg.nack(first->sequence, 500).empty() != row.first_again);
        CHECK(leg.nack(second->sequence, 500).empty() != row.second_again);
    }
    // Sound is always repaired.
    AddDownTrack config = test::subscription(Codec::kOpus, 111);
    Leg audio(config, Codec::kOpus);
    const auto sent = audio.send(0, 0);
    REQUIRE(sent);
    audio.track.set_bandwidth({0, 3}, true, at_ms(10));
    CHECK(audio.nack(sent->sequence, 500).size() == 1);
}

TEST_CASE("DownTrack: no copy where something is stamped or the stream has ended [TRAP-14]") {
    AddDownTrack config = test::subscription(Codec::kOpus, 111);
    config.codecs[0].rtx_pt.reset();
    config.extensions = {};
    Leg plain(config, Codec::kOpus);
    config.extensions.transport_cc = 5;
    Leg stamped(config, Codec::kOpus);
    for (Leg* leg : {&plain, &stamped}) {
        const auto sent = leg->send(0, 0);
        REQUIRE(sent);
        const auto copy = leg->nack(sent->sequence, 500);
        CHECK(copy.size() == (leg == &plain ? 1 : 0));
        for (const ResendPacket& r : copy) {
            CHECK(r.packet.rtx);  // a copy, for the figures
            CHECK(r.packet.ssrc == 0x1111);
        }
        leg->track.close(at_ms(600), false);
        CHECK(leg->nack(sent->sequence, 900).empty());
    }
}

TEST_CASE("DownTrack: a copy tells the time of capture as the stored packet does [IN-40]") {
    Leg leg(Codec::kVp8, 2);
    leg.source.add_report(2, {kNtp, 0x1'0000'0000, at_ms(0)});
    CHECK_FALSE(leg.send(0, 0, true)->has_abs_capture_time);
    leg.stream.packet().has_abs_capture_time = true;
    leg.stream.packet().abs_capture_time = 5;
    const auto sent = leg.send(33);
    REQUIRE(sent);
    CHECK(sent->has_abs_capture_time);
    for (const bool stored : {true, false}) {
        auto copy = leg.nack(sent->sequence, stored ? 500 : 700);
        REQUIRE(copy.size() == 1);
        MediaPacket source;
        source.has_abs_capture_time = stored;
        source.abs_capture_time = 5;
        complete_resend(copy[0], source, false);
        CHECK(copy[0].packet.has_abs_capture_time == stored);
    }
}

// ------------------------------------------------------------------ PLI

TEST_CASE_HANDED_OVER(
    "DownTrack: a PLI asks for what is waited for, else for what is shown [FWD-13]") {
    Leg leg(Codec::kVp8, 1);
    leg.source.available = 0;
    leg.track.source_changed(at_ms(0));
    CHECK_FALSE(leg.track.handle_pli(at_ms(1)));  // there is nothing to ask for
    leg.source.available = 7;
    leg.track.source_changed(at_ms(2));
    CHECK(leg.track.handle_pli(at_ms(3)) == 2);
    REQUIRE(leg.send(10, 0, true));
    CHECK(leg.track.handle_pli(at_ms(20)) == 2);
    leg.source.available = 0;
    leg.track.source_changed(at_ms(30));
    CHECK(leg.track.handle_pli(at_ms(40)) == 2);  // ran dry: the last wish stays
    CHECK(leg.track.stats().plis == 4);

    Leg audio(test::subscription(Codec::kOpus, 111), Codec::kOpus);
    REQUIRE(audio.send(0, 0));
    CHECK_FALSE(audio.track.handle_pli(at_ms(10)));
}

// ------------------------------------------------------------------ reports

TEST_CASE_HANDED_OVER("DownTrack: round trips by its last four reports [FWD-10]") {
    Leg leg(Codec::kVp8, 2);
    REQUIRE(leg.send(0, 0, true));
    leg.source.add_report(2, {kNtp, 0x1'0000'0000, at_ms(0)});
    std::vector<std::uint32_t> sent;
    sent.reserve(5);
    for (std::int64_t i = 0; i < 5; ++i)
        sent.push_back(leg.track.sender_report(at_ms(3000 * (i + 1)))->ntp.compact());
    CHECK_FALSE(leg.track.handle_report(report_of(sent[0], Duration::zero()), at_ms(15'100)));
    for (std::size_t i = 1; i < 5; ++i) {
        const auto at = static_cast<std::int64_t>(3000 * (i + 1));
        const auto rtt =
            leg.track.handle_report(report_of(sent[i], Duration::zero()), at_ms(at + 20'000));
        REQUIRE(rtt);
        CHECK(*rtt == Duration::seconds(20));
    }
    // None at all is a measurement; less is a mistake.
    CHECK(leg.track.handle_report(report_of(sent[4], Duration::zero()), at_ms(15'000)) ==
          Duration::zero());
    CHECK_FALSE(leg.track.handle_report(report_of(sent[4], Duration::seconds(1)), at_ms(15'999)));
    CHECK(leg.track.handle_report(report_of(sent[4], Duration::seconds(1)), at_ms(16'000)));
}

TEST_CASE_HANDED_OVER(
    "DownTrack: reports of a stream that stands still, or of another, do not go [FWD-10]") {
    Leg leg(Codec::kVp8, 2);
    leg.source.add_report(2, {kNtp, 0x1'0000'0000, at_ms(0)});
    CHECK_FALSE(leg.track.sender_report(at_ms(1)));  // nothing was sent
    REQUIRE(leg.send(10, 0, true));
    const auto first = leg.track.sender_report(at_ms(20));
    REQUIRE(first);
    CHECK(first->packet_count == 1);
    leg.enable(30, false);
    leg.enable(40, true);
    CHECK_FALSE(leg.track.sender_report(at_ms(3000)));  // waits for a key frame
    REQUIRE(leg.send(3010, 270'000, true));
    CHECK(leg.track.sender_report(at_ms(3020)));
    // One whose time of arrival is in the future counts as come now.
    leg.source.reports[2] =
        SourceReport{kNtp + Duration::seconds(9), 0x1'0000'0000 + 810'000, at_ms(9000)};
    CHECK(leg.track.sender_report(at_ms(6020))->ntp == kNtp + Duration::seconds(9));
    // Later by one clock and earlier by the other: it would move pictures against sound.
    leg.source.reports[2] = SourceReport{kNtp + Duration::seconds(10), 0x1'0000'0000, at_ms(6030)};
    CHECK_FALSE(leg.track.sender_report(at_ms(6040)));
    leg.source.reports[2] = SourceReport{kNtp, 0x1'0000'0000 + 900'000, at_ms(6030)};
    CHECK_FALSE(leg.track.sender_report(at_ms(6040)));
    leg.source.reports[2] =
        SourceReport{kNtp + Duration::seconds(10), 0x1'0000'0000 + 900'000, at_ms(6030)};
    CHECK(leg.track.sender_report(at_ms(6040)));
}

TEST_CASE("DownTrack: a window tells each thing once [CQ-01] [FWD-11]") {
    Leg leg(Codec::kVp8, 2);
    leg.source.add_report(2, {kNtp, 0x1'0000'0000, at_ms(0)});
    const auto sent = leg.send(0, 0, true);
    REQUIRE(sent);
    MediaPacket late = leg.stream.next(3000);
    REQUIRE(leg.send(66));
    late.late = true;
    REQUIRE(pass(leg.track, late, at_ms(70)));
    auto copy = leg.nack(sent->sequence, 500);
    REQUIRE(copy.size() == 1);
    complete_resend(copy[0], {}, false);
    const auto ntp = leg.track.sender_report(at_ms(1000))->ntp.compact();
    wire::ReportBlock block = report_of(ntp, Duration::zero());
    block.cumulative_lost = 5;
    block.jitter = 900;  // 10 ms
    REQUIRE(leg.track.handle_report(block, at_ms(1100)));
    const DownTrackWindow window = leg.track.window(at_ms(5'000));
    CHECK(window.packets == 3);
    CHECK(window.octets == leg.track.stats().octets);
    CHECK(window.octets > 3 * 40);
    CHECK(window.nacked == 1);
    CHECK(window.out_of_order == 1);
    // The late one was no loss of the subscriber's, and one was made good.
    CHECK(window.lost == 3);
    CHECK(window.jitter == Duration::millis(10));
    CHECK(window.rtt == Duration::millis(100));
    const DownTrackWindow empty = leg.track.window(at_ms(5'000));
    CHECK(empty.packets + empty.octets + empty.nacked + empty.out_of_order + empty.lost == 0);
    CHECK_FALSE(empty.jitter);
    CHECK_FALSE(empty.rtt);
    // Copies that came twice lower the sum, below nothing even: no loss, and none made up later.
    block.last_sr = 0;
    for (const auto& [sum, lost] : {std::pair{3, 0}, std::pair{-7, 0}, std::pair{2, 2}}) {
        block.cumulative_lost = sum;
        CHECK_FALSE(leg.track.handle_report(block, at_ms(2000)));
        CHECK(leg.track.window(at_ms(5'000)).lost == static_cast<std::uint64_t>(lost));
    }
    // A copy that is not sent makes nothing good.
    REQUIRE(leg.nack(sent->sequence, 5'500).size() == 1);
    block.cumulative_lost = 3;
    (void)leg.track.handle_report(block, at_ms(6000));
    CHECK(leg.track.window(at_ms(6'500)).lost == 1);
}

TEST_CASE("DownTrack: the playout delay of a screen stays what it is, however it comes [IN-41]") {
    for (const bool screen : {false, true}) {
        AddDownTrack config = test::subscription(Codec::kVp8);
        config.screen_share = screen;
        config.playout_delay = PlayoutDelayLimits{Duration::millis(100), Duration::millis(2000)};
        config.extensions.playout_delay = 4;
        Leg leg(config, Codec::kVp8, 2);
        (void)leg.send(0, 0, true);
        wire::ReportBlock block;
        block.jitter = 10'800;  // 120 ms
        bool told = false;
        for (std::int64_t ms = 1'000; ms < 10'000; ms += 1'000) {
            const auto sent = leg.send(ms);
            REQUIRE(sent);
            (void)leg.nack(sent->sequence, ms);
            if (ms > 3'000) told |= sent->has_playout_delay;
            block.highest_sequence = static_cast<std::uint32_t>(sent->sequence);
            (void)leg.track.handle_report(block, at_ms(ms + 100));
        }
        CHECK(told == !screen);
    }
}

TEST_CASE("DownTrack: the playout delay goes by what was asked for since the last report [IN-41]") {
    AddDownTrack config = test::subscription(Codec::kVp8);
    config.playout_delay = PlayoutDelayLimits{Duration::millis(100), Duration::millis(2000)};
    Leg not_negotiated(config, Codec::kVp8, 2);
    CHECK_FALSE(not_negotiated.send(0, 0, true)->has_playout_delay);
    config.extensions.playout_delay = 4;
    Leg leg(config, Codec::kVp8, 2);
    const auto first = leg.send(0, 0, true);
    REQUIRE(first);
    CHECK(first->has_playout_delay);
    wire::ReportBlock block;
    block.highest_sequence = static_cast<std::uint32_t>(first->sequence);
    // Ten packets, each of which may be asked for: what is above 60 per cent counts twice.
    const auto round = [&](std::int64_t ms, bool asked) {
        bool carried = false;
        for (int i = 0; i < 10; ++i) {
            const auto sent = leg.send(ms + i);
            REQUIRE(sent);
            carried = sent->has_playout_delay;
            if (asked) (void)leg.nack(sent->sequence, ms + i);
            block.highest_sequence = static_cast<std::uint32_t>(sent->sequence);
        }
        (void)leg.track.handle_report(block, at_ms(ms + 100));
        return carried;
    };
    block.jitter = 900;
    CHECK(round(1000, true));         // ten of eleven: 160 ms
    CHECK(round(2000, true));         // written until it arrived; ten of ten: 180 ms
    CHECK(round(3000, true));         // the same
    CHECK_FALSE(round(4000, true));   // has arrived
    CHECK_FALSE(round(5000, false));  // nothing was asked for: 100 ms
    CHECK(round(6000, false));
    CHECK_FALSE(round(7000, false));
}

// ------------------------------------------------------------------ time

TEST_CASE_HANDED_OVER("DownTrack: exactly as far behind as is borne, and a tick more [FWD-03]") {
    struct Row {
        bool publisher;
        std::int64_t behind_ticks;
        bool by_clock;
    };
    for (const Row& row : {Row{true, 200 * 90, false}, Row{true, 200 * 90 + 1, true},
                           Row{false, 2000 * 90, false}, Row{false, 2000 * 90 + 1, true}}) {
        CAPTURE(row.behind_ticks);
        Leg leg(Codec::kVp8, 2);
        const auto before = leg.send(0, 0, true);
        REQUIRE(before);
        // A mute of the publisher before counts for one resume only.
        leg.mute(1, true);
        leg.mute(2, false);
        REQUIRE(leg.send(3, 270, true));
        if (row.publisher) leg.mute(10, true);
        leg.enable(10, false);
        leg.mute(5000, false);
        leg.enable(5000, true);
        leg.stream.packet().timestamp = 0x1'0000'0000 + 5000 * 90 - row.behind_ticks;
        const auto after = leg.send(5000, 0, true);
        REQUIRE(after);
        const std::int64_t expected = 5000 * 90 - (row.by_clock ? 0 : row.behind_ticks);
        CHECK(after->timestamp - before->timestamp == expected);
    }
}

}  // namespace confab::sfu
