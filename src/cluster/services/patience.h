// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How often a call is tried for somebody who waits for so long only (PSR-12, API-W6).
#pragma once

#include <algorithm>
#include <optional>

#include "base/time.h"
#include "cluster/psrpc/retry.h"

namespace confab::cluster::services {

// The first attempt, and as many more as would end in time if nobody answered any of them.
inline psrpc::RetryPlan within(psrpc::RetryPlan plan, std::optional<Duration> timeout) {
    if (!timeout) return plan;
    plan.timeout = std::min(plan.timeout, *timeout);
    std::size_t fit = 1;
    Duration next = plan.timeout;
    Duration pause = plan.pause * 2;
    for (Duration total = next; fit < plan.attempts; ++fit) {
        next = next.scaled(plan.growth) + plan.added;
        total = total + pause + next;
        pause = pause * 2;
        if (total > *timeout) break;
    }
    plan.attempts = fit;
    return plan;
}

}  // namespace confab::cluster::services
