// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A bottleneck of packets for tests and the bench: a queue that drains at the link's rate and drops
// what does not fit, then a delay with jitter that keeps the order but for single packets. Several
// flows may share it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/rng.h"
#include "base/time.h"

namespace confab::bwe::test {

struct BottleneckProfile {
    double bits_per_second = 1e9;
    Duration queue = Duration::millis(300);  // at this rate
    Duration delay = Duration::millis(25);
    Duration jitter = Duration::zero();  // up to so much more
    double loss = 0;                     // of packets, at random
    double bad_loss = 0;                 // in bursts: lost packets while the link is bad
    double to_bad = 0;                   // per packet
    double to_good = 1;
    double reorder =
        0;  // packets that arrive so much later, behind those that were sent after them
    Duration reorder_by = Duration::millis(10);
};

class Bottleneck {
  public:
    explicit Bottleneck(BottleneckProfile profile, std::uint64_t seed = 1)
        : profile_(profile), rng_(seed) {}

    BottleneckProfile& profile() { return profile_; }
    // What waits keeps its bytes: at another rate they take another time.
    void set_rate(double bits_per_second, Timestamp now) {
        const double waiting = std::max((free_ - now).to_seconds(), 0.0);
        const Duration longer = seconds(waiting * profile_.bits_per_second / bits_per_second);
        profile_.bits_per_second = bits_per_second;
        free_ = now + longer;
    }
    // When it comes out at the far end; none: lost. Times do not go back.
    std::optional<Timestamp> send(Timestamp now, std::uint32_t bytes) {
        const Timestamp start = std::max(free_, now);
        const Duration takes = seconds(bytes * 8 / profile_.bits_per_second);
        if (start - now + takes > profile_.queue) return std::nullopt;
        if (lost()) return std::nullopt;
        free_ = start + takes;
        Duration jitter;
        if (profile_.jitter > Duration::zero())
            jitter = Duration::micros(static_cast<std::int64_t>(
                rng_.below(static_cast<std::uint64_t>(profile_.jitter.us() + 1))));
        last_ = std::max(last_, free_ + profile_.delay + jitter);
        if (profile_.reorder > 0 && chance() < profile_.reorder) return last_ + profile_.reorder_by;
        return last_;
    }
    Duration waiting(Timestamp now) const { return std::max(free_ - now, Duration::zero()); }

  private:
    static Duration seconds(double s) {
        return Duration::micros(static_cast<std::int64_t>(s * 1e6));
    }
    double chance() { return static_cast<double>(rng_.below(1'000'000)) / 1e6; }
    bool lost() {
        if (profile_.to_bad > 0) {
            bad_ = chance() < (bad_ ? 1 - profile_.to_good : profile_.to_bad);
            if (bad_ && chance() < profile_.bad_loss) return true;
        }
        return profile_.loss > 0 && chance() < profile_.loss;
    }

    BottleneckProfile profile_;
    Rng rng_;
    Timestamp free_;
    Timestamp last_;
    bool bad_ = false;
};

}  // namespace confab::bwe::test
