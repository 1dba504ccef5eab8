// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Every metric of the process, declared once: name, type, labels, buckets, meaning. Names, labels
// and buckets of livekit_* are those that dashboards of a LiveKit server expect (03 §6.1);
// confab_* are our own. livekit_* and confab_* carry node_id and node_type="SERVER" on every
// series.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace confab::telemetry {

enum class MetricType : std::uint8_t { kCounter, kGauge, kHistogram };

enum class Metric : std::uint8_t {
    kNodeMessages,
    kNodeServiceOperation,
    kTwirpRequestStatus,
    kTwirpRequestLatencyMs,
    kNodePacketTotal,
    kRoomTotal,
    kRoomDurationSeconds,
    kParticipantTotal,
    kParticipantJoinTotal,
    kTrackPublishedTotal,
    kTrackSubscribedTotal,
    kTrackPublishCounter,
    kTrackSubscribeCounter,
    kSessionJoinLatencyMs,
    kSessionStartTimeMs,
    kSessionDurationMs,
    kPubSubTimeMs,
    kPeerConnectionState,
    kPacketTotal,
    kPacketBytes,
    kNackTotal,
    kPliTotal,
    kFirTotal,
    kPacketLossTotal,
    kPacketLossPercent,
    kPacketOutOfOrderTotal,
    kPacketOutOfOrderPercent,
    kJitterUs,
    kRttMs,
    kForwardLatency,
    kForwardJitter,
    kForwardLatencyNs,
    kQualityRating,
    kQualityScore,
    kWebhookDispatchTotal,
    kWebhookQueueLength,
    kWebhookOutboxWorks,
    kWebhookOutboxWaiting,
    kWebhookOutboxOldest,
    kWebhookOutboxEvents,
    kWebhookOutboxBytes,
    kWebhookOutboxFailures,
    kWebhookOutboxDropped,
    kConfigReloadTotal,
    kSrtpFailures,
    kUnknownDatagrams,
    kUnknownSsrc,
    kLinksDropped,
    kEventsDropped,
    kCommandsDropped,
    kDataDropped,
    kSendDropped,
    kSendRuns,
    kLevelledPackets,
    kTcpConnections,
    kTurnAllocations,
    kTurnAllocationsMade,
    kTurnRelayedBytes,
    kTurnRelayedDatagrams,
    kTurnOverflowed,
    kTurnRefused,
    kTurnDropped,
    kTurnConnections,
    kAgentWorkers,
    kAgentJobs,
    kPoolBytes,
    kPacketsInUse,
    kPeers,
    kBugs,
    kHttpRequests,
    kHttpConnections,
    kHttpConnectionsRefused,
    kHttpConnectionsEvicted,
    kHttpAcceptErrors,
    kLoopFailures,
    kShardRooms,
    kShardParticipants,
    kShardRequests,
    kShardInputRefused,
    kShardEffectsDropped,
    kShardSilence,
    kRoomFailures,
    kHttpTimeouts,
    kHttpBufferedBytes,
    kWebSockets,
    kWsQueueOverflow,
    kWsWriteTimeout,
    kWsOversize,
    kMetricsDropped,
    kProcessCpuSeconds,
    kProcessOpenFds,
    kProcessMaxFds,
    kProcessResidentMemory,
    kProcessVirtualMemory,
    kProcessStartTime,
    kCount_,
};

struct MetricInfo {
    Metric id;
    std::string_view name;
    MetricType type;
    std::string_view labels;  // comma-separated
    std::span<const double> buckets;
    std::string_view help;
};

