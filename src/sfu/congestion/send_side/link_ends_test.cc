// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is thought of a subscriber's link has to end with its cause, in the whole loop: nothing
// stays low, paced or unheard for ever (02 §5.1, §5.3).
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/state/state.h"
#include "sfu/congestion/send_side/loop_testing.h"
#include "sfu/congestion/send_side/send_side_bandwidth.h"

namespace confab::sfu {
namespace {

using test::at_ms;
using test::camera;
using test::FlowModel;
using test::FlowOptions;
using test::Loop;
using test::wish;

SourceState one_layer(std::uint64_t bits) {
    SourceState out = test::source_of(Codec::kH264);
    out.available = 1;
    for (auto& row : out.bitrate)
        row = {};
    out.bitrate[0] = {bits, 0, 0, 0};
    out.max_seen = {0, 0};
    return out;
}

}  // namespace

TEST_CASE(
    "Link: free again it is not paced for ever where nothing could be cut [BWE-08] [PAC-01]") {
    const SourceState source = one_layer(1'700'000);
    Loop loop;
    loop.flow.tracks().add(wish(source));
    SUBCASE("camera") {}
    SUBCASE("screen") {
        loop.flow.tracks().demands[0].exempt = true;
    }
    SUBCASE("tile") {
        static const SourceState simulcast = [] {
            SourceState s = camera();
            s.codec = Codec::kH264;
            for (auto& row : s.bitrate)
                row = {row[2], 0, 0, 0};
            s.max_seen = {2, 0};
            return s;
        }();
        loop.flow.tracks().demands[0] = wish(simulcast, {0, 3});
    }
    loop.run(5000);
    REQUIRE(loop.flow.port().pacing_rate() == kUnlimitedCapacity);
    loop.narrow(100'000, 300);
    loop.run(10'000);
    loop.narrow(100e6, 300);
    loop.run(120'000);
    CHECK_FALSE(loop.flow.port().deficient());
    CHECK(loop.flow.port().pacing_rate() == kUnlimitedCapacity);
    CHECK(loop.flow.port().target_bitrate() > 1'700'000);
}

TEST_CASE(
    "Link: congestion is answered after one at which nothing could be cut [BWE-04] [BWE-08]") {
    const SourceState single = one_layer(300'000);
    const SourceState source = camera();
    Loop loop;
    loop.flow.tracks().add(wish(single));
    loop.run(5000);
    loop.narrow(100'000, 300);
    loop.run(10'000);
    loop.narrow(100e6, 300);
    loop.run(60'000);
    loop.flow.tracks().add(wish(source));
    loop.run(70'000);
    REQUIRE(loop.flow.tracks().sent(1) == Layer{2, 2});
    loop.narrow(800'000, 300);
    loop.run(100'000);
    CHECK(loop.flow.tracks().usage() <= 850'000);
}

TEST_CASE("Link: a limit from outside holds when bitrates change, both ways [BWE-10]") {
    SourceState source = camera();
    RembBandwidth port;
    test::Tracks tracks;
    tracks.add(wish(source));
    port.set_limit(600'000);
    (void)port.allocate(tracks.demands, tracks.shares, at_ms(0));
    REQUIRE(tracks.sent(0) == Layer{1, 2});
    SUBCASE("more is sent") {
        for (auto& rate : source.bitrate[1])
            rate *= 3;
        (void)port.allocate(tracks.demands, tracks.shares, at_ms(1000));
        CHECK(tracks.usage() <= 600'000);
    }
    SUBCASE("less is sent") {
        for (auto& rate : source.bitrate[2])
            rate /= 4;
        for (int i = 1; i < 100; ++i)
            (void)port.allocate(tracks.demands, tracks.shares, at_ms(1000 * i));
        CHECK(tracks.sent(0) == Layer{2, 2});
    }
}

TEST_CASE(
    "Link: a limit beyond what anybody is sent keeps no connection from moving [BWE-10] [FWD-18]") {
    SendSideBandwidth port;
    port.set_limit(200'000'000);
    const Bytes bytes = export_state(static_cast<const BandwidthPort&>(port), at_ms(1000));
    SendSideBandwidth there;
    CHECK(import_state(static_cast<BandwidthPort&>(there), bytes, at_ms(1000)));
}

TEST_CASE("Link: a client that stops telling of packets is heard by its REMBs [BWE-20]") {
    const SourceState source = camera();
    SendSideBandwidth port;
    test::Tracks tracks;
    tracks.add(wish(source));
    const SentPacket packet{at_ms(0), 1, 1000, 0};
    port.packets_sent(std::span(&packet, 1));
    const PacketResult result{packet, true, Duration::millis(50)};
    port.handle_transport_feedback(std::span(&result, 1), at_ms(100));
    for (int i = 0; i < 60; ++i) {
        const Timestamp now = at_ms(30'000 + 200 * i);
        port.handle_remb(static_cast<std::uint64_t>(1'000'000 - 15'000 * i), now);
        (void)port.allocate(tracks.demands, tracks.shares, now);
    }
    CHECK(port.deficient());
}

namespace {
// A camera that was cut, and somebody whose picture is not shown, of whom layers come and go.
std::int64_t recovered(bool send_side, std::int64_t every) {
    const SourceState source = camera();
    SourceState other = camera();
    FlowOptions options;
    options.send_side = send_side;
    options.remb_ms = 1000;
    Loop loop(options);
    loop.flow.tracks().add(wish(source));
    loop.flow.tracks().add(wish(other));
    loop.flow.tracks().demands[1].muted = true;
    loop.run(10'000);
    loop.narrow(600'000, 300);
    loop.run(30'000);
    if (!loop.flow.port().deficient()) return -1;
    loop.narrow(100e6, 300);
    while (loop.now < 200'000 && loop.flow.port().deficient()) {
        loop.run(loop.now + every);
        other.available ^= 4;
        loop.flow.allocate(loop.now);
    }
    return loop.now;
}
}  // namespace

TEST_CASE("Link: layers of a picture that is not shown end no probe [BWE-03] [BWE-06]") {
    for (const bool send_side : {true, false})
        for (const std::int64_t every : {500, 1000, 3000}) {
            CAPTURE(send_side);
            CAPTURE(every);
            const std::int64_t at = recovered(send_side, every);
            CHECK(at > 30'000);
            CHECK(at < 100'000);
        }
}

TEST_CASE("Link: a way that is longer from one moment to the next is no queue [BWE-32] [BWE-04]") {
    for (const std::int64_t outage : {0, 230, 515, 707})
        for (const std::int64_t longer : {30, 60, 100, 150, 400}) {
            CAPTURE(longer);
            CAPTURE(outage);
            const SourceState source = camera();
            Loop loop;
            loop.flow.tracks().add(wish(source));
            loop.run(10'000);
            REQUIRE(loop.flow.tracks().sent(0) == Layer{2, 2});
            loop.link.profile().loss = 1;
            loop.run(10'000 + outage);
            loop.link.profile().loss = 0;
            loop.link.profile().delay = loop.link.profile().delay + Duration::millis(longer);
            loop.flow.port().update_rtt(Duration::millis(100 + longer), at_ms(loop.now));
            loop.run(20'000);
            // An outage alone costs layers for a while; the way nothing.
            if (outage == 0) CHECK(loop.changes(10'000, 20'000).empty());
            CHECK(loop.flow.tracks().sent(0) == Layer{2, 2});
            // What congests then is noticed as before.
            loop.narrow(800'000, 300);
            loop.run(40'000);
            CHECK(loop.flow.tracks().usage() <= 850'000);
        }
}

TEST_CASE(
    "Link: a probe asks for what is missing at most, and is not held back [BWE-06] [PAC-01]") {
    const SourceState source = camera();
    Loop loop;
    loop.flow.tracks().add(wish(source));
    loop.run(5000);
    loop.narrow(150'000, 300);
    loop.run(30'000);
    REQUIRE(loop.flow.port().deficient());
    loop.narrow(100e6, 300);
    int probes = 0;
    constexpr std::uint64_t kAll = 1'700'000;
    constexpr std::uint64_t kSound = 50'000;
    for (; loop.now < 60'000 && loop.flow.port().deficient(); ++probes) {
        loop.run(loop.now + 1);
        const std::uint64_t asked = loop.flow.port().probe_rate();
        if (asked == 0) continue;
        const std::uint64_t usage = loop.flow.tracks().usage();
        const BandwidthOptions options;
        const std::uint64_t more =
            std::max((kAll - usage) * options.probe_overage_percent / 100, options.probe_min_bps);
        CHECK(asked <= usage + more + kSound);
        CHECK(loop.flow.port().pacing_rate() >= asked);
    }
    CHECK(probes > 0);
    CHECK_FALSE(loop.flow.port().deficient());
}

TEST_CASE("Link: much sound beside a picture is not cut by its picture [BWE-04] [BWE-05]") {
    for (const double sound : {40e3, 200e3, 400e3, 600e3, 900e3}) {
        CAPTURE(sound);
        const SourceState source = camera();
        FlowOptions options;
        options.audio_bps = sound;
        Loop loop(options);
        loop.flow.tracks().add(wish(source));
        loop.run(5000);
        loop.narrow(sound + 300e3, 300);
        loop.run(15'000);
        const FlowModel::Totals before = loop.flow.totals();
        loop.run(75'000);
        const FlowModel::Totals after = loop.flow.totals();
        const auto lost = static_cast<double>(after.audio_lost - before.audio_lost);
        const auto sent = static_cast<double>(after.audio_sent - before.audio_sent);
        MESSAGE("lost " << lost / sent << " usage " << loop.flow.usage() << " est "
                        << loop.flow.estimate());
        CHECK(lost < 0.01 * sent);
        CHECK(loop.flow.usage() > 0);
    }
}

TEST_CASE("Link: who tells of packets once in a while gets its layers back [BWE-23] [BWE-33]") {
    struct Case {
        std::int64_t each = 0, way_back = 0, until = 0;
    };
    for (const Case c : {Case{250, 25, 150'000}, Case{700, 25, 150'000}, Case{1000, 25, 150'000},
                         Case{2000, 25, 150'000}, Case{1000, 200, 150'000}}) {
        CAPTURE(c.each);
        CAPTURE(c.way_back);
        const SourceState source = camera();
        FlowOptions options;
        options.feedback_ms = c.each;
        options.way_back = Duration::millis(c.way_back);
        Loop loop(options);
        loop.flow.tracks().add(wish(source));
        loop.run(5000);
        loop.narrow(600'000, 300);
        loop.run(30'000);
        REQUIRE(loop.flow.port().deficient());
        loop.narrow(100e6, 300);
        loop.run(c.until);
        CHECK_FALSE(loop.flow.port().deficient());
    }
}

}  // namespace confab::sfu
