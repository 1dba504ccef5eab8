// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/congestion/bandwidth.h"

#include <algorithm>
#include <utility>

namespace confab::sfu {

void RembBandwidth::handle_remb(std::uint64_t bits_per_second, Timestamp now,
                                std::span<const std::uint32_t> ssrcs) {
    if (!estimator_.accepts(ssrcs, now)) return;
    remb_ = std::clamp<std::uint64_t>(bits_per_second, 1, kUnlimited);
}

bool RembBandwidth::take_news(DownlinkReport& report) {
    report.bits_per_second = std::exchange(remb_, 0);
    return report.bits_per_second > 0;
}

}  // namespace confab::sfu
