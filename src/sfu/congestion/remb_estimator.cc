// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 BWE-20 to BWE-23.
#include "sfu/congestion/remb_estimator.h"

#include <algorithm>

namespace confab::sfu {

void RembEstimator::reset() {
    watch_afresh();
    probe_.reset();
    capacity_ = kUnlimitedCapacity;
    congested_ = false;
    reason_ = CongestionReason::kNone;
}

bool RembEstimator::accepts(std::span<const std::uint32_t> ssrcs, Timestamp now) {
    if (ssrcs.empty()) return true;
    if (std::find(ssrcs.begin(), ssrcs.end(), tracked_ssrc_) == ssrcs.end()) {
        if (now < tracked_until_) return false;
        tracked_ssrc_ = ssrcs.front();
    }
    tracked_until_ = now + kLock;
    return true;
}

// True if a new capacity was taken. What still leaves room for all that is sent is no news.
bool RembEstimator::commit(CongestionReason reason, Timestamp now) {
    std::uint64_t capacity = last_.bits_per_second;
    const auto usage = static_cast<double>(last_.expected_usage);
    if (reason == CongestionReason::kLoss) {
        // The same losses stay in the window; they are to damp the usage once.
        if (now < next_loss_commit_) return false;
        const double left = usage * (1.0 - kLossDamping * observer_.nack_ratio());
        capacity = std::min(capacity, static_cast<std::uint64_t>(left));
    }
    if (static_cast<double>(capacity) > kCommitBelow * usage || capacity == capacity_) return false;
    capacity_ = capacity;
    reason_ = reason;
    if (reason == CongestionReason::kLoss) next_loss_commit_ = now + NackOptions{}.window_min;
    return true;
}

RembEstimator::Change RembEstimator::handle_report(const DownlinkReport& report, Timestamp now) {
    last_ = report;
    last_report_ = now;
    if (probe_) {
        probe_->observer.add(report.bits_per_second, report.packets, report.repeated_nacks, now);
        // Frozen: a probe that once went wrong does not become a good one.
        probe_->congested |= probe_->observer.congesting(now) != CongestionReason::kNone;
        return Change::kNone;
    }
    observer_.add(report.bits_per_second, report.packets, report.repeated_nacks, now);
    const CongestionReason reason = observer_.congesting(now);
    if (reason == CongestionReason::kNone) {
        if (!congested_) return Change::kNone;
        congested_ = false;
        reason_ = CongestionReason::kNone;
        return Change::kCleared;
    }
    if (!commit(reason, now)) return Change::kNone;
    congested_ = true;
    return Change::kCommitted;
}

RembEstimator::Change RembEstimator::handle_timeout(Timestamp now) {
    if (!congested_ || now < next_deadline()) return Change::kNone;
    watch_afresh();
    congested_ = false;
    reason_ = CongestionReason::kNone;
    return Change::kCleared;
}

// ------------------------------------------------------------------ probes

void RembEstimator::begin_probe(std::uint64_t goal, Timestamp now) {
    probe_.emplace(goal);
    // The report that let the probe begin is its first one.
    if (last_report_ == now) probe_->observer.add(last_.bits_per_second, 0, 0, now);
}

void RembEstimator::abort_probe() {
    if (!probe_) return;
    probe_.reset();
    watch_afresh();
}

bool RembEstimator::goal_reached() const {
    if (!probe_) return false;
    const TrendDetector& seen = probe_->observer.estimate();
    return seen.heard_enough() && seen.highest() > probe_->goal;
}

void RembEstimator::probe_is_out(Timestamp now, Duration rtt) {
    if (!probe_ || settling()) return;
    probe_->settle = std::clamp(rtt * kSettleRtts, kSettleMin, kSettleMax);
    probe_->due = now + probe_->settle;
}

std::optional<ProbeResult> RembEstimator::poll_probe_result(Timestamp now) {
    if (!probe_ || now < probe_->due) return std::nullopt;
    const TrendDetector& seen = probe_->observer.estimate();
    // The one report that is missing may be on its way: as long again for it, once.
    if (!probe_->congested && !seen.heard_enough() && !probe_->extended) {
        probe_->extended = true;
        probe_->due = probe_->due + probe_->settle;
        if (now < probe_->due) return std::nullopt;
    }
    ProbeResult out;
    out.highest = seen.highest();
    if (probe_->congested)
        out.verdict = ProbeVerdict::kCongested;
    else if (seen.heard_enough())
        out.verdict = ProbeVerdict::kSuccess;
    probe_.reset();
    watch_afresh();
    return out;
}

}  // namespace confab::sfu
