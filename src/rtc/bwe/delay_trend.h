// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The slope of the one-way delay over the last groups: a line through their smoothed sums of delay
// variation (libwebrtc's trendline filter; the draft's Kalman filter is what it replaced). It
// comes near (rate sent − capacity) / capacity while a queue grows.
#pragma once

#include <array>
#include <cstddef>

#include "base/time.h"
#include "rtc/bwe/inter_arrival.h"

namespace confab::bwe {

class DelayTrend {
  public:
    static constexpr std::size_t kWindow = 20;  // groups
    static constexpr double kSmoothing = 0.9;
    static constexpr int kMaxDeltas = 1000;

    // Milliseconds of delay per millisecond; the one before until there are enough groups.
    double add(const GroupDelta& delta);
    int deltas() const { return deltas_; }  // counted up to kMaxDeltas

  private:
    struct Point {
        double arrived_ms = 0;
        double delay_ms = 0;
    };
    double slope() const;

    std::array<Point, kWindow> points_{};  // a ring, in order of groups
    std::size_t count_ = 0;
    std::size_t next_ = 0;
    Duration first_;
    double sum_ms_ = 0;
    double smoothed_ms_ = 0;
    double trend_ = 0;
    int deltas_ = 0;
};

}  // namespace confab::bwe
