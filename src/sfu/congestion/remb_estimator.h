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

namespace confab::sfu {

// One REMB with what happened since the one before.
struct DownlinkReport {
    std::uint64_t bits_per_second = 0;
    std::uint64_t expected_usage = 0;  // bits per second of all video layers sent
    std::uint64_t packets = 0;         // sent on video tracks, without resends
    std::uint64_t repeated_nacks = 0;  // numbers asked for a second or later time
};

enum class ProbeVerdict : std::uint8_t { kSuccess, kCongested, kInconclusive };
struct ProbeResult {
    ProbeVerdict verdict = ProbeVerdict::kInconclusive;
    std::uint64_t highest = 0;  // estimate seen
};

class RembEstimator {
  public:
    static constexpr double kCommitBelow = 0.95;  // of the expected usage
    static constexpr double kLossDamping = 0.4;
    static constexpr Duration kSettleMin = Duration::millis(250);
    static constexpr Duration kSettleMax = Duration::seconds(5);
    static constexpr int kSettleRtts = 5;
    // Reports as old as this carry no trend; a receiver that fell silent does not block probes.
    static constexpr Duration kSilence = Duration::seconds(10);
    static constexpr Duration kLock = Duration::millis(500);

    enum class Change : std::uint8_t { kNone, kCommitted, kCleared };

    void reset();
    // Is this REMB the one we follow? Locks on one SSRC of its list, so that a receiver with one
    // estimate per stream is not heard in several voices, and moves on when that SSRC is no longer
    // named (BWE-20). A REMB that names none speaks for all.
    bool accepts(std::span<const std::uint32_t> ssrcs, Timestamp now);
    std::uint32_t tracked_ssrc() const { return tracked_ssrc_; }

    Change handle_report(const DownlinkReport& report, Timestamp now);
    Change handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return congested_ ? last_report_ + kSilence : never(); }

    bool congested() const { return congested_; }
    CongestionReason reason() const { return reason_; }
    std::uint64_t capacity() const { return capacity_; }  // committed
    std::uint64_t estimate() const { return last_.bits_per_second; }

    // ------------------------------------------------------------ probes (BWE-23)
    void begin_probe(std::uint64_t goal, Timestamp now);
    void abort_probe();
    bool probing() const { return probe_.has_value(); }
    bool probe_congested() const { return probe_ && probe_->congested; }
    // Enough reports, and one of them above the goal: the rest of the probe can be spared.
    bool goal_reached() const;
    // The last packet of the probe is out: the verdict is due after a few round trips.
    void probe_is_out(Timestamp now, Duration rtt);
    bool settling() const { return probe_ && !probe_->due.is_never(); }
    Timestamp probe_deadline() const { return probe_ ? probe_->due : never(); }
    // The verdict once it is due; ends the probe.
    std::optional<ProbeResult> poll_probe_result(Timestamp now);

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
