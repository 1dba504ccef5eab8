// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a media worker carries per second, from counters that it leaves each second and that are
// looked at now and then.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace confab::console {

struct WorkerCounters {
    Timestamp at = Timestamp::never();
    std::uint64_t packets_in = 0;
    std::uint64_t packets_out = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t busy_us = 0;
};

struct WorkerRates {
    double load = 0;  // 0 … 1: of its time it was busy
    double packets_in = 0;
    double packets_out = 0;
    double bytes_in = 0;
    double bytes_out = 0;
};

class RateMeter {
  public:
    static constexpr Duration kShortest = Duration::seconds(1);

    // Over the time since the last look; 0 until there are two of them.
    const WorkerRates& look(const WorkerCounters& now) {
        const bool first = last_.at.is_never();
        if (!first && (now.at.is_never() || now.at - last_.at < kShortest)) return rates_;
        if (!first) rates_ = between(last_, now);
        last_ = now;
        return rates_;
    }

  private:
    static double per_second(std::uint64_t before, std::uint64_t after, Duration time) {
        return after > before ? static_cast<double>(after - before) / time.to_seconds() : 0;
    }
    static WorkerRates between(const WorkerCounters& a, const WorkerCounters& b) {
        const Duration time = b.at - a.at;
        return {per_second(a.busy_us, b.busy_us, time) / 1e6,
                per_second(a.packets_in, b.packets_in, time),
                per_second(a.packets_out, b.packets_out, time),
                per_second(a.bytes_in, b.bytes_in, time),
                per_second(a.bytes_out, b.bytes_out, time)};
    }

    WorkerCounters last_;
    WorkerRates rates_;
};

}  // namespace confab::console
