// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/select/forecast.h"

#include <algorithm>
#include <cmath>

namespace confab::cluster::nodes {

std::size_t WeekForecast::hour_of(UnixTime wall) {
    constexpr std::int64_t kHour = 3600;
    const std::int64_t hours = std::max<std::int64_t>(0, wall.s()) / kHour;
    return static_cast<std::size_t>(hours) % kHours;
}

void WeekForecast::note(UnixTime wall, std::size_t needed) {
    const std::size_t hour = hour_of(wall);
    if (current_ && *current_ != hour) {
        std::optional<double>& known = hours_.at(*current_);
        known = known ? *known + kNewest * (most_ - *known) : most_;
        ended_ = {*current_, *known};
        most_ = 0;
    }
    current_ = hour;
    most_ = std::max(most_, static_cast<double>(needed));
}

bool WeekForecast::load(const Hour& hour) {
    constexpr double kMost = 1e6;
    if (hour.index >= kHours || !std::isfinite(hour.needed) || hour.needed < 0 ||
        hour.needed > kMost)
        return false;
    std::optional<double>& known = hours_.at(hour.index);
    if (!known) known = hour.needed;
    return true;
}

}  // namespace confab::cluster::nodes
