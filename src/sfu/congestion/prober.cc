// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 BWE-11.
#include "sfu/congestion/prober.h"

#include <algorithm>

namespace confab::sfu {

void Prober::start(std::uint64_t bits_per_second, Duration duration, Timestamp now, bool between) {
    const auto micros = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.us(), 0));
    const std::uint64_t total = bits_per_second * (micros / 1000) / 8000;
    const std::uint64_t beside = between ? 1 : 0;
    const auto most = micros / static_cast<std::uint64_t>(kBucket.us()) + 1 - beside;
    const std::uint64_t parts =
        std::clamp<std::uint64_t>(between ? total / kMinRound : (total + kMinRound - 1) / kMinRound,
                                  1, std::max<std::uint64_t>(most, 1));
    rounds_left_ = static_cast<std::size_t>(parts + beside);
    round_bytes_ = std::max(kMinRound, static_cast<std::size_t>(total / parts));
    asked_ = ahead_ = 0;
    // The first and the last round stand at the ends.
    interval_ =
        rounds_left_ > 1 ? duration / static_cast<std::int64_t>(rounds_left_ - 1) : duration;
    next_ = now;
    end_ = now + duration + std::max(interval_, kBucket);
}

std::size_t Prober::poll(Timestamp now) {
    if (!running() || now < next_) return 0;
    --rounds_left_;
    next_ = std::max(next_ + interval_, now + kMinGap);
    asked_ = round_bytes_ - std::min(ahead_, round_bytes_);
    ahead_ -= round_bytes_ - asked_;
    return asked_;
}

}  // namespace confab::sfu
