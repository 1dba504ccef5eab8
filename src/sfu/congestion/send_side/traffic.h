// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is sent to a subscriber and what of it arrives, in slots of 50 ms: for the share that is not
// video of our choice (sound, copies, headers), and for a rate that follows a link at once.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace confab::sfu {

// Bytes over a sliding window; times by any clock.
template <std::size_t kSlots>
class SlidingRate {
  public:
    static constexpr Duration kSlot = Duration::millis(50);

    void add(Duration at, std::uint32_t bytes) {
        const std::int64_t number = at.us() / kSlot.us();
        if (!began_ || number - newest_ > kFew || newest_ - number > kFew) {
            // The first one, a long silence, or a clock that jumped.
            slots_.fill(0);
            newest_ = oldest_ = number;
            began_ = true;
        }
        for (; newest_ < number; ++newest_)
            slot(newest_ + 1) = 0;
        if (newest_ - number < kFew) slot(number) += bytes;
    }
    // Bits per second over the whole slots of the window; 0 while there are fewer than `least`.
    double bits_per_second(std::size_t least = 1) const {
        const std::int64_t whole = std::min(newest_ - oldest_, kFew - 1);
        if (!began_ || whole < static_cast<std::int64_t>(least)) return 0;
        std::uint64_t bytes = 0;
        for (std::int64_t n = newest_ - whole; n < newest_; ++n)
            bytes += slots_[index(n)];
        return static_cast<double>(bytes) * 8 / (static_cast<double>(whole) * kSlot.to_seconds());
    }

  private:
    static constexpr auto kFew = static_cast<std::int64_t>(kSlots);
    static std::size_t index(std::int64_t number) {
        return static_cast<std::size_t>((number % kFew + kFew) % kFew);
    }
    std::uint32_t& slot(std::int64_t number) { return slots_[index(number)]; }

    std::array<std::uint32_t, kSlots> slots_{};
    std::int64_t newest_ = 0;
    std::int64_t oldest_ = 0;
    bool began_ = false;
};

// What is sent beside the video that was chosen and not for sound (headers, copies, what was
// measured too low), as a share of that video: of a smaller choice it is less. Learnt while the
// choice has not changed for a while: a layer goes on until its key frame is there.
class OtherTraffic {
  public:
    static constexpr Duration kSettled = Duration::seconds(2);
    static constexpr double kWeight = 0.3;
    static constexpr double kMost = 0.25;

    void note_change(Timestamp now) { changed_ = now; }
    // Bits per second, of both.
    void note(double sent, double video, Timestamp now) {
        if (now - changed_ < kSettled || video <= 0) return;
        // What is measured may be late, either way.
        const double share = std::clamp(sent / video - 1, -kMost, kMost);
        share_ = known_ ? share_ + kWeight * (share - share_) : share;
        known_ = true;
    }
    double share() const { return std::max(share_, 0.0); }

  private:
    double share_ = 0;
    bool known_ = false;
    Timestamp changed_;
};

}  // namespace confab::sfu
