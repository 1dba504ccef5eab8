// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Settings: audio and video.
#include <array>

#include "config/rows/rows.h"

namespace confab::config {
namespace {

using C = Config;

constexpr auto kRows = std::to_array<Option>({
    used(
        "audio.active_level", [](C& c) -> Slot { return &c.audio.active_level; },
        "Louder than minus this many dBov counts as speech")
        .range(0, 127),
    used(
        "audio.min_percentile", [](C& c) -> Slot { return &c.audio.min_percentile; },
        "Percent of an interval that must be speech")
        .range(0, 100),
    used(
        "audio.update_interval", [](C& c) -> Slot { return &c.audio.update_interval; },
        "Milliseconds between speaker updates")
        .range(20, 60000),
    used(
        "audio.smooth_intervals", [](C& c) -> Slot { return &c.audio.smooth_intervals; },
        "Intervals the level is smoothed over; 0 for none"),
    used(
        "audio.active_red_encoding", [](C& c) -> Slot { return &c.audio.active_red_encoding; },
        "Add redundancy to Opus that came without"),
    used(
        "audio.enable_loss_proxying", [](C& c) -> Slot { return &c.audio.enable_loss_proxying; },
        "Report subscribers' loss to the publisher"),
    used(
        "video.dynacast_pause_delay", [](C& c) -> Slot { return &c.video.dynacast_pause_delay; },
        "Wait before a layer nobody watches is paused"),
    used(
        "video.codec_regression_threshold",
        [](C& c) -> Slot { return &c.video.codec_regression_threshold; },
        "From this many participants on, one that needs the backup codec does not move the others "
        "to it; 0 for any number"),
    later("video.stream_tracker_manager.video.stream_tracker_type", Kind::kString, "packet",
          "What tells that a layer is alive")
        .one_of("packet|frame"),
    later("video.stream_tracker_manager.video.bitrate_report_interval", Kind::kJsonByName, "{}",
          "Bit rate reports by layer"),
    later("video.stream_tracker_manager.video.packet_tracker", Kind::kJsonByName, "{}",
          "Packet counting by layer")
        .with_entries("samples_required|cycles_required|cycle_duration"),
    later("video.stream_tracker_manager.video.frame_tracker", Kind::kJsonByName, "{}",
          "Frames per second of a living layer, by layer")
        .with_entries("min_fps"),
    later("video.stream_tracker_manager.screenshare.stream_tracker_type", Kind::kString, "packet",
          "What tells that a layer is alive")
        .one_of("packet|frame"),
    later("video.stream_tracker_manager.screenshare.bitrate_report_interval", Kind::kJsonByName,
          "{}", "Bit rate reports by layer"),
    later("video.stream_tracker_manager.screenshare.packet_tracker", Kind::kJsonByName, "{}",
          "Packet counting by layer")
        .with_entries("samples_required|cycles_required|cycle_duration"),
    later("video.stream_tracker_manager.screenshare.frame_tracker", Kind::kJsonByName, "{}",
          "Frames per second of a living layer, by layer")
        .with_entries("min_fps"),
});

}  // namespace

std::span<const Option> media_rows() {
    return kRows;
}

}  // namespace confab::config