namespace detail {
inline constexpr std::array kTwirpMs = {5.,    10.,   25.,   50.,    100.,   250.,  500.,
                                        1000., 2500., 5000., 10000., 30000., 60000.};
inline constexpr std::array kRoomSeconds = {5.,    10.,   60.,   300.,   600.,
                                            1800., 3600., 7200., 18000., 36000.};
// Fifteen steps of equal ratio, from the first to the last, digit for digit as they were recorded.
inline constexpr std::array kJoinMs = {10.,
                                       16.37893706954064,
                                       26.826957952797258,
                                       43.93970560760792,
                                       71.96856730011521,
                                       117.87686347935875,
                                       193.06977288832508,
                                       316.227766016838,
                                       517.9474679231213,
                                       848.3428982440723,
                                       1389.4954943731382,
                                       2275.8459260747895,
                                       3727.5937203149415,
                                       6105.402296585331,
                                       10000.000000000004};
inline constexpr std::array kStartMs = {100.,
                                        138.94954943731375,
                                        193.06977288832496,
                                        268.26957952797244,
                                        372.7593720314938,
                                        517.9474679231207,
                                        719.6856730011514,
                                        999.999999999999,
                                        1389.495494373136,
                                        1930.6977288832477,
                                        2682.695795279722,
                                        3727.593720314934,
                                        5179.474679231202,
                                        7196.856730011506,
                                        9999.999999999978};
inline constexpr std::array kPubSubMs = {100., 200., 500., 700., 1000., 5000., 10000.};
inline constexpr std::array kPercent = {0., 0.1, 0.3, 0.5, 0.7, 1., 5., 10., 40., 100.};
inline constexpr std::array kJitterUs = {1000.,   10000.,  30000.,  50000.,  70000.,
                                         100000., 300000., 600000., 1000000.};
inline constexpr std::array kRttMs = {50.,  100., 150.,  200.,  250.,
                                      500., 750., 1000., 5000., 10000.};
inline constexpr std::array kForwardNs = {50000., 100000., 250000., 500000., 1e6,
                                          2e6,    3e6,     5e6,     1e7,     2e7};
inline constexpr std::array kRuns = {1., 2., 3., 4., 8., 16., 32.};
inline constexpr std::array kRating = {0., 1., 2.};
inline constexpr std::array kScore = {1., 2., 2.5, 3., 3.25, 3.5, 3.75, 4., 4.25, 4.5};
inline constexpr std::array kQueue = {1., 2., 3., 4., 5., 10., 20., 40., 80.};
inline constexpr std::array kSessionMs = {100.,
                                          233.59011674382418,
                                          545.6434264039341,
                                          1274.5691167419518,
                                          2977.267487778254,
                                          6954.602600477145,
                                          16245.264333523593,
                                          37947.33192202059,
                                          88641.21693781434,
                                          207057.12212818698,
                                          483664.9733056345,
                                          1129793.5757936179,
                                          2639086.132660537,
                                          6164644.378251824,
                                          14400000.00000003};
}  // namespace detail

