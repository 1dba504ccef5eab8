// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/record/rate_windows.h"

#include <doctest/doctest.h>

namespace confab::cluster::nodes {
namespace {

Clock at(double seconds) {
    const Duration passed = Duration::micros(static_cast<std::int64_t>(seconds * 1e6));
    return {Timestamp() + passed, UnixTime::seconds(1000) + passed};
}
NodeFigures bytes(std::uint64_t in, float cpu = 0) {
    NodeFigures figures;
    figures[Counter::kBytesIn] = in;
    figures.cpu_load = cpu;
    figures.memory_total = 100;
    figures.memory_used = in / 100;
    return figures;
}

}  // namespace

TEST_CASE("RateWindows: per second over the last ten, once these have passed [NODE-02] [NODE-03]") {
    RateWindows windows({Duration::seconds(10)});
    CHECK(windows.rates().empty());
    for (int i = 0; i <= 4; ++i)
        windows.add(at(i * 2), bytes(static_cast<std::uint64_t>(i) * 200));
    CHECK(windows.rates().empty());  // 8 s
    windows.add(at(10), bytes(1000));
    REQUIRE(windows.rates().size() == 1);
    const RateFigures first = windows.rates()[0];
    CHECK(first[Counter::kBytesIn] == 100);
    CHECK(first.duration == Duration::seconds(10));
    CHECK(first.started == UnixTime::seconds(1000));
    CHECK(first.ended == UnixTime::seconds(1010));
    // What was before the window does not count.
    windows.add(at(12), bytes(1000));
    CHECK(windows.rates()[0][Counter::kBytesIn] == 80);
    for (int i = 7; i <= 12; ++i)
        windows.add(at(i * 2), bytes(1000));
    CHECK(windows.rates()[0][Counter::kBytesIn] == 0);
}

TEST_CASE("RateWindows: loads are means by time, not by sample [NODE-03]") {
    RateWindows windows({Duration::seconds(10)});
    windows.add(at(0), bytes(0, 0.9F));
    windows.add(at(8), bytes(0, 0.5F));
    windows.add(at(10), bytes(5000, 1.0F));
    REQUIRE(windows.rates().size() == 1);
    CHECK(windows.rates()[0].cpu_load == doctest::Approx(0.6));
    CHECK(windows.rates()[0].memory_used == doctest::Approx(10));
    CHECK(windows.rates()[0].memory_load == doctest::Approx(0.1));
}

TEST_CASE("RateWindows: a late sample makes its window longer; a counter that falls is no rate") {
    RateWindows windows({Duration::seconds(10)});
    windows.add(at(0), bytes(0));
    windows.add(at(40), bytes(400));
    CHECK(windows.rates()[0].duration == Duration::seconds(40));
    CHECK(windows.rates()[0][Counter::kBytesIn] == 10);
    windows.add(at(40), bytes(100'000));  // no time passed: nothing to say
    windows.add(at(50), bytes(5));
    CHECK(windows.rates()[0][Counter::kBytesIn] == 0);
}

TEST_CASE("RateWindows: several windows, within bounds") {
    RateWindows windows({Duration::seconds(2), Duration::seconds(20), Duration::zero(),
                         Duration::seconds(100'000), Duration::seconds(3)});
    std::uint64_t count = 0;
    for (int i = 0; i <= 6050; ++i)
        windows.add(at(i / 10.0), bytes(count += static_cast<std::uint64_t>(i > 5900 ? 100 : 10)));
    const auto rates = windows.rates();
    REQUIRE(rates.size() == RateWindows::kMaxWindows);
    CHECK(rates[0][Counter::kBytesIn] == doctest::Approx(1000).epsilon(0.01));
    CHECK(rates[1][Counter::kBytesIn] == doctest::Approx(775).epsilon(0.1));
    CHECK(rates[2].duration.to_seconds() == doctest::Approx(1).epsilon(0.2));
    CHECK(rates[3].duration.to_seconds() == doctest::Approx(600).epsilon(0.02));
}

}  // namespace confab::cluster::nodes
