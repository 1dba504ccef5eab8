// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The downlink of a subscriber by our own estimate from its transport-wide feedback (02 §5.3); by
// its REMBs as long as there is none, or none any more: a client that has nothing else.
#pragma once

#include <cstdint>
#include <span>

#include "base/time.h"
#include "sfu/congestion/bandwidth.h"
#include "sfu/congestion/send_side/send_side_estimator.h"

namespace confab::sfu {

class SendSideBandwidth final : public RembBandwidth {
  public:
    // Of the target, as libwebrtc's pacer: what waits is gone soon, and a frame is no burst.
    static constexpr double kPacingFactor = 2.5;
    static constexpr std::uint64_t kMinPacing = 300'000;  // bits per second

    explicit SendSideBandwidth(const BandwidthOptions& options = {}) : RembBandwidth(options) {}

    void packets_sent(std::span<const SentPacket> packets) override;
    void handle_transport_feedback(std::span<const PacketResult> packets, Timestamp now) override;
    void handle_remb(std::uint64_t bits_per_second, Timestamp now,
                     std::span<const std::uint32_t> ssrcs = {}) override;
    void update_rtt(Duration rtt, Timestamp now) override;
    std::uint64_t target_bitrate() const override;
    std::uint64_t pacing_rate() const override;
    std::uint64_t probe_rate() const override;
    void save(StateWriter& out) const override;
    void load(StateReader& in) override;

    const SendSideEstimator& send_side() const { return send_side_; }

  protected:
    LinkEstimator& estimator() override;
    const LinkEstimator& estimator() const override;
    bool take_news(DownlinkReport& report) override;
    void handle_usage(std::uint64_t video, bool changed, Timestamp now) override;

  private:
    std::uint64_t with_others(std::uint64_t video) const;

    SendSideEstimator send_side_;
    bool heard_ = false;  // there was such feedback
    Timestamp heard_at_;
};

}  // namespace confab::sfu
