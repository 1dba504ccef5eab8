// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How many signal messages one participant may send (03 OPS-05), whatever they cost (that is
// RequestBudget's). Nothing is lost: who has sent more is not read from for a while.
#pragma once

#include "base/limits/bucket.h"
#include "runtime/control/request_budget.h"

namespace confab::control {

class SignalAllowance {
  public:
    explicit SignalAllowance(const Rate& rate = {}) : rate_(rate) {}

    // Takes one message that came at `now`; gives the time from which the next may be read, `now`
    // if that is at once.
    Timestamp spend(Timestamp now) {
        return now + bucket_.owe(now, rate_, 1, RequestBudget::kMaxWait);
    }

  private:
    Rate rate_;
    Bucket bucket_;
};

}  // namespace confab::control
