// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A stall is told once (02 DC-25).
#include "rtc/sctp/send/progress_watch.h"

#include <doctest/doctest.h>

using namespace confab;
using namespace confab::sctp;

TEST_CASE(
    "ProgressWatch: a stall is told at its limit, once, and again only after progress [DC-25]") {
    ProgressWatch watch(Duration::seconds(5));
    const Timestamp begin = Timestamp::micros(7'000'000);
    watch.restart(begin);
    CHECK(watch.deadline() == begin + Duration::seconds(5));
    CHECK_FALSE(watch.take_stall(begin + Duration::millis(4999)));
    watch.restart(begin + Duration::seconds(1));
    CHECK_FALSE(watch.take_stall(begin + Duration::seconds(5)));
    CHECK(watch.take_stall(begin + Duration::seconds(6)));
    CHECK(watch.deadline().is_never());
    CHECK_FALSE(watch.take_stall(begin + Duration::seconds(600)));
    watch.restart(begin + Duration::seconds(600));
    CHECK_FALSE(watch.take_stall(begin + Duration::seconds(604)));
    CHECK(watch.take_stall(begin + Duration::seconds(605)));
}
