// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The layer control of one video down-track: what its subscriber asks for, what the link allows and
// what flows become a target and a layer to ask a key frame of (02 BWE-01, SUB-03); and when that
// key frame is asked for (02 FWD-13).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/state/state.h"
#include "base/time.h"
#include "sfu/layers/layer_allocation.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

// The highest layer the settings ask for, as the source is now (02 SUB-03).
Layer wished_layer(const DownTrackSettings& asked, const SourceState& source);

// Key frames are asked for again while none comes: after two round trips, within limits.
class KeyFrameRequests {
  public:
    static constexpr Duration kIntervalMin = Duration::millis(200);
    static constexpr Duration kIntervalMax = Duration::seconds(1);

    // If one is needed, ask for it then.
    void set_due(Timestamp at) { due_ = at; }
    Timestamp due() const { return due_; }
    bool take_due(Timestamp now, Duration rtt) {
        if (now < due_) return false;
        asked(now, rtt);
        return true;
    }
    // Somebody asked for one.
    void asked(Timestamp now, Duration rtt) {
        due_ = now + std::clamp(rtt * 2, kIntervalMin, kIntervalMax);
    }

    void save(StateWriter& out) const { out.field(1, due_); }
    void load(StateReader& in) { in.field(1, due_); }

  private:
    Timestamp due_;
};

class LayerAllocator {
  public:
    // What the peer's link allows; none pauses. False if that is nothing new.
    bool set_cap(Layer cap);
    Layer cap() const { return cap_; }

    enum class Outcome : std::uint8_t {
        kSame,
        kChanged,  // another layer is to be asked for, or it pauses for another reason
        kPaused,   // the same, and it is the link now that allows nothing
    };
    // Writes target, request and wish to `layers`. `muted`: by the subscriber.
    Outcome allocate(const SourceState& source, Layer wish, bool muted, LayerState& layers);

    PauseReason pause() const { return pause_; }
    double distance() const { return distance_; }  // to what was asked for, 0 at the optimum

    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    Layer cap_ = kTopLayer;
    PauseReason pause_ = PauseReason::kNone;
    double distance_ = 0;
};

}  // namespace confab::sfu
