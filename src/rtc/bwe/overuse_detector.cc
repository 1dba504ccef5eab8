// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/bwe/overuse_detector.h"

#include <algorithm>
#include <cmath>

namespace confab::bwe {

LinkUse OveruseDetector::detect(const Input& in) {
    if (in.deltas < 2) return state_ = LinkUse::kNormal;
    const double weighed = std::min(in.deltas, kFullWeight) * in.trend * kGain;
    judge(weighed, in);
    last_trend_ = in.trend;
    adapt(weighed, in.arrived);
    return state_;
}

void OveruseDetector::judge(double weighed, const Input& in) {
    if (weighed <= threshold_) {
        state_ = weighed < -threshold_ ? LinkUse::kUnderusing : LinkUse::kNormal;
        overusing_ms_ = -1;
        overusing_groups_ = 0;
        return;
    }
    const double sent_ms = static_cast<double>(in.sent.us()) / 1000;
    // The first time it may have begun anywhere between the two groups.
    overusing_ms_ = overusing_ms_ < 0 ? sent_ms / 2 : overusing_ms_ + sent_ms;
    ++overusing_groups_;
    if (overusing_ms_ <= kOveruseMs || overusing_groups_ < 2 || in.trend < last_trend_) return;
    overusing_ms_ = 0;
    overusing_groups_ = 0;
    state_ = LinkUse::kOverusing;
}

void OveruseDetector::adapt(double weighed, Duration arrived) {
    const Duration since = adapted_ ? arrived - last_ : Duration::zero();
    adapted_ = true;
    last_ = arrived;
    const double size = std::abs(weighed);
    if (size > threshold_ + kMaxAdapt) return;
    const double ms = std::clamp(static_cast<double>(since.us()) / 1000, 0.0, 100.0);
    const double k = size < threshold_ ? kDown : kUp;
    threshold_ =
        std::clamp(threshold_ + k * (size - threshold_) * ms, kThresholdMin, kThresholdMax);
}

}  // namespace confab::bwe
