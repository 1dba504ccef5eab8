// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Our own estimate behind a downlink's port: whose word counts, what is paced, and what is no
// congestion (02 §5.3).
#include "sfu/congestion/send_side/send_side_bandwidth.h"

#include <doctest/doctest.h>

#include <vector>

#include "sfu/congestion/allocator_testing.h"
#include "sfu/congestion/send_side/traffic.h"

namespace confab::sfu {
namespace {

using test::at_ms;
using test::camera;
using test::Tracks;
using test::wish;

// A subscriber of a camera whose packets come through a link as the test says.
struct Link {
    explicit Link(BandwidthOptions options = {}) : port(options) { tracks.add(wish(source)); }

    SourceState source = camera();
    SendSideBandwidth port;
    Tracks tracks;
    std::int64_t now = 0;
    std::uint16_t number = 0;
    double arrives_at = 0;  // ms, of the last packet
    std::uint64_t allocations = 0;
    std::size_t probe_packet = 0;  // bytes of what each round of a probe is made of
    std::size_t probed = 0;        // bytes in all

    // Sends `kbps` over a link of `most` kbit/s whose queue holds 400 ms; feedback each 100 ms.
    void run(std::int64_t ms, double kbps, double most = 100'000) {
        std::vector<PacketResult> results;
        double credit = 0;
        for (const std::int64_t end = now + ms; now < end; ++now) {
            credit += kbps / 8;
            for (; credit >= 1000; credit -= 1000) {
                const SentPacket packet{at_ms(now), number++, 1000, 0};
                port.packets_sent(std::span(&packet, 1));
                const double start = std::max(arrives_at, static_cast<double>(now));
                const bool room = start - static_cast<double>(now) < 400;
                if (room) arrives_at = start + 8000 / most;
                results.push_back(
                    {packet, room, Duration::micros(static_cast<std::int64_t>(arrives_at * 1000))});
            }
            if (now % 100 == 99) {
                port.handle_transport_feedback(results, at_ms(now));
                results.clear();
            }
            if (at_ms(now) >= port.next_deadline()) allocate();
        }
    }
    void allocate() {
        ++allocations;
        (void)port.allocate(tracks.demands, tracks.shares, at_ms(now));
        if (port.poll_probe(at_ms(now)) == 0) return;
        probed += probe_packet;
        port.probe_sent(probe_packet, at_ms(now));
    }
};

}  // namespace

TEST_CASE("SendSideBandwidth: without feedback on packets the REMBs count [BWE-20]") {
    Link link;
    link.allocate();
    const auto fall = [&] {
        for (int i = 0; i < 20; ++i) {
            link.now += 200;
            link.port.handle_remb(static_cast<std::uint64_t>(1'000'000 - 20'000 * i),
                                  at_ms(link.now));
            link.allocate();
        }
    };
    SUBCASE("a client that has nothing else") {
        fall();
        CHECK(link.port.deficient());
        CHECK(link.port.target_bitrate() < 1'000'000);
        // It is forgotten once there is something better.
        link.run(200, 1700);
        CHECK_FALSE(link.port.congested());
    }
    SUBCASE("one that was given numbers, and tells nothing of them") {
        for (; link.now < 1000; ++link.now) {
            const SentPacket packet{at_ms(link.now), link.number++, 200, 0};
            link.port.packets_sent(std::span(&packet, 1));
        }
        fall();
        CHECK(link.port.deficient());
    }
    SUBCASE("one that sends both is heard in one voice") {
        link.run(1000, 1700);
        fall();
        CHECK_FALSE(link.port.deficient());
        CHECK(link.port.target_bitrate() == kUnlimitedCapacity);
    }
}

TEST_CASE("SendSideBandwidth: no work for feedback that says nothing new") {
    Link link;
    link.allocate();
    link.run(20'000, 1700);
    CHECK(link.allocations == 1);
    CHECK(link.port.target_bitrate() == kUnlimitedCapacity);
    CHECK(link.port.pacing_rate() == kUnlimitedCapacity);
    CHECK(link.port.probe_rate() == 0);
}

TEST_CASE("SendSideBandwidth: a queue takes layers and is paced, calm brings a probe [BWE-33]") {
    Link link;
    link.allocate();
    link.run(5000, 1740);
    CHECK_FALSE(link.port.congested());
    link.run(1500, 1740, 600);
    CHECK(link.port.congested());
    CHECK(link.port.deficient());
    CHECK(link.tracks.sent(0).spatial == 1);
    // 0.85 of what arrives, and 2.5 times that as a pace.
    CHECK(link.port.target_bitrate() > 0.7 * 600'000);
    CHECK(link.port.target_bitrate() <= 0.9 * 600'000);
    CHECK(link.port.pacing_rate() == doctest::Approx(2.5 * 510'000).epsilon(0.2));
    CHECK(link.port.probe_rate() == 0);
    for (int i = 0; i < 100 && !link.port.probing(); ++i)
        link.run(100, 440, 600);
    CHECK(link.port.probing());
    CHECK_FALSE(link.port.congested());
    CHECK(link.port.probe_rate() > link.tracks.usage());
    CHECK(link.port.pacing_rate() >= link.port.probe_rate());
}

TEST_CASE("SendSideBandwidth: a probe that is out before its last round ends with it [BWE-11]") {
    Link link;
    link.allocate();
    link.run(5000, 1740);
    link.run(1500, 1740, 600);
    link.probe_packet = 50'000;
    for (int i = 0; i < 100 && !link.port.probing(); ++i)
        link.run(100, 440, 600);
    REQUIRE(link.port.probing());
    for (int i = 0; i < 10 && link.port.probing(); ++i)
        link.run(100, 440, 600);
    CHECK_FALSE(link.port.probing());
}

TEST_CASE("SendSideBandwidth: a probe of large packets sends no more than was planned [BWE-11]") {
    Link link;
    link.allocate();
    link.run(5000, 1740);
    link.run(1500, 1740, 600);
    link.probe_packet = 10'000;  // more than a round
    for (int i = 0; i < 100 && !link.port.probing(); ++i)
        link.run(100, 440, 600);
    REQUIRE(link.port.probing());
    for (int i = 0; i < 10 && link.port.probing(); ++i)
        link.run(100, 440, 600);
    CAPTURE(link.probed);
    CHECK(link.probed > 0);
    // What is asked for at once is at most twice what was found, and more by kMoreToProbe.
    const std::uint64_t most =
        2 * link.port.target_bitrate() + SendSideEstimator::kMoreToProbe - link.tracks.usage();
    CHECK(link.probed <= most / 8 / 5 + link.probe_packet);
}

TEST_CASE("SendSideBandwidth: the limit that a probe found counts [BWE-23]") {
    Link link;
    link.allocate();
    link.run(5000, 1740);
    link.run(1500, 1740, 600);
    for (int i = 0; i < 100 && !link.port.probing(); ++i)
        link.run(100, 440, 600);
    REQUIRE(link.port.probing());
    const std::uint64_t before = link.port.target_bitrate();
    REQUIRE(before < 540'000);
    link.run(200, 1000, 600);
    for (int i = 0; i < 10 && link.port.probing(); ++i)
        link.run(100, 440, 600);
    CHECK_FALSE(link.port.probing());
    CHECK(link.port.target_bitrate() > before);
    CHECK(link.port.target_bitrate() < 600'000);
}

TEST_CASE("SendSideBandwidth: a receiver that falls silent does not block probes [BWE-07]") {
    Link link;
    link.allocate();
    link.run(3000, 1740);
    link.run(1000, 1740, 600);
    REQUIRE(link.port.congested());
    // Nothing is heard of what is sent.
    for (int i = 0; i < 3000 && link.port.congested(); ++i) {
        ++link.now;
        if (at_ms(link.now) >= link.port.next_deadline()) link.allocate();
    }
    CHECK_FALSE(link.port.congested());
}

TEST_CASE("SendSideBandwidth: a limit from outside is kept, without probes [BWE-10]") {
    Link link;
    link.allocate();
    link.run(1000, 1740);
    link.port.set_limit(600'000);
    link.allocate();
    CHECK(link.tracks.usage() <= 600'000);
    link.run(20'000, 600);
    CHECK_FALSE(link.port.probing());
    link.port.set_limit(0);
    link.allocate();
    CHECK(link.port.target_bitrate() == kUnlimitedCapacity);
}

TEST_CASE("SendSideBandwidth: with the allocator off everything stays whole [BWE-01]") {
    BandwidthOptions options;
    options.enabled = false;
    Link link(options);
    link.allocate();
    link.run(3000, 1740, 600);
    CHECK(link.tracks.sent(0) == Layer{2, 2});
}

TEST_CASE("SlidingRate: whole slots of the window, silence and clocks that jump begin anew") {
    SlidingRate<21> rate;
    CHECK(rate.bits_per_second() == 0);
    for (int i = 0; i <= 100; ++i)
        rate.add(Duration::millis(20 * i), 250);
    CHECK(rate.bits_per_second() == doctest::Approx(100'000).epsilon(0.03));
    rate.add(Duration::millis(2100), 250);
    CHECK(rate.bits_per_second() > 0);
    SUBCASE("silence") {
        rate.add(Duration::seconds(60), 250);
    }
    SUBCASE("back in time") {
        rate.add(Duration::seconds(-60), 250);
    }
    CHECK(rate.bits_per_second() == 0);
}

TEST_CASE("OtherTraffic: learnt while the choice of layers is settled, and bounded") {
    OtherTraffic other;
    other.note_change(at_ms(10'000));
    other.note(900'000, 500'000, at_ms(11'000));  // the layer before is still under way
    CHECK(other.share() == 0);
    other.note(540'000, 500'000, at_ms(12'000));
    CHECK(other.share() == doctest::Approx(0.08));
    other.note(540'000, 0, at_ms(12'500));  // of nothing there is no share
    CHECK(other.share() == doctest::Approx(0.08));
    other.note(5'000'000, 500'000, at_ms(13'000));
    CHECK(other.share() <= 0.25);
    for (int i = 0; i < 50; ++i)
        other.note(i % 2 == 0 ? 400'000 : 600'000, 500'000, at_ms(14'000 + i));
    CHECK(other.share() < 0.04);
    for (int i = 0; i < 50; ++i)
        other.note(400'000, 500'000, at_ms(15'000 + i));
    CHECK(other.share() == 0);
}

}  // namespace confab::sfu
