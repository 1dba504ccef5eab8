// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What arrives at the receiver, from windows of 150 ms (the first: 500 ms), each weighed by how
// likely it is after those before (libwebrtc's BitrateEstimator): a small sample while the
// application sends little says little of the link.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace confab::bwe {

class AcknowledgedBitrate {
  public:
    static constexpr Duration kFirstWindow = Duration::millis(500);
    static constexpr Duration kWindow = Duration::millis(150);
    static constexpr double kUncertainty = 10;
    static constexpr double kUncertaintyLimited = 20;  // application-limited, and less than before

    // A packet that arrived; `arrival` by the receiver's clock.
    void add(Duration arrival, std::uint32_t bytes, bool application_limited);
    // The application was limited and sends freely again: the next windows count more.
    void expect_change() { variance_ += 200; }
    std::optional<double> bits_per_second() const;

  private:
    std::optional<double> sample(Duration arrival, std::uint32_t bytes, Duration window);

    std::optional<Duration> last_;
    Duration open_;  // of the window so far
    double bytes_ = 0;
    double kbps_ = -1;  // < 0: none yet
    double variance_ = 50;
};

}  // namespace confab::bwe
