// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/congestion/send_side/send_side_estimator.h"

#include <doctest/doctest.h>

#include <span>
#include <vector>

#include "sfu/congestion/allocator_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;

// What is sent and how long it takes, as a test says; what the estimator cuts, and when.
struct Link {
    SendSideEstimator estimator;
    std::int64_t now = 0;
    std::uint16_t number = 0;
    std::vector<std::int64_t> cuts;
    std::vector<PacketResult> results;

    void send(std::uint16_t bytes, double delay_ms) {
        const SentPacket packet{at_ms(now), number++, bytes, 0};
        estimator.packets_sent(std::span(&packet, 1));
        const double arrives = static_cast<double>(now) + delay_ms;
        results.push_back(
            {packet, true, Duration::micros(static_cast<std::int64_t>(arrives * 1000))});
    }
    // Feedback each 100 ms.
    void report() {
        estimator.handle_feedback(results, at_ms(now));
        results.clear();
        if (!estimator.has_news()) return;
        estimator.take_news();
        DownlinkReport report;
        report.expected_usage = 2'000'000;
        if (estimator.handle_report(report, at_ms(now)) == LinkEstimator::Change::kCommitted)
            cuts.push_back(now);
    }
    // A packet of so many bytes each so many milliseconds, which takes so long.
    void run(std::int64_t ms, std::uint16_t bytes, std::int64_t every, double delay_ms) {
        for (const std::int64_t end = now + ms; now < end; ++now) {
            if (now % every == 0) send(bytes, delay_ms);
            if (now % 100 == 99) report();
        }
    }
    // The same, where it takes so long behind a queue that has grown for 300 ms.
    void queue(std::int64_t ms, std::uint16_t bytes, std::int64_t every, double delay_ms) {
        constexpr int kSteps = 15;
        for (int i = 1; i <= kSteps; ++i)
            run(20, bytes, every, 5 + (delay_ms - 5) * i / kSteps);
        run(ms - 300, bytes, every, delay_ms);
    }
    // A probe of so many packets of 1 000 bytes, 10 ms apart, of which `arrives` says how far
    // apart they come.
    ProbeVerdict probe(std::uint64_t goal, int packets, double apart_ms) {
        estimator.begin_probe(goal, at_ms(now));
        for (int i = 0; i < packets; ++i, now += 10)
            send(1'000, 5 + i * (apart_ms - 10));
        estimator.probe_is_out(at_ms(now), Duration::millis(50));
        estimator.handle_feedback(results, at_ms(now));
        results.clear();
        now += 5'000;
        const auto result = estimator.poll_probe_result(at_ms(now));
        REQUIRE(result.has_value());
        return result->verdict;
    }
};

TEST_CASE("SendSideEstimator: less than a packet in the queue of a slow stream is none [BWE-07]") {
    Link link;
    link.run(5'000, 100, 20, 5);  // 40 kbit/s
    SUBCASE("a wait of 150 ms holds 750 bytes of it") {
        link.queue(2'000, 100, 20, 155);
        CHECK(link.cuts.empty());
    }
    SUBCASE("one of 300 ms is a queue whatever it holds") {
        link.queue(2'000, 100, 20, 310);
        CHECK(link.cuts.size() == 1);
    }
    SUBCASE("of a faster one it holds more") {
        link.run(2'000, 250, 20, 5);
        REQUIRE(link.cuts.empty());
        link.queue(2'000, 250, 20, 155);
        CHECK(!link.cuts.empty());
    }
}

TEST_CASE("SendSideEstimator: losses behind a probe that failed are judged first [BWE-11]") {
    Link link;
    link.run(5'000, 500, 20, 5);
    CHECK(link.estimator.no_probe_before() < at_ms(link.now));
    REQUIRE(link.probe(2'000'000, 20, 10) == ProbeVerdict::kSuccess);
    CHECK(link.estimator.no_probe_before() < at_ms(link.now));
    REQUIRE(link.probe(2'000'000, 20, 30) != ProbeVerdict::kSuccess);
    const Timestamp verdict = at_ms(link.now);
    CHECK(link.estimator.no_probe_before() >= verdict + SendSideEstimator::kJudged);
    // Its queue is gone meanwhile.
    link.run(2'000, 500, 20, 5);
    CHECK(link.estimator.no_probe_before() == verdict + SendSideEstimator::kJudged);
}

TEST_CASE(
    "SendSideEstimator: what is sent beside pictures is known, and when it ends [BWE-04] "
    "[BWE-06]") {
    SendSideEstimator estimator;
    std::uint16_t number = 0;
    std::int64_t now = 0;
    const auto send = [&](std::uint16_t bytes, std::uint8_t probe, bool sound) {
        const SentPacket packet{at_ms(now), number++, bytes, probe, sound};
        estimator.packets_sent(std::span(&packet, 1));
    };
    for (; now < 5'000; now += 10) {
        send(1'000, 0, false);  // 800 kbit/s, of which 700 are known
        if (now % 20 == 0) send(500, 0, true);
        if (now % 100 == 0) estimator.handle_usage(700'000, false, at_ms(now));
    }
    CHECK(estimator.with_others(700'000) == doctest::Approx(1'000'000).epsilon(0.02));
    CHECK(estimator.with_others(70'000) == doctest::Approx(280'000).epsilon(0.02));
    for (; now < 15'000; now += 20) {
        send(500, 0, true);
        if (now % 100 == 0) estimator.handle_usage(0, false, at_ms(now));
    }
    CHECK(estimator.with_others(0) == doctest::Approx(200'000).epsilon(0.02));
    for (; now < 17'000; now += 20)
        send(1'000, 1, false);
    CHECK(estimator.with_others(0) < 1'000);
}

TEST_CASE(
    "SendSideEstimator: what a full link makes one send again is not taken for a need [BWE-06]") {
    SendSideEstimator estimator;
    std::uint16_t number = 0;
    std::int64_t now = 0;
    for (; now < 5'000; now += 10) {
        SentPacket packet{at_ms(now), number++, 1'000, 0};  // 800 kbit/s, as chosen
        estimator.packets_sent(std::span(&packet, 1));
        if (now % 50 == 0) {
            packet.number = number++;
            packet.repeat = true;  // and 160
            estimator.packets_sent(std::span(&packet, 1));
        }
        if (now % 100 == 0) estimator.handle_usage(800'000, false, at_ms(now));
    }
    CHECK(estimator.with_others(800'000) == doctest::Approx(800'000).epsilon(0.02));
    // Then the pictures themselves take as much.
    for (; now < 10'000; now += 10) {
        const SentPacket packet{at_ms(now), number++, 1'200, 0};
        estimator.packets_sent(std::span(&packet, 1));
        if (now % 100 == 0) estimator.handle_usage(800'000, false, at_ms(now));
    }
    CHECK(estimator.with_others(800'000) == doctest::Approx(960'000).epsilon(0.02));
}

TEST_CASE("SendSideEstimator: a probe that fills the link has found its limit [BWE-23]") {
    Link link;
    link.run(5'000, 1'000, 10, 5);
    link.queue(600, 1'000, 10, 155);
    REQUIRE(!link.cuts.empty());
    link.run(5'000, 1'000, 40, 5);
    const std::uint64_t before = link.estimator.capacity();
    const auto verdict = [&](double apart_ms) { return link.probe(800'000, 20, apart_ms); };
    // 800 kbit/s came as 667: more than was known.
    CHECK(verdict(12) == ProbeVerdict::kLimitFound);
    const std::uint64_t found = link.estimator.capacity();
    CHECK(found > before);
    CHECK(found < 667'000);
    // The queue that it left cuts nothing.
    const std::size_t cuts = link.cuts.size();
    link.run(700, 1'000, 40, 60);
    CHECK(link.cuts.size() == cuts);
    link.run(5'000, 1'000, 40, 5);
    CHECK(verdict(12) == ProbeVerdict::kCongested);  // known by now
    CHECK(link.estimator.capacity() == found);
}

TEST_CASE("SendSideEstimator: a narrow link is not flooded before a probe found room [BWE-06]") {
    Link link;
    const auto least = [&] {
        return 2 * link.estimator.capacity() + SendSideEstimator::kMoreToProbe;
    };
    CHECK(link.estimator.most_to_probe() == kUnlimitedCapacity);
    link.run(5'000, 1'000, 10, 5);
    link.queue(600, 1'000, 10, 155);
    REQUIRE(!link.cuts.empty());
    CHECK(link.estimator.most_to_probe() == least());
    link.run(5'000, 1'000, 40, 5);
    SUBCASE("what comes slower than it left has filled the link") {
        (void)link.probe(800'000, 20, 40);
        CHECK(link.estimator.most_to_probe() == least());
    }
    SUBCASE("what comes as it left found room, until the next cut") {
        CHECK(link.probe(700'000, 20, 10) == ProbeVerdict::kSuccess);
        CHECK(link.estimator.most_to_probe() == kUnlimitedCapacity);
        const std::size_t before = link.cuts.size();
        link.run(2'000, 1'000, 20, 5);
        link.queue(2'000, 1'000, 20, 400);
        REQUIRE(link.cuts.size() > before);
        CHECK(link.estimator.most_to_probe() == least());
    }
}

}  // namespace
}  // namespace confab::sfu
