// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The key table of LiveKit's configuration (01 section 7.1), written out with its defaults: a file
// like that changes nothing. What differs is a defect, or stands in docs/protocols/differences.md.
#include <doctest/doctest.h>

#include <set>

#include "config/load_testing.h"
#include "config/options.h"
#include "config/print.h"
#include "config/yaml/yaml_tree.h"

namespace confab::config {
namespace {

constexpr std::string_view kNode = R"(
port: 7880
bind_addresses: []
keys: {}
key_file: ""
region: ""
development: false
enable_data_tracks: true
enable_participant_data_blob: false
prometheus: {port: 0, username: "", password: ""}
debug_handler: {port: 0}
trace: {jaeger_url: ""}
logging:
  level: ""                     # info, in development debug
  json: false
  pion_level: error
  component_levels: {}
  sample: false
  sample_initial: 0
  sample_interval: 0
  item_sample_seconds: 0
  item_sample_initial: 0
  item_sample_interval: 0
audio:
  active_level: 35
  min_percentile: 40
  update_interval: 400
  smooth_intervals: 2
  active_red_encoding: false
  enable_loss_proxying: false
video:
  dynacast_pause_delay: 5s
  codec_regression_threshold: 5
  stream_tracker_manager:
    video:
      stream_tracker_type: packet
      bitrate_report_interval: {}
      packet_tracker: {}
      frame_tracker: {}
    screenshare:
      stream_tracker_type: packet
      bitrate_report_interval: {}
      packet_tracker: {}
      frame_tracker: {}
room:
  auto_create: true
  enabled_codecs:
    - mime: audio/PCMU
    - mime: audio/PCMA
    - mime: audio/opus
    - mime: audio/red
    - mime: video/VP8
    - mime: video/H264
    - mime: video/VP9
    - mime: video/AV1
    - mime: video/H265
    - mime: video/rtx
  max_participants: 0
  empty_timeout: 300
  departure_timeout: 20
  enable_remote_unmute: false
  playout_delay: {enabled: false, min: 0, max: 0}
  sync_streams: false
  create_room_timeout: 10s
  create_room_attempts: 3
  enable_full_room_in_webhooks: false
  update_batch_target_size: 131072
  room_configurations: {}
limit:
  num_tracks: 0
  bytes_per_sec: 0
  subscription_limit_video: 0
  subscription_limit_audio: 0
  max_metadata_size: 524288
  max_attributes_size: 65536
  max_room_name_length: 256
  max_participant_identity_length: 256
  max_participant_name_length: 256
  max_data_blob_key_length: 256
  max_data_blobs_size: 64000
  max_data_track_custom_encoding_length: 32
  signal_message_size_limit: 2097152
  agent_signal_message_size_limit: 2097152
  max_api_request_body_size: 10485760
)";

constexpr std::string_view kRtc = R"(
rtc:
  udp_port: 0                   # CFG-04
  tcp_port: 7881
  port_range_start: 0
  port_range_end: 0
  node_ip: ""
  use_external_ip: false
  external_ip_only: false
  use_stun_port_as_ice: false
  advertise_internal_ip: false
  skip_external_ip_validation: false
  additional_host_ips: []
  require_ipv4: false
  host_acceptance_min_wait: 0s
  srflx_acceptance_min_wait: 0s
  prflx_acceptance_min_wait: 0s
  relay_acceptance_min_wait: 0s
  stun_servers: []
  turn_servers: []
  use_ice_lite: false
  use_mdns: false
  enable_loopback_candidate: false
  force_tcp: false
  interfaces: {includes: [], excludes: []}
  ips: {includes: [], excludes: []}
  batch_io: {batch_size: 0, max_flush_interval: 0s}
  sctp_min_cwnd: 0
  sctp_fast_rtx_wnd: 0
  sctp_cwnd_ca_step: 0
  enable_warp: false
  packet_buffer_size_video: 500
  packet_buffer_size_audio: 200
  pli_throttle: {low_quality: 500ms, mid_quality: 1s, high_quality: 1s}
  allow_tcp_fallback: true
  tcp_fallback_rtt_threshold: 0
  allow_udp_unstable_fallback: false
  reconnect_on_publication_error: false
  reconnect_on_subscription_error: false
  reconnect_on_data_channel_error: false
  datachannel_slow_threshold: 0
  datachannel_lossy_target_latency: 0s
  datachannel_data_track_target_latency: 100ms
  data_channel_max_buffered_amount: 0
  forward_stats: {summary_interval: 0s, report_interval: 0s, report_window: 0s}
  enable_rtp_stream_restart_detection: false
  congestion_control:
    enabled: true
    allow_pause: false
    use_send_side_bwe_interceptor: false
    use_send_side_bwe: true         # upstream false (differences.md)
    send_side_bwe_pacer: no-queue
    stream_allocator:
      min_channel_capacity: 0
      disable_etimation_unmanaged_tracks: false
      probe_mode: padding
      probe_overage_pct: 120
      probe_min_bps: 200000
      paused_min_wait: 5s
    remote_bwe:
      nack_ratio_attenuator: 0.4
      expected_usage_threshold: 0.95
      channel_observer_probe:
        estimate: {required_samples: 3, required_samples_min: 3, downward_trend_threshold: 0,
                   downward_trend_max_wait: 5s, collapse_threshold: 0s, validity_window: 10s}
        nack: {window_min_duration: 500ms, window_max_duration: 1s, ratio_threshold: 0.04}
      channel_observer_non_probe:
        estimate: {required_samples: 12, required_samples_min: 8, downward_trend_threshold: -0.6,
                   downward_trend_max_wait: 5s, collapse_threshold: 500ms, validity_window: 10s}
        nack: {window_min_duration: 2s, window_max_duration: 3s, ratio_threshold: 0.08}
      probe_controller:
        settle_wait_num_rtt: 5
        settle_wait_min: 250ms
        settle_wait_max: 5s
        probe_regulator: {base_interval: 3s, backoff_factor: 1.5, max_interval: 2m,
                          min_duration: 200ms, max_duration: 20s, duration_increase_factor: 1.5}
    send_side_bwe:
      congestion_detector:
        packet_group: {min_packets: 30, max_window_duration: 500ms}
        packet_group_max_age: 10s
        probe_packet_group:
          packet_group: {min_packets: 16384, max_window_duration: 1m}
          settle_wait_num_rtt: 5
          settle_wait_min: 250ms
          settle_wait_max: 5s
        probe_regulator: {base_interval: 3s, backoff_factor: 1.5, max_interval: 2m,
                          min_duration: 200ms, max_duration: 20s, duration_increase_factor: 1.5}
        probe_signal:
          min_bytes_ratio: 0.5
          min_duration_ratio: 0.5
          jqr_min_delay: 50ms
          dqr_max_delay: 20ms
          weighted_loss: {min_duration_for_loss_validity: 100ms, base_duration: 500ms,
                          base_pps: 30, loss_penalty_factor: 0.25}
          jqr_min_weighted_loss: 0.25
          dqr_max_weighted_loss: 0.1
        jqr_min_delay: 50ms
        jqr_min_trend_coefficient: 0.8
        dqr_max_delay: 20ms
        weighted_loss: {min_duration_for_loss_validity: 100ms, base_duration: 500ms,
                        base_pps: 30, loss_penalty_factor: 0.25}
        jqr_min_weighted_loss: 0.25
        dqr_max_weighted_loss: 0.1
        queuing_delay_early_warning_jqr: {min_number_of_groups: 2, min_duration: 200ms}
        queuing_delay_early_warning_dqr: {min_number_of_groups: 3, min_duration: 300ms}
        loss_early_warning_jqr: {min_number_of_groups: 3, min_duration: 300ms}
        loss_early_warning_dqr: {min_number_of_groups: 4, min_duration: 400ms}
        queuing_delay_congested_jqr: {min_number_of_groups: 4, min_duration: 400ms}
        queuing_delay_congested_dqr: {min_number_of_groups: 5, min_duration: 500ms}
        loss_congested_jqr: {min_number_of_groups: 6, min_duration: 600ms}
        loss_congested_dqr: {min_number_of_groups: 6, min_duration: 600ms}
        congested_ctr_trend: {required_samples: 4, required_samples_min: 2,
                              downward_trend_threshold: -0.5, downward_trend_max_wait: 2s,
                              collapse_threshold: 500ms, validity_window: 10s}
        congested_ctr_epsilon: 0.05
        congested_packet_group: {min_packets: 20, max_window_duration: 150ms}
        estimaton_window_duration: 1s
)";

