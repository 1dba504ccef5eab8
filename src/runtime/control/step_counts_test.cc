// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/step_counts.h"

#include <doctest/doctest.h>

namespace confab::control {

using telemetry::Metric;

TEST_CASE("count_steps: what the metrics of a thread counted, of all kinds of tracks [NODE-03]") {
    telemetry::Metrics metrics("ND_test");
    CHECK(count_steps(metrics)[Step::kRtcActive] == 0);
    double amount = 1;
    for (const char* state : {"signal_connected", "signal_failed", "signal_validation_failed",
                              "rtc_init", "rtc_connected", "rtc_active", "rtc_canceled"})
        metrics.add(Metric::kParticipantJoinTotal, {state}, amount++);
    for (const char* kind : {"AUDIO", "VIDEO", "DATA"})
        for (const char* state : {"attempt", "success", "cancel"})
            metrics.add(Metric::kTrackPublishCounter, {kind, state}, amount++);
    for (const char* state : {"attempt", "success", "cancel"})
        metrics.add(Metric::kTrackSubscribeCounter, {state, ""}, amount++);
    metrics.add(Metric::kTrackSubscribeCounter, {"failure", "SE_CODEC_UNSUPPORTED"}, 100);
    StepCounts steps = count_steps(metrics);
    CHECK(steps[Step::kSignalConnected] == 1);
    CHECK(steps[Step::kSignalFailed] == 2);
    CHECK(steps[Step::kSignalValidationFailed] == 3);
    CHECK(steps[Step::kRtcInit] == 4);
    CHECK(steps[Step::kRtcConnected] == 5);
    CHECK(steps[Step::kRtcActive] == 6);
    CHECK(steps[Step::kRtcCanceled] == 7);
    CHECK(steps[Step::kPublishAttempt] == 8 + 11 + 14);
    CHECK(steps[Step::kPublishSuccess] == 9 + 12 + 15);
    CHECK(steps[Step::kPublishCancel] == 10 + 13 + 16);
    CHECK(steps[Step::kSubscribeAttempt] == 17);
    CHECK(steps[Step::kSubscribeSuccess] == 18);
    CHECK(steps[Step::kSubscribeCancel] == 19);
    const StepCounts once = steps;
    steps.merge(once);
    CHECK(steps[Step::kSubscribeCancel] == 38);
    CHECK(steps[Step::kSignalConnected] == 2);
}

}  // namespace confab::control
