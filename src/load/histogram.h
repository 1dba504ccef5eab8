// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Times by how often they occurred, in buckets that are 3 % wide: exact to the microsecond below
// 32, one thirty-second of their octave above (the form of HdrHistogram). Adding costs a few
// instructions, two of them merge.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "base/time.h"

namespace confab::load {

class Histogram {
  public:
    // Times beyond count as this.
    static constexpr Duration kLongest = Duration::seconds(1000);

    // Below zero counts as zero.
    void add(Duration time) {
        ++counts_[index(std::clamp(time, Duration::zero(), kLongest).us())];
        ++count_;
        longest_ = std::max(longest_, time);
    }
    void merge(const Histogram& other) {
        for (std::size_t i = 0; i < counts_.size(); ++i)
            counts_[i] += other.counts_[i];
        count_ += other.count_;
        longest_ = std::max(longest_, other.longest_);
    }
    std::uint64_t count() const { return count_; }
    Duration longest() const { return longest_; }
    // The time that this share (0 to 1) of all do not exceed: the upper end of its bucket, at most
    // the longest. Zero when there are none.
    Duration percentile(double share) const {
        std::uint64_t seen = 0;
        const double wanted = share * static_cast<double>(count_);
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen > 0 && static_cast<double>(seen) >= wanted)
                return std::min(Duration::micros(upper(i)), longest_);
        }
        return longest_;
    }

  private:
    static constexpr unsigned kBits = 5;
    static constexpr std::size_t kParts = 1U << kBits;
    static constexpr std::size_t kOctaves = 26;  // of 2^30 µs

    static std::size_t index(std::int64_t us) {
        const auto value = static_cast<std::uint64_t>(us);
        if (value < kParts) return value;
        const auto octave = static_cast<unsigned>(std::bit_width(value)) - kBits - 1;
        return kParts * octave + (value >> octave);
    }
    static std::int64_t upper(std::size_t index) {
        if (index < kParts) return static_cast<std::int64_t>(index);
        const std::size_t octave = index / kParts - 1;
        const std::size_t part = index - kParts * octave;
        return static_cast<std::int64_t>(((part + 1) << octave) - 1);
    }

    std::array<std::uint64_t, kParts*(kOctaves + 1)> counts_{};
    std::uint64_t count_ = 0;
    Duration longest_;
};

}  // namespace confab::load
