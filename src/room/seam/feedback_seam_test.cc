// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What publishers and subscribers are told by RTCP, and what comes of what they tell: 02 §3.1,
// FWD-10 to FWD-13.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "room/seam/call_seam_testing.h"

namespace confab::room::testing {
namespace {

constexpr std::uint32_t kFrameTicks = 3000;

CallPlan simulcast() {
    CallPlan plan;
    plan.rids = {"q", "h", "f"};
    return plan;
}

// Three layers, 30 frames a second of one packet each; key frames as asked for.
struct Layers : SeamCall {
    explicit Layers(const CallPlan& plan = simulcast()) : SeamCall(plan) {
        streams.reserve(3);
        for (std::size_t i = 0; i < 3; ++i)
            streams.push_back(stream(100 + static_cast<std::uint32_t>(i), plan.rids[i]));
    }
    void play(int ticks) {
        for (int n = 0; n < ticks; ++n, ++tick) {
            for (std::size_t i = 0; i < 3; ++i) {
                Stream& s = streams[i];
                s.timestamp += kFrameTicks;
                if (tick % 15 == 0 && reports) report(s);
                s.once = {{s.ids.transport_cc, Bytes{static_cast<std::uint8_t>(wide >> 8),
                                                     static_cast<std::uint8_t>(wide)}}};
                ++wide;
                const Bytes packet = s.packet(vp8_payload(tick == 0 || key.contains(tick),
                                                          static_cast<std::uint8_t>(i), 400));
                if (!lost || !lost(i, tick)) send(packet);
            }
            run(33);
        }
    }
    std::vector<Stream> streams;
    int tick = 0;
    std::uint16_t wide = 0;  // transport-wide
    bool reports = true;
    std::set<int> key;
    std::function<bool(std::size_t, int)> lost;
};

}  // namespace

TEST_CASE("Feedback: receiver reports, one for each stream [IN-05] [IN-10] [outside]") {
    Layers c;
    c.lost = [](std::size_t layer, int tick) { return layer == 2 && tick % 10 == 5; };
    c.play(150);
    std::map<std::uint32_t, std::vector<std::int64_t>> times;
    std::uint32_t highest = 0;
    for (const auto& report : told_by(c.publisher(), wire::parse_receiver_report)) {
        REQUIRE(report.value.blocks.size() == 1);
        const wire::ReportBlock block = report.value.blocks[0];
        CHECK(report.value.ssrc == block.ssrc);
        std::vector<std::int64_t>& told = times[block.ssrc];
        if (!told.empty()) CHECK(report.ms - told.back() >= 1'000);
        CHECK(block.fraction_lost <= (block.ssrc == 102 ? 40 : 0));
        if (!told.empty()) {
            CHECK(block.fraction_lost >= (block.ssrc == 102 ? 15 : 0));
            // Its own report of half a second ago at most, by the middle bits of its time.
            CHECK(block.last_sr != 0);
            CHECK(from_compact_ntp(block.delay_since_last_sr) <= Duration::millis(530));
        }
        if (block.ssrc == 102) {
            CHECK(block.highest_sequence > highest);
            highest = block.highest_sequence;
        }
        told.push_back(report.ms);
    }
    CHECK(times.size() == 3);
    for (const auto& [ssrc, told] : times) {
        CHECK(ssrc >= 100);
        CHECK(ssrc <= 102);
        CHECK(told.size() >= 4);
        CHECK(told.size() <= 6);
    }
    // What the reports took their share of, the quality counts for itself (CQ-01).
    c.play(150);
    const auto quality = c.w.room.of(c.alice, livekit::SignalResponse::kConnectionQuality);
    CHECK_FALSE(quality.empty());
}

TEST_CASE("Feedback: losses of the worst subscriber, where that is configured [IN-05] [outside]") {
    for (const bool proxying : {false, true}) {
        CAPTURE(proxying);
        CallPlan plan;
        plan.video = false;
        plan.options.loss_proxying = proxying;
        SeamCall c(plan);
        Stream microphone = c.stream(77);
        for (int i = 0; i < 200; ++i) {
            c.send(microphone.packet(Bytes(40, 1), false), 20);
            microphone.timestamp += 960;
            if (i % 25 != 24 || c.heard().empty()) continue;
            wire::ReportBlock block;
            block.ssrc = c.down.ssrc.value();
            block.fraction_lost = 64;
            block.highest_sequence = c.heard().back().sequence;
            c.tell(c.down.peer, [&](ByteWriter& out) {
                return wire::write_receiver_report(out, 1, std::span(&block, 1));
            });
        }
        const auto reports = told_by(c.publisher(), wire::parse_receiver_report);
        REQUIRE(reports.size() >= 3);
        CHECK(reports.back().value.blocks[0].fraction_lost == (proxying ? 64 : 0));
    }
}

TEST_CASE("Feedback: jitter counts in the clock of the stream [IN-10] [outside]") {
    for (const bool even : {true, false}) {
        SeamCall c;
        Stream camera = c.stream(77);
        for (int i = 0; i < 120; ++i) {
            c.send(camera.packet(vp8_payload(i == 0, 0, 300)), even ? 33 : i % 2 == 0 ? 13 : 53);
            camera.timestamp += 33 * 90;
        }
        const auto reports = told_by(c.publisher(), wire::parse_receiver_report);
        REQUIRE(!reports.empty());
        // 20 ms off each time, in a mean over 16 packets.
        const std::uint32_t jitter = reports.back().value.blocks[0].jitter;
        if (even) {
            CHECK(jitter <= 2 * 90);
        } else {
            CHECK(jitter >= 17 * 90);
            CHECK(jitter <= 21 * 90);
        }
    }
}

TEST_CASE(
    "Feedback: reference times each second, all transport-wide numbers, and the round trip "
    "[IN-07] [outside]") {
    Layers c;
    // The publisher answers each reference time 300 ms later, and says that it took no time.
    std::size_t answered = 0;
    const auto references = [&] {
        std::vector<std::pair<std::int64_t, std::pair<std::uint32_t, NtpTime>>> result;
        for (const auto& rtcp : c.publisher().rtcp) {
            wire::RtcpReader reader(rtcp.compound);
            while (const auto block = reader.next()) {
                if (block->type != wire::RtcpType::kExtendedReport) continue;
                wire::XrReader reports(*block);
                while (const auto report = reports.next())
                    if (const auto time = wire::read_rrtr(*report))
                        result.push_back({rtcp.ms, {reports.sender_ssrc(), *time}});
            }
        }
        return result;
    };
    const auto play = [&](int ticks) {
        for (int i = 0; i < ticks; ++i) {
            c.play(1);
            const auto all = references();
            for (; answered < all.size(); ++answered) {
                if (c.w.world.now_ms - all[answered].first < 300) break;
                const wire::DlrrEntry entry{all[answered].second.first,
                                            all[answered].second.second.compact(), 0};
                c.tell(c.receiver.peer, [&](ByteWriter& out) {
                    return wire::write_dlrr(out, 100, std::span(&entry, 1));
                });
            }
        }
    };
    play(300);
    const auto times = references();
    REQUIRE(times.size() >= 9);
    REQUIRE(times.size() <= 10);
    for (std::size_t i = 0; i < times.size(); ++i) {
        CHECK(times[i].second.first >= 100);
        CHECK(times[i].second.first <= 102);
        if (i == 0) continue;
        // With the first packet behind each second.
        CHECK(times[i].first - times[i - 1].first >= 1'000);
        CHECK(times[i].first - times[i - 1].first <= 1'033);
    }

    std::set<std::uint16_t> told;
    std::set<std::uint32_t> senders;
    for (const auto& feedback : told_by(c.publisher(), wire::parse_transport_feedback)) {
        senders.insert(feedback.value.sender_ssrc);
        CHECK(feedback.value.media_ssrc >= 100);
        CHECK(feedback.value.media_ssrc <= 102);
        for (std::uint16_t i = 0; i < feedback.value.status_count; ++i)
            told.insert(static_cast<std::uint16_t>(feedback.value.base_sequence + i));
    }
    CHECK(senders.size() == 1);
    CHECK(told.size() >= 880);  // of 900; the last ones wait

    // What is not repaired is asked for again after a round trip, which is 300 ms and not the 70 of
    // who measured none.
    const std::size_t before = told_by(c.publisher(), wire::parse_nack).size();
    const int hole = c.tick;
    c.lost = [&](std::size_t layer, int tick) { return layer == 2 && tick == hole; };
    play(40);
    const auto nacks = told_by(c.publisher(), wire::parse_nack);
    REQUIRE(nacks.size() >= before + 2);
    CHECK(nacks[before + 1].ms - nacks[before].ms >= 250);
    CHECK(nacks[before + 1].ms - nacks[before].ms <= 400);
}

TEST_CASE(
    "Feedback: key frames are asked for as often as the layer allows, PLI or FIR "
    "[IN-08] [FWD-13] [outside]") {
    for (const bool full : {false, true}) {
        CAPTURE(full);
        Layers c;
        c.play(60);
        REQUIRE(c.heard().back().payload.back() == 2);
        const std::size_t before = told_by(c.publisher(), wire::parse_pli).size();
        std::uint8_t sequence = 0;
        for (int i = 0; i < 90; ++i) {
            c.play(1);
            if (full) {
                const wire::FirEntry entry{c.down.ssrc.value(), sequence++};
                c.tell(c.down.peer, [&](ByteWriter& out) {
                    return wire::write_fir(out, 1, std::span(&entry, 1));
                });
            } else {
                c.ask_key_frame();
            }
        }
        const auto all = told_by(c.publisher(), wire::parse_pli);
        REQUIRE(all.size() >= before + 3);
        CHECK(all.size() <= before + 4);
        for (std::size_t i = before; i < all.size(); ++i) {
            CHECK(all[i].value.media_ssrc == 102);  // the layer that is shown
            if (i > before) CHECK(all[i].ms - all[i - 1].ms >= 1'000);
        }
        CHECK(told_by(c.publisher(), wire::parse_fir).empty());
        CHECK(told_by(c.publisher(), wire::parse_remb).empty());
    }
}

TEST_CASE("Feedback: who waits for a picture asks until it comes [FWD-13] [IN-08] [outside]") {
    SeamCall c;
    Stream camera = c.stream(77);
    const auto play = [&](int frames, bool key) {
        for (int i = 0; i < frames; ++i) {
            c.send(camera.packet(vp8_payload(key && i == 0, 0, 300)), 33);
            camera.timestamp += kFrameTicks;
        }
    };
    play(60, false);
    CHECK(c.heard().empty());
    const auto asked = told_by(c.publisher(), wire::parse_pli);
    CHECK(asked.size() >= 3);
    CHECK(asked.size() <= 5);
    for (std::size_t i = 1; i < asked.size(); ++i)
        CHECK(asked[i].ms - asked[i - 1].ms >= 500);
    play(60, true);
    CHECK(c.heard().size() == 60);
    CHECK(told_by(c.publisher(), wire::parse_pli).size() <= asked.size() + 1);
}

TEST_CASE("Feedback: a subscriber's reference time is answered at once [FWD-13] [outside]") {
    Layers c;
    c.play(30);
    const NtpTime mine = NtpTime::from_unix(UnixTime::seconds(1'234'567'890));
    c.tell(c.down.peer, [&](ByteWriter& out) { return wire::write_rrtr(out, 4711, mine); });
    c.play(2);
    bool found = false;
    for (const auto& rtcp : c.ears().rtcp) {
        wire::RtcpReader reader(rtcp.compound);
        while (const auto block = reader.next()) {
            if (block->type != wire::RtcpType::kExtendedReport) continue;
            wire::XrReader reports(*block);
            while (const auto report = reports.next())
                for (std::size_t i = 0; i < wire::dlrr_entries(*report); ++i) {
                    const wire::DlrrEntry entry = wire::dlrr_entry(*report, i);
                    found |= entry.ssrc == 4711 && entry.last_rr == mine.compact();
                }
        }
    }
    CHECK(found);
}

TEST_CASE(
    "Feedback: sender reports go on each 3 s with the publisher's clock, and say whose they are "
    "[IN-06] [IN-11] [FWD-10] [outside]") {
    SeamCall c;
    Stream camera = c.stream(77);
    camera.timestamp = 5'000'000;
    std::int64_t reported_ms = 0;
    std::uint32_t reported_time = 0;
    constexpr Duration kAhead = Duration::seconds(3'600);  // of our clock
    for (int i = 0; i < 400; ++i) {
        camera.timestamp += kFrameTicks;
        if (i == 0 || i == 200) {
            c.report(camera, kAhead);
            reported_ms = c.w.world.now_ms;
            reported_time = camera.timestamp;
        }
        // Of older times, and of none that moves: neither counts.
        if (i == 230) c.report(camera, kAhead - Duration::seconds(100));
        c.send(camera.packet(vp8_payload(i == 0, 0, 300)), 33);
    }
    const auto reports = told_by(c.ears(), wire::parse_sender_report);
    REQUIRE(reports.size() >= 3);
    REQUIRE(reports.size() <= 5);
    for (std::size_t i = 1; i < reports.size(); ++i) {
        CHECK(std::abs(reports[i].ms - reports[i - 1].ms - 3'000) <= 50);
        CHECK(reports[i].value.ntp > reports[i - 1].value.ntp);
    }
    for (const auto& report : reports)
        CHECK(report.value.ssrc == c.down.ssrc.value());
    // The publisher's NTP and RTP times, moved on by what passed since its report came.
    const auto& last = reports.back();
    const std::int64_t since = last.ms - reported_ms;
    const UnixTime there = UnixTime::seconds(1'700'000'000) + Duration::millis(last.ms) + kAhead;
    CHECK(std::abs((last.value.ntp.to_unix() - there).ms()) <= 2);
    CHECK(std::abs(static_cast<std::int32_t>(last.value.rtp_time - reported_time) - since * 90) <=
          2 * 90);
    CHECK(last.value.packet_count > 300);
    CHECK(last.value.packet_count <= c.heard().size());
    // Headers and extensions counted, as upstream does.
    CHECK(last.value.octet_count == last.value.packet_count * c.heard().back().packet.size());

    bool named = false;
    for (const auto& rtcp : c.ears().rtcp) {
        wire::RtcpReader reader(rtcp.compound);
        while (const auto block = reader.next()) {
            if (block->type != wire::RtcpType::kSdes) continue;
            wire::SdesReader items(*block);
            bool cname = false;
            bool mid = false;
            while (const auto item = items.next()) {
                if (item->ssrc != c.down.ssrc.value()) continue;
                cname |= item->type == wire::kSdesCname && item->text == c.down.cname;
                mid |= item->type == wire::kSdesMid && item->text == c.down.mid;
            }
            named |= cname && mid;
        }
    }
    CHECK(named);
}

TEST_CASE(
    "Feedback: what a subscriber lost comes again, at most three times; behind a PLI it waits "
    "[FWD-11] [FWD-12] [outside]") {
    SeamCall c;
    Stream camera = c.stream(77);
    int shown = 0;
    const auto play = [&](int frames, bool key = false) {
        for (int i = 0; i < frames; ++i, ++shown) {
            c.send(camera.packet(vp8_payload(shown == 0 || (key && i == 0),
                                             static_cast<std::uint8_t>(shown), 300)),
                   33);
            camera.timestamp += kFrameTicks;
        }
    };
    play(30);
    const auto heard = c.heard();
    const std::uint16_t lost = heard[20].sequence;
    for (int i = 0; i < 6; ++i) {
        c.ask_again({lost});
        c.run(10);  // too soon for another copy
        c.ask_again({lost});
        c.run(190);
    }
    auto copies = c.copies();
    REQUIRE(copies.size() == 3);
    for (std::size_t i = 0; i < copies.size(); ++i) {
        CHECK(load_be16(copies[i].payload.data()) == lost);
        CHECK(Bytes(copies[i].payload.begin() + 2, copies[i].payload.end()) == heard[20].payload);
        CHECK(copies[i].timestamp == heard[20].timestamp);
        CHECK(copies[i].marker == heard[20].marker);
        CHECK(copies[i].pt == c.down.codecs[0].rtx_pt.value().value());
        CHECK(copies[i].sequence == static_cast<std::uint16_t>(copies[0].sequence + i));
    }
    c.ask_again({static_cast<std::uint16_t>(heard[29].sequence + 100)});  // was never sent
    c.run(50);
    CHECK(c.copies().size() == 3);
    // Who asks for a key frame starts anew with it.
    play(5);
    const std::uint16_t newer = c.heard().at(33).sequence;
    c.run(100);
    c.ask_key_frame();
    c.run(20);
    c.ask_again({newer});
    c.run(50);
    CHECK(c.copies().size() == 3);
    play(1, true);
    c.ask_again({newer});
    c.run(50);
    CHECK(c.copies().size() == 4);
}

}  // namespace confab::room::testing
