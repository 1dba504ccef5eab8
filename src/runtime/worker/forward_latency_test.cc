// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/forward_latency.h"

#include <doctest/doctest.h>

namespace confab::worker {

TEST_CASE("ForwardLatency: each packet of a turn counts [OBS-01]") {
    ForwardLatency latency;
    CHECK(latency.average() == 0);
    latency.add(Duration::micros(5000), 0);
    CHECK(latency.distribution().count() == 0);
    latency.add(Duration::micros(50), 3);   // on the first bound
    latency.add(Duration::micros(300), 1);  // above the third
    latency.add(Duration::millis(50), 1);   // above all
    const auto& counts = latency.distribution().counts;
    CHECK(counts.front() == 3);
    CHECK(counts[3] == 1);
    CHECK(counts.back() == 1);
    CHECK(latency.distribution().sum == doctest::Approx(3 * 50e3 + 300e3 + 50e6));
    CHECK(latency.average() == doctest::Approx((3 * 50e3 + 300e3 + 50e6) / 5));
    CHECK(latency.jitter() == doctest::Approx((250e3 + 49.7e6) / 5));
}

TEST_CASE("ForwardLatency: averages forget, the distribution does not [OBS-01]") {
    ForwardLatency latency;
    latency.add(Duration::micros(1000), 100);
    for (int second = 0; second < 600; ++second)
        latency.decay();
    CHECK(latency.average() == doctest::Approx(1e6));  // nothing newer
    latency.add(Duration::micros(100), 100);
    CHECK(latency.average() < 102e3);
    CHECK(latency.distribution().count() == 200);
}

TEST_CASE("ForwardLatency: workers weigh as much as they forwarded [OBS-01]") {
    ForwardLatency busy;
    ForwardLatency calm;
    busy.add(Duration::micros(400), 30);
    calm.add(Duration::micros(100), 10);
    ForwardLatency all;
    all.merge(busy);
    all.merge(calm);
    CHECK(all.average() == doctest::Approx(325e3));
    CHECK(all.distribution().count() == 40);
}

}  // namespace confab::worker
