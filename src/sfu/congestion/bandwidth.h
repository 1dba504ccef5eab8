// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The downlink of a subscriber that is estimated from its REMBs alone (02 §5.2), behind the
// BandwidthPort of a downlink.
#pragma once

#include <cstdint>
#include <span>

#include "base/time.h"
#include "sfu/congestion/remb_estimator.h"
#include "sfu/congestion/shared_link.h"

namespace confab::sfu {

class RembBandwidth : public SharedLink {
  public:
    explicit RembBandwidth(const BandwidthOptions& options = {},
                           ProbePlan plan = ProbePlan::reported())
        : SharedLink(options, plan) {}

    void handle_remb(std::uint64_t bits_per_second, Timestamp now,
                     std::span<const std::uint32_t> ssrcs = {}) override;

  protected:
    LinkEstimator& estimator() override { return estimator_; }
    const LinkEstimator& estimator() const override { return estimator_; }
    bool take_news(DownlinkReport& report) override;

  private:
    RembEstimator estimator_;
    std::uint64_t remb_ = 0;  // to be taken by allocate(); 0: none
};

}  // namespace confab::sfu
