// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/rtp/audio_level.h"

#include <algorithm>
#include <cmath>

namespace confab::rtp {
namespace {
double linear(double level) {
    return std::pow(10.0, -level / 20.0);
}
}  // namespace

AudioLevel::AudioLevel(AudioLevelOptions options)
    : options_(options),
      // 0 intervals: unsmoothed, as after 1.
      smooth_factor_(2.0 / (static_cast<double>(std::max(options.smooth_intervals, 1U)) + 1.0)),
      active_threshold_(linear(options.active_level)) {}

void AudioLevel::observe(Timestamp now, std::uint8_t level, Duration covers) {
    if (updated_ && stale(now)) {
        // What was heard before the gap is over, and the gap is no audio.
        smoothed_ = 0;
        observed_ = active_ = covers = Duration::zero();
        loudest_ = 127;
    }
    last_update_ = now;
    updated_ = true;
    // A jump of the RTP clock is no audio.
    covers = std::clamp(covers, Duration::zero(), options_.update_interval);
    observed_ = observed_ + covers;
    if (level <= options_.active_level) {
        active_ = active_ + covers;
        loudest_ = std::min(loudest_, level);
    }
    if (observed_ < options_.update_interval) return;

    const Duration needed = options_.update_interval * options_.min_percentile / 100;
    if (active_ >= needed && active_ > Duration::zero()) {
        // A shorter activity weighs less: its share of the interval in dB.
        const double share = active_.to_seconds() / options_.update_interval.to_seconds();
        const double adjusted = static_cast<double>(loudest_) - 20.0 * std::log10(share);
        smoothed_ += (linear(adjusted) - smoothed_) * smooth_factor_;
    } else {
        smoothed_ = 0;
    }
    observed_ = active_ = Duration::zero();
    loudest_ = 127;
}

bool AudioLevel::stale(Timestamp now) const {
    return now - last_update_ > options_.update_interval * 2;
}

double AudioLevel::level(Timestamp now) const {
    if (!updated_ || stale(now)) return 0;
    return std::clamp(smoothed_, 0.0, 1.0);
}

}  // namespace confab::rtp
