// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/cluster_metrics.h"

#include <doctest/doctest.h>

namespace confab::control {

using cluster::psrpc::MethodKey;
using cluster::psrpc::Role;
using telemetry::Metric;

TEST_CASE("Cluster metrics: calls by method, each kind with what it has [PSR-13] [PSR-18]") {
    cluster::psrpc::Metrics calls;
    auto& client = calls[MethodKey{Role::kClient, "rpc", "Room", "SendData"}];
    client.request_time.add(Duration::millis(7));
    client.request_time.add(Duration::millis(700));
    client.errors[rpc::Code::kUnavailable] = 3;
    client.bytes_rx = 10;
    client.bytes_tx = 20;
    client.claim_chosen.add(Duration::millis(40));
    auto& server = calls[MethodKey{Role::kServer, "rpc", "Room", "SendData"}];
    server.received = 5;
    server.expired = 2;
    auto& stream = calls[MethodKey{Role::kServer, "stream", "Signal", "RelaySignal"}];
    stream.stream_received = 9;
    stream.streams = 4;
    stream.send_time.add(Duration::millis(1));

    telemetry::Metrics metrics("ND_x");
    collect(metrics, calls);
    CHECK(metrics.value(Metric::kPsrpcRequestTimeMs, {"client", "rpc", "Room", "SendData"}) == 2);
    CHECK(metrics.value(Metric::kPsrpcErrors,
                        {"client", "rpc", "Room", "SendData", "unavailable"}) == 3);
    CHECK(metrics.value(Metric::kPsrpcBytes, {"client", "rpc", "Room", "SendData", "rx"}) == 10);
    CHECK(metrics.value(Metric::kPsrpcBytes, {"client", "rpc", "Room", "SendData", "tx"}) == 20);
    CHECK(metrics.value(Metric::kPsrpcClaimWaitTimeMs, {"Room", "SendData", "chosen"}) == 1);
    CHECK(metrics.value(Metric::kPsrpcClaimWaitTimeMs, {"Room", "SendData", "failed"}) == 0);
    CHECK(metrics.value(Metric::kPsrpcReceived, {"Room", "SendData"}) == 5);
    CHECK(metrics.value(Metric::kPsrpcExpired, {"Room", "SendData"}) == 2);
    CHECK(metrics.value(Metric::kPsrpcStreamReceived, {"server", "Signal", "RelaySignal"}) == 9);
    CHECK(metrics.value(Metric::kPsrpcStreams, {"server", "Signal", "RelaySignal"}) == 4);
    CHECK(metrics.value(Metric::kPsrpcStreamSendTimeMs, {"server", "Signal", "RelaySignal"}) == 1);
    const std::string text = metrics.render();
    CHECK(text.find("livekit_psrpc_request_time_ms_bucket{node_id=\"ND_x\",node_type=\"SERVER\","
                    "role=\"client\",kind=\"rpc\",service=\"Room\",method=\"SendData\",le=\"10\"} 1"
                    "\n") != std::string::npos);
    // A stream's end of a call has no requests, and a client none that it received.
    CHECK(text.find("requests_received_total{node_id=\"ND_x\",node_type=\"SERVER\","
                    "service=\"Signal\"") == std::string::npos);
}

TEST_CASE(
    "Cluster metrics: Redis, nodes, rooms, sessions of other nodes [NODE-14] [NODE-16] [OBS-32]") {
    telemetry::Metrics metrics("ND_x");
    Cluster::Snapshot cluster;
    cluster.connected = true;
    cluster.connections_lost = 2;
    cluster.nodes = 3;
    cluster.nodes_lost = 9;
    cluster.rooms = 4;
    cluster.relayed_out = 5;
    cluster.relayed_in = 6;
    cluster.copies_ended = 7;
    cluster.rooms_moved = 8;
    cluster.links = 9;
    collect(metrics, cluster);
    CHECK(metrics.value(Metric::kClusterRedis) == 1);
    CHECK(metrics.value(Metric::kClusterRedisLost) == 2);
    CHECK(metrics.value(Metric::kClusterNodes) == 3);
    CHECK(metrics.value(Metric::kClusterNodesLost) == 9);
    CHECK(metrics.value(Metric::kNodeHeartbeat) == 0);  // not written yet
    CHECK(metrics.value(Metric::kClusterRooms) == 4);
    CHECK(metrics.value(Metric::kClusterRelayed, {"out"}) == 5);
    CHECK(metrics.value(Metric::kClusterRelayed, {"in"}) == 6);
    CHECK(metrics.value(Metric::kClusterCopies) == 7);
    CHECK(metrics.value(Metric::kClusterMoved) == 8);
    CHECK(metrics.value(Metric::kClusterLinks) == 9);
    cluster.connected = false;
    cluster.heartbeat = UnixTime::seconds(1'795'161'952);
    collect(metrics, cluster);
    CHECK(metrics.value(Metric::kClusterRedis) == 0);
    CHECK(metrics.value(Metric::kNodeHeartbeat) == 1'795'161'952);
}

}  // namespace confab::control
