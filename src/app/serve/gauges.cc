// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/gauges.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "runtime/control/media_metrics.h"
#include "runtime/control/observations.h"

namespace confab::app {
namespace {

using telemetry::Metric;

double number(const auto& value) {
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
    metrics.set(Metric::kTlsHandshakesFailed, {"http"}, number(stats.handshakes_failed));
    metrics.set(Metric::kHttpConnectionsShared, number(stats.connections_shared));
}

void collect_refused(telemetry::Metrics& metrics, const std::string& shard,
                     const room::Counters& counters) {
    const std::pair<const char*, std::uint64_t> inputs[] = {
        {"session", counters.sessions_refused},       {"request", counters.bad_requests},
        {"negotiation", counters.negotiation_errors}, {"candidate", counters.dropped_candidates},
        {"message", counters.dropped_signals},
    };
    for (const auto& [input, count] : inputs)
        metrics.set(Metric::kShardInputRefused, {shard, input}, number(count));
}

void collect_shards(telemetry::Metrics& metrics, control::ControlNode& control) {
    const Timestamp now = net::EventLoop::now();
    for (std::size_t i = 0; i < control.size(); ++i) {
        const control::ControlReport& report = control.shard(i).report();
        const std::string shard = std::to_string(i);
        metrics.set(Metric::kShardRooms, {shard}, number(report.rooms.rooms));
        metrics.set(Metric::kShardParticipants, {shard}, number(report.rooms.participants));
        metrics.set(Metric::kShardRequests, {shard}, number(report.rooms.counters.requests));
        collect_refused(metrics, shard, report.rooms.counters);
        metrics.set(Metric::kShardEffectsDropped, {shard}, number(report.rooms.effects_dropped));
        metrics.set(Metric::kShardSilence, {shard}, number((now - report.at).us()) / 1e6);
    }
}

void collect_turn(telemetry::Metrics& metrics, const turn_server::TurnFigures& figures) {
    const turn::Counters& counters = figures.counters;
    metrics.set(Metric::kTurnAllocations, number(figures.allocations));
    metrics.set(Metric::kTurnAllocationsMade, number(counters.allocations));
    metrics.set(Metric::kTurnConnections, number(figures.connections));
    metrics.set(Metric::kTlsHandshakesFailed, {"turn"}, number(figures.streams.failed_handshakes));
    metrics.set(Metric::kTurnRelayedBytes, {"to_peer"}, number(counters.to_peers_bytes));
    metrics.set(Metric::kTurnRelayedBytes, {"to_client"}, number(counters.to_clients_bytes));
    const auto relayed = [&](const char* direction, const char* way, std::uint64_t count) {
        metrics.set(Metric::kTurnRelayedDatagrams, {direction, way}, number(count));
    };
    relayed("to_peer", "ring", figures.shortcut.to_workers);
    relayed("to_client", "ring", figures.shortcut.to_clients);
    relayed("to_peer", "socket", figures.relays.sent);
    relayed("to_client", "socket", figures.relays.received);
    metrics.set(Metric::kTurnOverflowed, number(figures.shortcut.overflowed));
    metrics.set(Metric::kRateLimited, {"turn_allocation", "refused"}, number(counters.over_rate));
    metrics.set(Metric::kRateLimited, {"turn_answer", "dropped"}, number(counters.limited));
    const std::pair<const char*, std::uint64_t> refused[] = {
        {"credentials", counters.unauthorized},
        {"peer", counters.forbidden_peers},
        {"quota", counters.over_quota},
        {"port", counters.without_port},
    };
    for (const auto& [reason, count] : refused)
        metrics.set(Metric::kTurnRefused, {reason}, number(count));
    const std::pair<const char*, std::uint64_t> dropped[] = {
        {"no_permission", counters.without_permission},
        {"too_many_strangers", counters.limited},
        {"socket", figures.send_dropped},
        {"slow_client", figures.streams.dropped},
        {"full_ring", figures.shortcut.dropped},
        {"too_large", figures.shortcut.too_large},
        {"full_port_ring", figures.shortcut.clients_dropped},
    };
    for (const auto& [reason, count] : dropped)
        metrics.set(Metric::kTurnDropped, {reason}, number(count));
}

void collect_agents(telemetry::Metrics& metrics, const control::NodeAgents::Snapshot& agents) {
    metrics.set(Metric::kAgentWorkers, {"connected"}, number(agents.hub.connected));
    metrics.set(Metric::kAgentWorkers, {"registered"}, number(agents.hub.registered));
    const std::pair<const char*, std::size_t> jobs[] = {
        {"waiting", agents.launcher.waiting},
        {"asked", agents.launcher.asked},
        {"running", agents.launcher.running},
        {"offered", agents.hub.offers},
        {"held", agents.hub.jobs},
    };
    for (const auto& [state, count] : jobs)
        metrics.set(Metric::kAgentJobs, {state}, number(count));
}

}  // namespace

void Gauges::collect() {
    const control::ControlReport all = control_.totals();
    metrics_.set(Metric::kRoomTotal, number(all.rooms.rooms));
    metrics_.set(Metric::kParticipantTotal, number(all.rooms.participants));
    metrics_.set(Metric::kLoopFailures, number(all.loop_failures));
    metrics_.set(Metric::kCommandsDropped, number(all.commands_dropped));
    collect_shards(metrics_, control_);

    std::vector<const worker::Mailbox::Published*> workers;
    workers.reserve(media_.size());
    for (std::size_t i = 0; i < media_.size(); ++i)
        workers.push_back(&media_.snapshot(i));
    control::record_media(metrics_, workers);
    api::WebhookStats webhooks = control_.webhooks().stats();
    webhooks.dropped_full += control_.webhooks_dropped();
    control::record(metrics_, webhooks);
    if (const auto outbox = control_.webhooks().outbox_figures())
        control::record(metrics_, *outbox);
    collect_agents(metrics_, control_.agents().snapshot());
    metrics_.set(Metric::kBugs, number(bug_count()));
    collect_http(metrics_, http_.stats());
    if (turn_ != nullptr) collect_turn(metrics_, turn_->figures());
    if (cluster_ != nullptr) cluster_->collect(metrics_);
    metrics_.collect_process();
}

void Gauges::render(Callback<std::string> reply) {
    constexpr Duration kPatience = Duration::millis(500);
    using Answers = std::vector<std::optional<telemetry::Metrics>>;
    const auto ask = [](control::ControlPlane& shard) {
        shard.tell();
        return shard.metrics();
    };
    control_.gather<telemetry::Metrics>(
        ask, kPatience, [this, reply = std::move(reply)](Answers answers) mutable {
            for (std::size_t i = 1; i < answers.size(); ++i)
                if (answers[i]) others_.insert_or_assign(i, *std::move(answers[i]));
            collect();
            telemetry::Metrics all = metrics_;
            for (const auto& [shard, other] : others_)
                all.merge(other);
            reply(all.render());
        });
}

control::NodeLoad node_load(worker::ControlPort& media, LoadMeter& meter) {
    control::NodeLoad load;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < media.size(); ++i) {
        const sfu::ShardSnapshot& shard = media.snapshot(i).shard;
        load.tracks += shard.receivers + shard.down_tracks;
        bytes += shard.bytes_in + shard.rtp_bytes_out;
    }
    load.bytes_per_second = meter.rate(net::EventLoop::now(), bytes);
    return load;
}

}  // namespace confab::app
