// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The calls of a day, from a seed: how many there are at which hour, how many take part, and for
// how long. For the simulated day (day_testing.h).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "base/rng.h"
#include "base/time.h"

namespace confab::cluster::nodes {

// Participants at that time of a day, of the most: a steep morning, a dip at noon, a quiet night.
inline double share_at(double hour) {
    struct Point {
        double hour, share;
    };
    static constexpr std::array kDay = {
        Point{0, 0.03},  Point{6, 0.03},  Point{7.5, 0.15}, Point{8.5, 0.8},
        Point{9, 0.95},  Point{10, 1},    Point{11.5, 1},   Point{12.25, 0.55},
        Point{13, 0.6},  Point{14, 0.95}, Point{16, 0.9},   Point{17.5, 0.5},
        Point{19, 0.35}, Point{21, 0.3},  Point{23, 0.08},  Point{24, 0.03}};
    const auto after = std::find_if(kDay.begin() + 1, kDay.end() - 1,
                                    [hour](const Point& point) { return hour < point.hour; });
    const Point& a = *(after - 1);
    const double part = std::clamp((hour - a.hour) / (after->hour - a.hour), 0.0, 1.0);
    return a.share + part * (after->share - a.share);
}

class DayLoad {
  public:
    // `most`: participants at the height of the day.
    DayLoad(double most, Rng rng) : most_(most), rng_(rng) {}

    static constexpr double kMeanSize = 6.0;
    static constexpr double kMeanSeconds = 1800;

    // Until the next room begins.
    Duration next_room(double hour) {
        // Calls that begin now are there half their length later.
        const double rooms = share_at(std::fmod(hour + 0.25, 24.0)) * most_ / kMeanSize;
        return seconds(exponential(kMeanSeconds / std::max(rooms, 0.01)));
    }
    // Two out of five rooms have two people, one of fifty has fifty.
    int size() {
        const std::uint64_t kind = rng_.below(100);
        if (kind < 40) return 2;
        if (kind < 80) return 3 + static_cast<int>(rng_.below(4));
        if (kind < 98) return 7 + static_cast<int>(rng_.below(14));
        return 50;
    }
    Duration length() { return seconds(std::clamp(exponential(kMeanSeconds), 60.0, 4 * 3600.0)); }
    // After the room began: half of its people at once, the others within five minutes.
    Duration arrival() { return seconds(fraction() * (rng_.below(2) == 0 ? 10 : 300)); }
    double fraction() { return rng_.unit(); }
    std::size_t below(std::size_t count) { return rng_.below(count); }

  private:
    double exponential(double mean) { return -mean * std::log(1 - fraction()); }
    static Duration seconds(double s) {
        return Duration::micros(static_cast<std::int64_t>(s * 1e6));
    }

    double most_;
    Rng rng_;
};

}  // namespace confab::cluster::nodes
