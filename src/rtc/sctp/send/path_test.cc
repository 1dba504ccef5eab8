// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Timeouts in a row (RFC 9260 §8.1) beside the shared RTO (§6.3).
#include "rtc/sctp/send/path.h"

#include <doctest/doctest.h>

using namespace confab;
using namespace confab::sctp;

TEST_CASE("Path: fails with one timeout more than allowed, counted from the last answer") {
    Config config;
    config.max_retransmits = 3;
    config.max_data_retransmits = 5;
    Path path(config);
    CHECK(path.count_timeout());
    CHECK(path.count_timeout());
    path.answered();
    for (int i = 0; i < 3; ++i)
        CHECK(path.count_timeout());
    CHECK_FALSE(path.count_timeout());
    // Timeouts of data are more, and shorter.
    CHECK(path.count_data_timeout());
    CHECK_FALSE(path.count_data_timeout());
}

TEST_CASE("Path: the timeout begins, doubles and follows samples within the limits of the config") {
    Config config;
    config.rto_initial = Duration::seconds(2);
    config.rto_min = Duration::millis(500);
    config.rto_max = Duration::seconds(5);
    Path path(config);
    CHECK(path.rto() == Duration::seconds(2));
    CHECK(path.srtt() == Duration::zero());
    path.back_off(Duration::seconds(3));
    CHECK(path.rto() == Duration::seconds(3));
    path.back_off();
    CHECK(path.rto() == Duration::seconds(5));
    path.back_off(Duration::seconds(3));
    CHECK(path.rto() == Duration::seconds(5));
    path.observe(Duration::millis(10));
    CHECK(path.srtt() == Duration::millis(10));
    CHECK(path.rto() == Duration::millis(500));
    // An answer says nothing of the round trip: only a sample ends the back-off.
    path.back_off();
    path.answered();
    CHECK(path.rto() == Duration::seconds(1));
}

TEST_CASE("Path: knows its shortest round trip, until it may be another one [DC-23]") {
    Path path{Config()};
    CHECK(path.least_round_trip() == Duration::zero());
    for (const int ms : {50, 40, 240})
        path.observe(Duration::millis(ms));
    CHECK(path.least_round_trip() == Duration::millis(40));
    path.restored();
    CHECK(path.least_round_trip() == Duration::zero());
    path.observe(Duration::millis(240));
    CHECK(path.least_round_trip() == Duration::millis(240));
    // The timeout goes on from what was measured before.
    CHECK(path.srtt() < Duration::millis(150));
}
