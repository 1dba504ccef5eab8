// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/bwe/delay_trend.h"

#include <algorithm>

namespace confab::bwe {
namespace {

double millis(Duration d) {
    return static_cast<double>(d.us()) / 1000;
}

}  // namespace

double DelayTrend::slope() const {
    double mean_x = 0;
    double mean_y = 0;
    for (const Point& p : points_) {
        mean_x += p.arrived_ms / kWindow;
        mean_y += p.delay_ms / kWindow;
    }
    double covariance = 0;
    double variance = 0;
    for (const Point& p : points_) {
        covariance += (p.arrived_ms - mean_x) * (p.delay_ms - mean_y);
        variance += (p.arrived_ms - mean_x) * (p.arrived_ms - mean_x);
    }
    return variance > 0 ? covariance / variance : trend_;
}

double DelayTrend::add(const GroupDelta& delta) {
    if (deltas_ == 0) first_ = delta.complete;
    deltas_ = std::min(deltas_ + 1, kMaxDeltas);
    sum_ms_ += millis(delta.arrival - delta.sent);
    smoothed_ms_ = kSmoothing * smoothed_ms_ + (1 - kSmoothing) * sum_ms_;
    points_[next_] = {millis(delta.complete - first_), smoothed_ms_};
    next_ = (next_ + 1) % kWindow;
    count_ = std::min(count_ + 1, kWindow);
    if (count_ == kWindow) trend_ = slope();
    return trend_;
}

}  // namespace confab::bwe
