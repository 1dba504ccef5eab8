// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is to go on in the next turn: answers of the bus do not say what time it is, and stores want
// to know. One for all services of a node.
#pragma once

#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/time.h"

namespace confab::cluster::services {

// As many as there are calls under way, which the Retrier limits.
class Turns {
  public:
    void post(Callback<Timestamp> step) { steps_.push_back(std::move(step)); }
    void handle_timeout(Timestamp now) {
        // What a step posts has its turn too.
        for (auto steps = std::exchange(steps_, {}); !steps.empty();
             steps = std::exchange(steps_, {}))
            for (Callback<Timestamp>& step : steps)
                step(now);
    }
    Timestamp next_deadline() const {
        return steps_.empty() ? Timestamp::never() : Timestamp::micros(0);
    }

  private:
    std::vector<Callback<Timestamp>> steps_;
};

}  // namespace confab::cluster::services
