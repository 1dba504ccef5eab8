// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What SharedLink asks of an estimate of a subscriber's link, however it is made: does the link
// congest and what does it take then, and what did a probe show (02 §5.1).
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "sfu/congestion/capacity.h"

namespace confab::sfu {

// What happened since the report before, for one that was heard.
struct DownlinkReport {
    std::uint64_t bits_per_second = 0;  // of the REMB
    std::uint64_t expected_usage = 0;   // bits per second of all video layers sent
    std::uint64_t packets = 0;          // sent on video tracks, without resends
    std::uint64_t repeated_nacks = 0;   // copies of what had been sent again before
};

enum class ProbeVerdict : std::uint8_t {
    kSuccess,
    kLimitFound,  // more than was known, and less than was asked for
    kCongested,
    kInconclusive,
};
struct ProbeResult {
    ProbeVerdict verdict = ProbeVerdict::kInconclusive;
    std::uint64_t highest = 0;  // estimate seen, of video in bits per second
};

class LinkEstimator {
  public:
    static constexpr Duration kSettleMin = Duration::millis(250);
    static constexpr Duration kSettleMax = Duration::seconds(5);
    static constexpr int kSettleRtts = 5;
    // What was heard so long ago says nothing any more; a receiver that fell silent does not block
    // probes.
    static constexpr Duration kSilence = Duration::seconds(10);

    enum class Change : std::uint8_t { kNone, kCommitted, kCleared };

    virtual ~LinkEstimator() = default;

    // The link is not the limit, or nothing is known of it any more.
    virtual void reset() = 0;
    // Just made, for a link of which this was found before (see capacity()).
    virtual void resume(std::uint64_t capacity) = 0;
    virtual Change handle_report(const DownlinkReport& report, Timestamp now) = 0;
    virtual Change handle_timeout(Timestamp now) = 0;
    virtual Timestamp next_deadline() const = 0;
    virtual bool congested() const = 0;
    // Before this a probe would drown what begins to speak against the link.
    virtual Timestamp no_probe_before() const { return {}; }
    virtual std::uint64_t capacity() const = 0;  // committed, bits per second of video
    // More than this at once, media and probe, would tell it nothing more: bits per second.
    virtual std::uint64_t most_to_probe() const { return kUnlimitedCapacity; }

    // ------------------------------------------------------------ probes (BWE-23)
    virtual void begin_probe(std::uint64_t goal, Timestamp now) = 0;
    virtual void abort_probe() = 0;
    virtual bool probing() const = 0;
    virtual bool probe_congested() const = 0;
    // It has shown enough: the rest of the probe can be spared.
    virtual bool goal_reached() const = 0;
    // The last packet of the probe is out: the verdict is due after a few round trips.
    virtual void probe_is_out(Timestamp now, Duration rtt) = 0;
    virtual Timestamp probe_deadline() const = 0;
    // The verdict once it is due; ends the probe.
    virtual std::optional<ProbeResult> poll_probe_result(Timestamp now) = 0;
};

}  // namespace confab::sfu
