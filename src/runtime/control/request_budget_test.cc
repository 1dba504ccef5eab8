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

}  // namespace confab::control
