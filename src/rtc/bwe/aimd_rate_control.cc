// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/bwe/aimd_rate_control.h"

#include <algorithm>
#include <cmath>

namespace confab::bwe {

void AimdRateControl::begin(const Input& in, Timestamp now) {
    if (known_ || !in.acknowledged) return;
    if (began_.is_never()) began_ = now;
    if (now - began_ <= kStart) return;
    rate_ = *in.acknowledged;
    known_ = true;
}

void AimdRateControl::update(const Input& in, Timestamp now) {
    begin(in, now);
    if (in.acknowledged) arriving_ = *in.acknowledged;
    // An overuse ends the time in which nothing is known.
    if (!known_ && in.use != LinkUse::kOverusing) return;
    if (in.use == LinkUse::kOverusing) return decrease(arriving_, now);
    if (in.use == LinkUse::kUnderusing) {
        state_ = State::kHold;  // until the queue is empty
        return;
    }
    if (state_ == State::kHold) {
        changed_ = now;
        state_ = State::kIncrease;
    }
    increase(arriving_, in.application_limited, now);
}

void AimdRateControl::set_estimate(double bits_per_second, Timestamp now) {
    const double before = rate_;
    known_ = true;
    rate_ = std::clamp(bits_per_second, kMin, kMax);
    changed_ = now;
    if (rate_ < before) reduced_ = now;
}

bool AimdRateControl::may_reduce(double acknowledged, Timestamp now) const {
    if (changed_.is_never()) return true;
    const Duration wait = std::clamp(rtt_, Duration::millis(10), Duration::millis(200));
    return now - changed_ >= wait || (known_ && acknowledged < 0.5 * rate_);
}

double AimdRateControl::near_growth() const {
    constexpr double kFrame = 1.0 / 30;     // seconds
    constexpr double kPacket = 1200 * 8.0;  // bits
    const double frame = rate_ * kFrame;
    const double packet = frame / std::ceil(frame / kPacket);
    // A round trip and about 100 ms until an overuse is seen, doubled.
    const double response = 2 * (rtt_.to_seconds() + 0.1);
    return std::max(kMinNearGrowth, packet / response);
}

double AimdRateControl::grown(Timestamp now) const {
    const Duration since = std::max(now - changed_, Duration::zero());
    if (capacity_.known()) return rate_ + near_growth() * since.to_seconds();
    const double factor = std::pow(kGrowth, std::min(since.to_seconds(), 1.0));
    return rate_ + std::max(rate_ * (factor - 1), kMinGrowth);
}

void AimdRateControl::increase(double arriving, bool application_limited, Timestamp now) {
    if (arriving > capacity_.upper()) capacity_.reset();
    const double limit = application_limited ? rate_ : kOfArriving * arriving + kAndBeyond;
    if (rate_ < limit) rate_ = std::clamp(std::min(grown(now), limit), kMin, kMax);
    changed_ = now;
}

void AimdRateControl::decrease(double arriving, Timestamp now) {
    double down = kBackOff * arriving;
    if (down > rate_ && capacity_.known()) down = kBackOff * capacity_.estimate();
    rate_ = std::clamp(std::min(rate_, down), kMin, kMax);
    if (arriving < capacity_.lower()) capacity_.reset();
    capacity_.handle_overuse(arriving);
    known_ = true;
    state_ = State::kHold;
    changed_ = reduced_ = now;
}

}  // namespace confab::bwe
