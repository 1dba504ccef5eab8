// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Settings: the section confab, which LiveKit does not have.
#include <array>

#include "config/rows/rows.h"

namespace confab::config {
namespace {

using C = Config;

constexpr auto kRows = std::to_array<Option>({
    used(
        "confab.workers", [](C& c) -> Slot { return &c.own.workers; },
        "Media threads; 0 for one per processor but one")
        .range(0, 52),  // sfu::kMaxWorkers: each has a letter in the ICE names
    used(
        "confab.control_threads", [](C& c) -> Slot { return &c.own.control_threads; },
        "Threads for rooms and signalling, over which rooms are spread by name; 0 for a quarter of "
        "the processors")
        .range(0, 64),
    used(
        "confab.participants_per_worker",
        [](C& c) -> Slot { return &c.own.participants_per_worker; },
        "Participants of one room on one media thread before others take part")
        .range(1, 100'000),
    used(
        "confab.data_dir", [](C& c) -> Slot { return &c.own.data_dir; },
        "Folder for what outlives a restart: webhooks that wait, and the last ones for a replay, "
        "the history of the console, "
        "certificates of tls.acme_directory; "
        "empty for the one that systemd gives (StateDirectory=), else none"),
    used(
        "confab.web_dir", [](C& c) -> Slot { return &c.own.web_dir; },
        "Folder of the demo page, which confab.demo_enabled opens under /demo/; empty for where it "
        "is "
        "built or installed"),
    used(
        "confab.demo_enabled", [](C& c) -> Slot { return &c.own.demo_enabled; },
        "Serve the demo page, which hands out tokens to everybody"),
    used(
        "confab.metrics_enabled", [](C& c) -> Slot { return &c.own.metrics_enabled; },
        "Serve /metrics on the main port, too"),
    used(
        "confab.max_connections", [](C& c) -> Slot { return &c.own.max_connections; },
        "HTTP and WebSocket connections; beyond, the longest idle one gives way")
        .range(16, 1'000'000),
    used(
        "confab.max_connections_per_address",
        [](C& c) -> Slot { return &c.own.max_connections_per_address; },
        "Share of one IPv4 address or IPv6 /64, but not of loopback; 0 for half of "
        "max_connections")
        .range(0, 1'000'000),
    used(
        "confab.drain_timeout", [](C& c) -> Slot { return &c.own.drain_timeout; },
        "After the first SIGTERM, how long participants may stay until their calls are ended, or "
        "go on at another node; 0 for as long as they like"),
    used(
        "confab.drain_rate", [](C& c) -> Slot { return &c.own.drain_rate; },
        "After that, how many participants in a second are sent to other nodes of the cluster, "
        "room by room")
        .range(1, 100'000),
    used(
        "confab.node_links", [](C& c) -> Slot { return &c.own.node_links; },
        "With redis: direct connections between confab nodes for signalling, so that it does not "
        "pass Redis, goes on without it, and the end of a node is seen at once"),
    used(
        "confab.node_link_ip", [](C& c) -> Slot { return &c.own.node_link_ip; },
        "Address of this machine where other nodes reach it, in the network between the nodes; "
        "empty for the one from which Redis is reached"),
    used(
        "confab.node_link_port", [](C& c) -> Slot { return &c.own.node_link_port; },
        "TCP port for links from other nodes; 0 for any free one"),
    used(
        "confab.scale_cpu_load", [](C& c) -> Slot { return &c.own.scale_cpu_load; },
        "CPU load that nodes of a cluster should have: by it, limit.num_tracks, "
        "limit.bytes_per_sec "
        "and confab.scale_participants the metric confab_cluster_desired_nodes is reckoned; 0: CPU "
        "does "
        "not count")
        .range(0, 1),
    used(
        "confab.scale_participants", [](C& c) -> Slot { return &c.own.scale_participants; },
        "Participants that one node is planned for; 0 for as many as it can")
        .range(0, 1'000'000),
    used(
        "confab.scale_hold", [](C& c) -> Slot { return &c.own.scale_hold; },
        "How long the load has to be lower before fewer nodes are desired"),
    used(
        "confab.scale_ahead", [](C& c) -> Slot { return &c.own.scale_ahead; },
        "So long before an hour that needed more nodes in past weeks they are desired; 0 for what "
        "is needed now alone"),
    used(
        "confab.egress_cluster_ids", [](C& c) -> Slot { return &c.own.egress_cluster_ids; },
        "The cluster_id of egress services that are asked to record, one after the other until one "
        "is there; \"\" are those without one, as is an empty list"),
    used(
        "confab.sip_cluster_ids", [](C& c) -> Slot { return &c.own.sip_cluster_ids; },
        "The same of SIP services that call out"),
    used(
        "confab.scale_command", [](C& c) -> Slot { return &c.own.scale_command; },
        "A program that one node of a cluster runs when another number of nodes is desired, or "
        "another one may go: without arguments, with CONFAB_DESIRED_NODES, CONFAB_SERVING_NODES "
        "and CONFAB_MAY_GO (the id of a node, or empty) in its environment"),
    used(
        "confab.scale_command_timeout", [](C& c) -> Slot { return &c.own.scale_command_timeout; },
        "After that it is killed, and run again later"),
    used(
        "confab.webhook_flush_timeout", [](C& c) -> Slot { return &c.own.webhook_flush_timeout; },
        "At the end, how long webhooks that wait may still take"),
    used(
        "confab.webhook_retention", [](C& c) -> Slot { return &c.own.webhook_retention; },
        "With confab.data_dir: how long webhooks are tried, and kept for a replay"),
    used(
        "confab.watch_config", [](C& c) -> Slot { return &c.own.watch_config; },
        "Reload when a file of the configuration changes, as after SIGHUP"),
    used(
        "confab.console_enabled", [](C& c) -> Slot { return &c.own.console_enabled; },
        "Serve the console of operators under /console/, which opens to an API key with its secret")
        .reloaded(),
    used(
        "confab.console_password", [](C& c) -> Slot { return &c.own.console_password; },
        "Opens the console, too, for who may do everything there; empty for API keys alone")
        .reloaded(),
    used(
        "confab.console_viewer_password",
        [](C& c) -> Slot { return &c.own.console_viewer_password; },
        "Opens the console for who may look at everything and change nothing")
        .reloaded(),
    used(
        "confab.console_history_days", [](C& c) -> Slot { return &c.own.console_history_days; },
        "How long the console keeps sessions, events and figures of each minute: in "
        "confab.data_dir, without one in memory; 0 for no history, which only a restart begins "
        "again")
        .range(0, 3650)
        .reloaded(),
    used(
        "confab.console_history_size", [](C& c) -> Slot { return &c.own.console_history_size; },
        "The most that the history takes, in MiB; beyond, what is oldest goes")
        .range(1, 100'000)
        .reloaded(),
    used(
        "confab.level_lengths", [](C& c) -> Slot { return &c.own.level_lengths; },
        "Pad packets of a frame to one length, a few octets each, so that the system sends them "
        "in one go; only to clients that were tried with it"),
    used(
        "confab.sound_hold", [](C& c) -> Slot { return &c.own.sound_hold; },
        "How long sound may wait for the sound of others, up to 20ms: what several people say at "
        "about the same time then leaves in one send for each listener, which costs less and comes "
        "later; 0s: it never waits"),
    used(
        "confab.tenants", [](C& c) -> Slot { return &c.own.tenants; },
        "Tenant to its API keys, which name and see the tenant's rooms only; a key of none is the "
        "operator's")
        .reloaded(),
});

}  // namespace

std::span<const Option> own_rows() {
    return kRows;
}

}  // namespace confab::config
