// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Frames that a subscription makes itself: silence, the end, what comes before the first packet (02
// FWD-15, FWD-16).
#include <doctest/doctest.h>

#include "sfu/forward/forward_testing.h"
#include "sfu/forward/leg_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;
using test::drain;
using test::Leg;

const AddDownTrack kOpus = test::subscription(Codec::kOpus, 111);

}  // namespace

TEST_CASE_HANDED_OVER(
    "DownTrack: closed once, with frames or without, also in a silence [FWD-15]") {
    Leg silent(kOpus, Codec::kOpus);
    REQUIRE(silent.send(0, 0));
    silent.mute(10, true);
    REQUIRE_FALSE(drain(silent.track).empty());
    silent.track.close(at_ms(20), false);
    CHECK(silent.track.closed());
    CHECK(silent.track.next_deadline().is_never());

    Leg twice(kOpus, Codec::kOpus);
    REQUIRE(twice.send(0, 0));
    std::size_t frames = 0;
    for (std::int64_t ms = 20; ms < 2000; ms += 10) {
        twice.track.close(at_ms(ms), true);
        twice.track.handle_timeout(at_ms(ms));
        frames += drain(twice.track).size();
    }
    CHECK(frames == DownTrack::kCloseAudioFrames + 1);
    CHECK(twice.track.closed());
}

TEST_CASE("DownTrack: silence that nobody fetches waits, and leaves no hole [FWD-15]") {
    Leg leg(kOpus, Codec::kOpus);
    const auto last = leg.send(0, 0);
    REQUIRE(last);
    const DownTrackStats before = leg.track.stats();
    leg.mute(10, true);
    for (std::int64_t ms = 10; ms < 500; ms += 20)
        leg.track.handle_timeout(at_ms(ms));
    std::int64_t expected = last->sequence + 1;
    std::uint64_t octets = 0;
    std::size_t frames = 0;
    for (std::int64_t ms = 500; ms < 3000; ms += 5) {
        for (const SyntheticPacket& p : drain(leg.track)) {
            CHECK(p.packet.sequence == expected++);
            CHECK(p.packet.ssrc == 0x1111);
            CHECK(p.packet.payload_type == 111);
            CHECK(p.payload.size() == 80);  // no trailer: it is not encrypted
            octets += header_size(p.packet, leg.track.extensions(), {}) + p.payload.size();
            ++frames;
        }
        leg.track.handle_timeout(at_ms(ms));
    }
    CHECK(frames == DownTrack::kMuteFrames + 1);
    CHECK(leg.track.stats().packets - before.packets == frames);
    CHECK(leg.track.stats().octets - before.octets == octets);
}

TEST_CASE_HANDED_OVER(
    "DownTrack: a late timer makes one frame, the next keeps its distance [FWD-15]") {
    Leg leg(kOpus, Codec::kOpus);
    REQUIRE(leg.send(0, 0));
    leg.mute(10, true);
    (void)drain(leg.track);
    CHECK(leg.track.next_deadline() == at_ms(30));
    leg.track.handle_timeout(at_ms(29));
    CHECK(drain(leg.track).empty());
    leg.track.handle_timeout(at_ms(33));  // a little late: the beat stays
    CHECK(drain(leg.track).size() == 1);
    CHECK(leg.track.next_deadline() == at_ms(50));
    leg.track.handle_timeout(at_ms(400));
    CHECK(drain(leg.track).size() == 1);
    CHECK(leg.track.next_deadline() == at_ms(420));
}

TEST_CASE("DownTrack: silence is of the codec in use [FWD-15] [IN-34]") {
    AddDownTrack config = test::subscription(Codec::kRed, 63);
    config.codecs.push_back({Codec::kOpus, PayloadType(111), {}, 48'000, true});
    config.sif_trailer = Bytes(44, 'x');  // of the room; this track is not encrypted
    Leg leg(config, Codec::kRed);
    std::int64_t ms = 0;
    for (const Codec codec : {Codec::kRed, Codec::kOpus, Codec::kRed}) {
        leg.stream.packet().codec = codec;
        REQUIRE(leg.send(ms, 960));
        leg.mute(ms + 10, true);
        const auto silence = drain(leg.track);
        REQUIRE_FALSE(silence.empty());
        const bool red = codec == Codec::kRed;
        CHECK(silence[0].packet.payload_type == (red ? 63 : 111));
        CHECK(silence[0].payload.size() == (red ? 81 : 80));
        leg.mute(ms + 15, false);
        ms += 20;
    }
}

// ------------------------------------------------------------------ before the first packet

TEST_CASE(
    "DownTrack: early media only where wanted, before the first packet, while open [FWD-16]") {
    Leg unwanted(kOpus, Codec::kOpus);
    unwanted.track.set_writable(at_ms(0));
    CHECK(unwanted.track.next_deadline().is_never());

    AddDownTrack config = kOpus;
    config.early_media = true;
    Leg flowing(config, Codec::kOpus);
    REQUIRE(flowing.send(0, 0));
    flowing.track.set_writable(at_ms(10));
    CHECK(flowing.track.next_deadline().is_never());

    Leg again(config, Codec::kOpus);
    again.track.set_writable(at_ms(0));
    again.track.set_writable(at_ms(90));  // only the first time counts
    CHECK(again.track.next_deadline() == at_ms(100));

    Leg closed(config, Codec::kOpus);
    closed.track.set_writable(at_ms(0));
    closed.track.close(at_ms(50), false);
    closed.track.handle_timeout(at_ms(100));
    CHECK(drain(closed.track).empty());
    CHECK(closed.track.next_deadline().is_never());
    CHECK(closed.track.closed());

    // The codec is not known before the publisher's first packet: nothing until then.
    Leg unknown(config, SourceState{});
    unknown.track.set_writable(at_ms(0));
    unknown.track.handle_timeout(at_ms(100));
    CHECK(drain(unknown.track).empty());
    unknown.source = test::source_of(Codec::kOpus);
    unknown.track.handle_timeout(at_ms(200));
    const auto first = drain(unknown.track);
    REQUIRE(first.size() == 1);
    CHECK(first[0].packet.payload_type == 111);
    CHECK(first[0].payload.size() == 80);
}

}  // namespace confab::sfu
