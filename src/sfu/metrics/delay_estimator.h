// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// From the sender's clock to ours: the difference of the clocks and the way of what says the time,
// which cannot be told apart. A shorter way is believed, as nothing comes early; a longer one
// little by little, and when it stays much longer for kPatience it is a new path, or a clock that
// was set.
#pragma once

#include <optional>

#include "base/time.h"

namespace confab::sfu {

class DelayEstimator {
  public:
    static constexpr double kFall = 0.9;  // share of a difference that is taken at once
    static constexpr double kRise = 0.1;
    static constexpr double kStepShare = 0.5;
    static constexpr Duration kNoise = Duration::millis(10);  // a rise that is none
    static constexpr Duration kUsual = Duration::millis(50);  // more says nothing of the usual
    static constexpr Duration kPatience = Duration::seconds(10);
    static constexpr int kMinReports = 2;

    // It was `sent` by the sender's clock and came `received` by ours, `now`.
    Duration update(Timestamp now, UnixTime sent, UnixTime received);
    // Zero before anything came.
    Duration estimate() const { return estimate_; }

  private:
    struct Step {
        Timestamp since;
        Duration delay;
        int reports = 0;
    };
    void note_high(Timestamp now, Duration delay);
    void learn_usual(UnixTime sent, Duration rise);

    Duration estimate_;
    Duration usual_rise_;
    UnixTime last_sent_;
    bool begun_ = false;
    std::optional<Step> step_;
};

}  // namespace confab::sfu
