// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Numbers as reports of load tests write them.
#pragma once

#include <string>

#include "base/time.h"

namespace confab::load {

// Milliseconds with three digits behind the point: "12.345".
std::string millis_text(Duration time);
// With so many digits behind the point.
std::string decimal_text(double value, int digits);
// A share: "0.12%".
std::string percent_text(double share);
// Bits per second in the unit that suits: "1.7mbps", "160kbps", "0bps" (as upstream writes them).
std::string bit_rate_text(double bits_per_second);

}  // namespace confab::load
