// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The one path to the peer, which every timer of an association shares: its retransmission timeout
// (RFC 9260 §6.3) and how many timeouts in a row were not answered (§8.1; with one path the error
// count of the association is that of the path).
#pragma once

#include "base/state/state.h"
#include "rtc/sctp/send/rto.h"
#include "rtc/sctp/types.h"

namespace confab::sctp {

class Path {
  public:
    explicit Path(const Config& config)
        : rto_(config.rto_initial, config.rto_min, config.rto_max),
          max_errors_(config.max_retransmits),
          max_data_errors_(config.max_data_retransmits) {}

    void observe(Duration rtt) { rto_.observe(rtt); }
    void back_off() { rto_.back_off(); }
    // No further than to `most`.
    void back_off(Duration most) { rto_.back_off(most); }
    Duration rto() const { return rto_.rto(); }
    Duration srtt() const { return rto_.srtt(); }
    Duration least_round_trip() const { return rto_.least(); }
    // It may be another one from here on.
    void restored() { rto_.forget_least(); }

    // False when this one is more than Config::max_retransmits in a row: the peer is gone.
    bool count_timeout() { return ++errors_ <= max_errors_; }
    // Of T3-rtx, and Config::max_data_retransmits.
    bool count_data_timeout() { return ++errors_ <= max_data_errors_; }
    // The peer acknowledged something.
    void answered() { errors_ = 0; }
    // What was sent again was not answered either.
    bool failing() const { return errors_ > 0; }

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    RtoEstimator rto_;
    int max_errors_;
    int max_data_errors_;
    int errors_ = 0;
};

}  // namespace confab::sctp
