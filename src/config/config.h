// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The configuration as plain values (01 section 7.1). The initialisers are the defaults: the
// option table (options.h), the sample file and the reference take them from here. Members get
// their final form in finish(): an empty or zero value that means "choose" is filled in there.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "config/secret_text.h"

namespace confab::config {

struct PortRange {
    std::uint16_t start = 0;
    std::uint16_t end = 0;  // inclusive
    bool is_set() const { return start != 0; }
    bool operator==(const PortRange&) const = default;
};

// If both are given only the includes count.
struct Filter {
    std::vector<std::string> includes;
    std::vector<std::string> excludes;
};

// Values that are trees of their own, kept as JSON text per name.
struct JsonByName {
    std::map<std::string, std::string> items;
};
struct JsonList {
    std::vector<std::string> items;
};

// Bounds of confab.tenants.
inline constexpr std::size_t kMaxTenants = 1'000;
inline constexpr std::size_t kMaxTenantName = 64;

using StringLists = std::map<std::string, std::vector<std::string>>;
using KeySecrets = std::map<std::string, SecretText, std::less<>>;

struct TurnServer {  // given to clients (SIG-88)
    std::string host;
    std::uint16_t port = 0;
    std::string protocol;  // tls, tcp, udp
    std::string username;
    SecretText credential;
    SecretText secret;        // makes credentials per participant
    std::string secret_file;  // holds the secret; read by the program
    std::uint32_t ttl = 0;    // seconds; 0 → 14400
};

struct PliThrottle {
    Duration low_quality = Duration::millis(500);
    Duration mid_quality = Duration::seconds(1);
    Duration high_quality = Duration::seconds(1);
};

struct StreamAllocator {
    std::uint32_t min_channel_capacity = 0;  // bit/s
    std::string probe_mode = "padding";
    std::uint32_t probe_overage_pct = 120;
    std::uint32_t probe_min_bps = 200'000;
    Duration paused_min_wait = Duration::seconds(5);
};

struct CongestionControl {
    bool enabled = true;
    bool allow_pause = false;
    bool use_send_side_bwe = true;
    bool use_send_side_bwe_interceptor = false;
    StreamAllocator stream_allocator;
};

inline constexpr std::uint16_t kIceTcpPort = 7881;

struct Rtc {
    PortRange udp_port;  // one mux socket per port; unset = port_range
    std::uint16_t tcp_port = kIceTcpPort;
    std::uint16_t port_range_start = 0;  // CFG-04
    std::uint16_t port_range_end = 0;
    std::string node_ip;  // "", "v4", "v6" or "v4,v6"
    bool use_external_ip = false;
    bool external_ip_only = false;
    bool advertise_internal_ip = false;
    bool skip_external_ip_validation = false;
    std::vector<std::string> stun_servers;
    std::vector<TurnServer> turn_servers;
    bool use_ice_lite = false;
    bool enable_loopback_candidate = false;
    bool force_tcp = false;
    bool allow_tcp_fallback = true;
    std::uint32_t tcp_fallback_rtt_threshold = 0;  // ms; 0: none
    bool allow_udp_unstable_fallback = false;
    Filter interfaces;
    Filter ips;  // CIDR
    std::uint32_t packet_buffer_size_video = 500;
    std::uint32_t packet_buffer_size_audio = 200;
    std::uint32_t sctp_min_cwnd = 0;  // bytes; 0 for the default
    std::uint32_t sctp_fast_rtx_wnd = 0;
    std::uint32_t sctp_cwnd_ca_step = 0;
    PliThrottle pli_throttle;
    bool reconnect_on_publication_error = false;
    bool reconnect_on_subscription_error = false;
    bool reconnect_on_data_channel_error = false;
    std::uint32_t datachannel_slow_threshold = 0;  // bits per second
    Duration datachannel_lossy_target_latency = Duration::zero();
    Duration datachannel_data_track_target_latency = Duration::millis(100);
    std::uint32_t data_channel_max_buffered_amount = 0;  // bytes
    CongestionControl congestion_control;
};

struct Audio {  // SIG-134
    std::uint32_t active_level = 35;
    std::uint32_t min_percentile = 40;
    std::uint32_t update_interval = 400;  // ms
    std::uint32_t smooth_intervals = 2;
    bool active_red_encoding = false;
    bool enable_loss_proxying = false;
};

struct Video {  // SIG-115
    Duration dynacast_pause_delay = Duration::seconds(5);
    std::uint32_t codec_regression_threshold = 5;
};

struct Codec {
    std::string mime;
    std::string fmtp_line;
    bool operator==(const Codec&) const = default;
};

struct PlayoutDelay {
    bool enabled = false;
    std::uint32_t min = 0;  // ms
    std::uint32_t max = 0;
};

struct Room {
    bool auto_create = true;
    std::vector<Codec> enabled_codecs = {{"audio/PCMU", ""}, {"audio/PCMA", ""}, {"audio/opus", ""},
                                         {"audio/red", ""},  {"video/VP8", ""},  {"video/H264", ""},
                                         {"video/VP9", ""},  {"video/AV1", ""},  {"video/H265", ""},
                                         {"video/rtx", ""}};  // ROOM-08
    std::uint32_t max_participants = 0;
    std::uint32_t empty_timeout = 300;  // s
    std::uint32_t departure_timeout = 20;
    bool enable_remote_unmute = false;
    PlayoutDelay playout_delay;
    bool sync_streams = false;
    Duration create_room_timeout = Duration::seconds(10);
    std::uint32_t create_room_attempts = 3;
    bool enable_full_room_in_webhooks = false;
    std::uint32_t update_batch_target_size = 128 * 1024;
    JsonByName room_configurations;  // livekit.RoomConfiguration as protojson
};

struct Limit {  // ROOM-07; 0 = no limit
    std::int32_t num_tracks = 0;
    double bytes_per_sec = 0;
    std::uint32_t subscription_limit_video = 0;
    std::uint32_t subscription_limit_audio = 0;
    std::uint32_t max_metadata_size = 512 * 1024;
    std::uint32_t max_attributes_size = 64 * 1024;
    std::uint32_t max_room_name_length = 256;
    std::uint32_t max_participant_identity_length = 256;
    std::uint32_t max_participant_name_length = 256;
    std::uint32_t max_data_blob_key_length = 256;
    std::uint32_t max_data_blobs_size = 64000;
    std::uint32_t max_data_track_custom_encoding_length = 32;
    std::uint32_t signal_message_size_limit = 2 * 1024 * 1024;
    std::uint32_t agent_signal_message_size_limit = 2 * 1024 * 1024;
    std::uint32_t max_api_request_body_size = 10 * 1024 * 1024;
};

struct RedisTls {
    bool enabled = false;
    bool insecure = false;
    std::string server_name;
    std::string ca_cert_file;
    std::string client_cert_file;
    std::string client_key_file;
};

// Without an address the node is alone. Sentinels go before a Cluster's nodes, these before a
// server.
struct Redis {
    std::string address;
    std::string username;
    SecretText password;
    std::uint32_t db = 0;
    RedisTls tls;
    std::string sentinel_master_name;
    std::vector<std::string> sentinel_addresses;
    std::string sentinel_username;
    SecretText sentinel_password;
    std::vector<std::string> cluster_addresses;
    std::uint32_t dial_timeout_ms = 2000;
    std::uint32_t max_redirects = 2;

