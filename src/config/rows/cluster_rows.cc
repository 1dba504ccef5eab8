// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Settings: Redis and the other nodes.
#include <array>

#include "config/rows/rows.h"

namespace confab::config {
namespace {

using C = Config;

constexpr auto kRows = std::to_array<Option>({
    used(
        "redis.address", [](C& c) -> Slot { return &c.redis.address; },
        "host:port of the Redis server that joins nodes")
        .named("redis-host", "REDIS_HOST"),
    used(
        "redis.username", [](C& c) -> Slot { return &c.redis.username; }, "Redis user"),
    used(
        "redis.password", [](C& c) -> Slot { return &c.redis.password; }, "Redis password")
        .named("redis-password", "REDIS_PASSWORD"),
    used(
        "redis.db", [](C& c) -> Slot { return &c.redis.db; },
        "Redis database number; a Redis Cluster has only 0"),
    used(
        "redis.use_tls", [](C& c) -> Slot { return &c.redis.tls.enabled; }, "Redis over TLS")
        .replaced_by("redis.tls.enabled"),
    used(
        "redis.tls.enabled", [](C& c) -> Slot { return &c.redis.tls.enabled; }, "Redis over TLS"),
    used(
        "redis.tls.insecure", [](C& c) -> Slot { return &c.redis.tls.insecure; },
        "Accept any certificate"),
    used(
        "redis.tls.server_name", [](C& c) -> Slot { return &c.redis.tls.server_name; },
        "Name in the certificate, if it is not that of the address"),
    used(
        "redis.tls.ca_cert_file", [](C& c) -> Slot { return &c.redis.tls.ca_cert_file; },
        "Certificate authorities instead of the system's, PEM"),
    used(
        "redis.tls.client_cert_file", [](C& c) -> Slot { return &c.redis.tls.client_cert_file; },
        "Certificate of this node, PEM"),
    used(
        "redis.tls.client_key_file", [](C& c) -> Slot { return &c.redis.tls.client_key_file; },
        "Its key, PEM"),
    used(
        "redis.sentinel_master_name", [](C& c) -> Slot { return &c.redis.sentinel_master_name; },
        "What the Sentinels call the master"),
    used(
        "redis.sentinel_addresses", [](C& c) -> Slot { return &c.redis.sentinel_addresses; },
        "host:port of Sentinels, which know the master; before redis.cluster_addresses and "
        "redis.address"),
    used(
        "redis.sentinel_username", [](C& c) -> Slot { return &c.redis.sentinel_username; },
        "User at the Sentinels"),
    used(
        "redis.sentinel_password", [](C& c) -> Slot { return &c.redis.sentinel_password; },
        "Password at the Sentinels"),
    used(
        "redis.dial_timeout", [](C& c) -> Slot { return &c.redis.dial_timeout_ms; },
        "Milliseconds until a connection must be made")
        .range(100, 60000),
    other("redis.read_timeout", Kind::kUint32, "200",
          "All commands share one connection, which is given up after 5 seconds without an answer"),
    other("redis.write_timeout", Kind::kUint32, "200",
          "All commands share one connection, which is given up after 5 seconds without an answer"),
    used(
        "redis.cluster_addresses", [](C& c) -> Slot { return &c.redis.cluster_addresses; },
        "host:port of some nodes of a Redis Cluster; before redis.address"),
    used(
        "redis.max_redirects", [](C& c) -> Slot { return &c.redis.max_redirects; },
        "How often a command may be sent elsewhere inside a Redis Cluster")
        .range(0, 16),
    other("redis.pool_timeout", Kind::kDuration, "0s",
          "There is no pool: one connection carries all commands"),
    other("redis.pool_size", Kind::kUint32, "0",
          "There is no pool: one connection carries all commands"),
    used(
        "psrpc.max_attempts", [](C& c) -> Slot { return &c.psrpc.max_attempts; },
        "Attempts of a call between nodes")
        .range(1, 10),
    used(
        "psrpc.timeout", [](C& c) -> Slot { return &c.psrpc.timeout; },
        "How long the first attempt of a call between nodes may take"),
    used(
        "psrpc.backoff", [](C& c) -> Slot { return &c.psrpc.backoff; },
        "How much longer each further one may take"),
    other("psrpc.buffer_size", Kind::kUint32, "1000",
          "Messages between nodes are handled as they come; each stream holds 100"),
    used(
        "signal_relay.retry_timeout", [](C& c) -> Slot { return &c.signal_relay.retry_timeout; },
        "Signalling to another node that gets no answer for this long is given up"),
    used(
        "signal_relay.min_retry_interval",
        [](C& c) -> Slot { return &c.signal_relay.min_retry_interval; },
        "First wait before it is sent again"),
    used(
        "signal_relay.max_retry_interval",
        [](C& c) -> Slot { return &c.signal_relay.max_retry_interval; },
        "Longest wait before it is sent again"),
    used(
        "signal_relay.stream_buffer_size",
        [](C& c) -> Slot { return &c.signal_relay.stream_buffer_size; },
        "Messages that may wait to be sent to another node, for each participant")
        .range(10, 100000),
    used(
        "signal_relay.connect_attempts",
        [](C& c) -> Slot { return &c.signal_relay.connect_attempts; },
        "How often a join is tried at other nodes")
        .range(1, 10),
    used(
        "node_selector.kind", [](C& c) -> Slot { return &c.node_selector.kind; },
        "Which nodes may take a new room: all, those that are not too busy, or those of the "
        "nearest region")
        .one_of("any|cpuload|sysload|regionaware|random"),
    used(
        "node_selector.sort_by", [](C& c) -> Slot { return &c.node_selector.sort_by; },
        "Order of these nodes")
        .one_of("random|sysload|cpuload|rooms|clients|tracks|bytespersec"),
    used(
        "node_selector.algorithm", [](C& c) -> Slot { return &c.node_selector.algorithm; },
        "The first of them, or the better of two by chance")
        .one_of("lowest|twochoice"),
    used(
        "node_selector.cpu_load_limit",
        [](C& c) -> Slot { return &c.node_selector.cpu_load_limit; },
        "CPU load of a node that is too busy")
        .range(0, 1),
    used(
        "node_selector.sysload_limit", [](C& c) -> Slot { return &c.node_selector.sysload_limit; },
        "System load for each CPU of a node that is too busy")
        .range(0, 100),
    used(
        "node_selector.regions", [](C& c) -> Slot { return &c.node_selector.regions; },
        "Regions with name, lat, lon")
        .with_entries("name|lat|lon"),
    used(
        "node_stats.stats_update_interval",
        [](C& c) -> Slot { return &c.node_stats.update_interval; },
        "How often a node tells of itself"),
    used(
        "node_stats.stats_rate_measurement_intervals",
        [](C& c) -> Slot { return &c.node_stats.rate_intervals; },
        "Times over which its rates are measured; the first is the one that counts"),
    other("node_stats.stats_max_delay", Kind::kDuration, "30s",
          "A node that could not tell of itself for 30 seconds says so in its log"),
});

}  // namespace

std::span<const Option> cluster_rows() {
    return kRows;
}

}  // namespace confab::config
