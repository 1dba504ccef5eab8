// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Limits that a load test has to keep (05 LKC-35): --max-loss 0.1%, --max-latency-p95 80ms.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "load/figures.h"

namespace confab::load {

struct Limits {
    std::optional<double> loss;  // share of all packets, 0 to 1
    std::optional<Duration> latency_p50;
    std::optional<Duration> latency_p95;
    std::optional<Duration> latency_p99;
    std::optional<Duration> join_p95;
    std::optional<std::uint64_t> freezes;

    bool any() const {
        return loss || latency_p50 || latency_p95 || latency_p99 || join_p95 || freezes;
    }
};

// "0.1%", "0.001" or "0"; nothing: neither.
std::optional<double> parse_share(std::string_view text);

double loss_of(const StreamFigures& figures);

// A line for each limit that was not kept; a test that received nothing keeps none of loss and
// latency, and one of which a track did not come, or not to the end, keeps none at all.
std::vector<std::string> violations(const Report& report, const Limits& limits);

}  // namespace confab::load
