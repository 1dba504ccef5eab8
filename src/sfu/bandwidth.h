// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How the downlink of one subscriber is shared among its video down-tracks. BandwidthPort is what a
// peer drives, whatever estimates the link; RembBandwidth decides by the subscriber's REMB alone:
// fast down, slow up, in order of priority (02 BWE-04, BWE-10, SUB-06).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/time.h"
#include "sfu/layer.h"
#include "sfu/source_state.h"

namespace confab::sfu {

// One video down-track as the allocator sees it.
struct VideoDemand {
    const SourceState* source = nullptr;
    Layer max;                  // asked for, the subscriber's wish
    std::uint8_t priority = 1;  // larger first
    bool muted = false;         // by either side: takes nothing
    bool exempt = false;        // single-layer screen share: always whole, paid first
};

// The answer for one of them: DownTrack::set_bandwidth().
struct VideoShare {
    Layer cap = kTopLayer;  // none: pause
    bool deficient = false;
};

class BandwidthPort {
  public:
    virtual ~BandwidthPort() = default;
    // The subscriber's estimate of its downlink.
    virtual void handle_remb(std::uint64_t bits_per_second, Timestamp now) = 0;
    // An upper limit set from outside; 0 for none.
    virtual void set_limit(std::uint64_t bits_per_second) = 0;
    // Shares the link anew. `shares` holds the previous answer and gets the new one; same order
    // and size as `demands`. Returns whether any share changed. Not per packet: after a REMB, a
    // change of demands, and at next_deadline().
    virtual bool allocate(std::span<const VideoDemand> demands, std::span<VideoShare> shares,
                          Timestamp now) = 0;
    virtual Timestamp next_deadline() const = 0;
    virtual bool deficient() const = 0;
};

struct BandwidthOptions {
    bool enabled = true;
    bool allow_pause = false;
    std::uint64_t min_capacity = 0;
};

class RembBandwidth final : public BandwidthPort {
  public:
    static constexpr std::uint64_t kUnlimited = 100'000'000;
    static constexpr std::size_t kMaxTracks = 256;
    static constexpr double kDownBelow = 0.95;  // of what is used: capacity is cut
    static constexpr double kHeadroom = 1.15;   // needed above what a higher choice takes
    static constexpr Duration kHold = Duration::seconds(3);  // between a cut and a rise
    static constexpr Duration kHoldMax = Duration::seconds(120);
    static constexpr Duration kConfirm = Duration::millis(400);  // a low estimate must last

    explicit RembBandwidth(BandwidthOptions options = {}) : options_(options) {}

    void handle_remb(std::uint64_t bits_per_second, Timestamp now) override;
    void set_limit(std::uint64_t bits_per_second) override { limit_ = bits_per_second; }
    bool allocate(std::span<const VideoDemand> demands, std::span<VideoShare> shares,
                  Timestamp now) override;
    Timestamp next_deadline() const override;
    bool deficient() const override { return deficient_; }
    std::uint64_t capacity() const { return capacity_; }

  private:
    void adjust_capacity(std::uint64_t used, std::uint64_t next_step, Timestamp now);
    void cut(std::uint64_t capacity, Timestamp now);
    std::uint64_t effective() const;

    BandwidthOptions options_;
    std::uint64_t limit_ = 0;
    std::uint64_t estimate_ = 0;           // 0: none yet
    std::uint64_t capacity_ = kUnlimited;  // committed
    bool deficient_ = false;
    Duration hold_ = kHold;
    Timestamp low_since_ = Timestamp::never();
    Timestamp rise_after_ = Timestamp::never();
    Timestamp last_rise_;
    bool rose_ = false;
};

// The one in use.
using Bandwidth = RembBandwidth;

// Shares `capacity` by 02 BWE-04: layer by layer, tracks in order of priority. Without allow_pause
// every track keeps its lowest layer whatever the capacity. Returns the bits used.
std::uint64_t share_capacity(std::span<const VideoDemand> demands, std::uint64_t capacity,
                             bool allow_pause, std::span<VideoShare> shares);

}  // namespace confab::sfu
