// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/forward/stream_clock.h"

#include <algorithm>

namespace confab::sfu {

void StreamClock::start(Position first, std::int64_t offset, Timestamp now) {
    reference_stream_ = first.stream;
    reference_offset_ = -offset;
    first_timestamp_ = first.timestamp - offset;
    first_time_ = now;
    after_publisher_mute_ = foreign_source_ = false;
}

void StreamClock::start_own(std::int64_t timestamp, Timestamp now) {
    first_timestamp_ = timestamp;
    first_time_ = now;
    foreign_source_ = true;
}

void StreamClock::switch_source() {
    reference_stream_ = 0;
    foreign_source_ = true;
}

std::optional<std::int64_t> StreamClock::next(const SourceState& source, Position packet,
                                              std::int64_t last, bool resuming, Timestamp now) {
    const std::optional<std::int64_t> time = place(source, packet, last, resuming, now);
    if (time) after_publisher_mute_ = foreign_source_ = false;
    return time;
}

std::optional<std::int64_t> StreamClock::place(const SourceState& source, Position packet,
                                               std::int64_t last, bool resuming, Timestamp now) {
    const std::int64_t least = last + 1;
    if (foreign_source_) {
        // No common clock with what was sent before (02 DYN-05).
        const std::int64_t next = std::max(expected(now, source.clock_rate), least);
        reference_stream_ = packet.stream;
        reference_offset_ = next - packet.timestamp;
        return next;
    }
    const std::optional<std::int64_t> reference = reference_time(source, packet, last);
    if (!reference) return std::nullopt;
    if (resuming) return std::max(resume_time(*reference, source.clock_rate, now), least);
    // The publisher trickles this layer out too late: wait for its next key frame.
    if (*reference - last < -to_clock(kSwitchBehind, source.clock_rate)) return std::nullopt;
    return std::max(*reference, least);
}

// The packet's time on the clock of the outgoing stream; nullopt while reports are missing.
std::optional<std::int64_t> StreamClock::reference_time(const SourceState& source, Position packet,
                                                        std::int64_t last) const {
    const std::int64_t own = packet.timestamp + reference_offset_;
    if (packet.stream == reference_stream_) return own;
    if (source.mode == LayerMode::kOneSpatialLayerPerStreamIncompleteRtcpSr) return last;
    const std::optional<SourceReport>& reference = source.reports[reference_stream_];
    const std::optional<SourceReport>& target = source.reports[packet.stream];
    if (!reference || !target) return std::nullopt;
    return own + reference->timestamp -
           (target->timestamp + to_clock(reference->ntp - target->ntp, source.clock_rate));
}

std::int64_t StreamClock::resume_time(std::int64_t reference, std::uint32_t clock_rate,
                                      Timestamp now) {
    const std::int64_t by_clock = expected(now, clock_rate);
    const std::int64_t behind = by_clock - reference;
    const Duration limit = after_publisher_mute_ ? kResumeBehind : kResumeBehindHigh;
    if (behind <= to_clock(limit, clock_rate)) return reference;
    // The source's clock stood still; later switches must count from the new place.
    reference_offset_ += behind;
    return by_clock;
}

}  // namespace confab::sfu
