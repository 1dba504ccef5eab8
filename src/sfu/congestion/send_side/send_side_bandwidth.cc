// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/congestion/send_side/send_side_bandwidth.h"

#include <algorithm>
#include <memory>

namespace confab::sfu {

std::unique_ptr<BandwidthPort> make_bandwidth(const BandwidthOptions& options) {
    if (options.send_side) return std::make_unique<SendSideBandwidth>(options);
    return std::make_unique<RembBandwidth>(options);
}

void SendSideBandwidth::packets_sent(std::span<const SentPacket> packets) {
    send_side_.packets_sent(packets);
}

void SendSideBandwidth::handle_transport_feedback(std::span<const PacketResult> packets,
                                                  Timestamp now) {
    if (!heard_) {
        RembBandwidth::estimator().reset();
        set_plan(ProbePlan::measured());
        heard_ = true;
    }
    heard_at_ = now;
    send_side_.handle_feedback(packets, now);
}

// Never in two voices: who gives feedback on packets and sends REMBs as well is not heard with
// these.
void SendSideBandwidth::handle_remb(std::uint64_t bits_per_second, Timestamp now,
                                    std::span<const std::uint32_t> ssrcs) {
    if (heard_ && now - heard_at_ > LinkEstimator::kSilence) {
        send_side_.reset();
        set_plan(ProbePlan::reported());
        heard_ = false;
    }
    if (!heard_) RembBandwidth::handle_remb(bits_per_second, now, ssrcs);
}

void SendSideBandwidth::update_rtt(Duration rtt, Timestamp now) {
    RembBandwidth::update_rtt(rtt, now);
    send_side_.update_rtt(this->rtt());
}

LinkEstimator& SendSideBandwidth::estimator() {
    if (heard_) return send_side_;
    return RembBandwidth::estimator();
}

const LinkEstimator& SendSideBandwidth::estimator() const {
    if (heard_) return send_side_;
    return RembBandwidth::estimator();
}

bool SendSideBandwidth::take_news(DownlinkReport& report) {
    if (!heard_) return RembBandwidth::take_news(report);
    const bool news = send_side_.has_news();
    send_side_.take_news();
    return news;
}

void SendSideBandwidth::handle_usage(std::uint64_t video, bool changed, Timestamp now) {
    send_side_.handle_usage(video, changed, now);
}

// ------------------------------------------------------------------ the link as it is thought to
// be

std::uint64_t SendSideBandwidth::with_others(std::uint64_t video) const {
    if (video >= kUnlimited) return kUnlimited;
    return static_cast<std::uint64_t>(send_side_.with_others(static_cast<double>(video)));
}

std::uint64_t SendSideBandwidth::target_bitrate() const {
    return with_others(capacity());
}

std::uint64_t SendSideBandwidth::probe_rate() const {
    return probe_goal() > 0 ? with_others(probe_goal()) : 0;
}

std::uint64_t SendSideBandwidth::pacing_rate() const {
    const std::uint64_t target = target_bitrate();
    if (target >= kUnlimited) return kUnlimited;
    const auto paced = static_cast<std::uint64_t>(kPacingFactor * static_cast<double>(target));
    return std::max({paced, kMinPacing, probe_rate()});
}

}  // namespace confab::sfu
