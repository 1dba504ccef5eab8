// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/inbound_stream.h"

#include <doctest/doctest.h>

#include <vector>

#include "sfu/forward/source_state.h"
#include "sfu/inbound/inbound_testing.h"

namespace confab::sfu {
namespace {

using namespace inbound_test;

TEST_CASE("InboundStream: numbers run on over the 16-bit wrap, duplicates are dropped [IN-01]") {
    Feed feed(video_receiver());
    const auto first = feed(0, {65'534, 1000, 96, kSsrc, vp8_key()});
    REQUIRE(first.has_value());
    CHECK(first->key_frame);
    CHECK(feed.stream_.frame_size() == wire::FrameSize{16, 8});
    const auto second = feed(10, {65'535, 1000, 96, kSsrc, vp8_delta()});
    const auto third = feed(20, {0, 4000, 96, kSsrc, vp8_delta()});
    CHECK(second->sequence == first->sequence + 1);
    CHECK(third->sequence == first->sequence + 2);
    CHECK(third->timestamp == first->timestamp + 3000);
    CHECK_FALSE(feed(21, {0, 4000, 96, kSsrc, vp8_delta()}).has_value());
    CHECK_FALSE(feed(22, {65'535, 1000, 96, kSsrc, vp8_delta()}).has_value());
    CHECK(feed.stream_.counters().duplicates == 2);
}

// 02 §3.1: nothing of it can be repaired, and no subscriber knows that before its own timers.
TEST_CASE("InboundStream: after an outage a key frame is asked for at once [IN-08] [SIG-145]") {
    const auto asks = [](std::uint16_t lost, std::uint32_t media_millis, const Bytes& payload) {
        Feed feed(video_receiver());
        Bytes buffer(200);
        REQUIRE(feed(0, {100, 9000, 96, kSsrc, vp8_key()}).has_value());
        const std::int64_t then = 3000 + media_millis;
        const auto next = static_cast<std::uint16_t>(101 + lost);
        REQUIRE(feed(then, {next, 9000 + 90 * media_millis, 96, kSsrc, payload}).has_value());
        ByteWriter out(buffer);
        return feed.stream_.write_pli(at_ms(then), out);
    };
    CHECK(asks(12, 1000, vp8_delta()));
    CHECK(asks(101, 100, vp8_delta()));
    CHECK_FALSE(asks(12, 900, vp8_delta()));    // worth a repair
    CHECK_FALSE(asks(0, 60'000, vp8_delta()));  // muted, nothing lost
    CHECK_FALSE(asks(120, 15'000, vp8_key()));  // there it is
}

// A screen share below one frame a second: what lies between two of its frames is no outage.
TEST_CASE(
    "InboundStream: few packets of a slow picture are repaired, without a key frame [IN-08]") {
    Feed feed(video_receiver());
    Bytes buffer(200);
    const auto asks_key_frame = [&](std::int64_t ms) {
        ByteWriter out(buffer);
        return feed.stream_.write_pli(at_ms(ms), out);
    };
    REQUIRE(feed(0, {100, 0, 96, kSsrc, vp8_key()}).has_value());
    (void)asks_key_frame(0);
    REQUIRE(feed(2000, {101, 180'000, 96, kSsrc, vp8_delta()}).has_value());
    REQUIRE(feed(4000, {103, 360'000, 96, kSsrc, vp8_delta()}).has_value());
    CHECK_FALSE(asks_key_frame(4000));
    CHECK(nacked(feed.stream_, at_ms(4020)) == std::vector<std::uint16_t>{102});
    REQUIRE(feed.rtx(4060, {9, 360'000, 97, 99, vp8_delta()}, 102).has_value());
    CHECK(nacked(feed.stream_, at_ms(6000)).empty());
    CHECK_FALSE(asks_key_frame(6000));
}

// What the publisher has no longer, its history may be shorter than the gap; or what it was asked
// for in vain while the network gave it another port.
TEST_CASE("InboundStream: what repair gives up ends in a key frame [IN-08] [MC-03]") {
    const auto run = [](bool key_frame_comes, std::uint16_t lost, std::uint32_t timestamp) {
        CAPTURE(timestamp);
        Feed feed(video_receiver());
        Bytes buffer(200);
        const auto next = static_cast<std::uint16_t>(101 + lost);
        REQUIRE(feed(0, {100, 0, 96, kSsrc, vp8_key()}).has_value());
        REQUIRE(feed(9000, {next, timestamp, 96, kSsrc, vp8_delta()}).has_value());
        std::size_t tries = 0;
        std::size_t asked = 0;
        for (std::int64_t ms = 9000; ms < 12'000; ms += 10) {
            if (key_frame_comes && ms == 9100) {
                const auto after = static_cast<std::uint16_t>(next + 1);
                REQUIRE(feed(ms, {after, timestamp + 9000, 96, kSsrc, vp8_key()}).has_value());
            }
            tries += nacked(feed.stream_, at_ms(ms)).empty() ? 0U : 1U;
            ByteWriter out(buffer);
            asked += feed.stream_.write_pli(at_ms(ms), out) ? 1U : 0U;
            if (tries < rtp::NackTracker::kMaxTries) CHECK(asked == 0);
        }
        CHECK(tries == rtp::NackTracker::kMaxTries);
        CHECK(asked == (key_frame_comes ? 0 : 1));
    };
    for (const bool key_frame_comes : {false, true}) {
        run(key_frame_comes, 3, 810'000);
        run(key_frame_comes, 1, 3000);
    }
}

TEST_CASE("InboundStream: the first packet of a new count is asked for, a key frame too [IN-01]") {
    Feed feed(video_receiver());
    std::int64_t last = 0;
    for (std::uint16_t i = 0; i < 10; ++i)
        last =
            feed(i * 10, {static_cast<std::uint16_t>(40'000 + i), 3000U * i, 96, kSsrc, vp8_key()})
                ->sequence;
    CHECK_FALSE(feed(110, {9000, 7, 96, kSsrc, vp8_key()}).has_value());
    const auto second = feed(111, {9001, 7, 96, kSsrc, vp8_delta()});
    REQUIRE(second.has_value());
    CHECK(second->sequence == last + 2);
    CHECK_FALSE(second->late);
    Bytes buffer(200);
    ByteWriter nack(buffer);
    CHECK(feed.stream_.write_nack(at_ms(140), nack) == 1);
    CHECK(load_be16(&buffer[12]) == 9000);
    ByteWriter pli(buffer);
    CHECK(feed.stream_.write_pli(at_ms(1140), pli));
    const auto first = feed.rtx(150, {77, 7, 97, kSsrc, vp8_key()}, 9000);
    REQUIRE(first.has_value());
    CHECK(first->sequence == last + 1);
    CHECK(first->late);
    CHECK(first->timestamp <= second->timestamp);
    // What was left out is no loss.
    CHECK(feed.stream_.take_round().lost == 0);
    CHECK(feed.stream_.counters().restarts == 1);
}

TEST_CASE("InboundStream: padding-only packets leave no hole; a late one fills its place [IN-02]") {
    Feed feed(video_receiver());
    const std::int64_t base = feed(0, {100, 0, 96, kSsrc, vp8_key()})->sequence;
    CHECK_FALSE(feed(1, {101, 0, 96, kSsrc, {}, 200}).has_value());
    CHECK_FALSE(feed(2, {102, 0, 96, kSsrc, {}, 200}).has_value());
    CHECK(feed(3, {103, 0, 96, kSsrc, vp8_delta()})->sequence == base + 1);
    CHECK(feed(4, {105, 0, 96, kSsrc, vp8_delta()})->sequence == base + 3);
    const auto late = feed(5, {104, 0, 96, kSsrc, {}, 100});
    REQUIRE(late.has_value());
    CHECK(late->sequence == base + 2);
    CHECK(late->padding_only);
    CHECK(late->late);
}

TEST_CASE("InboundStream: late padding is of the layer that it came on [IN-02] [FWD-05]") {
    AddReceiver top = video_receiver();
    top.layers.front().spatial = 2;
    Feed feed(top);
    REQUIRE(feed(0, {100, 0, 96, kSsrc, vp8_key()})->spatial == 2);
    REQUIRE(feed(1, {102, 0, 96, kSsrc, vp8_delta()}));
    const auto late = feed(2, {101, 0, 96, kSsrc, {}, 100});
    REQUIRE(late);
    CHECK(late->padding_only);
    CHECK(late->spatial == 2);
}

TEST_CASE("InboundStream: a loss is asked for by NACK and filled by RTX once [IN-03][IN-04]") {
    Feed feed(video_receiver());
    const std::int64_t base = feed(0, {10, 0, 96, kSsrc, vp8_key()})->sequence;
    feed(5, {12, 3000, 96, kSsrc, vp8_delta()});
    CHECK(nacked(feed.stream_, at_ms(24)).empty());
    CHECK(nacked(feed.stream_, at_ms(25)) == std::vector<std::uint16_t>{11});
    const auto repaired = feed.rtx(60, {500, 1500, 97, 0, vp8_delta()}, 11);
    REQUIRE(repaired.has_value());
    CHECK(repaired->sequence == base + 1);
    CHECK(repaired->late);
    CHECK(to_vector(repaired->payload) == vp8_delta());
    CHECK(feed.stream_.counters().repaired == 1);
    CHECK_FALSE(feed.rtx(61, {501, 1500, 97, 0, vp8_delta()}, 11).has_value());
    CHECK(nacked(feed.stream_, at_ms(500)).empty());
}

TEST_CASE(
    "InboundStream: never starts on RTX or padding, wrong RTX type is ignored [IN-03][TRAP-08]") {
    Feed feed(video_receiver());
    CHECK_FALSE(feed.rtx(0, {500, 0, 97, 0, vp8_key()}, 11).has_value());
    CHECK_FALSE(feed(1, {12, 0, 96, kSsrc, {}, 255}).has_value());
    CHECK_FALSE(feed.stream_.started());
    CHECK(feed(2, {13, 0, 96, kSsrc, vp8_key()}).has_value());
    CHECK_FALSE(feed.rtx(3, {501, 0, 101, 0, vp8_delta()}, 12).has_value());
    CHECK_FALSE(feed.rtx(4, {502, 0, 97, 0, {}}, 12).has_value());  // an OSN alone
}

TEST_CASE("InboundStream: a copy in RTX of a packet that arrived is no repair [IN-52]") {
    Feed feed(video_receiver());
    feed(0, {10, 0, 96, kSsrc, vp8_key()});
    for (int i = 0; i < 10; ++i)
        CHECK_FALSE(
            feed.rtx(i, {static_cast<std::uint16_t>(i), 0, 97, 0, vp8_key()}, 10).has_value());
    CHECK(feed.stream_.counters().repaired == 0);
}

TEST_CASE(
    "InboundStream: only the codec of the answer passes, except Opus behind RED [IN-12][TRAP-35]") {
    Feed opus_first(audio_receiver(false));
    CHECK(opus_first(0, {1, 0, 111, kSsrc, {1, 2, 3}})->codec == Codec::kOpus);
    CHECK_FALSE(opus_first(20, {2, 960, 63, kSsrc, {1, 2, 3}}).has_value());
    CHECK_FALSE(opus_first(40, {3, 1920, 0, kSsrc, {1, 2, 3}}).has_value());
    CHECK(opus_first.stream_.counters().wrong_codec == 2);
    Feed red_first(audio_receiver(true));
    CHECK(red_first(0, {1, 0, 63, kSsrc, {111, 2, 3}})->codec == Codec::kRed);
    CHECK(red_first(20, {2, 960, 111, kSsrc, {1, 2, 3}})->codec == Codec::kOpus);
}

TEST_CASE("InboundStream: RED streams are never asked for [IN-04]") {
    Feed feed(audio_receiver(true));
    feed(0, {1, 0, 63, kSsrc, {111, 2, 3}});
    feed(20, {5, 960, 63, kSsrc, {111, 2, 3}});
    CHECK(nacked(feed.stream_, at_ms(100)).empty());
}

TEST_CASE("InboundStream: the level extension makes a speaker [IN-30]") {
    Feed feed(audio_receiver(false));
    for (std::uint16_t i = 0; i < 40; ++i)
        feed(i * 20, {i, i * 960U, 111, kSsrc, {1, 2, 3}, 0, std::uint8_t{12}});
    CHECK(feed.stream_.audio_level().is_active(at_ms(800)));
}

TEST_CASE("InboundStream: PLI while no key frame came, and on request [IN-08]") {
    Feed feed(video_receiver());
    feed(0, {1, 0, 96, kSsrc, vp8_delta()});
    std::array<std::uint8_t, 100> buffer{};
    ByteWriter early(buffer);
    CHECK_FALSE(feed.stream_.write_pli(at_ms(500), early));
    ByteWriter seeded(buffer);
    CHECK(feed.stream_.write_pli(at_ms(1000), seeded));
    feed(1100, {2, 0, 96, kSsrc, vp8_key()});
    ByteWriter later(buffer);
    CHECK_FALSE(feed.stream_.write_pli(at_ms(5000), later));
    feed.stream_.request_key_frame();
    CHECK(feed.stream_.write_pli(at_ms(5000), later));
}

TEST_CASE(
    "InboundStream: the sender report is kept on the unwrapped line, old ones ignored [IN-06]") {
    Feed feed(video_receiver());
    const auto packet = feed(0, {1, 0xFFFF'FF00U, 96, kSsrc, vp8_key()});
    wire::SenderReport report;
    report.ntp = NtpTime(1ULL << 40);
    report.rtp_time = 0x100;
    feed.stream_.receive_sender_report(at_ms(5), report);
    REQUIRE(feed.stream_.sender_report().has_value());
    CHECK(feed.stream_.sender_report()->rtp_time == packet->timestamp + 0x200);
    report.ntp = NtpTime(1ULL << 39);
    feed.stream_.receive_sender_report(at_ms(6), report);
    CHECK(feed.stream_.sender_report()->ntp == NtpTime(1ULL << 40));
    CHECK(feed.stream_.report_block(at_ms(505))->delay_since_last_sr == 32'768);
}

TEST_CASE("InboundStream: a layer that was off overnight goes on in time [IN-01][IN-06][FWD-02]") {
    for (const std::int64_t hours : {8, 20}) {
        CAPTURE(hours);
        const std::int64_t off_ms = hours * 3'600'000;
        const auto time_at = [](std::int64_t ms) { return static_cast<std::uint32_t>(ms * 90); };
        const NtpTime ntp(1ULL << 40);
        Feed feed(video_receiver());
        SourceState source;
        const auto report = [&](std::int64_t ms) {
            wire::SenderReport sr;
            sr.ntp = ntp + Duration::millis(ms);
            sr.rtp_time = time_at(ms);
            feed.stream_.receive_sender_report(at_ms(ms), sr);
            const auto& kept = feed.stream_.sender_report();
            return source.add_report(2, {kept->ntp, kept->rtp_time, kept->arrival});
        };
        const auto before = feed(0, {1, time_at(0), 96, kSsrc, vp8_key()});
        REQUIRE(before);
        REQUIRE(report(10));
        const auto after = feed(off_ms, {2, time_at(off_ms), 96, kSsrc, vp8_key()});
        REQUIRE(after);
        CHECK(after->timestamp - before->timestamp == off_ms * 90);
        CHECK(report(off_ms + 10));
        CHECK(feed.stream_.sender_report()->rtp_time == after->timestamp + 900);
        CHECK(feed.stream_.report_block(at_ms(off_ms + 20))->jitter == 0);
        const auto next = feed(off_ms + 33, {3, time_at(off_ms + 33), 96, kSsrc, vp8_delta()});
        REQUIRE(next);
        CHECK(next->timestamp - after->timestamp == 33 * 90);
    }
}

}  // namespace
}  // namespace confab::sfu
