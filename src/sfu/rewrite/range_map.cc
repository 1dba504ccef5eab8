// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 FWD-04.
#include "sfu/rewrite/range_map.h"

#include <algorithm>

#include "base/check.h"

namespace confab::sfu {

void RangeMap::close(std::int64_t last) {
    if (last < start_) return;
    if (size_ == closed_.size() && size_ < kMaxRanges) grow();
    const auto slots = static_cast<std::uint32_t>(closed_.size());
    CONFAB_DCHECK(size_ == 0 || closed_.at((head_ + slots - 1) % slots).last < start_);
    closed_[head_] = {start_, last, offset_};
    head_ = (head_ + 1) % slots;
    size_ = std::min(size_ + 1, slots);
}

// Full, so that the oldest is at the head.
void RangeMap::grow() {
    constexpr std::size_t kFirst = 8;
    std::rotate(closed_.begin(), closed_.begin() + head_, closed_.end());
    head_ = size_;
    closed_.resize(std::clamp(2 * closed_.size(), kFirst, kMaxRanges));
}

void RangeMap::exclude(std::int64_t number) {
    if (number < start_) return;
    close(number - 1);
    start_ = number + 1;
    ++offset_;
}

void RangeMap::insert(std::int64_t next, std::int64_t count) {
    if (next < start_) return;
    close(next - 1);
    start_ = next;
    offset_ -= count;
}

std::optional<std::int64_t> RangeMap::map_closed(std::int64_t number) const {
    const auto slots = static_cast<std::uint32_t>(closed_.size());
    for (std::uint32_t i = 1; i <= size_; ++i) {
        const Range& range = closed_[(head_ + slots - i) % slots];
        if (number > range.last) return std::nullopt;  // excluded
        if (number >= range.first) return number - range.offset;
    }
    return std::nullopt;
}

}  // namespace confab::sfu
