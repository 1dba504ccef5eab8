// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Congestion control of one path (RFC 9260 §7.2.1 to §7.2.4).
#include "rtc/sctp/send/congestion.h"

#include <algorithm>

namespace confab::sctp {
namespace {

constexpr std::size_t kInitialWindow = 4404;  // RFC 9260 §7.2.1

}  // namespace

CongestionWindow::CongestionWindow(const Config& config)
    : mtu_(config.mtu),
      min_cwnd_(std::max(config.min_cwnd, config.mtu)),
      step_(config.cwnd_ca_step != 0 ? config.cwnd_ca_step : config.mtu),
      cwnd_(std::max(std::min(4 * mtu_, std::max(2 * mtu_, kInitialWindow)), min_cwnd_)),
      ssthresh_(config.a_rwnd) {}

void CongestionWindow::on_ack(const Ack& ack) {
    if (recovering_ && ack.cumulative >= recovery_exit_) recovering_ = false;
    const bool utilized = ack.flight_before + mtu_ > cwnd_;
    if (ack.advanced && !recovering_) {
        if (cwnd_ <= ssthresh_) {
            // §7.2.1: by what was acknowledged, at most one packet per SACK.
            if (utilized) cwnd_ += std::min(ack.newly_acked, mtu_);
        } else {
            // §7.2.2: about one step per round trip.
            partial_acked_ += ack.newly_acked;
            if (partial_acked_ >= cwnd_) {
                partial_acked_ -= cwnd_;
                if (utilized) cwnd_ += step_;
            }
        }
    }
    if (ack.all_acked) partial_acked_ = 0;
}

bool CongestionWindow::on_fast_loss(std::int64_t highest_sent) {
    if (recovering_) return false;
    ssthresh_ = std::max({cwnd_ / 2, 4 * mtu_, min_cwnd_});
    cwnd_ = ssthresh_;
    partial_acked_ = 0;
    recovering_ = true;
    recovery_exit_ = highest_sent;
    return true;
}

void CongestionWindow::on_timeout() {
    ssthresh_ = std::max({cwnd_ / 2, 4 * mtu_, min_cwnd_});
    cwnd_ = min_cwnd_;
    partial_acked_ = 0;
    recovering_ = false;
}

}  // namespace confab::sctp
