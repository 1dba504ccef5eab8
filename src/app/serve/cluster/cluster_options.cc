// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/cluster/cluster_options.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <thread>
#include <utility>

#include "app/serve/cluster/link_options.h"
#include "app/serve/cluster/redis_options.h"
#include "app/version.h"
#include "json/json.h"

namespace confab::app {
namespace {

namespace nodes = cluster::nodes;

Result<nodes::Region, std::string> region(const std::string& text) {
    const auto wrong = [&] {
        return fail("an entry of node_selector.regions is no region: " + text +
                    "; write {name: eu, lat: 52.5, lon: 13.4}");
    };
    const auto value = json::parse(text);
    if (!value || value->kind != json::Kind::kObject) return wrong();
    const json::Value* const name = value->find("name");
    const json::Value* const lat = value->find("lat");
    const json::Value* const lon = value->find("lon");
    if (name == nullptr || lat == nullptr || lon == nullptr || name->kind != json::Kind::kString ||
        lat->kind != json::Kind::kNumber || lon->kind != json::Kind::kNumber)
        return wrong();
    return nodes::Region{name->string, lat->number, lon->number};
}

Result<nodes::SelectorOptions, std::string> selector(const config::NodeSelector& config,
                                                     const std::string& own_region) {
    nodes::SelectorText text;
    text.kind = config.kind;
    text.sort_by = config.sort_by;
    text.algorithm = config.algorithm;
    text.cpu_load_limit = config.cpu_load_limit;
    text.sysload_limit = config.sysload_limit;
    for (const std::string& entry : config.regions.items) {
        CONFAB_TRY(nodes::Region one, region(entry));
        text.regions.push_back(std::move(one));
    }
    return nodes::check_selector(text, own_region);
}

cluster::relay::Settings relay_settings(const config::Config& config) {
    cluster::relay::Settings settings;
    settings.retry_timeout = config.signal_relay.retry_timeout;
    settings.min_retry_interval = config.signal_relay.min_retry_interval;
    settings.max_retry_interval = config.signal_relay.max_retry_interval;
    settings.stream_buffer_size = config.signal_relay.stream_buffer_size;
    settings.connect_attempts = config.signal_relay.connect_attempts;
    return settings;
}

nodes::ScaleOptions scale_options(const config::Config& config) {
    nodes::ScaleOptions scale;
    scale.cpu_target = config.own.scale_cpu_load;
    scale.participants_per_node = config.own.scale_participants;
    scale.bytes_per_node = static_cast<double>(config.limit.bytes_per_sec) * nodes::kLimitTarget;
    scale.tracks_per_node = static_cast<double>(config.limit.num_tracks) * nodes::kLimitTarget;
    scale.most = nodes::NodeTable::kMaxNodes;
    scale.hold = config.own.scale_hold;
    scale.ahead = config.own.scale_ahead;
    return scale;
}

}  // namespace

Result<control::ClusterOptions, std::string> cluster_options(const config::Config& config,
                                                             const std::string& node_id,
                                                             std::uint64_t seed) {
    control::ClusterOptions options;
    options.machine = [redis = config.redis, seed](redis::Events events, Timestamp now) {
        return redis_machine(redis, std::move(events), now, seed);
    };
    CONFAB_TRY(options.driver, redis_driver_options(config.redis));
    CONFAB_TRY(options.links, link_address(config));
    options.place = redis_place(config.redis);
    const bool is_redis_cluster =
        !config.redis.cluster_addresses.empty() && config.redis.sentinel_addresses.empty();
    options.listeners_are_known = !is_redis_cluster;
    options.store_keys_apart = is_redis_cluster;
    options.registry.id = node_id;
    options.registry.ip = config.rtc.node_ip;
    options.registry.region = config.region;
    options.registry.num_cpus = std::max(1U, std::thread::hardware_concurrency());
    options.registry.version = kLiveKitVersion;
    options.registry.limits.num_tracks = config.limit.num_tracks;
    options.registry.limits.bytes_per_sec = static_cast<std::int64_t>(config.limit.bytes_per_sec);
    options.registry.heartbeat = config.node_stats.update_interval;
    options.registry.rate_windows = config.node_stats.rate_intervals;
    CONFAB_TRY(options.placement.selector, selector(config.node_selector, config.region));
    options.scale = scale_options(config);
    options.scale_command = {config.own.scale_command, config.own.scale_command_timeout};
    options.relay = relay_settings(config);
    options.retry.attempts = config.psrpc.max_attempts;
    options.retry.timeout = config.psrpc.timeout;
    options.retry.added = config.psrpc.backoff;
    options.ingress = {config.ingress.rtmp_base_url, config.ingress.whip_base_url};
    options.egress_ids = config.own.egress_cluster_ids;
    options.sip_ids = config.own.sip_cluster_ids;
    options.websocket.max_message_bytes = config.limit.signal_message_size_limit;
    options.move_rate = config.own.drain_rate;
    options.seed = seed;
    return options;
}

std::uint32_t whole_cpus(const CpuGauge::Reading& cpu) {
    return std::max(1U, static_cast<std::uint32_t>(std::ceil(cpu.cpus)));
}

namespace {

std::uint32_t nanoseconds(double value) {
    return static_cast<std::uint32_t>(std::clamp(value, 0.0, 4e9));
}

void add_media(worker::ControlPort& media, nodes::NodeFigures& figures) {
    using nodes::Counter;
    worker::ForwardLatency latency;
    for (std::size_t i = 0; i < media.size(); ++i) {
        const sfu::ShardSnapshot& shard = media.snapshot(i).shard;
        figures.num_tracks_in += static_cast<std::int32_t>(shard.receivers);
        figures.num_tracks_out += static_cast<std::int32_t>(shard.down_tracks);
        figures[Counter::kBytesIn] += shard.rtp_bytes_in;
        figures[Counter::kBytesOut] += shard.rtp_bytes_out;
        figures[Counter::kPacketsIn] += shard.rtp_in;
        figures[Counter::kPacketsOut] += shard.rtp_out;
        figures[Counter::kNacks] += shard.nacks_in;
        figures[Counter::kRetransmitBytesOut] += shard.rtx_bytes_out;
        figures[Counter::kRetransmitPacketsOut] += shard.rtx_out;
        latency.merge(media.snapshot(i).latency);
    }
    figures.forward_latency_ns = nanoseconds(latency.average());
    figures.forward_jitter_ns = nanoseconds(latency.jitter());
}

void add_steps(const control::StepCounts& steps, nodes::NodeFigures& figures) {
    using control::Step;
    using nodes::Counter;
    figures[Counter::kSignalConnected] = steps[Step::kSignalConnected];
    figures[Counter::kSignalFailed] = steps[Step::kSignalFailed];
    figures[Counter::kSignalValidationFailed] = steps[Step::kSignalValidationFailed];
    figures[Counter::kRtcInit] = steps[Step::kRtcInit];
    figures[Counter::kRtcConnected] = steps[Step::kRtcConnected];
    figures[Counter::kRtcActive] = steps[Step::kRtcActive];
    figures[Counter::kRtcCanceled] = steps[Step::kRtcCanceled];
    figures[Counter::kPublishAttempts] = steps[Step::kPublishAttempt];
    figures[Counter::kPublishSuccesses] = steps[Step::kPublishSuccess];
    figures[Counter::kPublishCancels] = steps[Step::kPublishCancel];
    figures[Counter::kSubscribeAttempts] = steps[Step::kSubscribeAttempt];
    figures[Counter::kSubscribeSuccesses] = steps[Step::kSubscribeSuccess];
    figures[Counter::kSubscribeCancels] = steps[Step::kSubscribeCancel];
}

void add_loads(const CpuGauge::Reading& cpu, nodes::NodeFigures& figures) {
    figures.num_cpus = whole_cpus(cpu);
    figures.cpu_load = static_cast<float>(cpu.load);
    // The kernel has load averages of the machine alone. Others divide them by num_cpus (NODE-05):
    // of a part of the machine its part is told.
    const double machine = std::max(1U, std::thread::hardware_concurrency());
    const double part = cpu.is_limited ? figures.num_cpus / machine : 1;
    std::array<double, 3> load{};
    if (::getloadavg(load.data(), 3) == 3) {
        figures.load_avg_1min = static_cast<float>(load[0] * part);
        figures.load_avg_5min = static_cast<float>(load[1] * part);
        figures.load_avg_15min = static_cast<float>(load[2] * part);
    }
}

}  // namespace

nodes::NodeFigures node_figures(worker::ControlPort& media, const control::ControlReport& report,
                                const CpuGauge::Reading& cpu, const MachineReading& machine) {
    nodes::NodeFigures figures;
    figures.num_rooms = static_cast<std::int32_t>(report.rooms.rooms);
    figures.num_clients = static_cast<std::int32_t>(report.rooms.participants);
    add_media(media, figures);
    add_steps(report.steps, figures);
    add_loads(cpu, figures);
    figures.memory_total = machine.memory.total;
    figures.memory_used = machine.memory.used;
    figures[nodes::Counter::kSystemPacketsOut] = machine.packets.sent;
    figures[nodes::Counter::kSystemPacketsDropped] = machine.packets.dropped;
    return figures;
}

}  // namespace confab::app
