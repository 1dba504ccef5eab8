// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Settings: fine tuning of the estimate by transport-wide feedback (02 section 5).
#include <array>

#include "config/rows/rows.h"

namespace confab::config {
namespace {

// Upstream's estimator of its own; ours is Google's congestion control (src/rtc/bwe), whose numbers
// are part of it.
constexpr std::string_view kHere = "Another estimator, without such a number";

constexpr auto kRows = std::to_array<Option>({
    other("rtc.congestion_control.send_side_bwe.congestion_detector.packet_group.min_packets",
          Kind::kUint32, "30", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.packet_group.max_window_duration",
        Kind::kDuration, "500ms", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.packet_group_max_age",
          Kind::kDuration, "10s", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.probe_packet_group.packet_group."
        "min_packets",
        Kind::kUint32, "16384", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.probe_packet_group.packet_group."
        "max_window_duration",
        Kind::kDuration, "1m", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.probe_packet_group.settle_wait_"
          "num_rtt",
          Kind::kUint32, "5", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.probe_packet_group.settle_wait_"
          "min",
          Kind::kDuration, "250ms", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.probe_packet_group.settle_wait_"
          "max",
          Kind::kDuration, "5s", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.probe_regulator.base_interval",
          Kind::kDuration, "3s", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.probe_regulator.backoff_factor",
          Kind::kFloat, "1.5", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.probe_regulator.max_interval",
          Kind::kDuration, "2m", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.probe_regulator.min_duration",
          Kind::kDuration, "200ms", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.probe_regulator.max_duration",
          Kind::kDuration, "20s", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.probe_regulator.duration_"
          "increase_factor",
          Kind::kFloat, "1.5", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.probe_signal.min_bytes_ratio",
          Kind::kFloat, "0.5", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.probe_signal.min_duration_ratio",
        Kind::kFloat, "0.5", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.probe_signal.jqr_min_delay",
          Kind::kDuration, "50ms", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.probe_signal.dqr_max_delay",
          Kind::kDuration, "20ms", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.probe_signal.weighted_loss.min_"
          "duration_for_loss_validity",
          Kind::kDuration, "100ms", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.probe_signal.weighted_loss.base_"
        "duration",
        Kind::kDuration, "500ms", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.probe_signal.weighted_loss.base_"
        "pps",
        Kind::kUint32, "30", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.probe_signal.weighted_loss.loss_"
        "penalty_factor",
        Kind::kFloat, "0.25", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.probe_signal.jqr_min_weighted_"
          "loss",
          Kind::kFloat, "0.25", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.probe_signal.dqr_max_weighted_"
          "loss",
          Kind::kFloat, "0.1", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.jqr_min_delay", Kind::kDuration,
          "50ms", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.jqr_min_trend_coefficient",
          Kind::kFloat, "0.8", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.dqr_max_delay", Kind::kDuration,
          "20ms", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.weighted_loss.min_duration_for_"
          "loss_validity",
          Kind::kDuration, "100ms", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.weighted_loss.base_duration",
          Kind::kDuration, "500ms", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.weighted_loss.base_pps",
          Kind::kUint32, "30", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.weighted_loss.loss_penalty_"
          "factor",
          Kind::kFloat, "0.25", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.jqr_min_weighted_loss",
          Kind::kFloat, "0.25", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.dqr_max_weighted_loss",
          Kind::kFloat, "0.1", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.queuing_delay_early_warning_jqr."
        "min_number_of_groups",
        Kind::kUint32, "2", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.queuing_delay_early_warning_jqr."
        "min_duration",
        Kind::kDuration, "200ms", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.queuing_delay_early_warning_dqr."
        "min_number_of_groups",
        Kind::kUint32, "3", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.queuing_delay_early_warning_dqr."
        "min_duration",
        Kind::kDuration, "300ms", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.loss_early_warning_jqr.min_"
          "number_of_groups",
          Kind::kUint32, "3", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.loss_early_warning_jqr.min_"
          "duration",
          Kind::kDuration, "300ms", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.loss_early_warning_dqr.min_"
          "number_of_groups",
          Kind::kUint32, "4", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.loss_early_warning_dqr.min_"
          "duration",
          Kind::kDuration, "400ms", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.queuing_delay_congested_jqr.min_"
        "number_of_groups",
        Kind::kUint32, "4", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.queuing_delay_congested_jqr.min_"
        "duration",
        Kind::kDuration, "400ms", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.queuing_delay_congested_dqr.min_"
        "number_of_groups",
        Kind::kUint32, "5", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.queuing_delay_congested_dqr.min_"
        "duration",
        Kind::kDuration, "500ms", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.loss_congested_jqr.min_number_of_"
        "groups",
        Kind::kUint32, "6", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.loss_congested_jqr.min_duration",
        Kind::kDuration, "600ms", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.loss_congested_dqr.min_number_of_"
        "groups",
        Kind::kUint32, "6", kHere),
    other(
        "rtc.congestion_control.send_side_bwe.congestion_detector.loss_congested_dqr.min_duration",
        Kind::kDuration, "600ms", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.congested_ctr_trend.required_"
          "samples",
          Kind::kUint32, "4", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.congested_ctr_trend.required_"
          "samples_min",
          Kind::kUint32, "2", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.congested_ctr_trend.downward_"
          "trend_threshold",
          Kind::kFloat, "-0.5", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.congested_ctr_trend.downward_"
          "trend_max_wait",
          Kind::kDuration, "2s", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.congested_ctr_trend.collapse_"
          "threshold",
          Kind::kDuration, "500ms", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.congested_ctr_trend.validity_"
          "window",
          Kind::kDuration, "10s", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.congested_ctr_epsilon",
          Kind::kFloat, "0.05", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.congested_packet_group.min_"
          "packets",
          Kind::kUint32, "20", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.congested_packet_group.max_"
          "window_duration",
          Kind::kDuration, "150ms", kHere),
    other("rtc.congestion_control.send_side_bwe.congestion_detector.estimaton_window_duration",
          Kind::kDuration, "1s", kHere),
});

}  // namespace

std::span<const Option> send_side_rows() {
    return kRows;
}

}  // namespace confab::config
