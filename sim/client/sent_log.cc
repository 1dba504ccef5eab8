// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/client/sent_log.h"

namespace confab::sim {

std::uint64_t SentLog::holes() const {
    if (!first_) return 0;
    return static_cast<std::uint64_t>(sequence_.highest() - *first_ + 1) - packets_;
}

void SentLog::check_time(Timestamp now, std::int64_t sequence, std::int64_t time, Report& report) {
    const auto behind = entries_.upper_bound(sequence);
    if (behind != entries_.end() && behind->second.time < time)
        report.violation(now, name_ + ": timestamp of number " + std::to_string(sequence) +
                                  " is ahead of number " + std::to_string(behind->first) + " by " +
                                  std::to_string(time - behind->second.time));
    const auto at = entries_.find(sequence);
    if (at == entries_.begin()) return;
    const auto before = std::prev(at);
    if (before->second.time > time)
        report.violation(now, name_ + ": timestamp of number " + std::to_string(sequence) +
                                  " is behind number " + std::to_string(before->first) + " by " +
                                  std::to_string(before->second.time - time));
}

void SentLog::sent(Timestamp now, std::uint16_t wire_sequence, std::uint32_t timestamp,
                   Report& report) {
    const std::int64_t highest = sequence_.highest();
    const bool is_first = !sequence_.started();
    const std::int64_t sequence = sequence_.unwrap(wire_sequence);
    const std::int64_t time = time_.unwrap(timestamp);
    ++packets_;
    if (is_first) first_ = sequence;
    if (sequence < *first_) report.violation(now, name_ + ": number before the first one");
    if (!is_first && sequence < highest) {
        ++late_;
        if (repair_) report.violation(now, name_ + ": repair numbers out of order");
        if (highest - sequence >= kWindow) report.violation(now, name_ + ": number far too late");
    }
    if (!entries_.emplace(sequence, Entry{time, now}).second) {
        report.violation(now, name_ + ": number " + std::to_string(sequence) + " sent twice");
        return;
    }
    if (!repair_) check_time(now, sequence, time, report);
    while (entries_.begin()->first < sequence_.highest() - kWindow)
        entries_.erase(entries_.begin());
}

}  // namespace confab::sim