constexpr std::string_view kServices = R"(
redis:
  address: ""
  username: ""
  password: ""
  db: 0
  tls: {enabled: false, insecure: false, server_name: "", ca_cert_file: "",
        client_cert_file: "", client_key_file: ""}
  sentinel_master_name: ""
  sentinel_addresses: []
  sentinel_username: ""
  sentinel_password: ""
  dial_timeout: 2000
  read_timeout: 200
  write_timeout: 200
  cluster_addresses: []
  max_redirects: 2
  pool_timeout: 0s
  pool_size: 0
psrpc: {max_attempts: 3, timeout: 3s, backoff: 2s, buffer_size: 1000}
signal_relay: {retry_timeout: 7.5s, min_retry_interval: 500ms, max_retry_interval: 4s,
               stream_buffer_size: 1000, connect_attempts: 3}
node_selector: {kind: any, sort_by: random, algorithm: lowest, cpu_load_limit: 0.9,
                sysload_limit: 0.9, regions: []}
node_stats: {stats_update_interval: 2s, stats_rate_measurement_intervals: [10s],
             stats_max_delay: 30s}
turn:
  enabled: false
  domain: ""
  cert_file: ""
  key_file: ""
  tls_port: 0
  udp_port: 0
  external_tls: false
  relay_range_start: 30000
  relay_range_end: 40000        # in development 30002
  bind_addresses: [0.0.0.0]
  ttl_seconds: 300
  per_user_relay_allocation_limit: 12
  allow_restricted_peer_cidrs: []
  deny_peer_cidrs: []
