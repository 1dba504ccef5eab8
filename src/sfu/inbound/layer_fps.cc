// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 IN-23, SUB-03.
#include "sfu/inbound/layer_fps.h"

#include <algorithm>

namespace confab::sfu {

void LayerFps::packet(std::int64_t timestamp, std::uint8_t temporal) {
    const std::int64_t gap = timestamp - last_;
    if (started_ && gap <= 0) return;
    if (started_ && gap > kMaxSilence * static_cast<std::int64_t>(clock_rate_)) {
        started_ = false;
        count_.fill(0);
        frames_ = 0;
    }
    const auto layer = std::min<std::uint8_t>(temporal, kMaxTemporalLayers - 1);
    if (!started_) {
        // The first frame only marks the beginning of the first interval.
        started_ = true;
        first_ = last_ = timestamp;
        highest_ = layer;
        return;
    }
    last_ = timestamp;
    highest_ = std::max(highest_, layer);
    ++count_[layer];
    if (++frames_ >= kMinFrames[highest_]) measure();
}

void LayerFps::measure() {
    const double seconds = static_cast<double>(last_ - first_) / clock_rate_;
    std::uint32_t sum = 0;
    for (std::size_t t = 0; t < kMaxTemporalLayers; ++t) {
        sum += count_[t];
        fps_[t] = static_cast<float>(sum / seconds);
    }
    known_ = true;
    first_ = last_;
    frames_ = 0;
    count_.fill(0);
}

std::int8_t temporal_for_fps(std::span<const float> fps, std::uint32_t wished) {
    if (wished == 0) return static_cast<std::int8_t>(kMaxTemporalLayers - 1);
    for (std::size_t t = 0; t < fps.size() && t < kMaxTemporalLayers; ++t)
        if (static_cast<double>(fps[t]) >= 0.9 * wished) return static_cast<std::int8_t>(t);
    return static_cast<std::int8_t>(kMaxTemporalLayers - 1);
}

}  // namespace confab::sfu
