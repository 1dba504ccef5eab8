// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Frames per second of the temporal layers of one spatial layer, from RTP timestamps (02 IN-23),
// and the temporal layer that serves a wished rate (02 SUB-03).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/state/state.h"
#include "sfu/layers/layer.h"

namespace confab::sfu {

class LayerFps {
  public:
    // Frames needed before a rate is given, by highest temporal layer that is counted.
    static constexpr std::array<std::uint32_t, kMaxTemporalLayers> kMinFrames{8, 15, 40, 60};
    static constexpr std::int64_t kMaxSilence = 5;  // seconds; a longer gap starts over

    explicit LayerFps(std::uint32_t clock_rate = 90'000) : clock_rate_(clock_rate) {}

    // Each packet in order; a frame is one timestamp.
    void packet(std::int64_t timestamp, std::uint8_t temporal);
    // True since enough frames were seen; then fps() is the newest measurement.
    bool known() const { return known_; }
    // [t]: frames per second of layers 0 to t together; equal to [t−1] if t is not used.
    const std::array<float, kMaxTemporalLayers>& fps() const { return fps_; }
    void reset() { *this = LayerFps(clock_rate_); }

    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
    void measure();

    std::uint32_t clock_rate_;
    bool known_ = false;
    bool started_ = false;
    std::uint8_t highest_ = 0;
    std::int64_t first_ = 0;
    std::int64_t last_ = 0;
    std::uint32_t frames_ = 0;
    std::array<std::uint32_t, kMaxTemporalLayers> count_{};
    std::array<float, kMaxTemporalLayers> fps_{};
};

// Lowest temporal layer that gives 0.9 of the wish; 3 when none does or the wish is 0.
std::int8_t temporal_for_fps(std::span<const float> fps, std::uint32_t wished);

}  // namespace confab::sfu
