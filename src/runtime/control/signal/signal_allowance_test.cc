// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/signal/signal_allowance.h"

#include <doctest/doctest.h>

namespace confab::control {
namespace {

constexpr Timestamp kStart = Timestamp::micros(1'000'000);

}  // namespace

TEST_CASE("SignalAllowance: a burst at once, then so many a second [OPS-05]") {
    SignalAllowance allowance(Rate{50, 200});
    for (int i = 0; i < 200; ++i)
        CHECK(allowance.spend(kStart) == kStart);
    CHECK(allowance.spend(kStart) == kStart + Duration::millis(20));
    CHECK(allowance.spend(kStart + Duration::millis(20)) == kStart + Duration::millis(40));
    const Timestamp later = kStart + Duration::seconds(10);
    CHECK(allowance.spend(later) == later);
}

TEST_CASE("SignalAllowance: no wait runs into a ping timeout; no rate, no wait [OPS-05] [CON-43]") {
    SignalAllowance slow(Rate{1, 1});
    for (int i = 0; i < 100; ++i)
        CHECK(slow.spend(kStart) <= kStart + RequestBudget::kMaxWait);
    CHECK(slow.spend(kStart) == kStart + RequestBudget::kMaxWait);
    SignalAllowance any;
    for (int i = 0; i < 1000; ++i)
        CHECK(any.spend(kStart) == kStart);
}

}  // namespace confab::control
