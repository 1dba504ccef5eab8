// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Is somebody speaking on this track? (RFC 6464 levels, 02 IN-30)
#pragma once

#include <cstdint>

#include "base/state/state.h"
#include "base/time.h"

namespace confab::rtp {

struct AudioLevelOptions {
    std::uint8_t active_level = 35;    // -dBov; louder (smaller) counts as active
    std::uint8_t min_percentile = 40;  // share of the interval that must be active
    Duration update_interval = Duration::millis(400);
    std::uint32_t smooth_intervals = 2;
};

class AudioLevel {
  public:
    AudioLevel() : AudioLevel(AudioLevelOptions{}) {}
    explicit AudioLevel(AudioLevelOptions options);

    // One packet: its level (0 loudest … 127) and the time it covers.
    void observe(Timestamp now, std::uint8_t level, Duration covers);
    // Smoothed linear level, 0 to 1; 0 after two intervals without packets.
    double level(Timestamp now) const;
    bool is_active(Timestamp now) const { return level(now) >= active_threshold_; }

    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
    bool stale(Timestamp now) const;

    AudioLevelOptions options_;
    double smooth_factor_;
    double active_threshold_;
    Duration observed_;
    Duration active_;
    std::uint8_t loudest_ = 127;
    double smoothed_ = 0;
    Timestamp last_update_;
    bool updated_ = false;
};

}  // namespace confab::rtp
