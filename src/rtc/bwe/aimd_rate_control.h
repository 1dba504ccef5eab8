// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The rate that the delay allows (draft-ietf-rmcat-gcc-02 §5.5, libwebrtc's AimdRateControl): by
// 8 % per second upwards while nothing is known of the link, by less than a packet per response
// time near its capacity, and down to 0.85 of what arrives when a queue grows.
//
// Other than libwebrtc it never rises while the application sends less than it may (there this is
// an option): such a rate has been shown by nobody.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "rtc/bwe/link_capacity.h"
#include "rtc/bwe/packet_feedback.h"

namespace confab::bwe {

class AimdRateControl {
  public:
    static constexpr double kBackOff = 0.85;
    static constexpr double kGrowth = 1.08;         // per second
    static constexpr double kMinGrowth = 1000;      // bits per second, each time
    static constexpr double kMinNearGrowth = 4000;  // bits per second and second
    static constexpr double kOfArriving = 1.5;      // no more than this of what arrives,
    static constexpr double kAndBeyond = 10'000;    // and so many bits per second
    static constexpr double kMin = 5'000;           // bits per second
    static constexpr double kMax = 100'000'000;
    static constexpr Duration kDefaultRtt = Duration::millis(200);
    static constexpr Duration kStart = Duration::seconds(5);

    struct Input {
        LinkUse use = LinkUse::kNormal;
        std::optional<double> acknowledged;  // bits per second that arrive
        bool application_limited = false;
    };
    // Once per feedback.
    void update(const Input& in, Timestamp now);
    // Known from a probe, or given.
    void set_estimate(double bits_per_second, Timestamp now);
    void handle_probe(double bits_per_second) { capacity_.handle_probe(bits_per_second); }
    void set_rtt(Duration rtt) { rtt_ = rtt; }

    // False before the first overuse, probe or five seconds: nothing limits the rate.
    bool known() const { return known_; }
    double rate() const { return rate_; }
    // The link was overused so long ago that a second look is worth it: a round trip, or at once
    // where less than half of the rate arrives.
    bool may_reduce(double acknowledged, Timestamp now) const;
    Timestamp last_reduction() const { return reduced_; }  // never(): none
    const LinkCapacity& capacity() const { return capacity_; }
    double near_growth() const;  // bits per second and second, near the capacity

  private:
    enum class State : std::uint8_t { kHold, kIncrease, kDecrease };

    void begin(const Input& in, Timestamp now);
    void increase(double arriving, bool application_limited, Timestamp now);
    void decrease(double arriving, Timestamp now);
    double grown(Timestamp now) const;

    LinkCapacity capacity_;
    State state_ = State::kHold;
    bool known_ = false;
    double rate_ = kMax;
    double arriving_ = kMax;
    Duration rtt_ = kDefaultRtt;
    Timestamp began_ = Timestamp::never();
    Timestamp changed_ = Timestamp::never();
    Timestamp reduced_ = Timestamp::never();
};

}  // namespace confab::bwe
