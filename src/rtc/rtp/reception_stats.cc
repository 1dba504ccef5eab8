// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/rtp/reception_stats.h"

#include <algorithm>
#include <cstdlib>

namespace confab::rtp {

void ReceptionStats::received(Timestamp now, std::int64_t sequence, std::int64_t timestamp,
                              std::size_t size) {
    const std::int64_t transit = now.us() * clock_rate_ / 1'000'000 - timestamp;
    if (!started_) {
        started_ = true;
        first_ = highest_ = sequence;
        last_transit_ = transit;
        last_jitter_timestamp_ = timestamp;
    }
    first_ = std::min(first_, sequence);
    ++packets_;
    bytes_ += size;
    if (sequence < highest_) return;  // late packets say nothing about jitter
    highest_ = sequence;
    // Packets of one frame share their time, and padding behind it too: only the first counts, or
    // the pace at which a frame is sent would pass for jitter.
    if (timestamp != last_jitter_timestamp_) {
        const std::int64_t difference = std::abs(transit - last_transit_);
        jitter_scaled_ += difference - ((jitter_scaled_ + 8) >> 4);
        last_jitter_timestamp_ = timestamp;
        last_transit_ = transit;
    }
}

std::int64_t ReceptionStats::timestamp_at(Timestamp now) const {
    return std::max(now.us() * clock_rate_ / 1'000'000 - last_transit_, last_jitter_timestamp_ + 1);
}

void ReceptionStats::received_sender_report(Timestamp now, NtpTime ntp) {
    last_sr_ = ntp.compact();
    last_sr_arrival_ = now;
}

ReceptionReport ReceptionStats::report(Timestamp now) {
    ReceptionReport report;
    if (!started_) return report;
    const std::uint64_t expected_interval = expected() - reported_expected_;
    const std::uint64_t received_interval = packets_ - reported_packets_;
    if (expected_interval > received_interval && expected_interval > 0) {
        const std::uint64_t lost = expected_interval - received_interval;
        report.fraction_lost = static_cast<std::uint8_t>(
            std::min<std::uint64_t>(255, (lost << 8) / expected_interval));
    }
    reported_expected_ = expected();
    reported_packets_ = packets_;

    const auto lost = static_cast<std::int64_t>(expected()) - static_cast<std::int64_t>(packets_);
    report.cumulative_lost =
        static_cast<std::int32_t>(std::clamp<std::int64_t>(lost, -0x800000, 0x7FFFFF));
    report.highest_sequence = static_cast<std::uint32_t>(highest_);
    report.jitter = static_cast<std::uint32_t>(jitter_scaled_ >> 4);
    report.last_sr = last_sr_;
    report.delay_since_sr = last_sr_ == 0 ? 0 : to_compact_ntp(now - last_sr_arrival_);
    return report;
}

ReceptionWindow ReceptionStats::window() {
    ReceptionWindow w;
    if (!started_) return w;
    w.expected = expected() - window_start_.expected;
    w.packets = packets_ - window_start_.packets;
    w.bytes = bytes_ - window_start_.bytes;
    w.lost = w.expected > w.packets ? w.expected - w.packets : 0;
    window_start_ = {expected(), 0, packets_, bytes_};
    return w;
}

}  // namespace confab::rtp
