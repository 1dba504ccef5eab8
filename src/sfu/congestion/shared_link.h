// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How the downlink of one subscriber is shared among its video down-tracks, whatever estimates it
// (02 §5.1): everything is sent whole until the feedback tells of congestion (STABLE); then tracks
// are cut to the capacity, and probes find out whether there is room again (DEFICIENT).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/time.h"
#include "sfu/congestion/bandwidth_port.h"
#include "sfu/congestion/link_estimator.h"
#include "sfu/congestion/probe_regulator.h"
#include "sfu/congestion/prober.h"
#include "sfu/congestion/sharing.h"
#include "sfu/congestion/video_demand.h"

namespace confab::sfu {

enum class ProbeMode : std::uint8_t {
    kPadding,  // copies of old packets or padding, beside the media
    kMedia,    // the next layer itself
};

struct BandwidthOptions {
    bool enabled = true;
    bool allow_pause = false;
    std::uint64_t min_capacity = 0;
    Duration paused_min_wait = Duration::seconds(5);
    ProbeMode probe_mode = ProbeMode::kPadding;
    std::uint32_t probe_overage_percent = 120;  // of what the next step adds
    std::uint64_t probe_min_bps = 200'000;
    bool send_side = false;  // our own estimate from transport-wide feedback, where there is any
};

// The port for one downlink.
std::unique_ptr<BandwidthPort> make_bandwidth(const BandwidthOptions& options);

class SharedLink : public BandwidthPort {
  public:
    static constexpr std::uint64_t kUnlimited = kUnlimitedCapacity;
    static constexpr std::size_t kMaxTracks = kMaxAllocatedTracks;
    static constexpr Duration kDefaultRtt = Duration::millis(70);
    // A deficient track without a step to probe for (bitrates unknown) is looked at again; the
    // first reports come before the first probe of a link that moved.
    static constexpr Duration kRetry = Duration::seconds(1);
    static constexpr std::uint64_t kLeastProbe = 100'000;  // bits per second on top of the media
    // Of what a step adds, percent that a probe has to find: a larger layer begins with a key frame
    // and comes in larger bursts, so that what just fits would be taken back a second later.
    static constexpr std::uint64_t kRoomForStep = 110;
    // What a probe brought has held if nothing congests for so long.
    static constexpr Duration kHolds = Duration::seconds(20);

    void update_rtt(Duration rtt, Timestamp) override { rtt_ = (rtt_ + rtt) / 2; }
    void set_limit(std::uint64_t bits_per_second) override;
    bool allocate(std::span<const VideoDemand> demands, std::span<VideoShare> shares,
                  Timestamp now) override;
    Timestamp next_deadline() const override;
    bool deficient() const override { return deficient_; }
    bool heeds_bitrates() const override { return !shares_optimally(); }
    std::size_t poll_probe(Timestamp now) override;
    std::uint8_t probe_cluster() const override { return cluster_; }
    void probe_sent(std::size_t bytes, Timestamp) override {
        probe_sent_ += bytes;
        prober_.note_sent(bytes);
    }
    std::uint64_t target_bitrate() const override { return capacity(); }
    void save(StateWriter& out) const override;
    void load(StateReader& in) override;

    // ------------------------------------------------------------ views
    std::uint64_t capacity() const { return limit_ > 0 ? limit_ : capacity_; }
    bool congested() const { return estimator().congested(); }
    bool probing() const { return estimator().probing(); }
    const ProbeRegulator& regulator() const { return regulator_; }

  protected:
    SharedLink(const BandwidthOptions& options, ProbePlan plan)
        : options_(options), regulator_(plan) {}

    virtual LinkEstimator& estimator() = 0;
    virtual const LinkEstimator& estimator() const = 0;
    // Is there news for the estimator? Takes them; `report` gets the REMB, if it is one.
    virtual bool take_news(DownlinkReport& report) = 0;
    // The end of allocate(): what is sent now.
    virtual void handle_usage(std::uint64_t, bool /*changed*/, Timestamp) {}
    std::uint64_t probe_goal() const { return probing() ? probe_goal_ : 0; }
    Duration rtt() const { return rtt_; }
    void set_plan(const ProbePlan& plan) { regulator_.set_plan(plan); }

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
    SharingRule rule() const { return {capacity(), options_.allow_pause}; }
    bool shares_optimally() const;
    void take_report(const TrackList& tracks, Timestamp now);
    void note_changes(const TrackList& tracks, Timestamp now);
    void note_change(const TrackList& tracks, std::size_t index, Timestamp now);
    void commit(std::uint64_t capacity);
    void note_relapse(Timestamp now);
    void watch_pause(const TrackList& tracks, Timestamp now);
    void run_probe(const TrackList& tracks, Timestamp now);
    bool may_probe(Timestamp now) const;
    void start_probe(const TrackList& tracks, Timestamp now);
    void stop_probe(Timestamp now);
    void try_step(const TrackList& tracks, const ProbeStep& step, Timestamp now);
    bool had_no_probe(const TrackList& tracks) const;
    void finish(const TrackList& tracks);
    void rest();

    BandwidthOptions options_;
    ProbeRegulator regulator_;
    Prober prober_;
    std::uint64_t limit_ = 0;
    std::uint64_t capacity_ = kUnlimited;
    bool share_all_ = false;  // everything is to be shared anew
    bool deficient_ = false;
    std::size_t track_count_ = 0;
    Duration rtt_ = kDefaultRtt;
    std::uint8_t cluster_ = 0;  // of the newest probe, never 0 once there was one
    Timestamp probe_began_;
    std::uint64_t probe_goal_ = 0;
    std::uint64_t probe_asked_ = 0;  // bytes of the newest probe, and what was made of them
    std::uint64_t probe_sent_ = 0;
    Timestamp gained_ = Timestamp::never();  // a probe last brought something
    Timestamp retry_after_;
    Timestamp paused_since_ = Timestamp::never();  // nothing is sent for lack of bandwidth
};

}  // namespace confab::sfu
