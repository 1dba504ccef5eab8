// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The media rate of the node from byte counters that are looked at now and then.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace confab::app {

class LoadMeter {
  public:
    static constexpr Duration kWindow = Duration::seconds(1);  // the shortest that is measured

    // `bytes`: all that went in and out since the start. Bytes per second over the time since the
    // last measurement, 0 with the first.
    double rate(Timestamp now, std::uint64_t bytes);

  private:
    bool measured_ = false;
    Timestamp at_;
    std::uint64_t bytes_ = 0;
    double rate_ = 0;
};

}  // namespace confab::app
