// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whole frames of a data track, as many a second as a subscriber asked for (02 DT-05). What goes on
// is decided with the first packet of a frame, by its number; the other packets follow it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace confab::sfu {

class FrameLimiter {
  public:
    // Decisions that are remembered: packets come out of order, frames seldom do.
    static constexpr std::size_t kFrames = 4;

    // 0: all of them.
    explicit FrameLimiter(std::uint32_t per_second = 0)
        : interval_(per_second == 0 ? Duration() : Duration::micros(1'000'000 / per_second)) {}

    // Whether a packet of this frame goes on.
    bool passes(Timestamp now, std::uint16_t frame);

  private:
    struct Verdict {
        bool known = false;
        bool passes = false;
        std::uint16_t frame = 0;
    };
    Duration interval_;
    Timestamp next_;  // when the next frame is due
    std::array<Verdict, kFrames> recent_{};
    std::size_t oldest_ = 0;
};

}  // namespace confab::sfu
