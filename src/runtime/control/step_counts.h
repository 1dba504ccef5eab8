// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How far joins, publications and subscriptions have come since the start, as a node tells others
// of itself (03 NODE-03): counted once, in the metrics.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "runtime/telemetry/metrics.h"

namespace confab::control {

enum class Step : std::uint8_t {
    kSignalConnected,
    kSignalFailed,
    kSignalValidationFailed,
    kRtcInit,
    kRtcConnected,
    kRtcActive,
    kRtcCanceled,
    kPublishAttempt,
    kPublishSuccess,
    kPublishCancel,
    kSubscribeAttempt,
    kSubscribeSuccess,
    kSubscribeCancel,
    kCount_,
};

struct StepCounts {
    std::array<std::uint64_t, static_cast<std::size_t>(Step::kCount_)> counts{};

    std::uint64_t operator[](Step step) const { return counts[static_cast<std::size_t>(step)]; }
    void merge(const StepCounts& other);
};

// What `metrics`, those of one thread, have counted.
StepCounts count_steps(const telemetry::Metrics& metrics);

}  // namespace confab::control
