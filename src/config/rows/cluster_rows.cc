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
        .named("redis-host", "REDIS_HOST")
        .later(),
    used(
        "redis.username", [](C& c) -> Slot { return &c.redis.username; }, "Redis user")
        .later(),
    used(
        "redis.password", [](C& c) -> Slot { return &c.redis.password; }, "Redis password")
        .named("redis-password", "REDIS_PASSWORD")
        .later(),
    used(
        "redis.db", [](C& c) -> Slot { return &c.redis.db; }, "Redis database number")
        .later(),
    used(
        "redis.use_tls", [](C& c) -> Slot { return &c.redis.use_tls; }, "Redis over TLS")
        .replaced_by("redis.tls.enabled"),
    used(
        "redis.tls.enabled", [](C& c) -> Slot { return &c.redis.use_tls; }, "Redis over TLS")
        .later(),
    later("redis.tls.insecure", Kind::kBool, "false", "Accept any certificate"),
    later("redis.tls.server_name", Kind::kString, "\"\"", "Name in the certificate"),
    later("redis.tls.ca_cert_file", Kind::kString, "\"\"", "Certificate authority"),
    later("redis.tls.client_cert_file", Kind::kString, "\"\"", "Client certificate"),
    later("redis.tls.client_key_file", Kind::kString, "\"\"", "Client key"),
    later("redis.sentinel_master_name", Kind::kString, "\"\"", "Sentinel master"),
    used(
        "redis.sentinel_addresses", [](C& c) -> Slot { return &c.redis.sentinel_addresses; },
        "Sentinels")
        .later(),
    later("redis.sentinel_username", Kind::kString, "\"\"", "Sentinel user"),
    later("redis.sentinel_password", Kind::kSecret, "\"\"", "Sentinel password"),
    later("redis.dial_timeout", Kind::kUint32, "2000", "Milliseconds to connect"),
    later("redis.read_timeout", Kind::kUint32, "200", "Milliseconds to read"),
    later("redis.write_timeout", Kind::kUint32, "200", "Milliseconds to write"),
    used(
        "redis.cluster_addresses", [](C& c) -> Slot { return &c.redis.cluster_addresses; },
        "Redis cluster nodes")
        .later(),
    later("redis.max_redirects", Kind::kUint32, "2", "Redirects inside a cluster"),
    later("redis.pool_timeout", Kind::kDuration, "0s", "Wait for a free connection"),
    later("redis.pool_size", Kind::kUint32, "0", "Connections"),
    later("psrpc.max_attempts", Kind::kUint32, "3", "Attempts of a call between nodes"),
    later("psrpc.timeout", Kind::kDuration, "3s", "Timeout of a call between nodes"),
    later("psrpc.backoff", Kind::kDuration, "2s", "Wait between attempts"),
    later("psrpc.buffer_size", Kind::kUint32, "1000", "Messages queued"),
    later("signal_relay.retry_timeout", Kind::kDuration, "7.5s", "Give up after"),
    later("signal_relay.min_retry_interval", Kind::kDuration, "500ms", "First wait"),
    later("signal_relay.max_retry_interval", Kind::kDuration, "4s", "Longest wait"),
    later("signal_relay.stream_buffer_size", Kind::kUint32, "1000", "Messages queued"),
    later("signal_relay.connect_attempts", Kind::kUint32, "3", "Attempts"),
    later("node_selector.kind", Kind::kString, "any", "How a node is chosen")
        .one_of("any|cpuload|sysload|regionaware"),
    later("node_selector.sort_by", Kind::kString, "random", "Order of nodes")
        .one_of("random|sysload|cpuload|rooms|clients|tracks|bytespersec"),
    later("node_selector.algorithm", Kind::kString, "lowest", "Choice among them")
        .one_of("lowest|twochoice"),
    later("node_selector.cpu_load_limit", Kind::kFloat, "0.9", "CPU load of a full node"),
    later("node_selector.sysload_limit", Kind::kFloat, "0.9", "System load of a full node"),
    later("node_selector.regions", Kind::kJsonList, "[]", "Regions with name, lat, lon")
        .with_entries("name|lat|lon"),
    later("node_stats.stats_update_interval", Kind::kDuration, "2s", "Node statistics"),
    later("node_stats.stats_rate_measurement_intervals", Kind::kDurations, "[10s]", "Rates"),
    later("node_stats.stats_max_delay", Kind::kDuration, "30s", "Age of a dead node"),
});

}  // namespace

std::span<const Option> cluster_rows() {
    return kRows;
}

}  // namespace confab::config
