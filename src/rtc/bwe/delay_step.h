// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A way that became longer from one moment to the next: another network, or another route. No queue
// looks so: it takes time to grow, and what fills one at once is a burst or loses some. Two levels
// of the one-way delay, nothing between them but an outage, and nothing lost since.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace confab::bwe {

class DelayStep {
  public:
    static constexpr Duration kSlice = Duration::millis(50);
    static constexpr std::int64_t kSlices = 40;  // two seconds, with an outage among them
    static constexpr Duration kLeast = Duration::millis(20);
    static constexpr Duration kLevel = Duration::millis(10);  // of the least delays of slices
    static constexpr int kBefore = 4;                         // slices
    static constexpr int kBehind = 4;
    static constexpr std::int64_t kGap = 2;     // slices of silence that are no outage
    static constexpr std::uint64_t kBurst = 2;  // times the mean of what is sent

    void add(Timestamp sent, Duration delay, std::uint32_t bytes) {
        Slice* slice = at(sent);
        if (slice == nullptr) return;
        slice->least = std::min(slice->least, delay);
        slice->bytes += bytes;
    }
    void lost(Timestamp sent) {
        if (Slice* slice = at(sent)) slice->lost = true;
    }
    // The newer level, if it is higher.
    std::optional<Duration> find() const {
        Level behind, before;
        std::uint64_t bytes = 0, slices = 0;
        bool outage = false;
        for (std::int64_t n = newest_; known_ && n > newest_ - kSlices; --n) {
            const Slice& slice = slices_[index(n)];
            if (slice.bytes == 0) {
                outage |= slice.lost && before.slices == 0;
                continue;
            }
            bytes += slice.bytes;
            ++slices;
            const bool lower = behind.slices >= kBehind && behind.least - slice.least >= kLeast;
            if (!lower && before.slices == 0) {
                // Of the oldest one something may have been sent in an outage before it.
                if (behind.lost || outage) return std::nullopt;
                behind.add(slice, n);
            } else if (before.slices < kBefore) {
                before.add(slice, n);
            }
        }
        if (before.slices < kBefore) return std::nullopt;
        const bool is_level =
            behind.most - behind.least <= kLevel && before.most - before.least <= kLevel;
        if (!is_level || behind.least - before.most < kLeast) return std::nullopt;
        // Who sends seldom sees nothing of how a queue grows.
        if (behind.oldest - before.newest > kGap && !outage && !behind.lost) return std::nullopt;
        for (const std::int64_t n : {before.newest, behind.oldest})
            if (slices_[index(n)].bytes * slices > kBurst * bytes) return std::nullopt;
        return behind.least;
    }

  private:
    struct Slice {
        Duration least = Duration::max();
        std::uint64_t bytes = 0;  // that arrived
        bool lost = false;        // something
    };
    struct Level {
        Duration least = Duration::max();
        Duration most = Duration::zero() - Duration::max();
        int slices = 0;
        bool lost = false;        // in the oldest one
        std::int64_t oldest = 0;  // slice
        std::int64_t newest = 0;
        void add(const Slice& slice, std::int64_t number) {
            least = std::min(least, slice.least);
            most = std::max(most, slice.least);
            if (slices == 0) newest = number;
            ++slices;
            lost = slice.lost;
            oldest = number;
        }
    };

    static std::size_t index(std::int64_t number) {
        return static_cast<std::size_t>((number % kSlices + kSlices) % kSlices);
    }
    // nullptr: too old.
    Slice* at(Timestamp sent) {
        const std::int64_t number = sent.us() / kSlice.us();
        if (!known_ || number - newest_ >= kSlices) {
            slices_.fill({});
            newest_ = number;
            known_ = true;
        }
        for (; newest_ < number; ++newest_)
            slices_[index(newest_ + 1)] = {};
        return number > newest_ - kSlices ? &slices_[index(number)] : nullptr;
    }

    std::array<Slice, kSlices> slices_{};
    std::int64_t newest_ = 0;
    bool known_ = false;
};

}  // namespace confab::bwe