    bool is_configured() const {
        return !address.empty() || !sentinel_addresses.empty() || !cluster_addresses.empty();
    }
};

// How nodes call each other.
struct Psrpc {
    std::uint32_t max_attempts = 3;
    Duration timeout = Duration::seconds(3);
    Duration backoff = Duration::seconds(2);
};
struct SignalRelay {
    Duration retry_timeout = Duration::millis(7500);
    Duration min_retry_interval = Duration::millis(500);
    Duration max_retry_interval = Duration::seconds(4);
    std::uint32_t stream_buffer_size = 1000;
    std::uint32_t connect_attempts = 3;
};
struct NodeSelector {
    std::string kind = "any";
    std::string sort_by = "random";
    std::string algorithm = "lowest";
    double cpu_load_limit = 0.9;
    double sysload_limit = 0.9;
    JsonList regions;
};
struct NodeStats {
    Duration update_interval = Duration::seconds(2);
    std::vector<Duration> rate_intervals = {Duration::seconds(10)};
};

struct Turn {  // the embedded TURN server
    bool enabled = false;
    std::string domain;
    std::string cert_file;
    std::string key_file;
    std::uint16_t tls_port = 0;
    std::uint16_t udp_port = 0;
    bool external_tls = false;
    std::uint16_t relay_range_start = 0;  // 30000
    std::uint16_t relay_range_end = 0;    // 40000, development 30002
    std::vector<std::string> bind_addresses = {"0.0.0.0"};
    std::uint32_t ttl_seconds = 300;
    std::uint32_t per_user_relay_allocation_limit = 12;
    std::vector<std::string> allow_restricted_peer_cidrs;
    std::vector<std::string> deny_peer_cidrs;
};

struct Ingress {  // what encoders are told to publish to
    std::string rtmp_base_url;
    std::string whip_base_url;
};

struct ResourceUrlNotifier {
    Duration max_age = Duration::seconds(30);
    std::uint32_t max_depth = 200;
};
struct EventFilter {
    std::vector<std::string> include_events;
    std::vector<std::string> exclude_events;
};
struct Webhook {
    std::vector<std::string> urls;
    std::string api_key;
    ResourceUrlNotifier resource_url_notifier;
    EventFilter filter_params;
};

struct Agents {
    double target_load = 0.7;
    bool enable_user_data_recording = false;
    bool enable_user_data_redaction = false;
};

struct MetricTimestamper {
    Duration one_way_delay_estimator_min_interval = Duration::seconds(5);
    std::uint32_t one_way_delay_estimator_max_batch = 100;
};
struct MetricReporter {
    std::uint32_t reporting_interval_ms = 10'000;  // 0 = told at once
};
struct MetricCollector {
    std::uint32_t sampling_interval_ms = 3'000;
    std::uint32_t batch_interval_ms = 10'000;
};
struct Metric {
    MetricCollector collector;
    MetricReporter reporter;
    MetricTimestamper timestamper_config;
};

struct Prometheus {
    std::uint16_t port = 0;  // 0 = off
    std::string username;
    SecretText password;
};

// Behind no password: on loopback only.
struct DebugHandler {
    std::uint16_t port = 0;  // 0 = off
};

struct Logging {
    std::string level;  // "" → info, in development debug
    bool json = false;
    std::string pion_level = "error";
    std::map<std::string, std::string> component_levels;
    bool sample = false;
    std::uint32_t sample_initial = 0;
    std::uint32_t sample_interval = 0;
    std::uint32_t item_sample_seconds = 0;
    std::uint32_t item_sample_initial = 0;
    std::uint32_t item_sample_interval = 0;
};

// Of the HTTP port; not of LiveKit's configuration.
struct Tls {
    std::string domain;                // the first of `domains`
    std::vector<std::string> domains;  // lower case, each once
    std::string email;
    std::string cert_file;  // empty: certificates are asked of acme_directory
    std::string key_file;
    std::string acme_directory = "https://acme-v02.api.letsencrypt.org/directory";
    std::string acme_ca_file;
    std::uint16_t redirect_port = 0;  // 0 = none
    bool one_port = true;

