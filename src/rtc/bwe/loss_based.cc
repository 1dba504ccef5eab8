// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/bwe/loss_based.h"

#include <algorithm>
#include <cmath>

namespace confab::bwe {
namespace {

double most_inherent(double bandwidth) {
    const double most = LossBased::kInherentOffset + LossBased::kBalance / std::max(bandwidth, 1.0);
    return std::min(most, 1.0);
}

// The share of packets lost when `rate` is sent over a link of `bandwidth`.
double probability(double inherent, double bandwidth, double rate) {
    double p = inherent;
    if (rate > bandwidth) p += (1 - inherent) * (rate - bandwidth) / rate;
    return std::clamp(p, 1e-6, 1 - 1e-6);
}

double faded(double bias, double loss) {
    const double below = LossBased::kBiasEnds - loss;
    return bias * below / (LossBased::kBiasSmoothing + std::abs(below));
}

}  // namespace

// Newest first, each with its weight.
template <typename Use>
void LossBased::each(Use use) const {
    double weight = 1;
    for (std::size_t back = 0; back < count_; ++back, weight *= kWeight)
        use(observations_[(next_ + kWindow - 1 - back) % kWindow], weight);
}

void LossBased::add(const PacketFeedback& packet) {
    if (open_since_.is_never()) open_since_ = last_sent_ = packet.sent;
    if (!packet.received) {
        ++run_;
        run_bytes_ += packet.bytes;
        return;
    }
    if (packet.late && packet.sent <= last_sent_) return take_back(packet.sent);
    if (packet.late && run_ > 0) {
        --run_;
        run_bytes_ -= packet.bytes;
    }
    take_run(packet.sent);
    last_sent_ = std::max(last_sent_, packet.sent);
    ++open_.packets;
    open_bytes_ += packet.bytes;
}

// Who came late counts as sent already, in the observation of when it left. That is the last one at
// the earliest: receivers wait for less than its length.
void LossBased::take_back(Timestamp sent) {
    const bool open = sent > open_since_ || (count_ == 0 && sent == open_since_);
    Observation& of = open ? open_ : observations_[(next_ + kWindow - 1) % kWindow];
    of.lost = std::max(of.lost - 1, 0.0);
}

// A packet sent at `until` arrived: those lost before it were too many for the link, or none at all
// came through.
void LossBased::take_run(Timestamp until) {
    const Duration since = until - last_sent_;
    if (since < kOutage) {
        open_.packets += run_;
        open_.lost += run_;
        open_bytes_ += run_bytes_;
    } else if (run_ > 0) {
        open_since_ = open_since_ + since;
    }
    run_ = run_bytes_ = 0;
}

bool LossBased::take_observation() {
    if (open_since_.is_never() || last_sent_ - open_since_ < kObservation) return false;
    open_.rate = open_bytes_ * 8 / (last_sent_ - open_since_).to_seconds();
    observations_[next_] = open_;
    next_ = (next_ + 1) % kWindow;
    count_ = std::min(count_ + 1, kWindow);
    open_ = {};
    open_bytes_ = 0;
    open_since_ = last_sent_;
    return true;
}

double LossBased::last_arrived() const {
    return last().packets > 0 ? last().rate * (1 - last().lost / last().packets) : 0;
}

double LossBased::last_rate() const {
    return last().rate;
}

double LossBased::loss() const {
    double packets = 0;
    double lost = 0;
    each([&](const Observation& o, double weight) {
        packets += weight * o.packets;
        lost += weight * o.lost;
    });
    return packets > 0 ? lost / packets : 0;
}

// One step of Newton's method towards the inherent loss that suits the bandwidth.
void LossBased::fit(Model& model) const {
    double first = 0;
    double second = 0;
    each([&](const Observation& o, double weight) {
        const double p = probability(model.inherent, model.bandwidth, o.rate);
        const double kept = o.packets - o.lost;
        first += weight * (o.lost / p - kept / (1 - p));
        second -= weight * (o.lost / (p * p) + kept / ((1 - p) * (1 - p)));
    });
    if (second < 0) model.inherent -= kNewtonStep * first / second;
    const double most = std::max(most_inherent(model.bandwidth), kInherentMin);
    model.inherent = std::clamp(model.inherent, kInherentMin, most);
}

double LossBased::objective(const Model& model, double loss) const {
    const double kbps = model.bandwidth / 1000;
    const double bias = faded(kBias, loss) * kbps + faded(kLogBias, loss) * std::log1p(kbps);
    double sum = 0;
    each([&](const Observation& o, double weight) {
        const double p = probability(model.inherent, model.bandwidth, o.rate);
        sum += weight * (o.lost * std::log(p) + (o.packets - o.lost) * std::log(1 - p));
        sum += weight * bias * o.packets;
    });
    return sum;
}

void LossBased::update(std::optional<double> acknowledged, bool application_limited) {
    if (acknowledged) acknowledged_ = *acknowledged;
    if (!take_observation()) return;
    const double loss = this->loss();
    if (loss <= 0) {
        model_ = {};
        return;
    }
    // The first loss puts what is sent to the test.
    if (model_.bandwidth <= 0)
        each([&](const Observation& o, double) {
            model_.bandwidth = std::max(model_.bandwidth, o.rate);
        });
    // Who sends much more from one moment to the next has not been limited: what arrived just now
    // the link takes.
    model_.bandwidth = std::max(model_.bandwidth, last_arrived());
    Model best = model_;
    double highest = 0;
    bool any = false;
    const auto consider = [&](double bandwidth) {
        if (bandwidth <= 0) return;
        Model candidate{bandwidth, model_.inherent};
        fit(candidate);
        const double value = objective(candidate, loss);
        if (any && value <= highest) return;
        any = true;
        highest = value;
        best = candidate;
    };
    for (const double factor : kFactors)
        consider(factor * model_.bandwidth);
    if (!application_limited) consider(acknowledged_);
    // What is lost beyond the inherent loss speaks against more.
    if (loss > best.inherent) best.bandwidth = std::min(best.bandwidth, model_.bandwidth);
    model_ = best;
}

std::optional<double> LossBased::limit() const {
    if (model_.bandwidth <= 0) return std::nullopt;
    double limit = model_.bandwidth;
    const double loss = this->loss();
    if (loss > kInherentOffset) limit = std::min(limit, kBalance / (loss - kInherentOffset));
    return std::max(limit, kFloor * acknowledged_);
}

}  // namespace confab::bwe
