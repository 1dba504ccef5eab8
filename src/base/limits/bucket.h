// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A token bucket in one number: the time at which it is full again (the generic cell rate
// algorithm, ITU-T I.371 annex A). What was taken is time that has to pass; a bucket that is full
// is as good as none, and may be forgotten.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace confab {

struct Rate {
    std::int64_t per_second = 0;  // 0 or less: no limit; at most 10^9
    std::int64_t burst = 0;       // that may be taken at once, from a full bucket; at least 1

    constexpr bool is_off() const { return per_second <= 0; }
    // What a second grants, `seconds` of them at once.
    static constexpr Rate with_burst(std::int64_t per_second, std::int64_t seconds) {
        return {per_second, std::max<std::int64_t>(1, per_second * seconds)};
    }
    bool operator==(const Rate&) const = default;
};

class Bucket {
  public:
    // Takes `count`, or nothing if it is not all there: then how long until it will be. Of a full
    // bucket more than the burst may be taken, as it would never be there.
    constexpr Duration take(Timestamp now, const Rate& rate, std::int64_t count = 1) {
        if (rate.is_off()) return Duration::zero();
        const std::int64_t owed = debt(now, rate);
        const std::int64_t after = owed + price(rate, count);
        const std::int64_t most = price(rate, rate.burst);
        if (after > most) return up_to_micros(after - most);
        full_at_ = nanos(now) + after;
        return Duration::zero();
    }
    // Takes `count` whether it is there or not, at most so much that it is paid after `longest`:
    // how long until there is no debt.
    constexpr Duration owe(Timestamp now, const Rate& rate, std::int64_t count, Duration longest) {
        if (rate.is_off()) return Duration::zero();
        const std::int64_t most = price(rate, rate.burst);
        const std::int64_t after =
            std::min(debt(now, rate) + price(rate, count), most + longest.us() * 1000);
        full_at_ = nanos(now) + after;
        return after > most ? up_to_micros(after - most) : Duration::zero();
    }
    // How long take() would have to wait for `count`.
    constexpr Duration wait(Timestamp now, const Rate& rate, std::int64_t count = 1) const {
        Bucket copy = *this;
        return copy.take(now, rate, count);
    }
    // The one with less in it comes last.
    constexpr auto operator<=>(const Bucket&) const = default;

  private:
    static constexpr std::int64_t kNanos = 1'000'000'000;
    static constexpr std::int64_t nanos(Timestamp now) { return now.us() * 1000; }
    static constexpr Duration up_to_micros(std::int64_t ns) {
        return Duration::micros((ns + 999) / 1000);
    }
    static constexpr std::int64_t price(const Rate& rate, std::int64_t count) {
        const std::int64_t all = std::clamp<std::int64_t>(rate.burst, 1, kMaxBurst);
        return std::clamp<std::int64_t>(count, 0, all) * kNanos / std::min(rate.per_second, kNanos);
    }
    // In nanoseconds; a clock that goes back and a rate that was another one make no more of it.
    constexpr std::int64_t debt(Timestamp now, const Rate& rate) const {
        return std::clamp<std::int64_t>(full_at_ - nanos(now), 0,
                                        price(rate, rate.burst) + kLongestDebt.us() * 1000);
    }

    static constexpr std::int64_t kMaxBurst = 8'000'000'000;  // times kNanos is an int64
    static constexpr Duration kLongestDebt = Duration::seconds(3600);

    std::int64_t full_at_ = 0;  // ns of the clock of `now`
};

}  // namespace confab
