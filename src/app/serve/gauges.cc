// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/gauges.h"

#include <string>
#include <vector>

#include "base/check.h"
#include "runtime/control/media_metrics.h"
#include "runtime/control/observations.h"

namespace confab::app {
namespace {

using telemetry::Metric;

double number(auto value) {
    return static_cast<double>(value);
}

void collect_http(telemetry::Metrics& metrics, const net::HttpServerStats& stats) {
    for (const auto& [status, count] : stats.responses.all())
        metrics.set(Metric::kHttpRequests, {std::to_string(status)}, number(count));
    metrics.set(Metric::kHttpConnections, number(stats.connections_open));
    metrics.set(Metric::kWebSockets, number(stats.websockets_open));
    metrics.set(Metric::kWsQueueOverflow, number(stats.websocket_queue_overflows));
    metrics.set(Metric::kWsWriteTimeout, number(stats.websocket_write_timeouts));
    metrics.set(Metric::kWsOversize, number(stats.websocket_oversize));
    metrics.set(Metric::kHttpTimeouts, number(stats.timeouts));
    metrics.set(Metric::kHttpConnectionsRefused, number(stats.connections_refused));
    metrics.set(Metric::kHttpConnectionsEvicted, number(stats.connections_evicted));
    metrics.set(Metric::kHttpAcceptErrors, number(stats.accept_errors));
    metrics.set(Metric::kHttpBufferedBytes, number(stats.buffered_bytes));
}

}  // namespace

void collect(telemetry::Metrics& metrics, control::ControlPlane& control,
             worker::ControlPort& media, const net::HttpServer& http) {
    const room::RoomManager::Snapshot rooms = control.rooms().snapshot();
    metrics.set(Metric::kRoomTotal, static_cast<double>(rooms.rooms));
    metrics.set(Metric::kParticipantTotal, static_cast<double>(rooms.participants));

    std::vector<const worker::Mailbox::Published*> workers;
    workers.reserve(media.size());
    for (std::size_t i = 0; i < media.size(); ++i)
        workers.push_back(&media.snapshot(i));
    control::record_media(metrics, workers);
    metrics.set(Metric::kCommandsDropped, number(media.commands_dropped()));
    control::record(metrics, control.webhooks().stats());
    metrics.set(Metric::kBugs, number(bug_count()));
    metrics.set(Metric::kLoopFailures, number(control.loop().failures()));
    collect_http(metrics, http.stats());
}

control::NodeLoad node_load(worker::ControlPort& media, LoadMeter& meter) {
    control::NodeLoad load;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < media.size(); ++i) {
        const sfu::ShardSnapshot& shard = media.snapshot(i).shard;
        load.tracks += shard.receivers + shard.down_tracks;
        bytes += shard.bytes_in + shard.bytes_out;
    }
    load.bytes_per_second = meter.rate(net::EventLoop::now(), bytes);
    return load;
}

}  // namespace confab::app
