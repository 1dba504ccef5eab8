// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/cluster_metrics.h"

namespace confab::control {
namespace {

namespace psrpc = cluster::psrpc;
using telemetry::Metric;

double number(const auto& value) {
    return static_cast<double>(value);
}

// One method, at one end.
class Series {
  public:
    Series(telemetry::Metrics& metrics, const psrpc::MethodKey& key)
        : metrics_(metrics),
          key_(key),
          role_(key.role == psrpc::Role::kClient ? "client" : "server") {}

    void collect(const psrpc::MethodCounts& counts) {
        times(Metric::kPsrpcRequestTimeMs, counts.request_time);
        for (const auto& [code, count] : counts.errors)
            metrics_.set(Metric::kPsrpcErrors,
                         {role_, key_.kind, key_.service, key_.method, rpc::to_text(code)},
                         number(count));
        bytes("rx", counts.bytes_rx);
        bytes("tx", counts.bytes_tx);
        if (key_.kind == "stream")
            streams(counts);
        else if (key_.role == psrpc::Role::kServer)
            requests(counts);
        claims("chosen", counts.claim_chosen);
        claims("failed", counts.claim_failed);
    }

  private:
    void times(Metric metric, const psrpc::Histogram& histogram) {
        if (histogram.count > 0)
            metrics_.set_histogram(metric, {role_, key_.kind, key_.service, key_.method},
                                   histogram.counts, number(histogram.sum_ms));
    }
    void bytes(const char* direction, std::uint64_t count) {
        metrics_.set(Metric::kPsrpcBytes, {role_, key_.kind, key_.service, key_.method, direction},
                     number(count));
    }
    void streams(const psrpc::MethodCounts& counts) {
        if (counts.send_time.count > 0)
            metrics_.set_histogram(Metric::kPsrpcStreamSendTimeMs,
                                   {role_, key_.service, key_.method}, counts.send_time.counts,
                                   number(counts.send_time.sum_ms));
        metrics_.set(Metric::kPsrpcStreamReceived, {role_, key_.service, key_.method},
                     number(counts.stream_received));
        metrics_.set(Metric::kPsrpcStreams, {role_, key_.service, key_.method},
                     number(counts.streams));
    }
    void requests(const psrpc::MethodCounts& counts) {
        metrics_.set(Metric::kPsrpcReceived, {key_.service, key_.method}, number(counts.received));
        metrics_.set(Metric::kPsrpcExpired, {key_.service, key_.method}, number(counts.expired));
    }
    void claims(const char* outcome, const psrpc::Histogram& histogram) {
        if (histogram.count > 0)
            metrics_.set_histogram(Metric::kPsrpcClaimWaitTimeMs,
                                   {key_.service, key_.method, outcome}, histogram.counts,
                                   number(histogram.sum_ms));
    }

    telemetry::Metrics& metrics_;
    const psrpc::MethodKey& key_;
    const char* role_;
};

}  // namespace

void collect(telemetry::Metrics& metrics, const psrpc::Metrics& calls) {
    for (const auto& [key, counts] : calls)
        Series(metrics, key).collect(counts);
}

void collect(telemetry::Metrics& metrics, const Cluster::Snapshot& cluster) {
    metrics.set(Metric::kClusterRedis, cluster.connected ? 1 : 0);
    metrics.set(Metric::kClusterRedisLost, number(cluster.connections_lost));
    metrics.set(Metric::kClusterNodes, number(cluster.nodes));
    metrics.set(Metric::kClusterNodesLost, number(cluster.nodes_lost));
    if (cluster.heartbeat) metrics.set(Metric::kNodeHeartbeat, number(cluster.heartbeat->s()));
    metrics.set(Metric::kClusterRooms, number(cluster.rooms));
    metrics.set(Metric::kClusterRelayed, {"out"}, number(cluster.relayed_out));
    metrics.set(Metric::kClusterRelayed, {"in"}, number(cluster.relayed_in));
    metrics.set(Metric::kClusterLinks, number(cluster.links));
    metrics.set(Metric::kClusterCopies, number(cluster.copies_ended));
    metrics.set(Metric::kClusterMoved, number(cluster.rooms_moved));
}

}  // namespace confab::control
