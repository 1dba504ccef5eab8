// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Settings: layers by bandwidth, the allocator and the estimate by REMB (02 section 5).
#include <array>

#include "config/rows/rows.h"

namespace confab::config {
namespace {

using C = Config;

constexpr auto kRows = std::to_array<Option>({
    used(
        "rtc.congestion_control.enabled",
        [](C& c) -> Slot { return &c.rtc.congestion_control.enabled; },
        "Choose layers by the estimated bandwidth"),
    used(
        "rtc.congestion_control.allow_pause",
        [](C& c) -> Slot { return &c.rtc.congestion_control.allow_pause; },
        "Pause video that does not fit; clients may override"),
    used(
        "rtc.congestion_control.use_send_side_bwe",
        [](C& c) -> Slot { return &c.rtc.congestion_control.use_send_side_bwe; },
        "Estimate a subscriber's link from its transport-wide feedback if it gives any; false: by "
        "REMB"),
    used(
        "rtc.congestion_control.use_send_side_bwe_interceptor",
        [](C& c) -> Slot { return &c.rtc.congestion_control.use_send_side_bwe_interceptor; },
        "The same, where that one is false: there is one such estimator"),
    other("rtc.congestion_control.send_side_bwe_pacer", Kind::kString, "no-queue",
          "Packets wait when the estimate limits the link, and then by its rate; not otherwise")
        .one_of("no-queue|pass-through|leaky-bucket"),
    used(
        "rtc.congestion_control.stream_allocator.min_channel_capacity",
        [](C& c) -> Slot {
            return &c.rtc.congestion_control.stream_allocator.min_channel_capacity;
        },
        "Least bits per second assumed"),
    later("rtc.congestion_control.stream_allocator.disable_etimation_unmanaged_tracks", Kind::kBool,
          "false", "Leave unmanaged tracks out of the estimate"),
    used(
        "rtc.congestion_control.stream_allocator.probe_mode",
        [](C& c) -> Slot { return &c.rtc.congestion_control.stream_allocator.probe_mode; },
        "What probes are made of")
        .one_of("padding|media"),
    used(
        "rtc.congestion_control.stream_allocator.probe_overage_pct",
        [](C& c) -> Slot { return &c.rtc.congestion_control.stream_allocator.probe_overage_pct; },
        "Percent of the wanted rate that is probed"),
    used(
        "rtc.congestion_control.stream_allocator.probe_min_bps",
        [](C& c) -> Slot { return &c.rtc.congestion_control.stream_allocator.probe_min_bps; },
        "Least bits per second of a probe"),
    used(
        "rtc.congestion_control.stream_allocator.paused_min_wait",
        [](C& c) -> Slot { return &c.rtc.congestion_control.stream_allocator.paused_min_wait; },
        "Wait before probing for a paused track"),
    later("rtc.congestion_control.remote_bwe.nack_ratio_attenuator", Kind::kFloat, "0.4",
          "Weight of losses"),
    later("rtc.congestion_control.remote_bwe.expected_usage_threshold", Kind::kFloat, "0.95",
          "Share of the estimate in use"),
    later("rtc.congestion_control.remote_bwe.channel_observer_probe.estimate.required_samples",
          Kind::kUint32, "3", "Trend of the estimate"),
    later("rtc.congestion_control.remote_bwe.channel_observer_probe.estimate.required_samples_min",
          Kind::kUint32, "3", "Trend of the estimate"),
    later("rtc.congestion_control.remote_bwe.channel_observer_probe.estimate.downward_trend_"
          "threshold",
          Kind::kFloat, "0", "Trend of the estimate"),
    later(
        "rtc.congestion_control.remote_bwe.channel_observer_probe.estimate.downward_trend_max_wait",
        Kind::kDuration, "5s", "Trend of the estimate"),
    later("rtc.congestion_control.remote_bwe.channel_observer_probe.estimate.collapse_threshold",
          Kind::kDuration, "0s", "Trend of the estimate"),
    later("rtc.congestion_control.remote_bwe.channel_observer_probe.estimate.validity_window",
          Kind::kDuration, "10s", "Trend of the estimate"),
    later("rtc.congestion_control.remote_bwe.channel_observer_probe.nack.window_min_duration",
          Kind::kDuration, "500ms", "Share of lost packets"),
    later("rtc.congestion_control.remote_bwe.channel_observer_probe.nack.window_max_duration",
          Kind::kDuration, "1s", "Share of lost packets"),
    later("rtc.congestion_control.remote_bwe.channel_observer_probe.nack.ratio_threshold",
          Kind::kFloat, "0.04", "Share of lost packets"),
    later("rtc.congestion_control.remote_bwe.channel_observer_non_probe.estimate.required_samples",
          Kind::kUint32, "12", "Trend of the estimate"),
    later("rtc.congestion_control.remote_bwe.channel_observer_non_probe.estimate.required_samples_"
          "min",
          Kind::kUint32, "8", "Trend of the estimate"),
    later("rtc.congestion_control.remote_bwe.channel_observer_non_probe.estimate.downward_trend_"
          "threshold",
          Kind::kFloat, "-0.6", "Trend of the estimate"),
    later(
        "rtc.congestion_control.remote_bwe.channel_observer_non_probe.estimate.downward_trend_max_"
        "wait",
        Kind::kDuration, "5s", "Trend of the estimate"),
    later(
        "rtc.congestion_control.remote_bwe.channel_observer_non_probe.estimate.collapse_threshold",
        Kind::kDuration, "500ms", "Trend of the estimate"),
    later("rtc.congestion_control.remote_bwe.channel_observer_non_probe.estimate.validity_window",
          Kind::kDuration, "10s", "Trend of the estimate"),
    later("rtc.congestion_control.remote_bwe.channel_observer_non_probe.nack.window_min_duration",
          Kind::kDuration, "2s", "Share of lost packets"),
    later("rtc.congestion_control.remote_bwe.channel_observer_non_probe.nack.window_max_duration",
          Kind::kDuration, "3s", "Share of lost packets"),
    later("rtc.congestion_control.remote_bwe.channel_observer_non_probe.nack.ratio_threshold",
          Kind::kFloat, "0.08", "Share of lost packets"),
    later("rtc.congestion_control.remote_bwe.probe_controller.settle_wait_num_rtt", Kind::kUint32,
          "5", "Round trips after a probe"),
    later("rtc.congestion_control.remote_bwe.probe_controller.settle_wait_min", Kind::kDuration,
          "250ms", "Shortest wait after a probe"),
    later("rtc.congestion_control.remote_bwe.probe_controller.settle_wait_max", Kind::kDuration,
          "5s", "Longest wait after a probe"),
    later("rtc.congestion_control.remote_bwe.probe_controller.probe_regulator.base_interval",
          Kind::kDuration, "3s", "Timing of probes"),
    later("rtc.congestion_control.remote_bwe.probe_controller.probe_regulator.backoff_factor",
          Kind::kFloat, "1.5", "Timing of probes"),
    later("rtc.congestion_control.remote_bwe.probe_controller.probe_regulator.max_interval",
          Kind::kDuration, "2m", "Timing of probes"),
    later("rtc.congestion_control.remote_bwe.probe_controller.probe_regulator.min_duration",
          Kind::kDuration, "200ms", "Timing of probes"),
    later("rtc.congestion_control.remote_bwe.probe_controller.probe_regulator.max_duration",
          Kind::kDuration, "20s", "Timing of probes"),
    later("rtc.congestion_control.remote_bwe.probe_controller.probe_regulator.duration_increase_"
          "factor",
          Kind::kFloat, "1.5", "Timing of probes"),
});

}  // namespace

std::span<const Option> congestion_rows() {
    return kRows;
}

}  // namespace confab::config
