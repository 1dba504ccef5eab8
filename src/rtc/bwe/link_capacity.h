// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What arrived when the link was overused: its capacity, with how far such samples scatter
// (draft-ietf-rmcat-gcc-02 §5.5; libwebrtc's LinkCapacityEstimator).
#pragma once

#include <algorithm>
#include <cmath>

namespace confab::bwe {

class LinkCapacity {
  public:
    static constexpr double kOveruseWeight = 0.05;
    static constexpr double kProbeWeight = 0.5;

    bool known() const { return kbps_ > 0; }
    double estimate() const { return kbps_ * 1000; }  // bits per second
    double upper() const { return known() ? (kbps_ + 3 * spread()) * 1000 : kUnknown; }
    double lower() const { return known() ? std::max(0.0, kbps_ - 3 * spread()) * 1000 : 0; }

    void handle_overuse(double bits_per_second) { add(bits_per_second / 1000, kOveruseWeight); }
    void handle_probe(double bits_per_second) { add(bits_per_second / 1000, kProbeWeight); }
    void reset() { kbps_ = 0; }

  private:
    static constexpr double kUnknown = 1e18;
    double spread() const { return std::sqrt(variance_ * kbps_); }
    void add(double kbps, double weight) {
        kbps_ = known() ? (1 - weight) * kbps_ + weight * kbps : kbps;
        const double error = kbps_ - kbps;
        // The variance per kbit/s, so that it fits slow links and fast ones.
        variance_ = (1 - weight) * variance_ + weight * error * error / std::max(kbps_, 1.0);
        variance_ = std::clamp(variance_, 0.4, 2.5);
    }

    double kbps_ = 0;
    double variance_ = 0.4;
};

}  // namespace confab::bwe
