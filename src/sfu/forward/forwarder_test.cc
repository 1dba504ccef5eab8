// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a Forwarder does for the down-track that owns it; packets are in down_track_test.cc.
#include "sfu/forward/forwarder.h"

#include <doctest/doctest.h>

#include "sfu/forward/forward_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;

struct Path {
    explicit Path(Codec codec, Codec accepted) : Path(test::subscription(accepted), codec) {}
    Path(const AddDownTrack& config, Codec codec)
        : source(test::source_of(codec)),
          forwarder(config, source, rng, 0),
          packets(codec, 0, 0x1'0000 + 5000, 0x1'0000'0000) {
        forwarder.selector().layers().target = {0, 3};
        forwarder.selector().layers().request = 0;
    }
    bool send(std::int64_t ms, bool key = false) {
        std::array<ForwardedPacket, Forwarder::kMaxPerPacket> out;
        return forwarder.forward(packets.next(3000, key), at_ms(ms), out) > 0;
    }
    SourceState source;
    Rng rng{1};
    Forwarder forwarder;
    test::Stream packets;
};

TEST_CASE(
    "Forwarder: nothing goes on until it flows; each start of video is told [FWD-03] [BWE-09]") {
    Path video(Codec::kVp8, Codec::kVp8);
    CHECK_FALSE(video.send(0, true));
    video.forwarder.set_flowing(true);
    CHECK_FALSE(video.forwarder.placed());
    CHECK(video.send(33, true));
    CHECK(video.forwarder.placed());
    CHECK(video.forwarder.poll_event() == StreamState::kActive);
    CHECK(video.send(66));
    CHECK_FALSE(video.forwarder.poll_event());
    video.forwarder.announce_pause();
    video.forwarder.set_flowing(false);
    video.forwarder.set_flowing(true);
    CHECK_FALSE(video.send(99));  // waits for a key frame
    CHECK(video.send(132, true));
    CHECK(video.forwarder.poll_event() == StreamState::kPaused);
    CHECK(video.forwarder.poll_event() == StreamState::kActive);

    Path audio(Codec::kOpus, Codec::kOpus);
    audio.forwarder.set_flowing(true);
    CHECK(audio.send(0));
    CHECK_FALSE(audio.forwarder.poll_event());
}

TEST_CASE("Forwarder: a codec that is not taken is told once for each source [IN-09]") {
    Path path(Codec::kVp8, Codec::kH264);
    CHECK_FALSE(path.forwarder.ensure_codec());
    path.forwarder.set_flowing(true);
    CHECK_FALSE(path.send(0, true));
    CHECK(path.forwarder.poll_codec_unsupported());
    CHECK_FALSE(path.send(33, true));
    CHECK_FALSE(path.forwarder.poll_codec_unsupported());
    const SourceState other = path.source;
    path.forwarder.switch_source(other);
    CHECK(path.forwarder.poll_codec_unsupported());
}

TEST_CASE("Forwarder: the report of the stream that flows is the one to pass on [FWD-10]") {
    Path path(Codec::kVp8, Codec::kVp8);
    path.source.reports[0] = SourceReport{NtpTime(1), 100, at_ms(0)};
    path.source.reports[1] = SourceReport{NtpTime(2), 200, at_ms(0)};
    path.forwarder.set_flowing(true);
    CHECK_FALSE(path.forwarder.source_report());
    REQUIRE(path.send(0, true));
    REQUIRE(path.forwarder.source_report().has_value());
    CHECK(path.forwarder.source_report()->report.timestamp == 100);
    path.forwarder.set_flowing(false);
    CHECK_FALSE(path.forwarder.source_report());
}

