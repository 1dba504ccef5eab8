// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Settings: the HTTP port, keys, metrics and logs.
#include <array>

#include "config/rows/rows.h"

namespace confab::config {
namespace {

using C = Config;

constexpr auto kRows = std::to_array<Option>({
    used(
        "port", [](C& c) -> Slot { return &c.port; }, "HTTP and WebSocket port"),
    used(
        "bind_addresses", [](C& c) -> Slot { return &c.bind_addresses; },
        "Addresses the HTTP port listens on; empty for all")
        .named("bind"),
    used(
        "keys", [](C& c) -> Slot { return &c.keys; }, "API key to secret, at least one pair")
        .reloaded()
        .named("keys", "LIVEKIT_KEYS"),
    used(
        "key_file", [](C& c) -> Slot { return &c.key_file; },
        "File with lines \"key: secret\", used instead of keys; not readable by others")
        .reloaded()
        .named("key-file"),
    used(
        "region", [](C& c) -> Slot { return &c.region; }, "Region this node reports to clients")
        .named("region"),
    used(
        "development", [](C& c) -> Slot { return &c.development; },
        "Placeholder keys on loopback, debug log, one UDP port 7882")
        .named("dev"),
    used(
        "prometheus_port", [](C& c) -> Slot { return &c.prometheus.port; }, "Metrics port")
        .replaced_by("prometheus.port"),
    used(
        "log_level", [](C& c) -> Slot { return &c.logging.level; }, "Log level")
        .replaced_by("logging.level"),
    used(
        "enable_data_tracks", [](C& c) -> Slot { return &c.enable_data_tracks; },
        "Participants may publish data tracks"),
    used(
        "enable_participant_data_blob",
        [](C& c) -> Slot { return &c.enable_participant_data_blob; },
        "Participants may store blobs, which others fetch"),
    used(
        "prometheus.port", [](C& c) -> Slot { return &c.prometheus.port; },
        "Metrics are served on this port; 0 for none"),
    used(
        "prometheus.username", [](C& c) -> Slot { return &c.prometheus.username; },
        "User name the metrics ask for")
        .reloaded(),
    used(
        "prometheus.password", [](C& c) -> Slot { return &c.prometheus.password; },
        "Password the metrics ask for")
        .reloaded(),
    used(
        "debug_handler.port", [](C& c) -> Slot { return &c.debug_handler.port; },
        "Debug pages are served on this port of 127.0.0.1; 0 for none"),
    later("trace.jaeger_url", Kind::kString, "\"\"", "Where traces are sent"),
    used(
        "logging.level", [](C& c) -> Slot { return &c.logging.level; },
        "debug, info, warn or error; empty for info, in development debug")
        .reloaded(),
    used(
        "logging.json", [](C& c) -> Slot { return &c.logging.json; },
        "Log one JSON object per line instead of readable text"),
    used(
        "logging.pion_level", [](C& c) -> Slot { return &c.logging.pion_level; },
        "Level of ICE, DTLS and SCTP")
        .later(),
    used(
        "logging.component_levels", [](C& c) -> Slot { return &c.logging.component_levels; },
        "Level by component name")
        .later(),
    used(
        "logging.sample", [](C& c) -> Slot { return &c.logging.sample; },
        "Thin out lines that repeat")
        .later(),
    used(
        "logging.sample_initial", [](C& c) -> Slot { return &c.logging.sample_initial; },
        "Repeats per second that pass unthinned")
        .later(),
    used(
        "logging.sample_interval", [](C& c) -> Slot { return &c.logging.sample_interval; },
        "Of further repeats one in this many passes")
        .later(),
    used(
        "logging.item_sample_seconds", [](C& c) -> Slot { return &c.logging.item_sample_seconds; },
        "Period over which lines of one room or participant are counted")
        .later(),
    used(
        "logging.item_sample_initial", [](C& c) -> Slot { return &c.logging.item_sample_initial; },
        "Lines per item and period that pass unthinned")
        .later(),
    used(
        "logging.item_sample_interval",
        [](C& c) -> Slot { return &c.logging.item_sample_interval; },
        "Of further lines per item one in this many passes")
        .later(),
});

}  // namespace

std::span<const Option> node_rows() {
    return kRows;
}

}  // namespace confab::config
