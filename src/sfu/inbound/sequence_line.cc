// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RFC 3550 appendix A.1, with the bad sequence number kept as an index.
#include "sfu/inbound/sequence_line.h"

#include <algorithm>

#include "base/check.h"

namespace confab::sfu {

bool SequenceLine::is_used_ahead_of_restart(std::uint16_t sequence) const {
    const std::int64_t position = index_.peek(sequence);
    return position > index_.highest() && before_->contains(position + to_index_);
}

bool SequenceLine::restarts(std::uint16_t sequence, bool newer) {
    const std::int64_t index = index_.peek(sequence) + to_index_;
    const bool used = Range{first_, index_.highest() + to_index_}.contains(index) ||
                      (before_ && before_->contains(index));
    if (used && !newer) return false;
    if (index != expected_) {
        expected_ = index + 1;
        return false;
    }
    restart(sequence, index);
    return true;
}

void SequenceLine::restart(std::uint16_t sequence, std::int64_t index) {
    constexpr std::int64_t kCycle = 0x1'0000;
    const Range used{first_, index_.highest() + to_index_};
    before_ = before_
                  ? Range{std::min(before_->first, used.first), std::max(before_->last, used.last)}
                  : used;
    const std::int64_t last = highest();
    index_ = {};
    const std::int64_t position = index_.unwrap(sequence);
    to_index_ = index - position;
    to_line_ = (last - position + kCycle) / kCycle * kCycle;
    first_ = index;
    CONFAB_DCHECK(index_.highest() + to_line_ > last);  // the line only goes up
    expected_ = -1;
}

}  // namespace confab::sfu