    bool is_on() const { return !cert_file.empty() || !domains.empty(); }
};

// Rates are of a second, and ten seconds' worth may come at once; 0 = no limit.
struct FloodLimits {
    std::vector<std::string> trusted = {"127.0.0.0/8",   "::1/128",        "10.0.0.0/8",
                                        "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
                                        "100.64.0.0/10", "fc00::/7",       "fe80::/10"};
    std::uint32_t connections = 20;
    std::uint32_t requests = 20;
    std::uint32_t websockets = 1000;  // at once
    std::uint32_t bad_tokens = 1;
    std::uint32_t joins_of_identity = 1;
    std::uint32_t joins_of_room = 50;
    std::uint32_t joins_of_key = 200;
    double join_load = 0;
    std::uint32_t calls_of_key = 100;
    std::uint32_t calls_of_method = 100;
    std::uint32_t signals = 50;
    std::uint32_t stun = 50;
    std::uint32_t turn_allocations = 20;
    std::uint32_t data_packets = 0;
    std::uint32_t data_bytes = 0;
};

struct Own {                                     // the section "confab"
    std::uint32_t workers = 0;                   // media threads; 0 = one per processor but one
    std::uint32_t control_threads = 0;           // 0 = a quarter of the processors
    std::uint32_t participants_per_worker = 64;  // of one room, before another worker takes part
    std::string data_dir;                        // empty: STATE_DIRECTORY, else nothing is kept
    std::string web_dir;
    bool demo_enabled = false;
    bool metrics_enabled = false;
    std::uint32_t max_connections = 65'536;
    std::uint32_t max_connections_per_address = 0;     // 0 = half of them
    Duration drain_timeout = Duration::seconds(1800);  // 0 = none
    std::uint32_t drain_rate = 20;                     // participants in a second
    bool node_links = true;
    std::string node_link_ip;          // empty: from where Redis is reached
    std::uint16_t node_link_port = 0;  // 0 = any free one
    double scale_cpu_load = 0.6;
    std::uint32_t scale_participants = 0;  // of one node; 0 = does not count
    Duration scale_hold = Duration::seconds(600);
    Duration scale_ahead;       // zero: nothing is expected
    std::string scale_command;  // empty: none
    Duration scale_command_timeout = Duration::seconds(30);
    Duration webhook_flush_timeout = Duration::seconds(5);
    Duration webhook_retention = Duration::seconds(24 * 3600);
    bool watch_config = true;
    bool console_enabled = true;
    SecretText console_password;  // empty: API keys alone
    SecretText console_viewer_password;
    std::uint32_t console_history_days = 30;   // 0 = no history
    std::uint32_t console_history_size = 256;  // MiB
    bool level_lengths = true;
    Duration sound_hold;
    StringLists tenants;                       // the keys of each
    std::vector<std::string> trusted_proxies;  // CIDR
    std::vector<std::string> egress_cluster_ids;
    std::vector<std::string> sip_cluster_ids;
    FloodLimits limits;
};

struct Config {
    std::uint16_t port = 7880;
    std::vector<std::string> bind_addresses;  // IP addresses; empty = all
    KeySecrets keys;
    std::string key_file;
    std::string region;
    bool development = false;
    bool placeholder_keys = false;  // set by finish(): the secret is known to everybody
    bool enable_data_tracks = true;
    bool enable_participant_data_blob = false;
    Prometheus prometheus;
    DebugHandler debug_handler;
    Logging logging;
    Rtc rtc;
    Audio audio;
    Video video;
    Room room;
    Limit limit;
    Redis redis;
    Psrpc psrpc;
    SignalRelay signal_relay;
    NodeSelector node_selector;
    NodeStats node_stats;
    Turn turn;
    Ingress ingress;
    Webhook webhook;
    Agents agents;
    Metric metric;
    Tls tls;
    Own own;

    // ICE/TCP, TURN over TLS and TURN over UDP at a port that carries something else already.
    bool shares_tcp() const { return tls.is_on() && port != 0 && rtc.tcp_port == port; }
    bool shares_turn_tls() const {
        return tls.is_on() && turn.enabled && port != 0 && turn.tls_port == port;
    }
    bool shares_turn_udp() const {
        return turn.enabled && turn.udp_port != 0 && rtc.udp_port.is_set() &&
               turn.udp_port >= rtc.udp_port.start && turn.udp_port <= rtc.udp_port.end;
    }
};

}  // namespace confab::config
