// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "load/report_numbers.h"

#include <array>
#include <cstdio>

namespace confab::load {

std::string decimal_text(double value, int digits) {
    std::array<char, 64> buffer{};
    (void)std::snprintf(buffer.data(), buffer.size(), "%.*f", digits, value);
    return buffer.data();
}

std::string millis_text(Duration time) {
    return decimal_text(static_cast<double>(time.us()) / 1000, 3);
}

std::string percent_text(double share) {
    return decimal_text(share * 100, 3) + "%";
}

std::string bit_rate_text(double bits_per_second) {
    if (bits_per_second >= 1e6) return decimal_text(bits_per_second / 1e6, 1) + "mbps";
    if (bits_per_second >= 1e3) return decimal_text(bits_per_second / 1e3, 1) + "kbps";
    return decimal_text(bits_per_second, 0) + "bps";
}

}  // namespace confab::load
