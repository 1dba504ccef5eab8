// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "load/histogram.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "base/rng.h"

namespace confab::load {
namespace {

TEST_CASE("Histogram: percentiles are those of a sorted list, 3 % above it at most [LKC-32]") {
    Rng rng(1);
    Histogram histogram;
    std::vector<std::int64_t> sorted;
    for (int i = 0; i < 5000; ++i) {
        const auto us = static_cast<std::int64_t>(rng.below(std::uint64_t{1} << rng.below(29)));
        histogram.add(Duration::micros(us));
        sorted.push_back(us);
    }
    std::ranges::sort(sorted);
    for (const double share : {0.01, 0.5, 0.95, 0.99, 1.0}) {
        const auto exact = sorted[static_cast<std::size_t>(share * 5000) - 1];
        const std::int64_t found = histogram.percentile(share).us();
        CHECK(found >= exact);
        CHECK(static_cast<double>(found) <= static_cast<double>(exact) * 1.0325 + 1);
    }
    CHECK(histogram.longest().us() == sorted.back());
}

TEST_CASE("Histogram: short times are exact, absurd ones are kept within the ends") {
    Histogram histogram;
    CHECK(histogram.percentile(0.5) == Duration::zero());
    histogram.add(Duration::micros(31));
    CHECK(histogram.percentile(0.5) == Duration::micros(31));
    histogram.add(Duration::micros(-5));
    CHECK(histogram.percentile(0.5) == Duration::zero());
    histogram.add(Duration::seconds(5000));
    CHECK(histogram.percentile(1) >= Histogram::kLongest);
    CHECK(histogram.count() == 3);
}

TEST_CASE("Histogram: two become one") {
    Histogram a, b;
    a.add(Duration::millis(1));
    b.add(Duration::millis(9));
    a.merge(b);
    CHECK(a.count() == 2);
    CHECK(a.longest() == Duration::millis(9));
    CHECK(a.percentile(0.5) < Duration::micros(1040));
}

}  // namespace
}  // namespace confab::load