TEST_CASE("Forwarder: a report from before the source's first packet fits its new place [FWD-10]") {
    const std::int64_t first = 0x1'0000'0000 + 3000;  // as Path's packets have it
    const auto check = [&](Path& path) {
        path.source.reports[0] = SourceReport{NtpTime(1), first - 900, at_ms(90)};
        REQUIRE(path.send(100, true));
        const auto report = path.forwarder.source_report();
        REQUIRE(report);
        CHECK(report->report.timestamp - report->offset ==
              path.forwarder.numbers().last_timestamp() - 900);
    };
    // Packets of our own were there first.
    Path early(Codec::kVp8, Codec::kVp8);
    early.forwarder.set_flowing(true);
    early.forwarder.start_own(40'000, 1'000, at_ms(0));
    check(early);
    // Another receiver of the track was, and stood still once.
    Path other(Codec::kVp8, Codec::kVp8);
    other.forwarder.set_flowing(true);
    SourceState before = other.source;
    before.reports[0] = SourceReport{NtpTime(1), 500, at_ms(0)};
    other.forwarder.switch_source(before);
    test::Stream packets(Codec::kVp8, 0, 70'000, 1'000);
    std::array<ForwardedPacket, Forwarder::kMaxPerPacket> out;
    for (const std::int64_t ms : std::vector<std::int64_t>{0, 33}) {
        REQUIRE(other.forwarder.forward(packets.next(3000, true), at_ms(ms), out) == 1);
        other.forwarder.set_flowing(false);
        other.forwarder.set_flowing(true);
    }
    other.forwarder.switch_source(other.source);
    check(other);
}

TEST_CASE(
    "Forwarder: no copies while a key frame is waited for, nor after the end [FWD-11] [FWD-13]") {
    Path path(Codec::kVp8, Codec::kVp8);
    path.forwarder.set_flowing(true);
    REQUIRE(path.send(0, true));
    const std::array<std::uint16_t, 1> asked{
        static_cast<std::uint16_t>(path.forwarder.numbers().last_sequence())};
    std::array<ResendPacket, 1> out;
    const auto nack = [&](std::int64_t ms) {
        return path.forwarder.handle_nack(asked, at_ms(ms), Duration::millis(50), out);
    };
    CHECK(path.forwarder.wants_key_frame(KeyFrameCause::kAsked, at_ms(100)));
    CHECK(nack(200) == 0);
    REQUIRE(path.send(233, true));
    CHECK(nack(400) == 1);
    path.forwarder.close();
    CHECK(nack(800) == 0);
    CHECK(path.forwarder.stats().nacked == 3);

    Path audio(Codec::kOpus, Codec::kOpus);
    audio.forwarder.set_flowing(true);
    REQUIRE(audio.send(0));
    CHECK_FALSE(audio.forwarder.wants_key_frame(KeyFrameCause::kAsked, at_ms(100)));
    CHECK(audio.forwarder.stats().plis == 1);
}

TEST_CASE("Forwarder: packets of our own take the next number and count [FWD-10] [FWD-15]") {
    Path path(Codec::kVp8, Codec::kVp8);
    path.forwarder.set_flowing(true);
    path.forwarder.start_own(40'000, 1'000, at_ms(0));
    const ForwardedPacket padding = path.forwarder.padding(true, {});
    CHECK(path.forwarder.next_own_time(at_ms(100)) == 1'000 + 9'000);
    CHECK(padding.padding);
    REQUIRE(path.send(100, true));
    const Munger& numbers = path.forwarder.numbers();
    CHECK(numbers.last_sequence() == padding.sequence + 1);
    // By the clock: the source has none in common with what stood before.
    CHECK(numbers.last_timestamp() == 1'000 + 9'000);
    const std::array<std::uint8_t, 5> payload{};
    const std::uint64_t before = path.forwarder.stats().octets;
    const ForwardedPacket blank = path.forwarder.blank_frame(20'000, payload);
    CHECK(blank.sequence == padding.sequence + 2);
    CHECK(path.forwarder.stats().packets == 3);
    CHECK(path.forwarder.stats().octets ==
          before + header_size(blank, path.forwarder.extensions(), {}) + payload.size());
}

}  // namespace
}  // namespace confab::sfu
