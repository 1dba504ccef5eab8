// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/bwe/probe_bitrate.h"

#include <algorithm>

namespace confab::bwe {

void ProbeBitrate::handle_sent(Timestamp at, std::uint32_t bytes) {
    if (!began_.is_never() && covers(at)) sent_bytes_ += bytes;
}

void ProbeBitrate::handle_feedback(const PacketFeedback& packet) {
    if (began_.is_never() || !covers(packet.sent)) return;
    if (!packet.received) {
        lost_bytes_ += packet.bytes;
        return;
    }
    if (packet.late) lost_bytes_ -= std::min<std::uint64_t>(lost_bytes_, packet.bytes);
    if (packets_ == 0 || packet.sent < first_sent_) first_sent_ = packet.sent;
    if (packets_ == 0 || packet.sent > last_sent_) {
        last_sent_ = packet.sent;
        last_burst_ = 0;
    }
    if (packet.sent == last_sent_) last_burst_ += packet.bytes;
    if (packets_ == 0 || packet.arrival < first_arrival_) {
        first_arrival_ = packet.arrival;
        first_bytes_ = packet.bytes;
    }
    last_arrival_ = packets_ == 0 ? packet.arrival : std::max(last_arrival_, packet.arrival);
    bytes_ += packet.bytes;
    ++packets_;
}

std::optional<ProbeBitrate::Result> ProbeBitrate::result() const {
    if (packets_ < kMinPackets) return std::nullopt;
    if (static_cast<double>(bytes_) < kMinReceived * static_cast<double>(sent_bytes_))
        return std::nullopt;
    const double sent_time = (last_sent_ - first_sent_).to_seconds();
    const double arrival_time = (last_arrival_ - first_arrival_).to_seconds();
    const double longest = kMaxLength.to_seconds();
    if (sent_time <= 0 || sent_time > longest || arrival_time <= 0 || arrival_time > 2 * longest)
        return std::nullopt;
    // The last to leave had no time to leave in, the first to arrive none to arrive in.
    const double sent = static_cast<double>(bytes_ - last_burst_) * 8 / sent_time;
    const double arrived = static_cast<double>(bytes_ - first_bytes_) * 8 / arrival_time;
    if (sent <= 0 || arrived > kMaxRatio * sent) return std::nullopt;
    if (arrived < kUnsaturated * sent) return Result{kOfSaturated * arrived, true};
    return Result{std::min(sent, arrived), false};
}

double ProbeBitrate::loss() const {
    const std::uint64_t known = bytes_ + lost_bytes_;
    return known == 0 ? 0 : static_cast<double>(lost_bytes_) / static_cast<double>(known);
}

bool ProbeBitrate::lost_much() const {
    return static_cast<double>(lost_bytes_) > (1 - kMinReceived) * static_cast<double>(sent_bytes_);
}

}  // namespace confab::bwe
