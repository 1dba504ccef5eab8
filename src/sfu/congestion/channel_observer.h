// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the feedback of a subscriber says of its link: the trend of its estimate, and how many
// packets it asks for again and again (02 BWE-21).
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"
#include "sfu/congestion/trend_detector.h"

namespace confab::sfu {

struct NackOptions {
    Duration window_min = Duration::seconds(2);
    Duration window_max = Duration::seconds(3);
    double ratio = 0.08;
};

// Packets sent again a second time or more, per packet sent. The window opens with the first, so
// that losses are weighed against what was sent since they began. It is judged once at least,
// however rare the reports: one that comes behind its end still counts, and the next opens another.
class NackRatio {
  public:
    explicit NackRatio(NackOptions options) : options_(options) {}

    void add(std::uint64_t packets, std::uint64_t repeated, Timestamp now) {
        if (judged_ && now - since_ > options_.window_max) {
            since_ = Timestamp::never();
            packets_ = repeated_ = 0;
            judged_ = false;
        }
        if (!open() && repeated > 0) since_ = now;
        if (!open()) return;
        packets_ += packets;
        repeated_ += repeated;
        judged_ = now - since_ > options_.window_min;
    }
    double ratio() const {
        // Nothing new is sent (a freeze before a lower layer), old packets are still being lost.
        if (packets_ == 0) return repeated_ > 0 ? 1 : 0;
        return std::min(1.0, static_cast<double>(repeated_) / static_cast<double>(packets_));
    }
    bool triggered(Timestamp now) const {
        return open() && now - since_ > options_.window_min && ratio() > options_.ratio;
    }
    // It would trigger, were the window long enough.
    bool suspicious() const { return open() && !judged_ && ratio() > options_.ratio; }

  private:
    bool open() const { return !since_.is_never(); }

    NackOptions options_;
    Timestamp since_ = Timestamp::never();
    bool judged_ = false;  // the window has been long enough for once
    std::uint64_t packets_ = 0;
    std::uint64_t repeated_ = 0;
};

enum class CongestionReason : std::uint8_t { kNone, kEstimate, kLoss };

struct ObserverOptions {
    TrendOptions trend;
    NackOptions nack;

    static ObserverOptions normal() { return {}; }
    // Quick and touchy: a probe is short, and its failure costs little.
    static ObserverOptions probe() {
        ObserverOptions out;
        out.trend.required = out.trend.required_min = 3;
        out.trend.downward_below = 0.0;
        out.trend.collapse = Duration::zero();
        out.nack = {Duration::millis(500), Duration::seconds(1), 0.04};
        return out;
    }
};

class ChannelObserver {
  public:
    explicit ChannelObserver(ObserverOptions options)
        : estimate_(options.trend), nacks_(options.nack) {}

    void add(std::uint64_t bits_per_second, std::uint64_t packets, std::uint64_t repeated_nacks,
             Timestamp now) {
        estimate_.add(bits_per_second, now);
        nacks_.add(packets, repeated_nacks, now);
    }
    // Why the link counts as congested; kNone when it does not.
    CongestionReason congesting(Timestamp now) const {
        if (estimate_.trend() == Trend::kDownward) return CongestionReason::kEstimate;
        return nacks_.triggered(now) ? CongestionReason::kLoss : CongestionReason::kNone;
    }
    // Losses that are not heard of for long enough yet.
    bool suspicious() const { return nacks_.suspicious(); }
    double nack_ratio() const { return nacks_.ratio(); }
    const TrendDetector& estimate() const { return estimate_; }

  private:
    TrendDetector estimate_;
    NackRatio nacks_;
};

}  // namespace confab::sfu