ingress: {rtmp_base_url: "", whip_base_url: ""}
sip: {}
webhook:
  urls: []
  api_key: ""
  url_notifier: {num_workers: 10, queue_size: 100}
  resource_url_notifier: {max_age: 30s, max_depth: 200}
  filter_params: {include_events: [], exclude_events: []}
agents: {target_load: 0.7, enable_user_data_recording: false, enable_user_data_redaction: false}
metric:
  collector: {sampling_interval_ms: 3000, batch_interval_ms: 10000}
  reporter: {reporting_interval_ms: 10000}
  timestamper_config: {one_way_delay_estimator_min_interval: 5s,
                       one_way_delay_estimator_max_batch: 100}
api: {execution_timeout: 2s, check_interval: 100ms, max_check_interval: 300s,
      enable_psrpc_for_get_list_participants: false}
)";

// The dotted paths of all keys of a tree that are no sections of the table.
void collect(const YamlNode& node, const std::string& path, std::set<std::string>& paths) {
    if (find_option(path) != nullptr || node.kind != YamlNode::Kind::kMap) {
        paths.insert(path);
        return;
    }
    for (std::size_t i = 0; i < node.children.size(); ++i)
        collect(node.children[i], (path.empty() ? "" : path + ".") + node.names[i], paths);
}

}  // namespace

TEST_CASE("options: a file with every documented default changes nothing [CFG-05][CFG-06]") {
    for (const std::string_view text : {kNode, kRtc, kServices}) {
        Loaded loaded = parsed(text);
        // A value of what is not implemented is warned of unless it is the default.
        for (const Diagnostic& warning : loaded.warnings)
            FAIL_CHECK(warning.message);
        loaded.config.turn.relay_range_start = loaded.config.turn.relay_range_end = 0;  // finish()
        CHECK(effective(loaded.config) == effective(Config{}));
    }
}

TEST_CASE(
    "options: the table has the documented keys, and own ones below tls and confab only [CFG-01]") {
    std::set<std::string> documented;
    for (const std::string_view text : {kNode, kRtc, kServices})
        collect(*load_yaml(text), "", documented);
    std::set<std::string> known;
    for (const Option& option : options())
        if (option.status != Status::kDeprecated && !is_own(option))
            known.insert(std::string(option.path));
    CHECK(known == documented);
}

TEST_CASE("options: the documented old names, and where their values go [CFG-05]") {
    struct Row {
        std::string_view path;
        std::string_view instead;
        std::string_view value;
    };
    constexpr Row kRows[] = {
        {"prometheus_port", "prometheus.port", "6789"},
        {"log_level", "logging.level", "warn"},
        {"rtc.packet_buffer_size", "rtc.packet_buffer_size_video", "700"},
        {"room.max_metadata_size", "limit.max_metadata_size", "71"},
        {"room.max_room_name_length", "limit.max_room_name_length", "72"},
        {"room.max_participant_identity_length", "limit.max_participant_identity_length", "73"},
        {"redis.use_tls", "redis.tls.enabled", "true"},
        {"rtc.strict_acks", "", "true"}};
    std::size_t deprecated = 0;
    for (const Option& option : options())
        deprecated += option.status == Status::kDeprecated ? 1U : 0U;
    CHECK(deprecated == std::size(kRows));
    for (const Row& row : kRows) {
        CAPTURE(row.path);
        const Option* option = find_option(row.path);
        REQUIRE(option != nullptr);
        CHECK(option->instead == row.instead);
        const Loaded old = parsed(yaml_of(row.path, row.value));
        REQUIRE(old.warnings.size() == 1);
        CHECK(old.warnings[0].line == 1);
        CHECK(old.warnings[0].path == row.path);
        if (row.instead.empty()) {
            CHECK(old.warnings[0].message ==
                  std::string(row.path) + " has no effect any more; remove it");
            CHECK(effective(old.config) == effective(Config{}));
        } else {
            CHECK(old.warnings[0].message ==
                  std::string(row.path) + " is deprecated; use " + std::string(row.instead));
            CHECK(effective(old.config) ==
                  effective(parsed(yaml_of(row.instead, row.value)).config));
            CHECK(effective(old.config) != effective(Config{}));
        }
    }
}

}  // namespace confab::config
