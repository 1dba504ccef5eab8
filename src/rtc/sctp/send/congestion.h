// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Congestion window: slow start, congestion avoidance with byte counting, fast recovery
// (RFC 9260 §7.2). TSNs are on the unwrapped 64-bit line.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/state/state.h"
#include "rtc/sctp/types.h"

namespace confab::sctp {

class CongestionWindow {
  public:
    explicit CongestionWindow(const Config& config);

    struct Ack {
        std::size_t flight_before = 0;  // bytes in flight before this SACK
        std::size_t newly_acked = 0;
        std::int64_t cumulative = 0;
        bool advanced = false;  // the cumulative TSN moved
        bool all_acked = false;
    };
    void on_ack(const Ack& ack);
    // Chunks were reported missing often enough; halves once per window of data.
    // True when this starts fast recovery.
    bool on_fast_loss(std::int64_t highest_sent);
    void on_timeout();

    std::size_t window() const { return cwnd_; }
    std::size_t slow_start_threshold() const { return ssthresh_; }
    bool in_fast_recovery() const { return recovering_; }

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    std::size_t mtu_;
    std::size_t min_cwnd_;
    std::size_t step_;
    std::size_t cwnd_;
    std::size_t ssthresh_;
    std::size_t partial_acked_ = 0;
    std::int64_t recovery_exit_ = 0;
    bool recovering_ = false;
};

}  // namespace confab::sctp
