// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RTO calculation (RFC 9260 §6.3.1): alpha 1/8, beta 1/4.
#include "rtc/sctp/send/rto.h"

#include <algorithm>

namespace confab::sctp {

void RtoEstimator::observe(Duration rtt) {
    rtt = std::max(rtt, Duration::zero());
    least_ = least_ == Duration::zero() ? rtt : std::min(least_, rtt);
    if (!has_sample_) {
        has_sample_ = true;
        srtt_ = rtt;
        rttvar_ = rtt / 2;
    } else {
        const Duration difference = srtt_ > rtt ? srtt_ - rtt : rtt - srtt_;
        rttvar_ = (rttvar_ * 3 + difference) / 4;
        srtt_ = (srtt_ * 7 + rtt) / 8;
    }
    rto_ = std::clamp(srtt_ + rttvar_ * 4, min_, max_);
}

void RtoEstimator::back_off(Duration most) {
    rto_ = std::min({rto_ * 2, std::max(rto_, most), max_});
}

}  // namespace confab::sctp
