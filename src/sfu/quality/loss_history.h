// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which of a subscriber's last reports told of much loss (02 ICE-16): one bit each.
#pragma once

#include <bit>
#include <cstdint>

namespace confab::sfu {

class LossHistory {
  public:
    static constexpr std::uint8_t kBad = 64;  // of 256: a quarter

    // The worst block of a report.
    void note(std::uint8_t fraction_lost) {
        bits_ = bits_ << 1 | (fraction_lost >= kBad ? 1U : 0U);
    }
    // Over another path it begins anew.
    void clear() { bits_ = 0; }
    std::uint8_t bad_reports() const { return static_cast<std::uint8_t>(std::popcount(bits_)); }

  private:
    std::uint32_t bits_ = 0;
};

}  // namespace confab::sfu
