// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the quality of a stream counts over a window (02 CQ-02): averages of what was so for how
// long, and whether its subscriber still reports.
#pragma once

#include <utility>

#include "base/state/bounds.h"
#include "base/time.h"

namespace confab::sfu {

// A point of time that may not have been yet, in a state (02 FWD-18).
template <typename Io, typename T>
void begun_field(Io& io, std::uint8_t tag, T& at) {
    if constexpr (Io::kReads) {
        at = Timestamp();
        io.field(tag, at);
        io.require(!at.is_never());
    } else if (at != Timestamp()) {
        io.field(tag, at);
    }
}

// A value that changes, weighted by how long it held.
class WindowAverage {
  public:
    explicit WindowAverage(double value) : value_(value) {}
    void set(Timestamp now, double value) {
        pass(now);
        value_ = value;
    }
    // Since the last call, or since the first time that was told; what holds now if none passed.
    double take(Timestamp now) {
        pass(now);
        const double seconds = std::exchange(seconds_, 0);
        const double sum = std::exchange(sum_, 0);
        return seconds > 0 ? sum / seconds : value_;
    }
    void save(StateWriter& out) const { fields(*this, out); }
    void load(StateReader& in) { fields(*this, in); }

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io) {
        real_field(io, 1, self.value_);
        real_field(io, 2, self.sum_);
        real_field(io, 3, self.seconds_);
        begun_field(io, 4, self.since_);
    }
    void pass(Timestamp now) {
        if (since_ != Timestamp() && now > since_) {
            const double seconds = static_cast<double>((now - since_).us()) / 1e6;
            sum_ += value_ * seconds;
            seconds_ += seconds;
        }
        since_ = now;
    }
    double value_;
    double sum_ = 0;
    double seconds_ = 0;
    Timestamp since_;
};

struct QualityWindow {
    // A subscriber that was sent something for as long and said nothing of it hears nothing.
    static constexpr Duration kPatience = Duration::seconds(30);

    WindowAverage distance{0};
    WindowAverage unmuted{1};
    Timestamp heard;  // the last report, or when what it would be about began

    void save(StateWriter& out) const { fields(*this, out); }
    void load(StateReader& in) { fields(*this, in); }
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io) {
        io.part(1, self.distance);
        io.part(2, self.unmuted);
        begun_field(io, 3, self.heard);
    }
};

}  // namespace confab::sfu
