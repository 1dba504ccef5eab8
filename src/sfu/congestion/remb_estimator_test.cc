// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/congestion/remb_estimator.h"

#include <doctest/doctest.h>

#include <array>

#include "sfu/forward/forward_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;
using Change = RembEstimator::Change;

constexpr std::uint64_t kUsage = 1'000'000;

// Falls by 5 % per report; returns when something was committed, or -1.
std::int64_t fall(RembEstimator& estimator, std::uint64_t from, std::int64_t ms, std::int64_t step,
                  std::int64_t until) {
    for (std::uint64_t bits = from; ms <= until; ms += step, bits = bits * 95 / 100)
        if (estimator.handle_report({bits, kUsage, 30, 0}, at_ms(ms)) == Change::kCommitted)
            return ms;
    return -1;
}

}  // namespace

TEST_CASE("RembEstimator: follows one SSRC until it is no longer named [BWE-20]") {
    RembEstimator estimator;
    const std::array<std::uint32_t, 2> both{11, 12};
    const std::array<std::uint32_t, 1> first{11}, second{12};
    CHECK(estimator.accepts(both, at_ms(0)));
    CHECK(estimator.tracked_ssrc() == 11);
    CHECK_FALSE(estimator.accepts(second, at_ms(10)));  // another voice
    CHECK(estimator.accepts(first, at_ms(200)));
    CHECK_FALSE(estimator.accepts(second, at_ms(600)));
    CHECK(estimator.accepts(second, at_ms(800)));  // the first one has gone
    CHECK(estimator.tracked_ssrc() == 12);
    CHECK(estimator.accepts({}, at_ms(801)));
}

