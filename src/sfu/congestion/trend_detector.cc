// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 BWE-21.
#include "sfu/congestion/trend_detector.h"

#include <algorithm>

namespace confab::sfu {

void TrendDetector::drop_front(std::size_t count) {
    std::copy(samples_.begin() + static_cast<std::ptrdiff_t>(count),
              samples_.begin() + static_cast<std::ptrdiff_t>(count_), samples_.begin());
    count_ -= count;
}

void TrendDetector::prune(Timestamp now) {
    const std::size_t most = std::min(options_.required, kMaxSamples);
    if (count_ > most) drop_front(count_ - most);
    std::size_t old = 0;
    while (old < count_ && now - samples_[old].at > options_.validity)
        ++old;
    drop_front(old);
    // A long level stretch before a fall says nothing about the fall: its last sample stands for
    // it.
    std::size_t level = 1;
    while (level < count_ && samples_[level].value == samples_[0].value)
        ++level;
    if (count_ > 0) drop_front(level - 1);
}

void TrendDetector::add(std::uint64_t value, Timestamp now) {
    ++reports_;
    highest_ = std::max(highest_, value);
    if (count_ > 0) {
        const Sample& last = samples_[count_ - 1];
        if (last.value == value && now - last.at < options_.collapse) return;
    }
    samples_[count_++] = {value, now};
    prune(now);
    trend_ = judge();
}

double TrendDetector::kendall_tau() const {
    int rising = 0;
    int falling = 0;
    for (std::size_t i = 0; i < count_; ++i)
        for (std::size_t k = i + 1; k < count_; ++k) {
            rising += samples_[i].value < samples_[k].value;
            falling += samples_[i].value > samples_[k].value;
        }
    if (rising + falling == 0) return 0;
    return static_cast<double>(rising - falling) / (rising + falling);
}

Trend TrendDetector::judge() const {
    if (count_ < options_.required_min) return Trend::kNeutral;
    const double tau = kendall_tau();
    const bool full = count_ >= options_.required;
    if (tau > 0 && full) return Trend::kUpward;
    const bool waited = samples_[count_ - 1].at - samples_[0].at > options_.max_wait;
    return tau < options_.downward_below && (full || waited) ? Trend::kDownward : Trend::kNeutral;
}

}  // namespace confab::sfu
