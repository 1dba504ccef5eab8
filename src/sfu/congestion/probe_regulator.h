// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// When the next probe may begin and how long it lasts (02 BWE-11). Beyond that it remembers gains
// that did not hold: a probe is short and an estimate runs ahead of the truth, so that a link a
// little too narrow for the next layer would be overfilled every few seconds (MC-13).
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/state/state.h"
#include "base/time.h"
#include "sfu/congestion/link_estimator.h"

namespace confab::sfu {

// How long the waits and the probes become.
struct ProbePlan {
    Duration longest_wait = Duration::seconds(120);
    Duration longest = Duration::seconds(20);
    Duration longest_relapse = Duration::seconds(120);  // after a gain that did not hold
    Duration after_success = Duration::seconds(3);
    bool doubles = false;           // each probe after one that went well asks for twice as much
    unsigned longer_percent = 150;  // a probe that went well makes the next one so long
    bool between = false;           // the rate is that between the rounds of a probe (Prober)
    bool until_gain = false;        // waits shrink with what a probe brings, not with its verdict

    // Where a probe shows the rate itself and ends with the first sign of a queue: one that fails
    // costs little, so that a link that is free again is found in time, and a longer one shows
    // nothing more.
    static constexpr ProbePlan measured() {
        ProbePlan plan;
        plan.longest_wait = Duration::seconds(7);
        plan.longest = Duration::millis(450);
        plan.longest_relapse = Duration::seconds(20);
        plan.after_success = Duration::seconds(1);
        plan.doubles = true;
        plan.between = true;
        return plan;
    }
    // Where receivers tell their own estimate, which grows only while more comes than the media
    // (libwebrtc: 8 % a second): between short probes that are far apart it stands still. Full
    // pictures of Chromium in N4 came back 45 s after the release, with this plan after 30 s.
    static constexpr ProbePlan reported() {
        ProbePlan plan;
        plan.longest = Duration::seconds(8);  // then with a rate of its own again
        plan.after_success = Duration::seconds(1);
        plan.longer_percent = 300;
        plan.until_gain = true;  // the first ones are too short to fill a queue
        return plan;
    }
};

class ProbeRegulator {
  public:
    static constexpr Duration kInterval = Duration::seconds(3);
    static constexpr Duration kIntervalMax = ProbePlan{}.longest_wait;
    static constexpr unsigned kMostDoubled = 4;
    static constexpr Duration kDuration = Duration::millis(200);
    // Long enough for three reports of a receiver that sends one per second.
    static constexpr Duration kDurationUnheard = Duration::seconds(3);

    explicit ProbeRegulator(ProbePlan plan = {}) : plan_(plan) {}

    void set_plan(const ProbePlan& plan) { plan_ = plan; }
    const ProbePlan& plan() const { return plan_; }
    // Everything but the memory of gains.
    void reset() {
        interval_ = kInterval;
        duration_ = shortest_ = kDuration;
        doubled_ = 0;
        next_ = after_relapse_;
    }
    bool ready(Timestamp now) const { return now >= next_; }
    Timestamp next() const { return next_; }
    Duration interval() const { return interval_; }
    Duration duration() const { return duration_; }
    // How many times the next step's bits are asked for.
    std::uint64_t multiple() const { return std::uint64_t{1} << doubled_; }

    // A probe that began at `began` is over.
    void note(ProbeVerdict verdict, Timestamp began) {
        switch (verdict) {
            case ProbeVerdict::kCongested:
                interval_ = std::min(whole_seconds(interval_ * 3 / 2), plan_.longest_wait);
                duration_ = shortest_;
                doubled_ = 0;
                break;
            case ProbeVerdict::kSuccess:
                if (!plan_.until_gain) interval_ = kInterval;
                duration_ = std::min(duration_ * plan_.longer_percent / 100, plan_.longest);
                next_ = began + plan_.after_success;
                if (plan_.doubles) doubled_ = std::min(doubled_ + 1, kMostDoubled);
                break;
            // What there is is known now: to ask for more at once would only fill the queue again.
            case ProbeVerdict::kLimitFound:
                interval_ = kInterval;
                duration_ = shortest_;
                doubled_ = 0;
                break;
            case ProbeVerdict::kInconclusive:
                // Too short for a receiver that reports seldom: without this it would never end.
                // It is no failure either, so that long waits shrink again.
                interval_ = std::max(whole_seconds(interval_ / 2), kInterval);
                shortest_ = std::min({shortest_ * 3 / 2, kDurationUnheard, plan_.longest});
                duration_ = std::max(duration_, shortest_);
                break;
        }
        if (verdict != ProbeVerdict::kSuccess) next_ = began + interval_;
    }
    // The link congested again soon after a probe had brought something.
    void note_relapse(Timestamp now) {
        relapse_wait_ = std::min(whole_seconds(relapse_wait_ * 3 / 2), plan_.longest_relapse);
        doubled_ = 0;
        after_relapse_ = now + relapse_wait_;
        next_ = std::max(next_, after_relapse_);
    }
    // It brought a layer.
    void note_gain() { interval_ = kInterval; }
    void note_held() { relapse_wait_ = kInterval; }
    // It was stopped without a verdict.
    void note_stopped(Timestamp began) { next_ = began + interval_; }

    // Loaded into one that has its plan.
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
    static constexpr Duration whole_seconds(Duration d) {
        return Duration::seconds(d.us() / 1'000'000);
    }

    ProbePlan plan_;
    unsigned doubled_ = 0;
    Duration interval_ = kInterval;
    Duration duration_ = kDuration;
    Duration shortest_ = kDuration;
    Timestamp next_;  // at once
    Duration relapse_wait_ = kInterval;
    Timestamp after_relapse_;
};

}  // namespace confab::sfu
