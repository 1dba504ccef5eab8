// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Offsets between the sequence numbers of a source and those sent on, as ranges, so that a late
// packet gets the number that was left open for it (02 FWD-04). Numbers are unwrapped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/state/state.h"

namespace confab::sfu {

class RangeMap {
  public:
    // Closed ranges kept; what is older is unknown and its late packets are dropped.
    static constexpr std::size_t kMaxRanges = 100;

    // Forgets everything: numbers from `first` on are lowered by `offset`.
    void reset(std::int64_t first, std::int64_t offset) {
        start_ = first;
        offset_ = offset;
        size_ = 0;
    }
    // `number`, newer than all before, is not sent on: later ones close up.
    void exclude(std::int64_t number);
    // `count` numbers of our own are sent before `next`, which is newer than all before.
    void insert(std::int64_t next, std::int64_t count);
    // The number to send for a source's number; nullopt when it was excluded or is forgotten.
    std::optional<std::int64_t> map(std::int64_t number) const {
        if (number >= start_) return number - offset_;
        return map_closed(number);
    }
    std::int64_t offset() const { return offset_; }
    // The first number of those that have the present offset.
    std::int64_t open_from() const { return start_; }

    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    struct Range {
        std::int64_t first = 0;
        std::int64_t last = 0;
        std::int64_t offset = 0;
    };
    // From the oldest to the newest.
    std::vector<Range> closed() const;
    void close(std::int64_t last);
    void grow();
    std::optional<std::int64_t> map_closed(std::int64_t number) const;

    std::int64_t start_ = 0;  // the open range
    std::int64_t offset_ = 0;
    std::uint32_t head_ = 0;  // slot of the next closed range
    std::uint32_t size_ = 0;
    std::vector<Range> closed_;  // a ring; most streams leave nothing out
};

}  // namespace confab::sfu
