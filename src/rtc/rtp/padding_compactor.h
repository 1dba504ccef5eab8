// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Takes padding-only packets out of a stream's sequence space, so that subscribers see no hole
// where a publisher probed (02 IN-02). The offsets of the past are kept as ranges, so that a late
// packet gets the number that was reserved for it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/state/state.h"

namespace confab::rtp {

class PaddingCompactor {
  public:
    static constexpr std::size_t kMaxRanges = 100;

    // The line begins: packets from `sequence` on get the numbers from `number` on, and those
    // before it none.
    void begin(std::int64_t sequence, std::int64_t number) {
        size_ = 0;
        start_ = floor_ = sequence;
        offset_ = sequence - number;
    }
    // A padding-only packet newer than all before: its number vanishes.
    void exclude(std::int64_t sequence) { exclude(sequence, 1); }
    // `count` numbers from `first` on that were never sent vanish.
    void exclude(std::int64_t first, std::int64_t count);
    // The number of a packet with content; nullopt if it is older than the ranges kept, or if it
    // was excluded before.
    std::optional<std::int64_t> map(std::int64_t sequence) const;
    // From which number on none is excluded.
    std::int64_t open_from() const { return start_; }

    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
    // Numbers below `end` (and not below the previous range's end) are lowered by `offset`.
    struct Range {
        std::int64_t end = 0;
        std::int64_t offset = 0;
    };
    std::array<Range, kMaxRanges> ranges_{};  // oldest first
    std::size_t size_ = 0;
    std::int64_t floor_ = 0;  // below it nothing is known any more
    std::int64_t start_ = 0;  // first number with the current offset
    std::int64_t offset_ = 0;
};

}  // namespace confab::rtp
