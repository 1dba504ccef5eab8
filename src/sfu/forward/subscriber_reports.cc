// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/forward/subscriber_reports.h"

namespace confab::sfu {

void SubscriberReports::note(const wire::ReportBlock& block, DownTrackStats& stats) {
    any_ = window_reported_ = true;
    stats.fraction_lost = block.fraction_lost;
    stats.jitter = block.jitter;
    // Duplicates can make the sum fall; it counts as it stands then.
    stats.reported_lost =
        static_cast<std::uint32_t>(std::max<std::int32_t>(block.cumulative_lost, 0));
}

DownTrackWindow SubscriberReports::window(const DownTrackStats& stats, std::uint32_t clock_rate) {
    const DownTrackStats& from = window_start_;
    DownTrackWindow out;
    out.packets = stats.packets - from.packets;
    out.octets = stats.octets - from.octets;
    out.nacked = stats.nacked - from.nacked;
    if (stats.reported_lost > from.reported_lost)
        out.lost = stats.reported_lost - from.reported_lost;
    out.out_of_order = stats.out_of_order - from.out_of_order;
    if (std::exchange(window_reported_, false)) out.jitter = jitter_time(stats.jitter, clock_rate);
    out.rtt = std::exchange(window_rtt_, std::nullopt);
    window_start_ = stats;
    return out;
}

}  // namespace confab::sfu
