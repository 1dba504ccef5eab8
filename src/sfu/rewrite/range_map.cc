// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 FWD-04.
#include "sfu/rewrite/range_map.h"

#include <algorithm>

#include "base/check.h"

namespace confab::sfu {

void RangeMap::close(std::int64_t last) {
    if (last < start_) return;
    CONFAB_DCHECK(size_ == 0 || closed_->at((head_ + kMaxRanges - 1) % kMaxRanges).last < start_);
    (*closed_)[head_] = {start_, last, offset_};
    head_ = (head_ + 1) % kMaxRanges;
    size_ = std::min<std::uint32_t>(size_ + 1, kMaxRanges);
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
    for (std::uint32_t i = 1; i <= size_; ++i) {
        const Range& range = (*closed_)[(head_ + kMaxRanges - i) % kMaxRanges];
        if (number > range.last) return std::nullopt;  // excluded
        if (number >= range.first) return number - range.offset;
    }
    return std::nullopt;
}

}  // namespace confab::sfu
