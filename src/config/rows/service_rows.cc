// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Settings: TURN, ingress, webhooks, agents and the API.
#include <array>

#include "config/rows/rows.h"

namespace confab::config {
namespace {

using C = Config;

constexpr auto kRows = std::to_array<Option>({
    used(
        "turn.enabled", [](C& c) -> Slot { return &c.turn.enabled; }, "Embedded TURN server"),
    used(
        "turn.domain", [](C& c) -> Slot { return &c.turn.domain; }, "Name in the certificate"),
    used(
        "turn.cert_file", [](C& c) -> Slot { return &c.turn.cert_file; }, "TLS certificate")
        .named("turn-cert", "LIVEKIT_TURN_CERT"),
    used(
        "turn.key_file", [](C& c) -> Slot { return &c.turn.key_file; }, "TLS key")
        .named("turn-key", "LIVEKIT_TURN_KEY"),
    used(
        "turn.tls_port", [](C& c) -> Slot { return &c.turn.tls_port; }, "TURN over TLS"),
    used(
        "turn.udp_port", [](C& c) -> Slot { return &c.turn.udp_port; }, "TURN over UDP"),
    used(
        "turn.external_tls", [](C& c) -> Slot { return &c.turn.external_tls; },
        "A load balancer ends TLS"),
    used(
        "turn.relay_range_start", [](C& c) -> Slot { return &c.turn.relay_range_start; },
        "First relay port")
        .shown("30000"),
    used(
        "turn.relay_range_end", [](C& c) -> Slot { return &c.turn.relay_range_end; },
        "Last relay port, in development 30002")
        .shown("40000"),
    used(
        "turn.bind_addresses", [](C& c) -> Slot { return &c.turn.bind_addresses; },
        "Addresses TURN listens on"),
    used(
        "turn.ttl_seconds", [](C& c) -> Slot { return &c.turn.ttl_seconds; },
        "Life of TURN credentials")
        .range(0, 86400),
    used(
        "turn.per_user_relay_allocation_limit",
        [](C& c) -> Slot { return &c.turn.per_user_relay_allocation_limit; },
        "Relays per participant"),
    used(
        "turn.allow_restricted_peer_cidrs",
        [](C& c) -> Slot { return &c.turn.allow_restricted_peer_cidrs; },
        "Private blocks that may be relayed to")
        .reloaded(),
    used(
        "turn.deny_peer_cidrs", [](C& c) -> Slot { return &c.turn.deny_peer_cidrs; },
        "Blocks that are never relayed to")
        .reloaded(),
    used(
        "ingress.rtmp_base_url", [](C& c) -> Slot { return &c.ingress.rtmp_base_url; },
        "RTMP address shown to users"),
    used(
        "ingress.whip_base_url", [](C& c) -> Slot { return &c.ingress.whip_base_url; },
        "WHIP address shown to users"),
    later("sip", Kind::kJsonByName, "{}", "No keys").with_entries(kNoEntries),
    used(
        "webhook.urls", [](C& c) -> Slot { return &c.webhook.urls; }, "Where events are posted"),
    used(
        "webhook.api_key", [](C& c) -> Slot { return &c.webhook.api_key; },
        "Key whose secret signs the events"),
    later("webhook.url_notifier.num_workers", Kind::kUint32, "10", "Senders of the older kind"),
    later("webhook.url_notifier.queue_size", Kind::kUint32, "100", "Queue of the older kind"),
    used(
        "webhook.resource_url_notifier.max_age",
        [](C& c) -> Slot { return &c.webhook.resource_url_notifier.max_age; },
        "Older events are dropped"),
    used(
        "webhook.resource_url_notifier.max_depth",
        [](C& c) -> Slot { return &c.webhook.resource_url_notifier.max_depth; },
        "Events that wait per address"),
    used(
        "webhook.filter_params.include_events",
        [](C& c) -> Slot { return &c.webhook.filter_params.include_events; },
        "Only these events; empty for all"),
    used(
        "webhook.filter_params.exclude_events",
        [](C& c) -> Slot { return &c.webhook.filter_params.exclude_events; },
        "All but these events"),
    used(
        "agents.target_load", [](C& c) -> Slot { return &c.agents.target_load; },
        "Load up to which workers of a node attract jobs")
        .range(0, 1),
    used(
        "agents.enable_user_data_recording",
        [](C& c) -> Slot { return &c.agents.enable_user_data_recording; }, "Agents may record"),
    used(
        "agents.enable_user_data_redaction",
        [](C& c) -> Slot { return &c.agents.enable_user_data_redaction; }, "Agents must redact"),
    used(
        "metric.collector.sampling_interval_ms",
        [](C& c) -> Slot { return &c.metric.collector.sampling_interval_ms; },
        "Time between samples of participants' round-trip times, which who may hear metrics is "
        "told, at least 100; 0 is 3000"),
    used(
        "metric.collector.batch_interval_ms",
        [](C& c) -> Slot { return &c.metric.collector.batch_interval_ms; },
        "Time for which samples are collected before they go into reports, at least that between "
        "two of them, at most 500 times as long"),
    used(
        "metric.reporter.reporting_interval_ms",
        [](C& c) -> Slot { return &c.metric.reporter.reporting_interval_ms; },
        "Time for which metrics of clients are collected for who may hear them, at least 100; 0 "
        "passes each on at once"),
    used(
        "metric.timestamper_config.one_way_delay_estimator_min_interval",
        [](C& c)
            -> Slot { return &c.metric.timestamper_config.one_way_delay_estimator_min_interval; },
        "Shortest time after which the clock of who sends metrics is compared again"),
    used(
        "metric.timestamper_config.one_way_delay_estimator_max_batch",
        [](C& c) -> Slot { return &c.metric.timestamper_config.one_way_delay_estimator_max_batch; },
        "Batches of metrics after which it is compared earlier"),
    later("api.execution_timeout", Kind::kDuration, "2s", "Longest wait for an effect"),
    later("api.check_interval", Kind::kDuration, "100ms", "First check for an effect"),
    later("api.max_check_interval", Kind::kDuration, "300s", "Longest time between checks"),
    later("api.enable_psrpc_for_get_list_participants", Kind::kBool, "false",
          "Ask the node of the room"),
});

}  // namespace

std::span<const Option> service_rows() {
    return kRows;
}

}  // namespace confab::config
