// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The capacity of a subscriber's link as its REMBs tell it (02 §5.2; REMB:
// draft-alvestrand-rmcat-remb-03). NONE until the link congests; CONGESTED with a committed
// capacity until the feedback no longer falls; a probe has an observer and a verdict of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/time.h"
#include "sfu/congestion/capacity.h"
#include "sfu/congestion/channel_observer.h"
#include "sfu/congestion/link_estimator.h"

namespace confab::sfu {

class RembEstimator final : public LinkEstimator {
  public:
    static constexpr double kCommitBelow = 0.95;  // of the expected usage
    static constexpr double kLossDamping = 0.4;
    // Losses were heard of: the next report, of a client that gives one a second, tells more.
    static constexpr Duration kDoubt = Duration::millis(1500);
    static constexpr Duration kLock = Duration::millis(500);

    void reset() override;
    void resume(std::uint64_t capacity) override { capacity_ = capacity; }
    // Is this REMB the one we follow? Locks on one SSRC of its list, so that a receiver with one
    // estimate per stream is not heard in several voices, and moves on when that SSRC is no longer
    // named (BWE-20). A REMB that names none speaks for all.
    bool accepts(std::span<const std::uint32_t> ssrcs, Timestamp now);
    std::uint32_t tracked_ssrc() const { return tracked_ssrc_; }

    Change handle_report(const DownlinkReport& report, Timestamp now) override;
    Change handle_timeout(Timestamp now) override;
    Timestamp next_deadline() const override {
        return congested_ ? last_report_ + kSilence : never();
    }

    bool congested() const override { return congested_; }
    Timestamp no_probe_before() const override {
        return observer_.suspicious() ? last_report_ + kDoubt : Timestamp{};
    }
    CongestionReason reason() const { return reason_; }
    std::uint64_t capacity() const override { return capacity_; }
    // libwebrtc's estimate grows by 8 % a second, no further than to 1.5 times what comes.
    std::uint64_t most_to_probe() const override {
        return last_.bits_per_second > 0 ? last_.bits_per_second * 3 / 2 : kUnlimitedCapacity;
    }
    std::uint64_t estimate() const { return last_.bits_per_second; }

    // ------------------------------------------------------------ probes (BWE-23)
    void begin_probe(std::uint64_t goal, Timestamp now) override;
    void abort_probe() override;
    bool probing() const override { return probe_.has_value(); }
    bool probe_congested() const override { return probe_ && probe_->congested; }
    // Enough reports, and one of them above the goal.
    bool goal_reached() const override;
    void probe_is_out(Timestamp now, Duration rtt) override;
    bool settling() const { return probe_ && !probe_->due.is_never(); }
    Timestamp probe_deadline() const override { return probe_ ? probe_->due : never(); }
    std::optional<ProbeResult> poll_probe_result(Timestamp now) override;

  private:
    struct Probe {
        explicit Probe(std::uint64_t wanted) : goal(wanted), observer(ObserverOptions::probe()) {}
        std::uint64_t goal = 0;
        ChannelObserver observer;
        bool congested = false;
        Duration settle;
        Timestamp due = Timestamp::never();
        bool extended = false;
    };
    static constexpr Timestamp never() { return Timestamp::never(); }
    bool commit(CongestionReason reason, Timestamp now);
    void watch_afresh() { observer_ = ChannelObserver(ObserverOptions::normal()); }

    ChannelObserver observer_{ObserverOptions::normal()};
    std::optional<Probe> probe_;
    DownlinkReport last_;
    Timestamp last_report_ = Timestamp::never();
    std::uint64_t capacity_ = kUnlimitedCapacity;
    std::uint32_t tracked_ssrc_ = 0;
    Timestamp tracked_until_;
    Timestamp next_loss_commit_;
    bool congested_ = false;
    CongestionReason reason_ = CongestionReason::kNone;
};

}  // namespace confab::sfu
