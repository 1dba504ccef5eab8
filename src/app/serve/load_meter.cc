// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/load_meter.h"

namespace confab::app {

double LoadMeter::rate(Timestamp now, std::uint64_t bytes) {
    if (measured_ && now - at_ < kWindow) return rate_;
    if (measured_ && bytes >= bytes_)
        rate_ = static_cast<double>(bytes - bytes_) * 1e6 / static_cast<double>((now - at_).us());
    measured_ = true;
    at_ = now;
    bytes_ = bytes;
    return rate_;
}

}  // namespace confab::app