// clang-format off: one row per metric
inline constexpr std::array<MetricInfo, static_cast<std::size_t>(Metric::kCount_)> kMetricTable = {{
    {Metric::kNodeMessages, "livekit_node_messages", MetricType::kCounter, "type,status,direction", {}, "Signal messages by direction (request, response) and outcome"},
    {Metric::kNodeServiceOperation, "livekit_node_service_operation", MetricType::kCounter, "type,status,error_type", {}, "Internal operations: answer, offer, participant_join, peer_connection"},
    {Metric::kTwirpRequestStatus, "livekit_node_twirp_request_status", MetricType::kCounter, "service,method,status,code", {}, "Server API calls by outcome"},
    {Metric::kTwirpRequestLatencyMs, "livekit_node_twirp_request_latency_ms", MetricType::kHistogram, "service,method,status", detail::kTwirpMs, "Duration of server API calls"},
    {Metric::kNodePacketTotal, "livekit_node_packet_total", MetricType::kGauge, "type", {}, "Packets of the network interfaces since the start (out, dropped)"},
    {Metric::kRoomTotal, "livekit_room_total", MetricType::kGauge, "", {}, "Rooms on this node"},
    {Metric::kRoomDurationSeconds, "livekit_room_duration_seconds", MetricType::kHistogram, "", detail::kRoomSeconds, "How long rooms lived, at their end"},
    {Metric::kParticipantTotal, "livekit_participant_total", MetricType::kGauge, "", {}, "Participants on this node"},
    {Metric::kParticipantJoinTotal, "livekit_participant_join_total", MetricType::kCounter, "state", {}, "Joins by the state they reached"},
    {Metric::kTrackPublishedTotal, "livekit_track_published_total", MetricType::kGauge, "kind", {}, "Tracks being published"},
    {Metric::kTrackSubscribedTotal, "livekit_track_subscribed_total", MetricType::kGauge, "kind", {}, "Tracks being subscribed to"},
    {Metric::kTrackPublishCounter, "livekit_track_publish_counter", MetricType::kCounter, "kind,state", {}, "Publications: attempt, success, cancel"},
    {Metric::kTrackSubscribeCounter, "livekit_track_subscribe_counter", MetricType::kCounter, "state,error", {}, "Subscriptions: attempt, success, failure, cancel"},
    {Metric::kSessionJoinLatencyMs, "livekit_session_join_latency_ms", MetricType::kHistogram, "protocol_version", detail::kJoinMs, "From the WebSocket request to the first response written"},
    {Metric::kSessionStartTimeMs, "livekit_session_start_time_ms", MetricType::kHistogram, "protocol_version", detail::kStartMs, "From the join to active media"},
    {Metric::kSessionDurationMs, "livekit_session_duration_ms", MetricType::kHistogram, "protocol_version", detail::kSessionMs, "How long sessions lasted"},
    {Metric::kPubSubTimeMs, "livekit_pubsubtime_ms", MetricType::kHistogram, "direction,source,type,country,sdk,kind,count", detail::kPubSubMs, "publish: from the request to the first packet; subscribe: to the negotiated section; subscribe-stream-start: from there to the first packet (video)"},
    {Metric::kPeerConnectionState, "livekit_peer_connection_state", MetricType::kCounter, "transport,state", {}, "Peer connections by the state they reached"},
    {Metric::kPacketTotal, "livekit_packet_total", MetricType::kCounter, "direction,transmission,country", {}, "RTP packets (incoming, outgoing; initial, retransmit)"},
    {Metric::kPacketBytes, "livekit_packet_bytes", MetricType::kCounter, "direction,transmission,country", {}, "RTP bytes"},
    {Metric::kNackTotal, "livekit_nack_total", MetricType::kCounter, "direction,country", {}, "Packets asked for again by RTCP NACK, by the direction of the stream"},
    {Metric::kPliTotal, "livekit_pli_total", MetricType::kCounter, "direction,country", {}, "RTCP picture loss indications, by the direction of the stream"},
    {Metric::kFirTotal, "livekit_fir_total", MetricType::kCounter, "direction,country", {}, "RTCP full intra requests"},
    {Metric::kPacketLossTotal, "livekit_packet_loss_total", MetricType::kCounter, "direction,source,type,country", {}, "Lost RTP packets"},
    {Metric::kPacketLossPercent, "livekit_packet_loss_percent", MetricType::kHistogram, "direction,source,type,country", detail::kPercent, "Loss per report"},
    {Metric::kPacketOutOfOrderTotal, "livekit_packet_out_of_order_total", MetricType::kCounter, "direction,source,type,country", {}, "RTP packets out of order"},
    {Metric::kPacketOutOfOrderPercent, "livekit_packet_out_of_order_percent", MetricType::kHistogram, "direction,source,type,country", detail::kPercent, "Packets out of order per report"},
    {Metric::kJitterUs, "livekit_jitter_us", MetricType::kHistogram, "direction,source,type,country", detail::kJitterUs, "Interarrival jitter per report"},
    {Metric::kRttMs, "livekit_rtt_ms", MetricType::kHistogram, "direction,source,type,country", detail::kRttMs, "Round-trip time per report"},
    {Metric::kForwardLatency, "livekit_forward_latency", MetricType::kGauge, "", {}, "Average of the delay inside the node over some minutes, ns"},
    {Metric::kForwardJitter, "livekit_forward_jitter", MetricType::kGauge, "", {}, "Average of the change of that delay over some minutes, ns"},
    {Metric::kForwardLatencyNs, "livekit_forward_latency_ns", MetricType::kHistogram, "", detail::kForwardNs, "Delay of packets inside the node, from reading their batch to sending"},
    {Metric::kQualityRating, "livekit_quality_rating", MetricType::kHistogram, "", detail::kRating, "Connection quality as a class"},
    {Metric::kQualityScore, "livekit_quality_score", MetricType::kHistogram, "", detail::kScore, "Connection quality as a score"},
    {Metric::kWebhookDispatchTotal, "livekit_webhook_dispatch_total", MetricType::kCounter, "status,reason", {}, "Webhooks by outcome: success, failure (refused, unreachable), drop (queue_full, too_old, unknown_key, shutdown)"},
    {Metric::kWebhookQueueLength, "livekit_webhook_queue_length", MetricType::kHistogram, "", detail::kQueue, "Waiting webhooks, seen by each new one"},
    {Metric::kWebhookOutboxWorks, "confab_webhook_outbox_works", MetricType::kGauge, "", {}, "1 while webhooks are kept on disk, 0 while in memory only"},
    {Metric::kWebhookOutboxWaiting, "confab_webhook_outbox_waiting", MetricType::kGauge, "", {}, "Webhooks that their receivers have not taken yet"},
    {Metric::kWebhookOutboxOldest, "confab_webhook_outbox_oldest_seconds", MetricType::kGauge, "", {}, "How long the oldest of them waits"},
    {Metric::kWebhookOutboxEvents, "confab_webhook_outbox_events", MetricType::kGauge, "", {}, "Webhooks on disk, those for a replay included"},
    {Metric::kWebhookOutboxBytes, "confab_webhook_outbox_bytes", MetricType::kGauge, "", {}, "Bodies of webhooks on disk"},
    {Metric::kWebhookOutboxFailures, "confab_webhook_outbox_failures_total", MetricType::kCounter, "", {}, "Writes of the outbox that failed"},
    {Metric::kWebhookOutboxDropped, "confab_webhook_outbox_dropped_total", MetricType::kCounter, "", {}, "Entries that never came to the disk, as too many waited for it"},
    {Metric::kConfigReloadTotal, "livekit_config_reload_total", MetricType::kCounter, "status", {}, "Reloads of the configuration: success, failure (all stayed as it was)"},
    {Metric::kSrtpFailures, "confab_srtp_failures_total", MetricType::kCounter, "", {}, "SRTP or SRTCP packets that failed authentication or were replayed"},
    {Metric::kUnknownDatagrams, "confab_unknown_datagrams_total", MetricType::kCounter, "", {}, "Datagrams that belong to no peer"},
    {Metric::kUnknownSsrc, "confab_unknown_ssrc_total", MetricType::kCounter, "", {}, "RTP packets of no known stream"},
    {Metric::kLinksDropped, "confab_worker_links_dropped_total", MetricType::kCounter, "", {}, "Packets lost between workers because a ring was full"},
    {Metric::kEventsDropped, "confab_worker_events_dropped_total", MetricType::kCounter, "", {}, "Events a worker could not queue"},
    {Metric::kCommandsDropped, "confab_worker_commands_dropped_total", MetricType::kCounter, "", {}, "Commands a worker left unread until there were too many"},
    {Metric::kDataDropped, "confab_data_dropped_total", MetricType::kCounter, "", {}, "Data messages without open channel or for receivers that are too slow"},
    {Metric::kSendDropped, "confab_worker_send_dropped_total", MetricType::kCounter, "", {}, "Datagrams that the system did not take"},
    {Metric::kSendRuns, "confab_worker_send_packets", MetricType::kHistogram, "", detail::kRuns, "Datagrams that left with one send: of one length, to one destination"},
    {Metric::kLevelledPackets, "confab_levelled_packets_total", MetricType::kCounter, "", {}, "Packets of media padded to the length of others (confab.level_lengths)"},
    {Metric::kTcpConnections, "confab_tcp_connections", MetricType::kGauge, "", {}, "Open connections for media over TCP"},
    {Metric::kTurnAllocations, "confab_turn_allocations", MetricType::kGauge, "", {}, "TURN allocations that there are"},
    {Metric::kTurnAllocationsMade, "confab_turn_allocations_made_total", MetricType::kCounter, "", {}, "TURN allocations ever made"},
    {Metric::kTurnRelayedBytes, "confab_turn_relayed_bytes_total", MetricType::kCounter, "direction", {}, "Payload relayed by TURN, by direction: to_peer, to_client"},
    {Metric::kTurnRelayedDatagrams, "confab_turn_relayed_datagrams_total", MetricType::kCounter, "direction,way", {}, "Datagrams relayed by TURN, by direction (to_peer, to_client) and way: ring (to and from media workers of this process), socket"},
    {Metric::kTurnOverflowed, "confab_turn_overflowed_datagrams_total", MetricType::kCounter, "", {}, "Datagrams of media workers to relayed addresses that went by sockets because the ring was full"},
    {Metric::kTurnRefused, "confab_turn_refused_total", MetricType::kCounter, "reason", {}, "TURN requests refused, by reason: credentials, peer, quota, port"},
    {Metric::kTurnDropped, "confab_turn_dropped_total", MetricType::kCounter, "reason", {}, "TURN messages dropped, by reason: no_permission, too_many_strangers, socket, slow_client, full_ring (a media worker's), too_large (for a media worker)"},
    {Metric::kTurnConnections, "confab_turn_connections", MetricType::kGauge, "", {}, "Open TURN connections by TCP and TLS"},
    {Metric::kAgentWorkers, "confab_agent_workers", MetricType::kGauge, "state", {}, "Agent workers of this node: connected, registered"},
    {Metric::kAgentJobs, "confab_agent_jobs", MetricType::kGauge, "state", {}, "Agent jobs: of the rooms here waiting (nobody takes them now), asked (on offer somewhere) and running; offered and held by the workers here"},
    {Metric::kPoolBytes, "confab_packet_pool_bytes", MetricType::kGauge, "", {}, "Memory of the packet pools"},
    {Metric::kPacketsInUse, "confab_packets_in_use", MetricType::kGauge, "", {}, "Packets held by the pools' users"},
    {Metric::kPeers, "confab_peers", MetricType::kGauge, "", {}, "Peer connections on all workers"},
    {Metric::kBugs, "confab_bug_total", MetricType::kCounter, "", {}, "Impossible states of our own; each closed its session or room"},
    {Metric::kHttpRequests, "confab_http_requests_total", MetricType::kCounter, "code", {}, "HTTP requests by status of the answer; upgrades are 101"},
    {Metric::kHttpConnections, "confab_http_connections", MetricType::kGauge, "", {}, "Open HTTP connections without WebSockets"},
    {Metric::kHttpConnectionsRefused, "confab_http_connections_refused_total", MetricType::kCounter, "", {}, "Connections closed because there were too many"},
    {Metric::kHttpConnectionsEvicted, "confab_http_connections_evicted_total", MetricType::kCounter, "", {}, "Idle connections closed to make room for new ones"},
    {Metric::kHttpAcceptErrors, "confab_http_accept_errors_total", MetricType::kCounter, "", {}, "Connections that could not be taken, mostly for want of descriptors"},
    {Metric::kLoopFailures, "confab_loop_failures_total", MetricType::kCounter, "", {}, "Exceptions in the control threads outside of a room"},
    {Metric::kShardRooms, "confab_control_rooms", MetricType::kGauge, "shard", {}, "Rooms of a control thread"},
    {Metric::kShardParticipants, "confab_control_participants", MetricType::kGauge, "shard", {}, "Participants in the rooms of a control thread"},
    {Metric::kShardRequests, "confab_control_requests_total", MetricType::kCounter, "shard", {}, "Signal requests that a control thread handled"},
    {Metric::kShardInputRefused, "confab_control_refused_total", MetricType::kCounter, "shard,input", {}, "What a control thread refused or left out: session, request, negotiation (offers and answers that do not fit), candidate, message (to a participant whose connection was gone)"},
    {Metric::kShardEffectsDropped, "confab_control_effects_dropped_total", MetricType::kCounter, "shard", {}, "Messages, data and webhooks left out by a control thread because one input made too many"},
    {Metric::kShardSilence, "confab_control_silent_seconds", MetricType::kGauge, "shard", {}, "How long ago a control thread last told of itself; beyond 4 the node is not ready"},
    {Metric::kRoomFailures, "confab_room_failures_total", MetricType::kCounter, "", {}, "Rooms ended because something in them threw"},
    {Metric::kHttpTimeouts, "confab_http_timeouts_total", MetricType::kCounter, "", {}, "Requests that were too slow or got no answer in time"},
    {Metric::kHttpBufferedBytes, "confab_http_buffered_bytes", MetricType::kGauge, "", {}, "Headers and bodies being received"},
    {Metric::kWebSockets, "confab_websockets", MetricType::kGauge, "", {}, "Open WebSockets"},
    {Metric::kWsQueueOverflow, "confab_ws_queue_overflow_total", MetricType::kCounter, "", {}, "WebSockets cut because the client did not read and its queue was full"},
    {Metric::kWsWriteTimeout, "confab_ws_write_timeout_total", MetricType::kCounter, "", {}, "WebSockets cut because a write took too long"},
    {Metric::kWsOversize, "confab_ws_oversize_total", MetricType::kCounter, "", {}, "WebSockets closed because of a message beyond the limit"},
    {Metric::kMetricsDropped, "confab_metrics_dropped_total", MetricType::kCounter, "", {}, "Series refused because a metric had too many"},
    {Metric::kProcessCpuSeconds, "process_cpu_seconds_total", MetricType::kCounter, "", {}, "Total user and system CPU time spent in seconds."},
    {Metric::kProcessOpenFds, "process_open_fds", MetricType::kGauge, "", {}, "Number of open file descriptors."},
    {Metric::kProcessMaxFds, "process_max_fds", MetricType::kGauge, "", {}, "Maximum number of open file descriptors."},
    {Metric::kProcessResidentMemory, "process_resident_memory_bytes", MetricType::kGauge, "", {}, "Resident memory size in bytes."},
    {Metric::kProcessVirtualMemory, "process_virtual_memory_bytes", MetricType::kGauge, "", {}, "Virtual memory size in bytes."},
    {Metric::kProcessStartTime, "process_start_time_seconds", MetricType::kGauge, "", {}, "Start time of the process since unix epoch in seconds."},
}};
// clang-format on

constexpr const MetricInfo& info(Metric metric) {
    return kMetricTable[static_cast<std::size_t>(metric)];
}

}  // namespace confab::telemetry
