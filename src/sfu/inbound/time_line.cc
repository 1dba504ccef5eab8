// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/time_line.h"

#include <algorithm>

#include "base/sequence.h"

namespace confab::sfu {

std::int64_t TimeLine::unwrap(Timestamp now, std::uint32_t time) {
    const std::int64_t result = peek(now, time);
    highest_ = started_ ? std::max(highest_, result) : result;
    started_ = true;
    heard_ = now;
    return result;
}

std::int64_t TimeLine::peek(Timestamp now, std::uint32_t time) const {
    if (!started_) return RtpTimeUnwrapper::kStart + time;
    const std::int64_t about = highest_ + (now - heard_).us() * clock_rate_ / 1'000'000;
    return about + sequence_distance(static_cast<std::uint32_t>(about), time);
}

}  // namespace confab::sfu
