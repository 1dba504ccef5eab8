// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Smoothed round-trip time and retransmission timeout (RFC 9260 §6.3.1 to §6.3.3).
#pragma once

#include "base/state/state.h"
#include "base/time.h"

namespace confab::sctp {

class RtoEstimator {
  public:
    RtoEstimator(Duration initial, Duration min, Duration max)
        : min_(min), max_(max), rto_(initial) {}

    // A sample of a chunk that was sent once (Karn's rule is the caller's).
    void observe(Duration rtt);
    // Rule E2: doubles, up to the maximum.
    void back_off() { back_off(max_); }
    // No further than to `most`, or to what it is already.
    void back_off(Duration most);

    Duration rto() const { return rto_; }
    Duration srtt() const { return srtt_; }  // zero before the first sample
    // The shortest one, without what waits in the queues of a network that is full; the same.
    Duration least() const { return least_; }
    // The next ones are of another path.
    void forget_least() { least_ = Duration::zero(); }

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    Duration min_;
    Duration max_;
    Duration rto_;
    Duration srtt_;
    Duration rttvar_;
    Duration least_;
    bool has_sample_ = false;
};

}  // namespace confab::sctp
