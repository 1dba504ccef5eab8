// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Deadlines that come due together: those of many connections wake a thread once, not once each.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace confab::sfu {

inline constexpr Duration kTogether = Duration::millis(32);

// The next multiple of kTogether for what is at least four of them away, so that it is at most a
// quarter of the way late; never earlier than `deadline`.
inline Timestamp together(Timestamp now, Timestamp deadline) {
    if (deadline.is_never() || deadline - now < kTogether * 4) return deadline;
    const std::int64_t grid = kTogether.us();
    const std::int64_t us = (deadline - Timestamp{}).us();
    return Timestamp{} + Duration::micros((us + grid - 1) / grid * grid);
}

}  // namespace confab::sfu
