// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/step_counts.h"

#include <array>
#include <string_view>

#include "livekit_models.pb.h"

namespace confab::control {

using telemetry::Metric;

void StepCounts::merge(const StepCounts& other) {
    for (std::size_t i = 0; i < counts.size(); ++i)
        counts[i] += other.counts[i];
}

StepCounts count_steps(const telemetry::Metrics& metrics) {
    StepCounts steps;
    const auto add = [&](Step step, double value) {
        steps.counts[static_cast<std::size_t>(step)] += static_cast<std::uint64_t>(value);
    };
    const auto join = [&](Step step, std::string_view state) {
        add(step, metrics.value(Metric::kParticipantJoinTotal, {state}));
    };
    join(Step::kSignalConnected, "signal_connected");
    join(Step::kSignalFailed, "signal_failed");
    join(Step::kSignalValidationFailed, "signal_validation_failed");
    join(Step::kRtcInit, "rtc_init");
    join(Step::kRtcConnected, "rtc_connected");
    join(Step::kRtcActive, "rtc_active");
    join(Step::kRtcCanceled, "rtc_canceled");
    for (const auto kind : {livekit::AUDIO, livekit::VIDEO, livekit::DATA}) {
        const auto publish = [&](Step step, std::string_view state) {
            add(step, metrics.value(Metric::kTrackPublishCounter,
                                    {livekit::TrackType_Name(kind), state}));
        };
        publish(Step::kPublishAttempt, "attempt");
        publish(Step::kPublishSuccess, "success");
        publish(Step::kPublishCancel, "cancel");
    }
    const auto subscribe = [&](Step step, std::string_view state) {
        add(step, metrics.value(Metric::kTrackSubscribeCounter, {state, ""}));
    };
    subscribe(Step::kSubscribeAttempt, "attempt");
    subscribe(Step::kSubscribeSuccess, "success");
    subscribe(Step::kSubscribeCancel, "cancel");
    return steps;
}

}  // namespace confab::control
