// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Received TSNs as ranges and the SACK made from them (RFC 9260 §3.3.4, §6.2).
#include "rtc/sctp/receive/rx_tracker.h"

#include <algorithm>

#include "base/sequence.h"
#include "rtc/sctp/limits.h"

namespace confab::sctp {

RxTracker::RxTracker(std::uint32_t initial_tsn)
    : cumulative_((std::int64_t{1} << 32) + initial_tsn - 1) {}

std::int64_t RxTracker::unwrap(std::uint32_t tsn) const {
    return cumulative_ + sequence_distance(static_cast<std::uint32_t>(cumulative_), tsn);
}

RxTracker::Verdict RxTracker::classify(std::int64_t tsn) const {
    if (tsn <= cumulative_) return Verdict::kDuplicate;
    if (tsn > cumulative_ + kMaxTsnAhead) return Verdict::kRefused;
    const auto it = std::find_if(ranges_.begin(), ranges_.end(),
                                 [tsn](const Range& r) { return tsn <= r.last + 1; });
    if (it != ranges_.end() && tsn >= it->first && tsn <= it->last) return Verdict::kDuplicate;
    const bool extends = tsn == cumulative_ + 1 || (it != ranges_.end() && tsn >= it->first - 1);
    return extends || ranges_.size() < kMaxGapRanges ? Verdict::kNew : Verdict::kRefused;
}

void RxTracker::accept(std::int64_t tsn) {
    if (tsn == cumulative_ + 1) {
        cumulative_ = tsn;
        absorb();
        return;
    }
    auto it = std::find_if(ranges_.begin(), ranges_.end(),
                           [tsn](const Range& r) { return tsn <= r.last + 1; });
    if (it == ranges_.end() || tsn < it->first - 1) {
        ranges_.insert(it, Range{tsn, tsn});
        return;
    }
    it->first = std::min(it->first, tsn);
    it->last = std::max(it->last, tsn);
    const auto following = it + 1;
    if (following != ranges_.end() && following->first == it->last + 1) {
        it->last = following->last;
        ranges_.erase(following);
    }
}

void RxTracker::note_duplicate(std::int64_t tsn) {
    if (duplicates_.size() < kMaxDuplicateReports)
        duplicates_.push_back(static_cast<std::uint32_t>(tsn));
    due_ = true;  // §6.2: a duplicate means that our SACK was probably lost
}

bool RxTracker::forward(std::int64_t tsn) {
    if (tsn <= cumulative_) return false;
    cumulative_ = tsn;
    absorb();
    return true;
}

// Drops the ranges that the cumulative TSN has reached.
void RxTracker::absorb() {
    auto it = ranges_.begin();
    for (; it != ranges_.end() && it->first <= cumulative_ + 1; ++it)
        cumulative_ = std::max(cumulative_, it->last);
    ranges_.erase(ranges_.begin(), it);
    if (ranges_.empty()) ranges_.shrink_to_fit();
}

void RxTracker::packet_done(Timestamp now, Duration delay, bool immediate) {
    if (immediate || has_gaps() || ++packets_ >= 2) {
        due_ = true;
    } else if (deadline_.is_never()) {
        deadline_ = now + delay;
    }
}

bool RxTracker::write(wire::sctp::PacketWriter& packet, std::uint32_t a_rwnd) {
    std::vector<wire::sctp::GapBlock> gaps;
    gaps.reserve(ranges_.size());
    for (const Range& r : ranges_)
        gaps.push_back({static_cast<std::uint16_t>(r.first - cumulative_),
                        static_cast<std::uint16_t>(r.last - cumulative_)});
    if (!wire::sctp::write_sack(packet, static_cast<std::uint32_t>(cumulative_), a_rwnd, gaps,
                                duplicates_))
        return false;
    duplicates_ = {};
    due_ = false;
    packets_ = 0;
    deadline_ = Timestamp::never();
    return true;
}

}  // namespace confab::sctp
