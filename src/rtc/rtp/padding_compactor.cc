// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/rtp/padding_compactor.h"

#include <algorithm>

#include "base/check.h"

namespace confab::rtp {

void PaddingCompactor::exclude(std::int64_t sequence, std::int64_t count) {
    CONFAB_DCHECK(sequence >= start_ && count > 0);
    // Two padding packets in a row only move the start; otherwise the numbers in between become
    // a range of their own.
    if (sequence > start_ || size_ == 0) {
        if (size_ == kMaxRanges) {
            floor_ = ranges_.front().end;
            std::move(ranges_.begin() + 1, ranges_.end(), ranges_.begin());
            --size_;
        }
        ranges_[size_++] = {sequence, offset_};
    }
    start_ = sequence + count;
    offset_ += count;
}

std::optional<std::int64_t> PaddingCompactor::map(std::int64_t sequence) const {
    if (sequence >= start_) return sequence - offset_;
    if (sequence < floor_) return std::nullopt;
    // The newest ranges are asked for most.
    for (std::size_t i = size_; i-- > 0;) {
        const std::int64_t begin = i == 0 ? floor_ : ranges_[i - 1].end;
        if (sequence >= ranges_[i].end) return std::nullopt;  // it is one of the excluded numbers
        // Numbers just behind the previous range's end were excluded with it.
        if (sequence < begin) continue;
        const std::int64_t gap = i == 0 ? 0 : ranges_[i].offset - ranges_[i - 1].offset;
        if (sequence < begin + gap) return std::nullopt;
        return sequence - ranges_[i].offset;
    }
    return std::nullopt;
}

}  // namespace confab::rtp
