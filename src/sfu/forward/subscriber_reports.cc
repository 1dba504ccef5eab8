// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/forward/subscriber_reports.h"

namespace confab::sfu {

void SubscriberReports::note(const wire::ReportBlock& block, DownTrackStats& stats, Timestamp now) {
    any_ = window_reported_ = true;
    reported_packets_ = stats.packets;
    reported_at_ = now;
    stats.fraction_lost = block.fraction_lost;
    stats.jitter = block.jitter;
    // Duplicates can make the sum fall; it counts as it stands then.
    stats.reported_lost =
        static_cast<std::uint32_t>(std::max<std::int32_t>(block.cumulative_lost, 0));
}

void SubscriberReports::note_repairs(const wire::ReportBlock& block, DownTrackStats& stats) {
    stats.repairs_lost =
        static_cast<std::uint32_t>(std::max<std::int32_t>(block.cumulative_lost, 0));
}

namespace {
// Packets made good between the two. A copy that is lost is reported as that, asked for again, or
// both; what is reported is of probes, too.
std::uint64_t repaired(const DownTrackStats& from, const DownTrackStats& to) {
    const std::uint64_t sent = to.repairs - from.repairs;
    const std::uint64_t numbers = sent + to.probe_copies - from.probe_copies;
    std::uint64_t lost = 0;
    if (to.repairs_lost > from.repairs_lost) lost = to.repairs_lost - from.repairs_lost;
    if (numbers > 0) lost = std::min(lost, numbers) * sent / numbers;
    const std::uint64_t in_vain = std::max(lost, to.nack_repeats - from.nack_repeats);
    return sent > in_vain ? sent - in_vain : 0;
}

std::uint64_t unsent_numbers(const DownTrackStats& stats, std::int64_t last_sequence) {
    if (stats.packets == 0) return 0;
    const std::int64_t numbers = std::max<std::int64_t>(last_sequence - stats.before_first, 0);
    const auto used = static_cast<std::uint64_t>(numbers);
    return used > stats.packets ? used - stats.packets : 0;
}
}  // namespace

DownTrackWindow SubscriberReports::window(const DownTrackStats& stats, std::int64_t last_sequence,
                                          std::uint32_t clock_rate) {
    const DownTrackStats& from = window_start_;
    DownTrackWindow out;
    out.packets = stats.packets - from.packets;
    out.reported = reported_packets_ - std::exchange(judged_packets_, reported_packets_);
    if (judged_at_ != Timestamp()) out.span = reported_at_ - judged_at_;
    judged_at_ = reported_at_;
    out.octets = stats.octets - from.octets;
    out.nacked = stats.nacked - from.nacked;
    out.out_of_order = stats.out_of_order - from.out_of_order;
    std::uint64_t lost = 0;
    if (stats.reported_lost > from.reported_lost) lost = stats.reported_lost - from.reported_lost;
    // Reports come when they come, those of sound 5 s apart: what could not be sent excuses as many
    // losses as are reported of it, in this window or a later one.
    const std::uint64_t unsent = unsent_numbers(stats, last_sequence);
    unsent_before_ = std::min(unsent_before_, unsent);
    const std::uint64_t excused = std::min(lost, unsent - unsent_before_);
    unsent_before_ += excused;
    lost -= excused;
    // A copy may go before the report of its loss comes: it counts in the next window, too.
    const std::uint64_t fresh = repaired(from, stats);
    const std::uint64_t made_good = std::min(lost, spare_repairs_ + fresh);
    spare_repairs_ = std::min(spare_repairs_ + fresh - made_good, fresh);
    lost -= made_good;
    out.lost = lost > out.out_of_order ? lost - out.out_of_order : 0;
    if (std::exchange(window_reported_, false)) out.jitter = jitter_time(stats.jitter, clock_rate);
    out.rtt = std::exchange(window_rtt_, std::nullopt);
    window_start_ = stats;
    return out;
}

}  // namespace confab::sfu
