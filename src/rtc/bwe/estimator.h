// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Google's congestion control at the sender: what feedback says of delay, losses and probes, put
// together. It estimates one way to one receiver and knows nothing of what is sent over it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/time.h"
#include "rtc/bwe/acknowledged_bitrate.h"
#include "rtc/bwe/aimd_rate_control.h"
#include "rtc/bwe/alr_detector.h"
#include "rtc/bwe/delay_trend.h"
#include "rtc/bwe/inter_arrival.h"
#include "rtc/bwe/loss_based.h"
#include "rtc/bwe/overuse_detector.h"
#include "rtc/bwe/packet_feedback.h"
#include "rtc/bwe/probe_bitrate.h"
#include "rtc/bwe/standing_delay.h"

namespace confab::bwe {

class Estimator {
  public:
    void handle_sent(Timestamp at, std::uint32_t bytes);
    // Packets in order of their numbers, each told as received once at most.
    void handle_feedback(std::span<const PacketFeedback> packets, Timestamp now);
    void update_rtt(Duration rtt) { aimd_.set_rtt(rtt); }

    // ------------------------------------------------------------ probes, one at a time
    void begin_probe(Timestamp now) { probe_.begin(now); }
    void end_probe(Timestamp now) { probe_.end(now); }
    std::optional<ProbeBitrate::Result> probe_result() const { return probe_.result(); }
    bool probe_lost_much() const { return probe_.lost_much(); }
    double probe_loss() const { return probe_.loss(); }
    // A rate that was shown: the estimate goes on from there.
    void set_rate(double bits_per_second, Timestamp now);
    // Losses so far were of a rate that is sent no more.
    void forget_losses() { loss_.forget(); }

    // ------------------------------------------------------------ views
    // Bits per second; none while nothing speaks against any rate.
    std::optional<double> rate() const;
    LinkUse use() const { return detector_.state(); }
    // When the detector saw an overuse last; never() without one.
    Timestamp last_overuse() const { return overused_; }
    std::optional<double> acknowledged() const { return acknowledged_.bits_per_second(); }
    std::optional<double> loss_limit() const { return loss_.limit(); }
    const LossBased& losses() const { return loss_; }
    Duration standing_delay() const { return standing_.value(); }
    bool application_limited() const { return alr_.limited(); }
    const AimdRateControl& delay_based() const { return aimd_; }

  private:
    void handle_arrival(const PacketFeedback& packet, Timestamp now);

    InterArrival groups_;
    DelayTrend trend_;
    OveruseDetector detector_;
    AimdRateControl aimd_;
    AcknowledgedBitrate acknowledged_;
    LossBased loss_;
    ProbeBitrate probe_;
    AlrDetector alr_;
    StandingDelay standing_;
    Timestamp overused_ = Timestamp::never();
    bool overused_now_ = false;  // in the feedback at hand
    bool was_limited_ = false;
};

}  // namespace confab::bwe
