// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How long packets stay in a worker: from the turn in which their batch was read, or that of the
// first packet of their frame, to the flush of what became of them (03 §6.1). One sample per turn,
// which counts once per packet.
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>

#include "base/time.h"
#include "sfu/shard/media_figures.h"

namespace confab::worker {

inline constexpr std::array kForwardBoundsNs = {50000., 100000., 250000., 500000., 1e6,
                                                2e6,    3e6,     5e6,     1e7,     2e7};

class ForwardLatency {
  public:
    // A minute, as decay() is called each second.
    static constexpr double kKept = 1 - 1.0 / 60;

    void add(Duration took, std::uint64_t packets) {
        if (packets == 0) return;
        const auto ns = static_cast<double>(took.us()) * 1000;
        const auto weight = static_cast<double>(packets);
        distribution_.add(kForwardBoundsNs, ns, packets);
        const double change = weight_ > 0 ? std::abs(ns - last_) : 0;
        last_ = ns;
        weight_ += weight;
        delay_ += ns * weight;
        change_ += change * weight;
    }
    // Lets the past count for less in the averages.
    void decay() {
        weight_ *= kKept;
        delay_ *= kKept;
        change_ *= kKept;
    }
    // Of several workers, for the averages over all.
    void merge(const ForwardLatency& other) {
        distribution_.merge(other.distribution_);
        weight_ += other.weight_;
        delay_ += other.delay_;
        change_ += other.change_;
    }

    const sfu::Distribution<kForwardBoundsNs.size()>& distribution() const { return distribution_; }
    // Averages of the last minutes in ns: of the delay, and of its change from turn to turn. 0 when
    // nothing was forwarded.
    double average() const { return weight_ > 0 ? delay_ / weight_ : 0; }
    double jitter() const { return weight_ > 0 ? change_ / weight_ : 0; }

  private:
    sfu::Distribution<kForwardBoundsNs.size()> distribution_;
    double weight_ = 0;  // packets, old ones less
    double delay_ = 0;   // times weight
    double change_ = 0;
    double last_ = 0;
};

}  // namespace confab::worker
