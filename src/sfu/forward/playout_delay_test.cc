// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/forward/playout_delay.h"

#include <doctest/doctest.h>

#include "sfu/forward/forward_testing.h"
#include "wire/rtp/rtp.h"
#include "wire/rtp/rtp_extensions.h"

namespace confab::sfu {
namespace {

using test::at_ms;
using test::pass;
using test::Stream;

constexpr auto ms(std::int64_t value) {
    return Duration::millis(value);
}

}  // namespace

TEST_CASE("PlayoutDelay: ten times the jitter and more for loss, within its bounds [IN-41]") {
    PlayoutDelay delay({ms(20), ms(400)});
    CHECK(delay.delay() == ms(20));
    CHECK(delay.update(ms(5), 0, at_ms(0)));  // 50 ms
    CHECK(delay.delay() == ms(50));
    CHECK_FALSE(delay.update(ms(5), 60, at_ms(1000)));  // 60 per cent are borne
    CHECK(delay.update(ms(5), 80, at_ms(2000)));
    CHECK(delay.delay() == ms(90));
    CHECK(delay.update(ms(0), 0, at_ms(3000)));
    CHECK(delay.delay() == ms(20));
    for (int i = 4; i < 20; ++i)
        (void)delay.update(ms(500), 0, at_ms(1000 * i));
    CHECK(delay.delay() == ms(400));
    CHECK(wire::read_playout_delay(delay.wire())->min == 40);
    CHECK(wire::read_playout_delay(delay.wire())->max == 40);
}

TEST_CASE("PlayoutDelay: moves by 80 ms a second at most [IN-41]") {
    PlayoutDelay delay({ms(0), ms(10'000)});
    (void)delay.update(ms(100), 0, at_ms(0));
    CHECK(delay.delay() == ms(80));
    (void)delay.update(ms(100), 0, at_ms(500));
    CHECK(delay.delay() == ms(120));
    (void)delay.update(ms(100), 0, at_ms(60'000));
    CHECK(delay.delay() == ms(200));
    (void)delay.update(ms(0), 0, at_ms(60'250));
    CHECK(delay.delay() == ms(180));
}

TEST_CASE("PlayoutDelay: a least delay alone may grow to 10 s, without any there is none [IN-41]") {
    CHECK(wire::read_playout_delay(PlayoutDelay({ms(50), ms(0)}).wire())->max == 1000);
    PlayoutDelay none({ms(0), ms(0)});
    CHECK(wire::read_playout_delay(none.wire())->min == 0);
    CHECK(wire::read_playout_delay(none.wire())->max == 0);
    // Nor does one come of what is reported.
    CHECK_FALSE(none.update(ms(100), 90, at_ms(1000)));
    CHECK(none.delay() == ms(0));
}

TEST_CASE("PlayoutDelay: bounds out of order and beyond 12 bits are made to fit [IN-41]") {
    CHECK(wire::read_playout_delay(PlayoutDelay({ms(500), ms(100)}).wire())->max == 50);
    const PlayoutDelay huge({ms(90'000), ms(90'000)});
    CHECK(wire::read_playout_delay(huge.wire())->min == 4095);
    CHECK(wire::read_playout_delay(huge.wire())->max == 4095);
}

TEST_CASE("PlayoutDelay: written until it arrived, again with each other delay [IN-41]") {
    PlayoutDelay delay(PlayoutDelayLimits{ms(100), ms(2000)});
    ForwardedPacket packet;
    packet.sequence = 10;
    delay.write(packet);
    CHECK(packet.has_playout_delay);
    CHECK_FALSE(delay.handle_report(9, ms(0), {10, 0}, at_ms(1000)));
    CHECK(delay.handle_report(10, ms(0), {20, 0}, at_ms(2000)) == false);
    // Loss counts by what was sent since the last report: 80 of 100 are 20 per cent too many.
    CHECK(delay.handle_report(30, ms(8), {120, 80}, at_ms(3000)) == true);
    CHECK(delay.delay() == ms(8 * 10 + 20 * 2));
}

TEST_CASE("DownTrack: packets carry the playout delay until one of them has arrived [IN-41]") {
    AddDownTrack config = test::subscription(Codec::kVp8);
    config.extensions.playout_delay = 4;
    config.playout_delay = PlayoutDelayLimits{ms(100), ms(2000)};
    SourceState source = test::source_of(Codec::kVp8);
    Rng rng(1);
    DownTrack track(config, source, rng);
    Stream stream(Codec::kVp8, 2, 0x1'0000, 0x1'0000'0000);
    const auto carried = [&](bool key = false) {
        const auto out = pass(track, stream.next(3000, key), at_ms(0));
        REQUIRE(out);
        // As a receiver reads it.
        Bytes bytes(200);
        bytes.resize(build_header(*out, track.extensions(), {}, {}, bytes));
        const auto parsed = wire::parse_rtp(bytes);
        REQUIRE(parsed);
        const auto element = wire::find_extension(*parsed, 4);
        return element ? wire::read_playout_delay(*element)->min : 0;
    };
    const auto report = [&](std::uint32_t highest, std::uint32_t jitter, std::int64_t at) {
        wire::ReportBlock block;
        block.highest_sequence = highest;
        block.jitter = jitter;
        (void)track.handle_report(block, at_ms(at));
    };
    CHECK(carried(true) == 10);
    CHECK(carried() == 10);
    report(0, 0, 100);  // the first packet is there
    CHECK(carried() == 0);
    report(2, 90 * 15, 1000);  // 15 ms of jitter: 150 ms
    CHECK(carried() == 15);    // number 3
    report(2, 90 * 15, 2000);  // sent before the change
    CHECK(carried() == 15);
    report(3, 90 * 15, 3000);
    CHECK(carried() == 0);

    // Copies do not repeat it.
    std::array<ResendPacket, 2> out;
    const std::array<std::uint16_t, 1> first{3};
    REQUIRE(track.handle_nack(first, at_ms(5000), out) == 1);
    CHECK_FALSE(out[0].packet.has_playout_delay);
}

TEST_CASE("DownTrack: a playout delay without bounds asks for none, whatever is reported [IN-41]") {
    AddDownTrack config = test::subscription(Codec::kVp8);
    config.extensions.playout_delay = 4;
    config.playout_delay.emplace();
    const SourceState source = test::source_of(Codec::kVp8);
    Rng rng(1);
    DownTrack track(config, source, rng);
    Stream stream(Codec::kVp8, 2, 0x1'0000, 0x1'0000'0000);
    for (int i = 0; i < 20; ++i) {
        const auto out = pass(track, stream.next(3000, i == 0), at_ms(33 * i));
        REQUIRE(out);
        CHECK(out->has_playout_delay == (i < 10));
        if (i < 10) CHECK(out->playout_delay == PlayoutDelay::Wire{});
        wire::ReportBlock block;
        block.highest_sequence = static_cast<std::uint32_t>(out->sequence);
        block.jitter = 90 * 200;
        if (i >= 9) (void)track.handle_report(block, at_ms(33 * i));
    }
}

}  // namespace confab::sfu
