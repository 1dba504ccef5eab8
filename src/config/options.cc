// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The table of all settings (01 section 7.1), in the order of the sample file and the reference.
// Rows with `.later()` or made by later() are valid and reported at start as not implemented.
#include "config/options.h"

#include <array>

namespace confab::config {
namespace {

using C = Config;

consteval Option used(std::string_view path, Slot (*slot)(Config&), std::string_view help) {
    return {.path = path, .kind = Kind::kNone, .help = help, .slot = slot};
}
consteval Option later(std::string_view path, Kind kind, std::string_view value,
                       std::string_view help) {
    return {
        .path = path, .kind = kind, .help = help, .default_text = value, .status = Status::kLater};
}
// Deprecated and without effect.
consteval Option dropped(std::string_view path, Kind kind, std::string_view value) {
    return {.path = path,
            .kind = kind,
            .help = "no effect any more",
            .default_text = value,
            .status = Status::kDeprecated};
}
constexpr auto kOptions = std::to_array<Option>({
    used(
        "port", [](C& c) -> Slot { return &c.port; }, "HTTP and WebSocket port"),
    used(
        "bind_addresses", [](C& c) -> Slot { return &c.bind_addresses; },
        "Addresses the HTTP port listens on; empty for all")
        .named("bind"),
    used(
        "keys", [](C& c) -> Slot { return &c.keys; }, "API key to secret, at least one pair")
        .named("keys", "LIVEKIT_KEYS"),
    used(
        "key_file", [](C& c) -> Slot { return &c.key_file; },
        "File with lines \"key: secret\", used instead of keys; not readable by others")
        .named("key-file"),
    used(
        "region", [](C& c) -> Slot { return &c.region; }, "Region this node reports to clients")
        .named("region"),
    used(
        "development", [](C& c) -> Slot { return &c.development; },
        "Placeholder keys on loopback, debug log, one UDP port 7882")
        .named("dev"),
    used(
        "prometheus_port", [](C& c) -> Slot { return &c.prometheus.port; }, "Metrics port")
        .replaced_by("prometheus.port"),
    used(
        "log_level", [](C& c) -> Slot { return &c.logging.level; }, "Log level")
        .replaced_by("logging.level"),
    used(
        "enable_data_tracks", [](C& c) -> Slot { return &c.enable_data_tracks; },
        "Participants may publish data tracks"),
    later("enable_participant_data_blob", Kind::kBool, "false", "Participants may store blobs"),

    used(
        "prometheus.port", [](C& c) -> Slot { return &c.prometheus.port; },
        "Metrics are served on this port; 0 for none"),
    used(
        "prometheus.username", [](C& c) -> Slot { return &c.prometheus.username; },
        "User name the metrics ask for"),
    used(
        "prometheus.password", [](C& c) -> Slot { return &c.prometheus.password; },
        "Password the metrics ask for"),

    later("debug_handler.port", Kind::kUint16, "0", "Debug pages on their own port"),
    later("trace.jaeger_url", Kind::kString, "\"\"", "Where traces are sent"),

    used(
        "logging.level", [](C& c) -> Slot { return &c.logging.level; },
        "debug, info, warn or error; empty for info, in development debug"),
    used(
        "logging.json", [](C& c) -> Slot { return &c.logging.json; },
        "Log one JSON object per line instead of readable text"),
    used(
        "logging.pion_level", [](C& c) -> Slot { return &c.logging.pion_level; },
        "Level of ICE, DTLS and SCTP")
        .later(),
    used(
        "logging.component_levels", [](C& c) -> Slot { return &c.logging.component_levels; },
        "Level by component name")
        .later(),
    used(
        "logging.sample", [](C& c) -> Slot { return &c.logging.sample; },
        "Thin out lines that repeat")
        .later(),
    used(
        "logging.sample_initial", [](C& c) -> Slot { return &c.logging.sample_initial; },
        "Repeats per second that pass unthinned")
        .later(),
    used(
        "logging.sample_interval", [](C& c) -> Slot { return &c.logging.sample_interval; },
        "Of further repeats one in this many passes")
        .later(),
    used(
        "logging.item_sample_seconds", [](C& c) -> Slot { return &c.logging.item_sample_seconds; },
        "Period over which lines of one room or participant are counted")
        .later(),
    used(
        "logging.item_sample_initial", [](C& c) -> Slot { return &c.logging.item_sample_initial; },
        "Lines per item and period that pass unthinned")
        .later(),
    used(
        "logging.item_sample_interval",
        [](C& c) -> Slot { return &c.logging.item_sample_interval; },
        "Of further lines per item one in this many passes")
        .later(),

    used(
        "rtc.udp_port", [](C& c) -> Slot { return &c.rtc.udp_port; },
        "Port or range start-end shared by all participants; development 7882, else "
        "port_range_start to port_range_end")
        .named("udp-port", "UDP_PORT"),
    used(
        "rtc.tcp_port", [](C& c) -> Slot { return &c.rtc.tcp_port; },
        "Media over TCP where UDP is blocked; 0 for none"),
    used(
        "rtc.port_range_start", [](C& c) -> Slot { return &c.rtc.port_range_start; },
        "First UDP port for media; beats udp_port")
        .shown("50000"),
    used(
        "rtc.port_range_end", [](C& c) -> Slot { return &c.rtc.port_range_end; },
        "Last UDP port for media")
        .shown("60000"),
    used(
        "rtc.node_ip", [](C& c) -> Slot { return &c.rtc.node_ip; },
        "Address told to clients, or \"v4,v6\"; empty to find it")
        .named("node-ip", "NODE_IP"),
    used(
        "rtc.use_external_ip", [](C& c) -> Slot { return &c.rtc.use_external_ip; },
        "Ask a STUN server for the public address"),
    later("rtc.external_ip_only", Kind::kBool, "false", "Offer no other than the public address"),
    later("rtc.use_stun_port_as_ice", Kind::kBool, "false", "Media also on UDP port 3478"),
    later("rtc.advertise_internal_ip", Kind::kBool, "false",
          "Offer the private beside the public address"),
    later("rtc.skip_external_ip_validation", Kind::kBool, "false",
          "Believe the public address without a test packet"),
    later("rtc.additional_host_ips", Kind::kStrings, "[]", "Further addresses to offer"),
    later("rtc.require_ipv4", Kind::kBool, "false", "Start only with an IPv4 address"),
    later("rtc.host_acceptance_min_wait", Kind::kDuration, "0s",
          "Wait before a host pair is taken"),
    later("rtc.srflx_acceptance_min_wait", Kind::kDuration, "0s",
          "Wait before a server reflexive pair is taken"),
    later("rtc.prflx_acceptance_min_wait", Kind::kDuration, "0s",
          "Wait before a peer reflexive pair is taken"),
    later("rtc.relay_acceptance_min_wait", Kind::kDuration, "0s",
          "Wait before a relayed pair is taken"),
    used(
        "rtc.stun_servers", [](C& c) -> Slot { return &c.rtc.stun_servers; },
        "host:port of STUN servers for clients; empty for public ones"),
    used(
        "rtc.turn_servers", [](C& c) -> Slot { return &c.rtc.turn_servers; },
        "TURN servers for clients"),
    used(
        "rtc.use_ice_lite", [](C& c) -> Slot { return &c.rtc.use_ice_lite; },
        "Answer connectivity checks, send none"),
    later("rtc.use_mdns", Kind::kBool, "false", "Resolve .local candidates"),
    used(
        "rtc.enable_loopback_candidate",
        [](C& c) -> Slot { return &c.rtc.enable_loopback_candidate; }, "Offer 127.0.0.1"),
    later("rtc.force_tcp", Kind::kBool, "false", "Media over TCP only, for tests"),
    used(
        "rtc.interfaces.includes", [](C& c) -> Slot { return &c.rtc.interfaces.includes; },
        "Use these network interfaces only"),
    used(
        "rtc.interfaces.excludes", [](C& c) -> Slot { return &c.rtc.interfaces.excludes; },
        "Use all but these network interfaces"),
    used(
        "rtc.ips.includes", [](C& c) -> Slot { return &c.rtc.ips.includes; },
        "Use addresses inside these CIDR blocks only"),
    used(
        "rtc.ips.excludes", [](C& c) -> Slot { return &c.rtc.ips.excludes; },
        "Use all addresses but those inside these CIDR blocks"),
    later("rtc.batch_io.batch_size", Kind::kUint32, "0", "Packets per batch"),
    later("rtc.batch_io.max_flush_interval", Kind::kDuration, "0s", "Longest wait for a batch"),
    later("rtc.sctp_min_cwnd", Kind::kUint32, "0", "Smallest SCTP congestion window"),
    later("rtc.sctp_fast_rtx_wnd", Kind::kUint32, "0", "SCTP window of fast retransmission"),
    later("rtc.sctp_cwnd_ca_step", Kind::kUint32, "0", "SCTP congestion avoidance step"),
    later("rtc.enable_warp", Kind::kBool, "false", "Faster connection set-up, experimental"),
    dropped("rtc.strict_acks", Kind::kBool, "false"),
    used(
        "rtc.packet_buffer_size", [](C& c) -> Slot { return &c.rtc.packet_buffer_size_video; },
        "Packets kept per video track")
        .replaced_by("rtc.packet_buffer_size_video"),
    dropped("rtc.data_channel_max_buffered_amount", Kind::kUint32, "0"),
    used(
        "rtc.packet_buffer_size_video",
        [](C& c) -> Slot { return &c.rtc.packet_buffer_size_video; },
        "Packets kept per video track for retransmission")
        .range(1, 32768),
    used(
        "rtc.packet_buffer_size_audio",
        [](C& c) -> Slot { return &c.rtc.packet_buffer_size_audio; },
        "Packets kept per audio track for retransmission")
        .range(1, 32768),
    used(
        "rtc.pli_throttle.low_quality",
        [](C& c) -> Slot { return &c.rtc.pli_throttle.low_quality; },
        "Shortest time between key frame requests, lowest layer"),
    used(
        "rtc.pli_throttle.mid_quality",
        [](C& c) -> Slot { return &c.rtc.pli_throttle.mid_quality; },
        "Shortest time between key frame requests, middle layer"),
    used(
        "rtc.pli_throttle.high_quality",
        [](C& c) -> Slot { return &c.rtc.pli_throttle.high_quality; },
        "Shortest time between key frame requests, highest layer"),
    later("rtc.allow_tcp_fallback", Kind::kBool, "true", "Suggest TCP to clients whose UDP fails"),
    later("rtc.tcp_fallback_rtt_threshold", Kind::kUint32, "0",
          "Round trip in ms from which TLS is suggested at once"),
    later("rtc.allow_udp_unstable_fallback", Kind::kBool, "false",
          "Suggest TCP when UDP loses much"),
    used(
        "rtc.reconnect_on_publication_error",
        [](C& c) -> Slot { return &c.rtc.reconnect_on_publication_error; },
        "Full reconnect when publishing fails"),
    used(
        "rtc.reconnect_on_subscription_error",
        [](C& c) -> Slot { return &c.rtc.reconnect_on_subscription_error; },
        "Full reconnect when a subscription fails"),
    used(
        "rtc.reconnect_on_data_channel_error",
        [](C& c) -> Slot { return &c.rtc.reconnect_on_data_channel_error; },
        "Full reconnect when a data channel fails"),
    later("rtc.datachannel_slow_threshold", Kind::kUint32, "0",
          "Readers below this many bytes per second lose messages"),
    later("rtc.datachannel_lossy_target_latency", Kind::kDuration, "0s",
          "Longest queue of the lossy channel"),
    later("rtc.datachannel_data_track_target_latency", Kind::kDuration, "100ms",
          "Longest queue of the data track channel"),
    later("rtc.forward_stats.summary_interval", Kind::kDuration, "0s", "Latency summary"),
    later("rtc.forward_stats.report_interval", Kind::kDuration, "0s", "Latency report"),
    later("rtc.forward_stats.report_window", Kind::kDuration, "0s", "Latency window"),
    later("rtc.enable_rtp_stream_restart_detection", Kind::kBool, "false",
          "Notice publishers that restart their numbering"),

    used(
        "rtc.congestion_control.enabled",
        [](C& c) -> Slot { return &c.rtc.congestion_control.enabled; },
        "Choose layers by the estimated bandwidth"),
    used(
        "rtc.congestion_control.allow_pause",
        [](C& c) -> Slot { return &c.rtc.congestion_control.allow_pause; },
        "Pause video that does not fit; clients may override"),
    used(
        "rtc.congestion_control.use_send_side_bwe",
        [](C& c) -> Slot { return &c.rtc.congestion_control.use_send_side_bwe; },
        "Estimate from transport-wide feedback instead of REMB")
        .later(),
    later("rtc.congestion_control.use_send_side_bwe_interceptor", Kind::kBool, "false",
          "Other send side estimator"),
    later("rtc.congestion_control.send_side_bwe_pacer", Kind::kString, "no-queue", "Pacer")
        .one_of("no-queue|pass-through|leaky-bucket"),
#include "config/options_bwe.inc"

    used(
        "audio.active_level", [](C& c) -> Slot { return &c.audio.active_level; },
        "Louder than minus this many dBov counts as speech")
        .range(0, 127),
    used(
        "audio.min_percentile", [](C& c) -> Slot { return &c.audio.min_percentile; },
        "Percent of an interval that must be speech")
        .range(0, 100),
    used(
        "audio.update_interval", [](C& c) -> Slot { return &c.audio.update_interval; },
        "Milliseconds between speaker updates")
        .range(20, 60000),
    used(
        "audio.smooth_intervals", [](C& c) -> Slot { return &c.audio.smooth_intervals; },
        "Intervals the level is smoothed over; 0 for none"),
    used(
        "audio.active_red_encoding", [](C& c) -> Slot { return &c.audio.active_red_encoding; },
        "Add redundancy to Opus that came without")
        .later(),
    used(
        "audio.enable_loss_proxying", [](C& c) -> Slot { return &c.audio.enable_loss_proxying; },
        "Report subscribers' loss to the publisher"),

    used(
        "video.dynacast_pause_delay", [](C& c) -> Slot { return &c.video.dynacast_pause_delay; },
        "Wait before a layer nobody watches is paused"),
    used(
        "video.codec_regression_threshold",
        [](C& c) -> Slot { return &c.video.codec_regression_threshold; },
        "From this many participants on, one that needs the backup codec does not move the others "
        "to it; 0 for any number"),
#include "config/options_tracker.inc"

    used(
        "room.auto_create", [](C& c) -> Slot { return &c.room.auto_create; },
        "Joining creates a missing room"),
    used(
        "room.enabled_codecs", [](C& c) -> Slot { return &c.room.enabled_codecs; },
        "Codecs participants may use"),
    used(
        "room.max_participants", [](C& c) -> Slot { return &c.room.max_participants; },
        "Participants per room; 0 for any number"),
    used(
        "room.empty_timeout", [](C& c) -> Slot { return &c.room.empty_timeout; },
        "Seconds a room waits for its first participant"),
    used(
        "room.departure_timeout", [](C& c) -> Slot { return &c.room.departure_timeout; },
        "Seconds a room stays after the last participant left"),
    used(
        "room.enable_remote_unmute", [](C& c) -> Slot { return &c.room.enable_remote_unmute; },
        "The API may unmute tracks"),
    used(
        "room.playout_delay.enabled", [](C& c) -> Slot { return &c.room.playout_delay.enabled; },
        "Tell receivers how long to buffer"),
    used(
        "room.playout_delay.min", [](C& c) -> Slot { return &c.room.playout_delay.min; },
        "Shortest buffer in milliseconds"),
    used(
        "room.playout_delay.max", [](C& c) -> Slot { return &c.room.playout_delay.max; },
        "Longest buffer in milliseconds; 0 for 10 seconds"),
    used(
        "room.sync_streams", [](C& c) -> Slot { return &c.room.sync_streams; },
        "Group audio and video of a participant for lip sync"),
    used(
        "room.create_room_timeout", [](C& c) -> Slot { return &c.room.create_room_timeout; },
        "Longest wait for a room to start")
        .later(),
    used(
        "room.create_room_attempts", [](C& c) -> Slot { return &c.room.create_room_attempts; },
        "Attempts to start a room")
        .later(),
    used(
        "room.enable_full_room_in_webhooks",
        [](C& c) -> Slot { return &c.room.enable_full_room_in_webhooks; },
        "Every webhook carries the whole room"),
    used(
        "room.update_batch_target_size",
        [](C& c) -> Slot { return &c.room.update_batch_target_size; },
        "Bytes per participant update message; 0 for one message"),
    used(
        "room.room_configurations", [](C& c) -> Slot { return &c.room.room_configurations; },
        "Presets by name, for tokens and CreateRoom"),
    used(
        "room.max_metadata_size", [](C& c) -> Slot { return &c.limit.max_metadata_size; },
        "Bytes of metadata")
        .replaced_by("limit.max_metadata_size"),
    used(
        "room.max_room_name_length", [](C& c) -> Slot { return &c.limit.max_room_name_length; },
        "Bytes of a room name")
        .replaced_by("limit.max_room_name_length"),
    used(
        "room.max_participant_identity_length",
        [](C& c) -> Slot { return &c.limit.max_participant_identity_length; },
        "Bytes of an identity")
        .replaced_by("limit.max_participant_identity_length"),

    used(
        "limit.num_tracks", [](C& c) -> Slot { return &c.limit.num_tracks; },
        "Tracks of the whole node; 0 or less for no limit"),
    used(
        "limit.bytes_per_sec", [](C& c) -> Slot { return &c.limit.bytes_per_sec; },
        "Bytes per second of the whole node; 0 or less for no limit"),
    used(
        "limit.subscription_limit_video",
        [](C& c) -> Slot { return &c.limit.subscription_limit_video; },
        "Video tracks a participant may receive; 0 for no limit"),
    used(
        "limit.subscription_limit_audio",
        [](C& c) -> Slot { return &c.limit.subscription_limit_audio; },
        "Audio tracks a participant may receive; 0 for no limit"),
    used(
        "limit.max_metadata_size", [](C& c) -> Slot { return &c.limit.max_metadata_size; },
        "Bytes of room and participant metadata; 0 for no limit"),
    used(
        "limit.max_attributes_size", [](C& c) -> Slot { return &c.limit.max_attributes_size; },
        "Bytes of all attributes of a participant; 0 for no limit"),
    used(
        "limit.max_room_name_length", [](C& c) -> Slot { return &c.limit.max_room_name_length; },
        "Bytes of a room name; 0 for no limit"),
    used(
        "limit.max_participant_identity_length",
        [](C& c) -> Slot { return &c.limit.max_participant_identity_length; },
        "Bytes of an identity; 0 for no limit"),
    used(
        "limit.max_participant_name_length",
        [](C& c) -> Slot { return &c.limit.max_participant_name_length; },
        "Bytes of a participant name; 0 for no limit"),
    used(
        "limit.max_data_blob_key_length",
        [](C& c) -> Slot { return &c.limit.max_data_blob_key_length; },
        "Bytes of the key of a blob; 0 for no limit")
        .later(),
    used(
        "limit.max_data_blobs_size", [](C& c) -> Slot { return &c.limit.max_data_blobs_size; },
        "Bytes of all blobs of a participant; 0 for no limit")
        .later(),
    used(
        "limit.max_data_track_custom_encoding_length",
        [](C& c) -> Slot { return &c.limit.max_data_track_custom_encoding_length; },
        "Bytes of the encoding name of a data track; 0 for no limit"),
    used(
        "limit.signal_message_size_limit",
        [](C& c) -> Slot { return &c.limit.signal_message_size_limit; },
        "Bytes of one signal message; 0 for no limit"),
    used(
        "limit.agent_signal_message_size_limit",
        [](C& c) -> Slot { return &c.limit.agent_signal_message_size_limit; },
        "Bytes of one message of an agent worker; 0 for no limit")
        .later(),
    used(
        "limit.max_api_request_body_size",
        [](C& c) -> Slot { return &c.limit.max_api_request_body_size; },
        "Bytes of one API request; 0 for no limit"),

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
    later("node_selector.regions", Kind::kJsonList, "[]", "Regions with name, lat, lon"),
    later("node_stats.stats_update_interval", Kind::kDuration, "2s", "Node statistics"),
    later("node_stats.stats_rate_measurement_intervals", Kind::kDurations, "[10s]", "Rates"),
    later("node_stats.stats_max_delay", Kind::kDuration, "30s", "Age of a dead node"),

    used(
        "turn.enabled", [](C& c) -> Slot { return &c.turn.enabled; }, "Embedded TURN server")
        .later(),
    used(
        "turn.domain", [](C& c) -> Slot { return &c.turn.domain; }, "Name in the certificate")
        .later(),
    used(
        "turn.cert_file", [](C& c) -> Slot { return &c.turn.cert_file; }, "TLS certificate")
        .named("turn-cert", "LIVEKIT_TURN_CERT")
        .later(),
    used(
        "turn.key_file", [](C& c) -> Slot { return &c.turn.key_file; }, "TLS key")
        .named("turn-key", "LIVEKIT_TURN_KEY")
        .later(),
    used(
        "turn.tls_port", [](C& c) -> Slot { return &c.turn.tls_port; }, "TURN over TLS")
        .later(),
    used(
        "turn.udp_port", [](C& c) -> Slot { return &c.turn.udp_port; }, "TURN over UDP")
        .later(),
    used(
        "turn.external_tls", [](C& c) -> Slot { return &c.turn.external_tls; },
        "A load balancer ends TLS")
        .later(),
    used(
        "turn.relay_range_start", [](C& c) -> Slot { return &c.turn.relay_range_start; },
        "First relay port")
        .shown("30000")
        .later(),
    used(
        "turn.relay_range_end", [](C& c) -> Slot { return &c.turn.relay_range_end; },
        "Last relay port, in development 30002")
        .shown("40000")
        .later(),
    used(
        "turn.bind_addresses", [](C& c) -> Slot { return &c.turn.bind_addresses; },
        "Addresses TURN listens on")
        .later(),
    used(
        "turn.ttl_seconds", [](C& c) -> Slot { return &c.turn.ttl_seconds; },
        "Life of TURN credentials")
        .range(0, 86400)
        .later(),
    used(
        "turn.per_user_relay_allocation_limit",
        [](C& c) -> Slot { return &c.turn.per_user_relay_allocation_limit; },
        "Relays per participant")
        .later(),
    used(
        "turn.allow_restricted_peer_cidrs",
        [](C& c) -> Slot { return &c.turn.allow_restricted_peer_cidrs; },
        "Private blocks that may be relayed to")
        .later(),
    used(
        "turn.deny_peer_cidrs", [](C& c) -> Slot { return &c.turn.deny_peer_cidrs; },
        "Blocks that are never relayed to")
        .later(),
    later("ingress.rtmp_base_url", Kind::kString, "\"\"", "RTMP address shown to users"),
    later("ingress.whip_base_url", Kind::kString, "\"\"", "WHIP address shown to users"),
    later("sip", Kind::kJsonByName, "{}", "No keys"),

    used(
        "webhook.urls", [](C& c) -> Slot { return &c.webhook.urls; }, "Where events are posted"),
    used(
        "webhook.api_key", [](C& c) -> Slot { return &c.webhook.api_key; },
        "Key whose secret signs the events"),
    later("webhook.url_notifier.num_workers", Kind::kUint32, "10", "Senders of the older kind"),
    later("webhook.url_notifier.queue_size", Kind::kUint32, "100", "Queue of the older kind"),
    used(
        "webhook.resource_url_notifier.max_age",
        [](C& c) -> Slot { return &c.webhook.resource_url_notifier.max_age; },
        "Older events are dropped"),
    used(
        "webhook.resource_url_notifier.max_depth",
        [](C& c) -> Slot { return &c.webhook.resource_url_notifier.max_depth; },
        "Events that wait per address"),
    used(
        "webhook.filter_params.include_events",
        [](C& c) -> Slot { return &c.webhook.filter_params.include_events; },
        "Only these events; empty for all"),
    used(
        "webhook.filter_params.exclude_events",
        [](C& c) -> Slot { return &c.webhook.filter_params.exclude_events; },
        "All but these events"),

    later("agents.target_load", Kind::kFloat, "0.7", "Load above which a worker gets no jobs"),
    later("agents.enable_user_data_recording", Kind::kBool, "false", "Agents may record"),
    later("agents.enable_user_data_redaction", Kind::kBool, "false", "Agents must redact"),
    later("metric.collector.sampling_interval_ms", Kind::kUint32, "3000", "Sampling"),
    later("metric.collector.batch_interval_ms", Kind::kUint32, "10000", "Batches"),
    later("metric.reporter.reporting_interval_ms", Kind::kUint32, "10000", "Reports"),
    later("metric.timestamper_config.one_way_delay_estimator_min_interval", Kind::kDuration, "5s",
          "Clock comparison"),
    later("metric.timestamper_config.one_way_delay_estimator_max_batch", Kind::kUint32, "100",
          "Samples per comparison"),
    later("api.execution_timeout", Kind::kDuration, "2s", "Longest wait for an effect"),
    later("api.check_interval", Kind::kDuration, "100ms", "First check for an effect"),
    later("api.max_check_interval", Kind::kDuration, "300s", "Longest time between checks"),
    later("api.enable_psrpc_for_get_list_participants", Kind::kBool, "false",
          "Ask the node of the room"),

    used(
        "confab.workers", [](C& c) -> Slot { return &c.own.workers; },
        "Media threads; 0 for one per processor")
        .range(0, 256),
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
    later("confab.data_dir", Kind::kString, "\"\"",
          "Folder in which is kept what the API creates (trunks, rules, ingresses)"),
    used(
        "confab.web_dir", [](C& c) -> Slot { return &c.own.web_dir; },
        "Folder of static files served beside the API"),
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
        "confab.webhook_flush_timeout", [](C& c) -> Slot { return &c.own.webhook_flush_timeout; },
        "At the end, how long webhooks that wait may still take"),
});

constexpr auto kTurnServerFields = std::to_array<Field<TurnServer>>({
    {"host", "Name or address", [](TurnServer& s) -> Slot { return &s.host; }},
    {"port", "Port", [](TurnServer& s) -> Slot { return &s.port; }},
    {"protocol", "tls, tcp or udp", [](TurnServer& s) -> Slot { return &s.protocol; }},
    {"username", "Fixed user name", [](TurnServer& s) -> Slot { return &s.username; }},
    {"credential", "Password of that user", [](TurnServer& s) -> Slot { return &s.credential; }},
    {"secret", "Shared secret that makes passwords",
     [](TurnServer& s) -> Slot { return &s.secret; }},
    {"secret_file", "File with that secret, not readable by others",
     [](TurnServer& s) -> Slot { return &s.secret_file; }},
    {"ttl", "Seconds a made password lives, 0 for 14400",
     [](TurnServer& s) -> Slot { return &s.ttl; }},
});

constexpr auto kCodecFields = std::to_array<Field<Codec>>({
    {"mime", "For example video/VP8", [](Codec& c) -> Slot { return &c.mime; }},
    {"fmtp_line", "Parameters as in SDP", [](Codec& c) -> Slot { return &c.fmtp_line; }},
});

}  // namespace

std::span<const Option> options() {
    return kOptions;
}
std::span<const Field<TurnServer>> turn_server_fields() {
    return kTurnServerFields;
}
std::span<const Field<Codec>> codec_fields() {
    return kCodecFields;
}

}  // namespace confab::config
