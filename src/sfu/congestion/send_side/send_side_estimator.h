// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A subscriber's link by our own estimate from its transport-wide feedback (rtc/bwe): when it
// congests, what video it takes then, and what probes show (02 §5.3).
//
// What arrives shows what the link takes; nothing else raises the capacity but a probe. A trend
// alone is no congestion (jitter makes them): a queue has to stay, or losses to be more than the
// link's own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>

#include "base/time.h"
#include "rtc/bwe/estimator.h"
#include "sfu/congestion/bandwidth_port.h"
#include "sfu/congestion/link_estimator.h"
#include "sfu/congestion/send_side/traffic.h"

namespace confab::sfu {

class SendSideEstimator final : public LinkEstimator {
  public:
    static constexpr double kBackOff = bwe::AimdRateControl::kBackOff;
    static constexpr double kFarBehind = 0.5;     // of what arrives: the filter still rises
    static constexpr double kCommitBelow = 0.95;  // of what is sent: a smaller cut is none
    // A queue as long as this, and the detector's word.
    static constexpr Duration kSomeQueue = Duration::millis(20);
    // A queue as long as this for so long, whatever the detector says: one that others fill slowly
    // becomes the detector's normal (BWE-32).
    static constexpr Duration kLongQueue = Duration::millis(50);
    static constexpr Duration kLongFor = Duration::millis(400);
    // Less than this in the queue, by what arrives, is none; a wait as long as that always is one.
    static constexpr double kOnePacket = 1200;  // bytes
    static constexpr Duration kAnyBurst = Duration::millis(300);
    static constexpr std::uint64_t kMoreToProbe = 150'000;  // at once, than twice what was found
    static constexpr Duration kRecent = Duration::millis(500);  // an overuse counts so long
    static constexpr Duration kReaction =
        Duration::millis(300);                               // and a round trip: to the next cut
    static constexpr Duration kCalm = Duration::seconds(1);  // without congestion, until it is over
    // Losses are judged after two seconds, and so is whether a cut for them has helped: if not,
    // they are the link's own, and only many more count.
    static constexpr std::size_t kEnoughLosses = 8;  // observations
    static constexpr double kHelped = 0.6;           // of the losses before
    static constexpr double kMoreThanOwn = 2;
    static constexpr double kBeyondOwn = 0.05;   // at most, and beside that
    static constexpr double kOwnWeight = 0.005;  // per feedback: they come in bursts
    // The queue that a probe left is no reason to cut while it does not grow; not for longer than
    // this.
    static constexpr Duration kProbeQueue = Duration::millis(2500);
    static constexpr Duration kProbeHeard = Duration::seconds(1);  // the last of it is heard of
    // Beyond the goal's 95 % a probe need not go on; a gain of less than 5 % is none.
    static constexpr double kEnough = 0.95;
    static constexpr double kGain = 1.05;
    // A probe of which so much more is lost than before it has filled a queue too short to be seen.
    static constexpr double kProbeLoss = 0.1;
    static constexpr Duration kJudged = Duration::millis(2400);  // losses, at least

    // ------------------------------------------------------------ what was sent, and what became
    void packets_sent(std::span<const SentPacket> packets);
    void handle_feedback(std::span<const PacketResult> packets, Timestamp now);
    void update_rtt(Duration rtt) {
        rtt_ = rtt;
        gcc_.update_rtt(rtt);
    }
    // The video that is sent now, in bits per second, and whether that is new.
    void handle_usage(std::uint64_t video, bool changed, Timestamp now);
    // There is something to be told by handle_report().
    bool has_news() const { return news_; }
    void take_news() { news_ = false; }

    // ------------------------------------------------------------ LinkEstimator
    void reset() override;
    void resume(std::uint64_t capacity) override { capacity_ = capacity; }
    Change handle_report(const DownlinkReport& report, Timestamp now) override;
    Change handle_timeout(Timestamp now) override;
    Timestamp next_deadline() const override;
    bool congested() const override { return congested_; }
    std::uint64_t capacity() const override { return capacity_; }

    // A link that was seen to be narrow is not flooded before a probe has found room.
    std::uint64_t most_to_probe() const override {
        if (found_room_) return kUnlimitedCapacity;
        return std::min(2 * capacity_ + kMoreToProbe, kUnlimitedCapacity);
    }
    void begin_probe(std::uint64_t goal, Timestamp now) override;
    void abort_probe() override { probe_.reset(); }
    bool probing() const override { return probe_.has_value(); }
    bool probe_congested() const override { return probe_ && probe_->congested; }
    // A queue that stands is judged first, and so are the losses behind a probe that failed: each
    // probe begins them anew.
    Timestamp no_probe_before() const override;
    bool goal_reached() const override;
    void probe_is_out(Timestamp now, Duration rtt) override;
    Timestamp probe_deadline() const override { return probe_ ? probe_->due : Timestamp::never(); }
    std::optional<ProbeResult> poll_probe_result(Timestamp now) override;

    // ------------------------------------------------------------ views
    // Bits per second of everything while so many of video are chosen.
    double with_others(double video) const {
        return video * (1 + other_.share()) + sound_.bits_per_second();
    }

  private:
    struct Probe {
        std::uint64_t goal = 0;
        double usual_loss = 0;  // before it
        bool congested = false;
        Timestamp due = Timestamp::never();
        Timestamp out = Timestamp::never();  // the last packet left
    };
    bool recently_overused(Timestamp now) const;
    bool queue_stays(Timestamp now) const;
    bool exceeds(Duration queue) const;
    bool is_one_burst(Duration standing) const;
    bool losing() const;
    void note_others(std::uint64_t video, Timestamp now);
    bool end_is_untold(Timestamp now) const;
    bool probe_lost() const;
    void watch_queue(Timestamp now);
    void watch_losses();
    void watch(Timestamp now);
    double arriving() const;
    bool draining() const;
    bool outgrown(std::uint64_t video) const;
    std::uint64_t video_of(double bits_per_second) const;

    bwe::Estimator gcc_;
    SlidingRate<21> sent_;     // without probes, one second
    SlidingRate<21> sound_;    // of it
    SlidingRate<21> repeats_;  // of it, of video
    SlidingRate<7> arrived_;   // 300 ms
    OtherTraffic other_;
    std::optional<Probe> probe_;
    Duration rtt_ = Duration::millis(70);
    std::uint64_t capacity_ = kUnlimitedCapacity;
    std::uint64_t least_usage_ = 0;  // bits per second of video, since the last cut
    bool congested_ = false;
    bool found_room_ = false;  // the last probe, and nothing was cut since
    bool news_ = false;
    Timestamp last_feedback_ = Timestamp::never();
    Timestamp long_since_ = Timestamp::never();  // a long queue
    Timestamp trouble_ = Timestamp::never();     // seen last
    Timestamp next_cut_;
    double loss_before_ = 0;  // the last cut, if that was for losses and has not been judged
    double own_loss_ = 0;     // of the link, whatever is sent
    Duration excused_;        // a queue as long as this
    Timestamp excused_until_;
    Timestamp failed_at_;      // the last probe that did not succeed: its verdict
    Timestamp excuses_until_;  // what grows until then is the probe's
};

}  // namespace confab::sfu
