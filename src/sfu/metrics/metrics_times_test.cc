// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/metrics/metrics_times.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

constexpr UnixTime kDay = UnixTime::seconds(1'700'000'000);

struct Sender {
    // A batch whose way took so long.
    std::int64_t batch(std::int64_t delay_ms) {
        return times.shift(options, now, wall(), wall() - Duration::millis(delay_ms)).ms();
    }
    std::int64_t without_time() { return times.shift(options, now, wall(), {}).ms(); }
    UnixTime wall() const { return kDay + (now - Timestamp()); }

    Timestamp now;
    MetricsTimes::Options options;
    MetricsTimes times;
};

}  // namespace

TEST_CASE(
    "MetricsTimes: clocks are compared with the first batch and after the interval "
    "[SIG-124]") {
    Sender s;
    CHECK(s.batch(1'000) == 1'000);
    s.now = s.now + Duration::millis(4'999);
    CHECK(s.batch(0) == 1'000);
    s.now = s.now + Duration::millis(1);
    CHECK(s.batch(0) == 100);
}

TEST_CASE("MetricsTimes: many batches are as good as the interval [SIG-124]") {
    for (const std::uint32_t most : {1U, 2U, 100U}) {
        CAPTURE(most);
        Sender s;
        s.options.max_batches = most;
        CHECK(s.batch(1'000) == 1'000);
        for (std::uint32_t i = 1; i < most; ++i)
            CHECK(s.batch(0) == 1'000);
        CHECK(s.batch(0) == 100);
    }
}

TEST_CASE("MetricsTimes: a batch without a time compares nothing, the next does [SIG-124]") {
    Sender s;
    CHECK(s.without_time() == 0);
    CHECK(s.batch(1'000) == 1'000);
    s.now = s.now + Duration::seconds(5);
    CHECK(s.without_time() == 1'000);
    CHECK(s.batch(0) == 100);
}

}  // namespace confab::sfu
