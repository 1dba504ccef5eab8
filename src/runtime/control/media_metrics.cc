// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/media_metrics.h"

#include <algorithm>

namespace confab::control {
namespace {

using telemetry::Metric;
using telemetry::Metrics;

template <std::size_t N>
constexpr bool has_bounds(Metric metric, const std::array<double, N>& bounds) {
    const std::span<const double> expected = telemetry::info(metric).buckets;
    return std::equal(expected.begin(), expected.end(), bounds.begin(), bounds.end());
}
static_assert(has_bounds(Metric::kPacketLossPercent, sfu::kPercentBounds));
static_assert(has_bounds(Metric::kPacketOutOfOrderPercent, sfu::kPercentBounds));
static_assert(has_bounds(Metric::kJitterUs, sfu::kJitterBoundsUs));
static_assert(has_bounds(Metric::kRttMs, sfu::kRttBoundsMs));
static_assert(has_bounds(Metric::kForwardLatencyNs, worker::kForwardBoundsNs));
static_assert(has_bounds(Metric::kSendRuns, worker::kSendRunBounds));

template <typename T>
double number(T value) {
    return static_cast<double>(value);
}

// Series with labels come with their first event (03 OBS-01).
void count(Metrics& metrics, Metric metric, telemetry::LabelValues labels, std::uint64_t value) {
    if (value > 0) metrics.set(metric, labels, number(value));
}
template <std::size_t N>
void distribution(Metrics& metrics, Metric metric, telemetry::LabelValues labels,
                  const sfu::Distribution<N>& values) {
    if (values.count() > 0) metrics.set_histogram(metric, labels, values.counts, values.sum);
}

const char* to_label(sfu::Direction direction) {
    switch (direction) {
        case sfu::Direction::kIncoming:
            return "incoming";
        case sfu::Direction::kOutgoing:
            return "outgoing";
    }
    return "";
}

const char* to_label(sfu::MediaKind kind) {
    switch (kind) {
        case sfu::MediaKind::kAudio:
            return "AUDIO";
        case sfu::MediaKind::kVideo:
            return "VIDEO";
    }
    return "";
}

const char* to_label(sfu::MediaSource source) {
    switch (source) {
        case sfu::MediaSource::kUnknown:
            return "UNKNOWN";
        case sfu::MediaSource::kCamera:
            return "CAMERA";
        case sfu::MediaSource::kMicrophone:
            return "MICROPHONE";
        case sfu::MediaSource::kScreenShare:
            return "SCREEN_SHARE";
        case sfu::MediaSource::kScreenShareAudio:
            return "SCREEN_SHARE_AUDIO";
    }
    return "";
}

void record_streams(Metrics& metrics, const sfu::MediaFigures& figures, sfu::Direction direction,
                    sfu::MediaKind kind, sfu::MediaSource source) {
    const sfu::StreamFigures& of = figures.of(direction, kind, source);
    const telemetry::LabelValues labels = {to_label(direction), to_label(source), to_label(kind),
                                           ""};
    count(metrics, Metric::kPacketLossTotal, labels, of.lost);
    count(metrics, Metric::kPacketOutOfOrderTotal, labels, of.out_of_order);
    distribution(metrics, Metric::kPacketLossPercent, labels, of.loss_percent);
    distribution(metrics, Metric::kPacketOutOfOrderPercent, labels, of.out_of_order_percent);
    distribution(metrics, Metric::kJitterUs, labels, of.jitter_us);
    distribution(metrics, Metric::kRttMs, labels, of.rtt_ms);
}

// Feedback has the direction of the stream it is about, not its own.
void record_packets(Metrics& metrics, const sfu::ShardSnapshot& all) {
    count(metrics, Metric::kPacketTotal, {"incoming", "initial", ""}, all.rtp_in - all.rtx_in);
    count(metrics, Metric::kPacketTotal, {"incoming", "retransmit", ""}, all.rtx_in);
    count(metrics, Metric::kPacketTotal, {"outgoing", "initial", ""}, all.rtp_out - all.rtx_out);
    count(metrics, Metric::kPacketTotal, {"outgoing", "retransmit", ""}, all.rtx_out);
    count(metrics, Metric::kPacketBytes, {"incoming", "initial", ""},
          all.rtp_bytes_in - all.rtx_bytes_in);
    count(metrics, Metric::kPacketBytes, {"incoming", "retransmit", ""}, all.rtx_bytes_in);
    count(metrics, Metric::kPacketBytes, {"outgoing", "initial", ""},
          all.rtp_bytes_out - all.rtx_bytes_out);
    count(metrics, Metric::kPacketBytes, {"outgoing", "retransmit", ""}, all.rtx_bytes_out);
    count(metrics, Metric::kNackTotal, {"incoming", ""}, all.nacks_out);
    count(metrics, Metric::kNackTotal, {"outgoing", ""}, all.nacks_in);
    count(metrics, Metric::kPliTotal, {"incoming", ""}, all.plis_out);
    count(metrics, Metric::kPliTotal, {"outgoing", ""}, all.plis_in);
    count(metrics, Metric::kFirTotal, {"outgoing", ""}, all.firs_in);
}

void record_own(Metrics& metrics, const sfu::ShardSnapshot& all) {
    metrics.set(Metric::kSrtpFailures, number(all.srtp_failures));
    metrics.set(Metric::kUnknownDatagrams, number(all.unknown_datagrams));
    metrics.set(Metric::kLevelledPackets, number(all.rtp_levelled));
    metrics.set(Metric::kUnknownSsrc, number(all.rtp_unknown_ssrc));
    count(metrics, Metric::kRateLimited, {"stun", "dropped"}, all.limits.strangers_dropped);
    count(metrics, Metric::kRateLimited, {"data", "dropped"}, all.limits.data_dropped);
    count(metrics, Metric::kRateLimited, {"data", "delayed"}, all.limits.data_paused);
    count(metrics, Metric::kRefusedPackets, {"path"}, all.unvalidated);
    count(metrics, Metric::kRefusedPackets, {"kind"}, all.unknown_kind);
    count(metrics, Metric::kRefusedPackets, {"early"}, all.before_keys);
    count(metrics, Metric::kRefusedPackets, {"throttled"}, all.srtp_throttled);
    count(metrics, Metric::kRefusedPackets, {"rtp"}, all.rtp_malformed);
    count(metrics, Metric::kRefusedPackets, {"repeated"}, all.rtp_repeated);
    count(metrics, Metric::kRefusedPackets, {"rtcp"}, all.rtcp_malformed);
    metrics.set(Metric::kLinksDropped, number(all.links_dropped));
    metrics.set(Metric::kEventsDropped, number(all.events_dropped));
    metrics.set(Metric::kDataDropped, number(all.data_dropped));
    metrics.set(Metric::kDataTrackPackets, number(all.data_tracks.packets));
    metrics.set(Metric::kDataTrackBytes, number(all.data_tracks.bytes));
    metrics.set(Metric::kDataTrackFrames, number(all.data_tracks.frames));
    metrics.set(Metric::kDataTrackLost, number(all.data_tracks.lost));
    metrics.set(Metric::kDataTrackLate, number(all.data_tracks.out_of_order));
    metrics.set(Metric::kPoolBytes, number(all.pool_bytes));
    metrics.set(Metric::kPacketsInUse, number(all.packets_in_use));
    metrics.set(Metric::kPeers, number(all.peers));
    metrics.set(Metric::kWorkerTimers, number(all.timers));
}

}  // namespace

void record_media(Metrics& metrics, std::span<const worker::Mailbox::Published* const> workers) {
    sfu::ShardSnapshot all;
    sfu::MediaFigures figures;
    worker::ForwardLatency latency;
    std::uint64_t send_dropped = 0;
    sfu::Distribution<worker::kSendRunBounds.size()> send_runs;
    std::uint64_t tcp_connections = 0;
    for (const worker::Mailbox::Published* one : workers) {
        all.merge(one->shard);
        all.links_dropped += one->ring_full;
        send_dropped += one->send_dropped;
        send_runs.merge(one->send_runs);
        tcp_connections += one->tcp_connections;
        figures.merge(one->figures);
        latency.merge(one->latency);
    }
    record_packets(metrics, all);
    record_own(metrics, all);
    metrics.set(Metric::kSendDropped, number(send_dropped));
    distribution(metrics, Metric::kSendRuns, {}, send_runs);
    metrics.set(Metric::kTcpConnections, number(tcp_connections));
    for (const auto direction : {sfu::Direction::kIncoming, sfu::Direction::kOutgoing})
        for (const auto kind : {sfu::MediaKind::kAudio, sfu::MediaKind::kVideo})
            for (std::size_t source = 0; source < sfu::kMediaSources; ++source)
                record_streams(metrics, figures, direction, kind,
                               static_cast<sfu::MediaSource>(source));
    distribution(metrics, Metric::kForwardLatencyNs, {}, latency.distribution());
    metrics.set(Metric::kForwardLatency, latency.average());
    metrics.set(Metric::kForwardJitter, latency.jitter());
}

}  // namespace confab::control
