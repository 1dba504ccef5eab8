// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/metrics/delay_estimator.h"

#include <algorithm>

namespace confab::sfu {

Duration DelayEstimator::update(Timestamp now, UnixTime sent, UnixTime received) {
    const Duration delay = received - sent;
    if (!begun_) {
        begun_ = true;
        estimate_ = delay;
        last_sent_ = sent;
        return estimate_;
    }
    const Duration rise = delay - estimate_;
    if (rise <= kNoise) {
        step_.reset();
        estimate_ = estimate_ + rise.scaled(rise > Duration::zero() ? kRise : kFall);
    } else if (rise > usual_rise_ * 2) {
        note_high(now, delay);
    } else {
        step_.reset();
    }
    learn_usual(sent, rise);
    last_sent_ = sent;
    return estimate_;
}

void DelayEstimator::note_high(Timestamp now, Duration delay) {
    if (!step_) step_ = Step{now, delay, 0};
    ++step_->reports;
    step_->delay = step_->delay + (delay - step_->delay).scaled(kStepShare);
    if (step_->reports < kMinReports || now - step_->since < kPatience) return;
    estimate_ = step_->delay;
    usual_rise_ = Duration::zero();
    step_.reset();
}

void DelayEstimator::learn_usual(UnixTime sent, Duration rise) {
    if (rise >= kUsual) return;
    if (usual_rise_ == Duration::zero()) {
        usual_rise_ = rise;
    } else {
        const double share = (sent - last_sent_).to_seconds() / kPatience.to_seconds();
        usual_rise_ = usual_rise_ + (rise - usual_rise_).scaled(std::clamp(share, 0.0, 1.0));
    }
    usual_rise_ = std::max(usual_rise_, Duration::zero());
}

}  // namespace confab::sfu
