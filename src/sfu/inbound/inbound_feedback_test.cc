// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a publisher hears of its streams, what is known of them: NACK, PLI, reports, levels (02
// IN-04 to IN-08, IN-10, IN-30).
#include <doctest/doctest.h>

#include <vector>

#include "sfu/inbound/inbound_stream.h"
#include "sfu/inbound/inbound_testing.h"

namespace confab::sfu {
namespace {

using namespace inbound_test;

bool asks_for_key_frame(InboundStream& stream, std::int64_t ms) {
    std::array<std::uint8_t, 100> buffer{};
    ByteWriter out(buffer);
    const bool asked = stream.write_pli(at_ms(ms), out);
    CHECK((out.size() > 0) == asked);
    return asked;
}

}  // namespace

// ------------------------------------------------------------------ NACK

TEST_CASE("InboundStream: asks for audio by NACK where that was answered, never in RED [IN-04]") {
    struct Row {
        bool red;
        bool nack;
        bool asks;
    };
    for (const Row& row : {Row{false, true, true}, Row{false, false, false}, Row{true, true, false},
                           Row{true, false, false}}) {
        CAPTURE(row.red);
        CAPTURE(row.nack);
        AddReceiver receiver = audio_receiver(row.red);
        receiver.codecs.front().nack = row.nack;
        Feed feed(receiver);
        const std::uint8_t pt = row.red ? 63 : 111;
        feed(0, {1, 0, pt, kSsrc, {111, 2, 3}});
        feed(40, {3, 1920, pt, kSsrc, {111, 2, 3}});
        const auto asked = nacked(feed.stream_, at_ms(60));
        CHECK(asked == (row.asks ? std::vector<std::uint16_t>{2} : std::vector<std::uint16_t>{}));
        CHECK(feed.stream_.counters().nacks == (row.asks ? 1 : 0));
    }
}

TEST_CASE("InboundStream: a mute forgets what was lost, an unmute does not [IN-04] [TRAP-27]") {
    for (const bool muted : {true, false}) {
        Feed feed(video_receiver());
        feed(0, {10, 0, 96, kSsrc, vp8_key()});
        feed(5, {12, 3000, 96, kSsrc, vp8_delta()});
        feed.stream_.set_muted(muted);
        CHECK(nacked(feed.stream_, at_ms(100)).empty() == muted);
    }
}

TEST_CASE("InboundStream: a request waits for the round trip, and does not fit a full packet") {
    Feed feed(video_receiver());
    for (int i = 0; i < 20; ++i)
        feed.stream_.update_rtt(Duration::millis(200));
    feed(0, {10, 0, 96, kSsrc, vp8_key()});
    feed(5, {12, 3000, 96, kSsrc, vp8_delta()});
    CHECK(feed.stream_.take_round().rtt == Duration::millis(200));
    CHECK_FALSE(feed.stream_.take_round().rtt);
    CHECK(nacked(feed.stream_, at_ms(30)).size() == 1);
    CHECK(nacked(feed.stream_, at_ms(220)).empty());
    std::array<std::uint8_t, 15> small{};
    ByteWriter out(small);
    CHECK(feed.stream_.write_nack(at_ms(240), out) == 0);
    CHECK_FALSE(out.ok());  // the datagram is thrown away
}

// ------------------------------------------------------------------ PLI

TEST_CASE("InboundStream: PLIs of a layer keep the distance of that layer [IN-08]") {
    for (const auto& [spatial, gap] : {std::pair{0, 500}, std::pair{1, 1000}, std::pair{2, 1500},
                                       std::pair{3, 1500}}) {  // a fourth goes as the third
        CAPTURE(spatial);
        AddReceiver receiver = video_receiver();
        receiver.pli_throttle = {Duration::millis(500), Duration::seconds(1),
                                 Duration::millis(1500)};
        receiver.layers.front().spatial = static_cast<std::uint8_t>(spatial);
        Feed feed(receiver);
        feed(0, {1, 0, 96, kSsrc, vp8_key()});
        feed.stream_.request_key_frame();
        CHECK(asks_for_key_frame(feed.stream_, 100));
        feed.stream_.request_key_frame();
        CHECK(feed.stream_.next_deadline() == at_ms(100 + gap));
        CHECK_FALSE(asks_for_key_frame(feed.stream_, 100 + gap - 1));
        CHECK(asks_for_key_frame(feed.stream_, 100 + gap));
        CHECK(feed.stream_.counters().plis == 2);
        // One that comes while the request waits settles it.
        feed.stream_.request_key_frame();
        feed(200 + gap, {2, 3000, 96, kSsrc, vp8_key()});
        CHECK(feed.stream_.next_deadline().is_never());
        CHECK_FALSE(asks_for_key_frame(feed.stream_, 100'000));
    }
}

TEST_CASE("InboundStream: the first picture is waited for from the first packet on [IN-08]") {
    Feed feed(video_receiver());
    CHECK_FALSE(feed(0, {1, 0, 96, kSsrc, {}, 200}));
    CHECK(feed.stream_.next_deadline().is_never());  // padding starts nothing
    feed(100, {2, 0, 96, kSsrc, vp8_delta()});
    feed(1000, {3, 3000, 96, kSsrc, vp8_delta()});
    CHECK(feed.stream_.next_deadline() == at_ms(1100));
    CHECK(asks_for_key_frame(feed.stream_, 1100));
}

TEST_CASE("InboundStream: losses that the list has no place for take a key frame [IN-04] [IN-08]") {
    for (const std::uint16_t second : {std::uint16_t{41}, std::uint16_t{61}}) {
        Feed feed(video_receiver());
        feed(0, {1, 0, 96, kSsrc, vp8_key()});
        feed(0, {62, 3000, 96, kSsrc, vp8_delta()});  // 60 before it are lost
        feed(5, {static_cast<std::uint16_t>(62 + second), 6000, 96, kSsrc, vp8_delta()});
        std::array<std::uint8_t, 500> buffer{};
        ByteWriter out(buffer);
        CHECK(feed.stream_.write_nack(at_ms(30), out) == std::min(60 + second - 1, 100));
        CHECK(asks_for_key_frame(feed.stream_, 30) == (second == 61));
    }
}

TEST_CASE("InboundStream: nobody asks a microphone for key frames, outage or not [IN-08]") {
    Feed feed(audio_receiver(false));
    feed(0, {1, 0, 111, kSsrc, {1, 2, 3}});
    CHECK(feed.stream_.next_deadline().is_never());
    feed(5000, {301, 240'000, 111, kSsrc, {1, 2, 3}});
    CHECK(feed.stream_.next_deadline().is_never());
    feed.stream_.request_key_frame();
    CHECK_FALSE(asks_for_key_frame(feed.stream_, 6000));
}

// ------------------------------------------------------------------ reports

TEST_CASE("InboundStream: what a report block says of a stream [IN-05] [IN-10]") {
    Feed feed(video_receiver());
    CHECK_FALSE(feed.stream_.report_block(at_ms(0)));
    feed(0, {65'534, 0, 96, kSsrc, vp8_key()});
    feed(100, {65'535, 9000, 96, kSsrc, vp8_delta()});
    feed(210, {1, 18'000, 96, kSsrc, vp8_delta()});  // one is lost, 10 ms late: 900 of jitter
    const auto block = feed.stream_.report_block(at_ms(1000));
    REQUIRE(block);
    CHECK(block->ssrc == kSsrc);
    CHECK(block->fraction_lost == 64);
    CHECK(block->cumulative_lost == 1);
    CHECK(block->highest_sequence == 0x1'0001);  // in its second cycle
    CHECK(block->jitter == 900 / 16);
    CHECK(block->last_sr == 0);
    CHECK(block->delay_since_last_sr == 0);
    const StreamRound round = feed.stream_.take_round();
    CHECK(round.packets == 4);
    CHECK(round.lost == 1);
    CHECK(round.jitter == Duration::micros(56 * 1'000'000 / 90'000));
    CHECK_FALSE(feed.stream_.take_round().jitter);
    // Repaired, it is no loss of this interval.
    feed.rtx(1100, {1, 12'000, 97, 0, vp8_delta()}, 0);
    feed(1200, {2, 99'000, 96, kSsrc, vp8_delta()});
    const auto repaired = feed.stream_.report_block(at_ms(2000));
    CHECK(repaired->fraction_lost == 0);
    CHECK(repaired->cumulative_lost == 0);
}

TEST_CASE("InboundStream: jitter counts in the clock of the codec, or of its kind [IN-10]") {
    struct Row {
        MediaKind kind;
        std::uint32_t clock_rate;  // of the codec, 0: not said
        std::uint32_t used;
    };
    for (const Row& row :
         {Row{MediaKind::kVideo, 0, 90'000}, Row{MediaKind::kAudio, 0, 48'000},
          Row{MediaKind::kAudio, 8'000, 8'000}, Row{MediaKind::kVideo, 45'000, 45'000}}) {
        CAPTURE(row.used);
        AddReceiver receiver =
            row.kind == MediaKind::kVideo ? video_receiver() : audio_receiver(false);
        receiver.codecs.front().clock_rate = row.clock_rate;
        Feed feed(receiver);
        const std::uint8_t pt = row.kind == MediaKind::kVideo ? 96 : 111;
        feed(0, {1, 0, pt, kSsrc, vp8_key()});
        feed(1160, {2, row.used, pt, kSsrc, vp8_key()});  // one second of media, 160 ms late
        CHECK(feed.stream_.report_block(at_ms(2000))->jitter == row.used / 100);
        CHECK(feed.stream_.take_round().jitter == Duration::millis(10));
    }
}

TEST_CASE("InboundStream: sender reports that stand still or say nothing are ignored [IN-06]") {
    Feed feed(video_receiver());
    feed(0, {1, 1000, 96, kSsrc, vp8_key()});
    wire::SenderReport report;
    feed.stream_.receive_sender_report(at_ms(0), report);  // no time in it
    CHECK_FALSE(feed.stream_.sender_report());
    report.ntp = NtpTime(1ULL << 40);
    report.rtp_time = 1000;
    feed.stream_.receive_sender_report(at_ms(10), report);
    const auto first = feed.stream_.sender_report();
    REQUIRE(first);
    report.rtp_time = 5000;
    feed.stream_.receive_sender_report(at_ms(20), report);
    CHECK(feed.stream_.sender_report()->rtp_time == first->rtp_time);
    CHECK(feed.stream_.sender_report()->arrival == at_ms(10));
    report.ntp = NtpTime((1ULL << 40) + 1);
    feed.stream_.receive_sender_report(at_ms(30), report);
    CHECK(feed.stream_.sender_report()->rtp_time == first->rtp_time + 4000);
    CHECK(feed.stream_.report_block(at_ms(1030))->delay_since_last_sr == 0x1'0000);
    CHECK(feed.stream_.report_block(at_ms(1030))->last_sr == report.ntp.compact());
}

// ------------------------------------------------------------------ contents

TEST_CASE("InboundStream: levels of packets in order make the speaker, no others [IN-30]") {
    Feed first(audio_receiver(false));
    first(0, {1, 960, 111, kSsrc, {1, 2, 3}, 0, std::uint8_t{0}});
    // It begins to count with the second packet, whatever time the first one has.
    CHECK_FALSE(first.stream_.audio_level().is_active(at_ms(1)));

    // One in four is loud, which is too little; in front of each an old quiet one comes late.
    Feed mostly_quiet(audio_receiver(false));
    mostly_quiet(0, {1000, 96'000, 111, kSsrc, {1, 2, 3}, 0, std::uint8_t{127}});
    mostly_quiet(1, {1400, 120'000, 111, kSsrc, {1, 2, 3}, 0, std::uint8_t{127}});
    for (std::uint16_t i = 1; i < 100; ++i) {
        const auto number = static_cast<std::uint16_t>(1400 + i);
        const auto level = static_cast<std::uint8_t>(i % 4 == 0 ? 0 : 127);
        if (level == 0) {
            const auto late = mostly_quiet(i * 20, {static_cast<std::uint16_t>(number - 399),
                                                    96'000,
                                                    111,
                                                    kSsrc,
                                                    {1, 2, 3},
                                                    0,
                                                    std::uint8_t{127}});
            REQUIRE(late);
            CHECK(late->late);
        }
        mostly_quiet(i * 20, {number, 120'000U + i * 960U, 111, kSsrc, {1, 2, 3}, 0, level});
        CHECK_FALSE(mostly_quiet.stream_.audio_level().is_active(at_ms(i * 20)));
    }
}

TEST_CASE("InboundStream: extensions are read by the ids of the section [IN-40] [IN-20]") {
    AddReceiver receiver = audio_receiver(false);
    receiver.extensions.abs_capture_time = 5;
    receiver.extensions.dependency_descriptor = 6;
    Feed feed(receiver);
    wire::ExtensionWriter extensions;
    extensions.add_audio_level(1, {true, 33});
    const Bytes capture{1, 2, 3, 4, 5, 6, 7, 8};
    const Bytes other{9, 9, 9, 9, 9, 9, 9, 9};
    const Bytes descriptor{0xAB, 0xCD, 0xEF};
    extensions.add(5, capture);
    extensions.add(6, descriptor);
    extensions.add(7, other);  // not of this section
    Bytes bytes(200);
    ByteWriter out(bytes);
    wire::RtpHeader header;
    header.payload_type = 111;
    header.ssrc = kSsrc;
    header.has_extension = true;
    header.marker = true;
    wire::write_rtp_header(out, header);
    REQUIRE(extensions.write(out));
    out.u32(1);
    bytes.resize(out.size());
    const auto packet = feed.stream_.receive(at_ms(7), wire::parse_rtp(bytes).value());
    REQUIRE(packet);
    CHECK(packet->arrival == at_ms(7));
    CHECK(packet->marker);
    CHECK(packet->audio_level == 33);
    CHECK(packet->has_abs_capture_time);
    CHECK(packet->abs_capture_time == 0x0102030405060708);
    CHECK(to_vector(packet->dd_bytes) == descriptor);
    const auto bare = feed(20, {2, 960, 111, kSsrc, {1, 2, 3}});
    REQUIRE(bare);
    CHECK_FALSE(bare->marker);
    CHECK(bare->audio_level == 127);
    CHECK_FALSE(bare->has_abs_capture_time);
    CHECK(bare->dd_bytes.empty());
}

TEST_CASE("InboundStream: what does not parse is dropped and counted, unless encrypted [IN-43]") {
    const Bytes broken{0x90};  // an extended descriptor that ends before it begins
    for (const bool encrypted : {false, true}) {
        AddReceiver receiver = video_receiver();
        receiver.encrypted = encrypted;
        Feed feed(receiver);
        CHECK(feed.stream_.codec() == Codec::kNone);
        REQUIRE(feed(0, {1, 0, 96, kSsrc, vp8_key()}));
        CHECK(feed.stream_.codec() == Codec::kVp8);
        CHECK(feed(10, {2, 3000, 96, kSsrc, broken}).has_value() == encrypted);
        CHECK(feed.stream_.counters().malformed == (encrypted ? 0 : 1));
        // It has arrived all the same: nobody asks for it again.
        REQUIRE(feed(20, {3, 6000, 96, kSsrc, vp8_delta()}));
        CHECK(nacked(feed.stream_, at_ms(200)).empty());
        CHECK(feed.stream_.frame_size() == wire::FrameSize{16, 8});  // of the key frame, still
    }
}

}  // namespace confab::sfu
