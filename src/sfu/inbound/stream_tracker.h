// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Does a layer flow, and how much? (02 IN-21) Fast to stop, slow to come back: active with the
// first packet, stopped after one poor cycle, then active again only after several good ones.
//
// Differs from upstream in what is poor: an encoder that is short of processor time, or films
// little, sends few packets on all layers. A layer that keeps up with the lowest one flows; and
// what fell silent with all the others comes back with its next packet.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/state/state.h"
#include "base/time.h"
#include "sfu/layers/layer.h"

namespace confab::sfu {

struct TrackerOptions {
    Duration cycle = Duration::millis(500);
    std::uint32_t min_packets = 1;  // per cycle
    std::uint32_t good_cycles = 4;  // in a row, to become active again
    std::uint32_t poor_cycles = 1;  // in a row, to stop

    // The settings of one spatial layer.
    static TrackerOptions for_layer(std::uint8_t spatial, bool screen_share);
};

class StreamTracker {
  public:
    enum class Change : std::uint8_t { kNone, kStarted, kStopped };

    // What the layers of the track did in the cycle that ends.
    struct Others {
        std::uint32_t lowest = kMany;  // packets of the lowest one; kMany: not to be compared with
        bool all_silent = false;       // no packet of any
    };
    static constexpr std::uint32_t kMany = 0xFFFF'FFFF;

    explicit StreamTracker(TrackerOptions options) : options_(options) {}

    // A packet with content.
    Change packet(Timestamp now);
    Change handle_timeout(Timestamp now) { return handle_timeout(now, Others()); }
    Change handle_timeout(Timestamp now, const Others& others);
    Timestamp next_deadline() const { return cycle_end_; }
    // Publisher mute: stopped and blind until resumed.
    Change pause();
    // Unmute: active with the next packet.
    void reset();
    // The layer is wanted again: as reset(), but only where it had stopped.
    void expect() {
        if (state_ == State::kStopped) reset();
    }
    bool active() const { return state_ == State::kActive; }

    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
    std::uint32_t needed(const Others& others) const;

    enum class State : std::uint8_t { kNew, kActive, kStopped, kPaused };

    TrackerOptions options_;
    State state_ = State::kNew;
    std::uint32_t packets_ = 0;
    std::uint32_t good_ = 0;
    std::uint32_t poor_ = 0;
    Timestamp cycle_end_ = Timestamp::never();
};

// Bits per second of one spatial layer (or SVC stream) by temporal layer.
class BitrateMeter {
  public:
    static constexpr Duration kCameraInterval = Duration::seconds(1);
    static constexpr Duration kScreenInterval = Duration::seconds(4);
    using Rates = std::array<std::uint64_t, kMaxTemporalLayers>;

    explicit BitrateMeter(Duration interval) : interval_(interval) {}

    void packet(Timestamp now, std::uint8_t temporal, std::size_t bytes) {
        // Nothing was looked at while nothing came.
        if (!std::exchange(started_, true) || (now - since_ > interval_ && !holds())) since_ = now;
        bytes_[temporal < kMaxTemporalLayers ? temporal : kMaxTemporalLayers - 1] += bytes;
    }
    // True when an interval is over; rates() is new then. The first one is short, and so is one in
    // which much more comes than in the last: a link may be full of it.
    bool update(Timestamp now);
    // Cumulative: [t] holds everything needed for temporal layer t; above the highest, 0.
    const Rates& rates() const { return rates_; }
    void reset();

    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    static constexpr Duration kShortest = Duration::seconds(1);
    static constexpr std::uint64_t kRises = 2;  // times the last rate
    bool rises(Duration elapsed) const;
    bool holds() const {
        return std::any_of(bytes_.begin(), bytes_.end(), [](std::uint64_t b) { return b > 0; });
    }

    Duration interval_;
    bool started_ = false;
    Timestamp since_;
    std::array<std::uint64_t, kMaxTemporalLayers> bytes_{};
    Rates rates_{};
};

}  // namespace confab::sfu
