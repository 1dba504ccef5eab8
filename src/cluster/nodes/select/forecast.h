// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How many nodes an hour of the week needed in the weeks before (03 OPS-04): of each the most in
// that hour, older weeks counting half as much as the one after them. Hours are of UTC.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "base/time.h"

namespace confab::cluster::nodes {

class WeekForecast {
  public:
    static constexpr std::size_t kHours = 7 * 24;
    static constexpr double kNewest = 0.5;  // weight of the last week

    // From midnight of a Thursday, as 1 January 1970 was.
    static std::size_t hour_of(UnixTime wall);

    // So many are needed now; wall clocks may go back, which begins another hour.
    void note(UnixTime wall, std::size_t needed);
    // 0: nothing is known of that hour.
    double of(UnixTime wall) const { return hours_.at(hour_of(wall)).value_or(0); }

    struct Hour {
        std::size_t index = 0;
        double needed = 0;
    };
    // An hour that has ended: what is known of it by now, to be kept.
    std::optional<Hour> poll_ended() { return std::exchange(ended_, std::nullopt); }
    // What was kept, where nothing newer is known. False: it is none.
    bool load(const Hour& hour);

  private:
    std::array<std::optional<double>, kHours> hours_;
    std::optional<std::size_t> current_;  // the hour that goes on
    double most_ = 0;                     // of it
    std::optional<Hour> ended_;
};

}  // namespace confab::cluster::nodes
