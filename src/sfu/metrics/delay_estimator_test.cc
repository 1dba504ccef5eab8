// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/metrics/delay_estimator.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

constexpr UnixTime kDay = UnixTime::seconds(1'700'000'000);

// A sender that reports every 5 s; each report takes its way.
struct Reports {
    std::int64_t after(std::int64_t delay_ms, std::int64_t wait_ms = 5'000) {
        now = now + Duration::millis(wait_ms);
        const UnixTime received = kDay + (now - Timestamp());
        return estimator.update(now, received - Duration::millis(delay_ms), received).ms();
    }
    Timestamp now;
    DelayEstimator estimator;
};

}  // namespace

TEST_CASE("DelayEstimator: the first report is believed, whatever the clocks say [SIG-124]") {
    for (const std::int64_t delay : {0, 40, 3'600'000, -3'600'000}) {
        Reports r;
        CHECK(r.estimator.estimate() == Duration::zero());
        CHECK(r.after(delay) == delay);
        CHECK(r.estimator.estimate() == Duration::millis(delay));
    }
}

TEST_CASE("DelayEstimator: falls at once, rises little by little [SIG-124]") {
    Reports r;
    (void)r.after(1'000);
    CHECK(r.after(900) == 910);
    CHECK(r.after(910) == 910);
    CHECK(r.after(920) == 911);  // 10 ms more is noise
    CHECK(r.after(921) == 912);
}

TEST_CASE("DelayEstimator: a late report says nothing, two within 10 s neither [SIG-124]") {
    Reports r;
    (void)r.after(100);
    CHECK(r.after(500) == 100);
    CHECK(r.after(500) == 100);
    CHECK(r.after(100) == 100);  // it was congestion
    CHECK(r.after(500) == 100);
    CHECK(r.after(500, 9'999) == 100);
    CHECK(r.after(500, 1) == 500);
}

TEST_CASE("DelayEstimator: a path that stays longer is another one [SIG-124]") {
    Reports r;
    (void)r.after(100);
    CHECK(r.after(300) == 100);
    // Half of each difference: 300, 400, 450.
    CHECK(r.after(500) == 100);
    CHECK(r.after(500) == 450);
    CHECK(r.after(450) == 450);
    // One report is no path, however late it comes.
    CHECK(r.after(900, 60'000) == 450);
}

TEST_CASE("DelayEstimator: what varies as it always did is no other path [SIG-124]") {
    Reports r;
    (void)r.after(100);
    for (int i = 0; i < 20; ++i)
        CHECK(r.after(130) <= 101);
    for (int i = 0; i < 20; ++i)
        CHECK(r.after(150) <= 101);
    CHECK(r.after(400) <= 101);
    CHECK(r.after(400) <= 101);
    CHECK(r.after(400) == 400);
}

TEST_CASE("DelayEstimator: times that go back do no harm [SIG-124]") {
    Reports r;
    (void)r.after(100);
    (void)r.after(120);
    (void)r.after(1'000'000'000'000);
    (void)r.after(-1'000'000'000'000);
    (void)r.after(0);
    for (int i = 0; i < 40; ++i)
        (void)r.after(100);
    CHECK(r.after(100) > 50);
    CHECK(r.after(100) <= 100);
}

}  // namespace confab::sfu
