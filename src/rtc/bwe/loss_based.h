// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The rate that losses allow, by maximum likelihood (the idea of libwebrtc's LossBasedBweV2): a
// link loses some packets whatever is sent, and beyond its bandwidth all that is too much. Of a few
// candidates for the bandwidth, each with the inherent loss that suits it, the one that explains
// the last five seconds best is taken; a small bias prefers more. A radio that loses 2 % is not
// taken for a full link, as the classical rule of 2 % and 10 % would.
//
// Other than there, nothing is limited far below what arrives, a window without a loss ends the
// limit, and a time in which nothing arrives at all is an outage, not a full link.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "rtc/bwe/packet_feedback.h"

namespace confab::bwe {

class LossBased {
  public:
    static constexpr Duration kObservation = Duration::millis(250);
    static constexpr std::size_t kWindow = 20;  // observations
    static constexpr double kWeight = 0.9;      // of an observation to that after it
    static constexpr std::array<double, 3> kFactors{1.02, 1.0, 0.95};
    static constexpr double kFirstInherent = 0.01;
    static constexpr double kInherentMin = 0.001;
    // The inherent loss is at most this, and more on slow links: kBalance / bandwidth.
    static constexpr double kInherentOffset = 0.05;
    static constexpr double kBalance = 75'000;  // bits per second
    static constexpr double kBias = 0.0002;     // per kbit/s
    static constexpr double kLogBias = 0.02;
    static constexpr double kBiasEnds = 0.15;  // of loss: beyond it less is preferred
    static constexpr double kBiasSmoothing = 0.002;
    static constexpr double kNewtonStep = 0.75;
    static constexpr double kFloor = 0.85;  // of what arrives: the limit is not below
    static constexpr Duration kOutage = Duration::millis(200);

    // A packet that arrived or was lost, in order of numbers; each once, but for what came late.
    void add(const PacketFeedback& packet);
    // Looks at what was added since, once it is an observation. `acknowledged`: what arrives.
    void update(std::optional<double> acknowledged, bool application_limited);
    // Bits per second; none: losses limit nothing.
    std::optional<double> limit() const;
    double loss() const;  // weighed over the window, 0 to 1
    double inherent() const { return model_.inherent; }
    std::size_t observations() const { return count_; }  // in the window
    double last_rate() const;  // bits per second that were sent in the last observation
    // What was seen so far was of another rate.
    void forget() { *this = LossBased(); }

  private:
    struct Observation {
        double packets = 0;
        double lost = 0;
        double rate = 0;  // sent, bits per second
    };
    struct Model {
        double bandwidth = 0;  // 0: not limited
        double inherent = kFirstInherent;
    };
    void take_back(Timestamp sent);
    void take_run(Timestamp until);
    bool take_observation();
    const Observation& last() const { return observations_[(next_ + kWindow - 1) % kWindow]; }
    double last_arrived() const;  // bits per second
    void fit(Model& model) const;
    double objective(const Model& model, double loss) const;
    template <typename Use>
    void each(Use use) const;

    std::array<Observation, kWindow> observations_{};
    std::size_t count_ = 0;
    std::size_t next_ = 0;
    // What was added last, without the losses behind the last packet that arrived: they may be an
    // outage.
    Observation open_;
    double open_bytes_ = 0;
    Timestamp open_since_ = Timestamp::never();
    Timestamp last_sent_;
    double run_ = 0;  // packets lost since
    double run_bytes_ = 0;
    Model model_;
    double acknowledged_ = 0;
};

}  // namespace confab::bwe
