// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How far the clock of one sender of metrics is behind ours (01 SIG-124). The clocks are compared
// with some batches only: what changes between them would say more of the network than of time.
#pragma once

#include <cstdint>
#include <optional>

#include "sfu/metrics/delay_estimator.h"

namespace confab::sfu {

class MetricsTimes {
  public:
    struct Options {
        Duration min_interval = Duration::seconds(5);
        std::uint32_t max_batches = 100;  // so many count as that time
    };

    // What is to be added to the times of a batch that came now, sent at that time if it says so.
    Duration shift(const Options& options, Timestamp now, UnixTime wall,
                   std::optional<UnixTime> sent) {
        const bool due = !compared_ || now - *compared_ >= options.min_interval ||
                         batches_ >= options.max_batches;
        if (!due || !sent) {
            if (batches_ < options.max_batches) ++batches_;
            return estimator_.estimate();
        }
        compared_ = now;
        batches_ = 1;
        return estimator_.update(now, *sent, wall);
    }

  private:
    DelayEstimator estimator_;
    std::optional<Timestamp> compared_;
    std::uint32_t batches_ = 0;
};

}  // namespace confab::sfu
