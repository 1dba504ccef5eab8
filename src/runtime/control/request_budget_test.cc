// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/request_budget.h"

#include <doctest/doctest.h>

namespace confab::control {
namespace {

constexpr Timestamp kStart = Timestamp::micros(1'000'000);

// Sends requests as fast as the budget allows for `span`; gives how many.
int handled(RequestBudget& budget, Duration span, const RequestCost& cost) {
    int count = 0;
    for (Timestamp now = kStart; now < kStart + span; ++count)
        now = std::max(now + Duration::micros(10), budget.spend(now, cost));
    return count;
}

}  // namespace

TEST_CASE("RequestBudget: what clients do when they join is never held up [IMM-15]") {
    RequestBudget budget;
    for (int i = 0; i < 500; ++i)
        CHECK(budget.spend(kStart, {2'000, 2'000, Duration::micros(100)}) == kStart);
}

TEST_CASE(
    "RequestBudget: a receiver gets burst and rate at most, however long the flood [IMM-15]") {
    RequestBudget budget;
    constexpr int kUpdate = 64 * 1024;
    const int count = handled(budget, Duration::seconds(60), {kUpdate, kUpdate, Duration::zero()});
    const std::int64_t granted = RequestBudget::kBurst + 60 * RequestBudget::kPerSecond;
    CHECK(std::int64_t{count} * kUpdate <= granted + kUpdate);
    CHECK(std::int64_t{count} * kUpdate >= granted / 2);
}

TEST_CASE("RequestBudget: many receivers and long work count too [IMM-15]") {
    RequestBudget fan_out;
    CHECK(handled(fan_out, Duration::seconds(10), {1'000, 1'000'000, Duration::zero()}) < 250);
    RequestBudget slow;
    const int count = handled(slow, Duration::seconds(10), {0, 0, Duration::millis(20)});
    CHECK(count * 20 <= 10'000 * 27 / 100 + 600);  // about a quarter of the time, and the burst
}

TEST_CASE("RequestBudget: no wait is long enough to end the session [IMM-15][CON-43]") {
    RequestBudget budget;
    const std::size_t all = static_cast<std::size_t>(-1);
    for (int i = 0; i < 5; ++i) {
        const Timestamp next = budget.spend(kStart, {all, all, Duration::seconds(3600)});
        CHECK(next - kStart <= RequestBudget::kMaxWait);
        CHECK(next > kStart);
    }
    // And afterwards everything is as at the beginning.
    const Timestamp later = kStart + Duration::seconds(60);
    CHECK(budget.spend(later, {1'000'000, 1'000'000, Duration::zero()}) == later);
}

TEST_CASE("RequestBudget: the burst to its last byte, and what a byte more costs [IMM-15]") {
    constexpr auto kWhole = static_cast<std::size_t>(RequestBudget::kBurst);
    constexpr auto kEach = static_cast<std::size_t>(RequestBudget::kPerRequest);
    RequestBudget exact;
    CHECK(exact.spend(kStart, {kWhole - kEach, 0, Duration::zero()}) == kStart);
    // A debt of so many bytes is a wait of so many microseconds at 1 MiB/s.
    CHECK(exact.spend(kStart, {1024 * 1024 - kEach, 0, Duration::zero()}) ==
          kStart + Duration::seconds(1));
    // Once it is paid nothing is left over.
    const Timestamp paid = kStart + Duration::seconds(1);
    CHECK(exact.spend(paid, {0, 0, Duration::zero()}) > paid);
}

TEST_CASE("RequestBudget: even what costs nobody anything is counted [IMM-15]") {
    RequestBudget budget;
    constexpr std::int64_t kCount = RequestBudget::kBurst / RequestBudget::kPerRequest;
    for (std::int64_t i = 0; i < kCount; ++i)
        REQUIRE(budget.spend(kStart, {}) == kStart);
    CHECK(budget.spend(kStart, {}) > kStart);
}

TEST_CASE("RequestBudget: each of the parts has its weight [IMM-15]") {
    const auto wait = [](const RequestCost& cost) {
        RequestBudget budget;
        const auto all =
            static_cast<std::size_t>(RequestBudget::kBurst - RequestBudget::kPerRequest);
        CHECK(budget.spend(kStart, {all, 0, Duration::zero()}) == kStart);
        return budget.spend(kStart, cost) - kStart;
    };
    const Duration least = wait({});  // of a request by itself
    CHECK(least > Duration::zero());
    const auto more = [&](const RequestCost& cost) {
        return static_cast<double>((wait(cost) - least).us()) / 1e6;
    };
    constexpr std::size_t kMiB = 1024 * 1024;
    CHECK(more({kMiB / 2, 0, Duration::zero()}) == doctest::Approx(0.5).epsilon(0.01));
    CHECK(more({0, 8 * kMiB, Duration::zero()}) == doctest::Approx(0.5).epsilon(0.01));
    CHECK(more({0, 0, Duration::millis(125)}) == doctest::Approx(0.5).epsilon(0.1));
}

TEST_CASE("RequestBudget: idle time is saved up to the burst and no further [IMM-15]") {
    RequestBudget budget;
    const auto all = static_cast<std::size_t>(RequestBudget::kBurst);
    CHECK(budget.spend(kStart, {}) == kStart);
    const Timestamp later = kStart + Duration::seconds(3600);
    CHECK(budget.spend(later, {all, 0, Duration::zero()}) > later);
    // What was owed is paid by then, and not twice.
    const Timestamp end = later + Duration::seconds(3);
    CHECK(budget.spend(end, {all - 512, 0, Duration::zero()}) == end);
    CHECK(budget.spend(end, {512, 0, Duration::zero()}) > end);
}

}  // namespace confab::control
