// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The arithmetic of RFC 9260 §6.3.1.
#include "rtc/sctp/send/rto.h"

#include <doctest/doctest.h>

#include <initializer_list>

using confab::Duration;
using confab::sctp::RtoEstimator;

TEST_CASE("RtoEstimator: starts at the initial value, doubles to the maximum [SCTP-01]") {
    RtoEstimator rto(Duration::seconds(1), Duration::seconds(1), Duration::seconds(60));
    CHECK(rto.rto() == Duration::seconds(1));
    for (const int expected : {2, 4, 8, 16, 32, 60, 60}) {
        rto.back_off();
        CHECK(rto.rto() == Duration::seconds(expected));
    }
}

TEST_CASE("RtoEstimator: doubles no further than it is told, but keeps what was measured") {
    RtoEstimator rto(Duration::seconds(1), Duration::seconds(1), Duration::seconds(60));
    for (const int expected : {2, 3, 3}) {
        rto.back_off(Duration::seconds(3));
        CHECK(rto.rto() == Duration::seconds(expected));
    }
    rto.observe(Duration::seconds(4));  // three times that
    rto.back_off(Duration::seconds(3));
    CHECK(rto.rto() == Duration::seconds(12));
    rto.back_off(Duration::seconds(100));
    rto.back_off(Duration::seconds(100));
    rto.back_off(Duration::seconds(100));
    CHECK(rto.rto() == Duration::seconds(60));
}

TEST_CASE(
    "RtoEstimator: first sample gives 3 RTT, later ones are smoothed, never below the minimum") {
    RtoEstimator rto(Duration::seconds(1), Duration::seconds(1), Duration::seconds(60));
    rto.observe(Duration::millis(800));
    CHECK(rto.srtt() == Duration::millis(800));
    CHECK(rto.rto() == Duration::millis(2400));  // 800 + 4 * 400
    rto.observe(Duration::millis(400));
    CHECK(rto.srtt() == Duration::millis(750));
    CHECK(rto.rto() == Duration::millis(750 + 4 * 400));  // variation 3/4 * 400 + 1/4 * 400
    for (int i = 0; i < 200; ++i)
        rto.observe(Duration::millis(20));
    CHECK(rto.rto() == Duration::seconds(1));
    rto.observe(Duration::zero() - Duration::seconds(1));  // a clock that stands still or worse
    CHECK(rto.rto() >= Duration::seconds(1));
}
