// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/forward/sender_reports.h"

#include <algorithm>

#include "sfu/forward/stream_clock.h"

namespace confab::sfu {

std::optional<SenderReports::Times> SenderReports::next(const SourceReport& source,
                                                        std::int64_t offset,
                                                        std::uint32_t clock_rate, Timestamp now) {
    const Duration since = std::max(now - source.arrival, Duration::zero());
    const Times times{source.ntp + since, source.timestamp - offset + to_clock(since, clock_rate)};
    if (any_ && (times.ntp <= last_.ntp || times.timestamp <= last_.timestamp)) return std::nullopt;
    any_ = true;
    last_ = times;
    sent_[next_sent_] = {times.ntp.compact(), now};
    next_sent_ = (next_sent_ + 1) % sent_.size();
    return times;
}

std::optional<Duration> SenderReports::round_trip(const wire::ReportBlock& block,
                                                  Timestamp now) const {
    if (block.last_sr == 0) return std::nullopt;
    const auto sent = std::find_if(sent_.begin(), sent_.end(),
                                   [&](const Sent& one) { return one.ntp == block.last_sr; });
    if (sent == sent_.end()) return std::nullopt;
    const Duration rtt = now - sent->at - from_compact_ntp(block.delay_since_last_sr);
    if (rtt < Duration::zero()) return std::nullopt;
    return rtt;
}

}  // namespace confab::sfu
