// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Is the application what limits the rate? A budget is filled at 65 % of the target and emptied by
// what is sent: four fifths of half a second left over is a yes, less than half a no (libwebrtc's
// AlrDetector).
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace confab::bwe {

class AlrDetector {
  public:
    static constexpr double kUsage = 0.65;
    static constexpr double kStart = 0.80;
    static constexpr double kStop = 0.50;
    static constexpr double kWindow = 0.5;  // seconds

    void set_target(double bits_per_second) {
        bytes_per_second_ = kUsage * bits_per_second / 8;
        budget_ = std::clamp(budget_, -most(), most());
    }
    void handle_sent(std::uint32_t bytes, Timestamp at) {
        const Duration since = began_ ? std::max(at - last_, Duration::zero()) : Duration::zero();
        began_ = true;
        last_ = std::max(last_, at);
        budget_ =
            std::min(budget_ + bytes_per_second_ * std::min(since.to_seconds(), 10.0), most());
        budget_ = std::max(budget_ - bytes, -most());
        if (most() <= 0) return;
        const double left = budget_ / most();
        if (left > kStart) limited_ = true;
        if (left < kStop) limited_ = false;
    }
    bool limited() const { return limited_; }

  private:
    double most() const { return bytes_per_second_ * kWindow; }

    double bytes_per_second_ = 0;
    double budget_ = 0;
    bool began_ = false;
    bool limited_ = false;
    Timestamp last_;
};

}  // namespace confab::bwe
