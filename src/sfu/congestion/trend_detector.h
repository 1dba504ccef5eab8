// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Does a receiver's estimate fall? Kendall's tau over the last reports (02 BWE-21): the share of
// pairs in order minus that of pairs out of order, equal pairs left out. Slow on purpose: one fall
// that stays where it is may be noise, a row of them is a queue that fills.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace confab::sfu {

enum class Trend : std::uint8_t { kNeutral, kUpward, kDownward };

struct TrendOptions {
    std::size_t required = 12;     // samples for a verdict, at most TrendDetector::kMaxSamples
    std::size_t required_min = 8;  // enough once they span more than max_wait
    Duration max_wait = Duration::seconds(5);
    double downward_below = -0.6;
    Duration collapse = Duration::millis(500);  // an equal value within this is no sample
    Duration validity = Duration::seconds(10);
};

class TrendDetector {
  public:
    static constexpr std::size_t kMaxSamples = 12;

    explicit TrendDetector(TrendOptions options) : options_(options) {}

    void add(std::uint64_t value, Timestamp now);
    Trend trend() const { return trend_; }
    // As many reports as a verdict asks for, equal ones included.
    bool heard_enough() const { return reports_ >= options_.required; }
    std::size_t samples() const { return count_; }
    std::uint64_t highest() const { return highest_; }  // of all reports, 0 without any

  private:
    struct Sample {
        std::uint64_t value = 0;
        Timestamp at;
    };
    void drop_front(std::size_t count);
    void prune(Timestamp now);
    double kendall_tau() const;
    Trend judge() const;

    TrendOptions options_;
    std::array<Sample, kMaxSamples + 1> samples_{};
    std::size_t count_ = 0;
    std::size_t reports_ = 0;
    std::uint64_t highest_ = 0;
    Trend trend_ = Trend::kNeutral;
};

}  // namespace confab::sfu