TEST_CASE("RembEstimator: commits the estimate once it falls below what is used [BWE-22]") {
    RembEstimator estimator;
    CHECK(estimator.capacity() == 100'000'000);
    // From 1.2 M at 5 reports per second: the twelfth is at 2.2 s and below 0.95 M.
    CHECK(fall(estimator, 1'200'000, 0, 200, 10'000) == 2200);
    CHECK(estimator.congested());
    CHECK(estimator.reason() == CongestionReason::kEstimate);
    CHECK(estimator.capacity() == estimator.estimate());
    // At one per second eight samples are waited for.
    RembEstimator slow;
    CHECK(fall(slow, 1'200'000, 0, 1000, 10'000) == 7000);
}

TEST_CASE("RembEstimator: a fall that leaves room for all is no congestion [BWE-22]") {
    RembEstimator estimator;
    std::uint64_t bits = 5'000'000;
    for (std::int64_t ms = 0; ms < 5000; ms += 200, bits = bits * 97 / 100) {
        CHECK(estimator.handle_report({bits, kUsage, 30, 0}, at_ms(ms)) == Change::kNone);
        CHECK_FALSE(estimator.congested());
    }
}

TEST_CASE("RembEstimator: losses that come back damp what is used [BWE-22]") {
    RembEstimator estimator;
    std::int64_t ms = 0;
    Change change = Change::kNone;
    for (; ms < 6000 && change == Change::kNone; ms += 200)
        change = estimator.handle_report({3'000'000, kUsage, 20, 10}, at_ms(ms));
    CHECK(ms - 200 == 2200);  // more than two seconds after the first
    CHECK(change == Change::kCommitted);
    CHECK(estimator.reason() == CongestionReason::kLoss);
    CHECK(estimator.capacity() == 800'000);  // half of the packets: 1 - 0.4 / 2
    // Never above the REMB.
    RembEstimator low;
    change = Change::kNone;
    for (ms = 0; ms < 6000 && change == Change::kNone; ms += 200)
        change = low.handle_report({600'000, kUsage, 20, 10}, at_ms(ms));
    CHECK(low.capacity() == 600'000);
}

TEST_CASE("RembEstimator: no probe while losses are heard of that are not judged yet [BWE-06]") {
    RembEstimator link;
    CHECK(link.no_probe_before() == Timestamp{});
    const auto hear = [&](std::int64_t ms, std::uint64_t repeats) {
        DownlinkReport report;
        report.bits_per_second = 900'000;
        report.expected_usage = 850'000;
        report.packets = 100;
        report.repeated_nacks = repeats;
        return link.handle_report(report, at_ms(ms));
    };
    (void)hear(1'000, 0);
    CHECK(link.no_probe_before() == Timestamp{});
    (void)hear(2'000, 30);
    CHECK(link.no_probe_before() == at_ms(2'000) + RembEstimator::kDoubt);
    (void)hear(3'000, 30);
    CHECK(link.no_probe_before() == at_ms(3'000) + RembEstimator::kDoubt);
    CHECK(hear(4'001, 30) == LinkEstimator::Change::kCommitted);
    CHECK(link.congested());
    CHECK(link.no_probe_before() == Timestamp{});
}

TEST_CASE("RembEstimator: stays congested and commits again until the trend ends [BWE-22]") {
    RembEstimator estimator;
    REQUIRE(fall(estimator, 1'200'000, 0, 200, 10'000) == 2200);
    const std::uint64_t first = estimator.capacity();
    std::uint64_t bits = first * 95 / 100;
    CHECK(estimator.handle_report({bits, kUsage, 30, 0}, at_ms(2400)) == Change::kCommitted);
    CHECK(estimator.capacity() < first);
    // The tracks were cut: what is left is enough for them.
    CHECK(estimator.handle_report({bits * 9 / 10, 500'000, 30, 0}, at_ms(2600)) == Change::kNone);
    CHECK(estimator.congested());
    Change change = Change::kNone;
    std::int64_t ms = 2800;
    for (; ms < 12'000 && change == Change::kNone; ms += 200)
        change = estimator.handle_report({900'000, 500'000, 30, 0}, at_ms(ms));
    CHECK(change == Change::kCleared);
    CHECK_FALSE(estimator.congested());
    CHECK(ms < 6000);
}

TEST_CASE("RembEstimator: a receiver that falls silent does not stay congested for ever [BWE-22]") {
    RembEstimator estimator;
    REQUIRE(fall(estimator, 1'200'000, 0, 200, 10'000) == 2200);
    CHECK(estimator.next_deadline() == at_ms(12'200));
    CHECK(estimator.handle_timeout(at_ms(12'000)) == Change::kNone);
    CHECK(estimator.handle_timeout(at_ms(12'200)) == Change::kCleared);
    CHECK(estimator.next_deadline().is_never());
}

TEST_CASE("RembEstimator: a probe ends well with three reports that do not fall [BWE-23]") {
    RembEstimator estimator;
    (void)estimator.handle_report({500'000, 500'000, 30, 0}, at_ms(0));
    estimator.begin_probe(700'000, at_ms(100));
    CHECK(estimator.probing());
    CHECK_FALSE(estimator.poll_probe_result(at_ms(9000)));  // not out yet
    (void)estimator.handle_report({600'000, 500'000, 30, 0}, at_ms(200));
    CHECK_FALSE(estimator.goal_reached());
    (void)estimator.handle_report({710'000, 500'000, 30, 0}, at_ms(300));
    CHECK_FALSE(estimator.goal_reached());  // two reports only
    estimator.probe_is_out(at_ms(300), Duration::millis(70));
    CHECK(estimator.probe_deadline() == at_ms(650));  // five round trips
    (void)estimator.handle_report({690'000, 500'000, 30, 0}, at_ms(500));
    CHECK(estimator.goal_reached());
    CHECK_FALSE(estimator.poll_probe_result(at_ms(649)));
    const auto result = estimator.poll_probe_result(at_ms(650));
    REQUIRE(result);
    CHECK(result->verdict == ProbeVerdict::kSuccess);
    CHECK(result->highest == 710'000);
    CHECK_FALSE(estimator.probing());
}

TEST_CASE(
    "RembEstimator: congestion within a probe is only noted and stays noted [BWE-07] [BWE-23]") {
    RembEstimator estimator;
    estimator.begin_probe(2'000'000, at_ms(0));
    for (int i = 0; i < 3; ++i)
        CHECK(estimator.handle_report(
                  {900'000 - static_cast<std::uint64_t>(i) * 100'000, kUsage, 30, 0},
                  at_ms(100 + i * 100)) == Change::kNone);
    CHECK(estimator.probe_congested());
    CHECK_FALSE(estimator.congested());
    for (int i = 0; i < 5; ++i)
        (void)estimator.handle_report({3'000'000, kUsage, 30, 0}, at_ms(500 + i * 100));
    CHECK(estimator.probe_congested());
    estimator.probe_is_out(at_ms(1000), Duration::millis(10));
    CHECK(estimator.probe_deadline() == at_ms(1250));  // at least 250 ms
    const auto result = estimator.poll_probe_result(at_ms(1250));
    REQUIRE(result);
    CHECK(result->verdict == ProbeVerdict::kCongested);
}

TEST_CASE("RembEstimator: a probe with too few reports says nothing [BWE-23]") {
    RembEstimator estimator;
    estimator.begin_probe(700'000, at_ms(0));
    estimator.probe_is_out(at_ms(200), Duration::seconds(3));
    CHECK(estimator.probe_deadline() == at_ms(5200));  // at most five seconds
    estimator.abort_probe();
    estimator.begin_probe(700'000, at_ms(6000));
    (void)estimator.handle_report({3'000'000, kUsage, 30, 0}, at_ms(6100));
    estimator.probe_is_out(at_ms(6200), Duration::millis(50));
    CHECK_FALSE(estimator.poll_probe_result(at_ms(6450)));  // one more may be on its way
    CHECK(estimator.probe_deadline() == at_ms(6700));
    const auto result = estimator.poll_probe_result(at_ms(6700));
    REQUIRE(result);
    CHECK(result->verdict == ProbeVerdict::kInconclusive);
}

}  // namespace confab::sfu
