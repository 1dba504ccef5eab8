// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/server_options.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "app/serve/console/console_setup.h"
#include "app/serve/limit_options.h"
#include "app/version.h"
#include "proto/proto_json.h"

namespace confab::app {
namespace {

// Both keys mean our one estimator (02 BWE-36).
bool send_side_bwe(const config::Config& config) {
    const config::CongestionControl& control = config.rtc.congestion_control;
    return control.use_send_side_bwe || control.use_send_side_bwe_interceptor;
}

room::CodecList enabled_codecs(const config::Config& config) {
    room::CodecList codecs;
    codecs.reserve(config.room.enabled_codecs.size());
    for (const config::Codec& codec : config.room.enabled_codecs)
        codecs.push_back({codec.mime, codec.fmtp_line});
    return codecs;
}

token::Limits text_limits(const config::Config& config) {
    return {config.limit.max_room_name_length, config.limit.max_participant_identity_length,
            config.limit.max_participant_name_length, config.limit.max_metadata_size,
            config.limit.max_attributes_size};
}

room::Limits room_limits(const config::Config& config) {
    room::Limits limits{text_limits(config)};
    limits.subscriptions_audio = config.limit.subscription_limit_audio;
    limits.subscriptions_video = config.limit.subscription_limit_video;
    limits.custom_encoding = config.limit.max_data_track_custom_encoding_length;
    limits.blob_key = config.limit.max_data_blob_key_length;
    limits.blobs = config.limit.max_data_blobs_size;
    return limits;
}

room::RoomDefaults room_defaults(const config::Config& config) {
    room::RoomDefaults defaults;
    defaults.auto_create = config.room.auto_create;
    defaults.empty_timeout = config.room.empty_timeout;
    defaults.departure_timeout = config.room.departure_timeout;
    defaults.max_participants = config.room.max_participants;
    defaults.enabled_codecs = enabled_codecs(config);
    defaults.enable_remote_unmute = config.room.enable_remote_unmute;
    defaults.sync_streams = config.room.sync_streams;
    if (config.room.playout_delay.enabled)
        defaults.playout_delay = {Duration::millis(config.room.playout_delay.min),
                                  Duration::millis(config.room.playout_delay.max)};
    return defaults;
}

sfu::AudioLevelConfig audio_level(const config::Config& config) {
    sfu::AudioLevelConfig level;
    level.active_level = static_cast<std::uint8_t>(config.audio.active_level);
    level.min_percentile = static_cast<std::uint8_t>(config.audio.min_percentile);
    level.update_interval = Duration::millis(config.audio.update_interval);
    level.smooth_intervals = config.audio.smooth_intervals;
    return level;
}

}  // namespace

telemetry::LogOptions log_options(const config::Config& config) {
    telemetry::LogOptions options;
    options.level = telemetry::parse_log_level(config.logging.level);
    options.json = config.logging.json;
    return options;
}

token::KeyMap key_map(const config::Config& config) {
    token::KeyMap::Texts keys;
    for (const auto& [name, secret] : config.keys)
        keys[name] = std::string(secret.reveal());
    token::KeyMap::Texts tenants;
    for (const auto& [tenant, of_tenant] : config.own.tenants)
        for (const std::string& key : of_tenant)
            tenants[key] = tenant;
    token::KeyMap result(std::move(keys));
    result.set_tenants(std::move(tenants));
    return result;
}

api::WebhookOptions webhook_options(const config::Config& config) {
    api::WebhookOptions options;
    options.urls = config.webhook.urls;
    options.api_key = config.webhook.api_key;
    options.filter.include_events = config.webhook.filter_params.include_events;
    options.filter.exclude_events = config.webhook.filter_params.exclude_events;
    options.max_age = config.webhook.resource_url_notifier.max_age;
    options.max_depth = config.webhook.resource_url_notifier.max_depth;
    options.flush_timeout = config.own.webhook_flush_timeout;
    options.retention = config.own.webhook_retention;
    return options;
}

std::string data_dir(const std::string& configured, std::string_view given) {
    return configured.empty() ? std::string(given.substr(0, given.find(':'))) : configured;
}

sfu::ShardOptions shard_options(const config::Config& config) {
    sfu::ShardOptions options;
    options.metrics.times = {config.metric.timestamper_config.one_way_delay_estimator_min_interval,
                             config.metric.timestamper_config.one_way_delay_estimator_max_batch};
    options.metrics.report_interval =
        Duration::millis(config.metric.reporter.reporting_interval_ms);
    options.metrics.collector = {Duration::millis(config.metric.collector.sampling_interval_ms),
                                 Duration::millis(config.metric.collector.batch_interval_ms)};
    options.bandwidth.enabled = config.rtc.congestion_control.enabled;
    options.bandwidth.allow_pause = config.rtc.congestion_control.allow_pause;
    options.bandwidth.send_side = send_side_bwe(config);
    const config::StreamAllocator& allocator = config.rtc.congestion_control.stream_allocator;
    options.bandwidth.min_capacity = allocator.min_channel_capacity;
    options.bandwidth.probe_mode =
        allocator.probe_mode == "media" ? sfu::ProbeMode::kMedia : sfu::ProbeMode::kPadding;
    options.bandwidth.probe_overage_percent = allocator.probe_overage_pct;
    options.bandwidth.probe_min_bps = allocator.probe_min_bps;
    options.bandwidth.paused_min_wait = allocator.paused_min_wait;
    options.packet_buffer_size_video = config.rtc.packet_buffer_size_video;
    options.packet_buffer_size_audio = config.rtc.packet_buffer_size_audio;
    options.level_lengths = config.own.level_lengths;
    options.sound_hold = config.own.sound_hold;
    options.strangers = stranger_limits(config);
    options.data_rates = data_rates(config);
    options.loss_proxying = config.audio.enable_loss_proxying;
    options.sctp = {config.rtc.sctp_min_cwnd, config.rtc.sctp_fast_rtx_wnd,
                    config.rtc.sctp_cwnd_ca_step};
    options.data = {config.rtc.datachannel_slow_threshold,
                    config.rtc.datachannel_lossy_target_latency,
                    config.rtc.datachannel_data_track_target_latency,
                    config.rtc.data_channel_max_buffered_amount};
    return options;
}

std::size_t control_threads(std::uint32_t wanted, std::size_t processors) {
    if (wanted == 0) return std::clamp<std::size_t>(processors / 4, 1, sfu::kMaxControlShards);
    return std::min<std::size_t>(wanted, sfu::kMaxControlShards);
}

Processors usable_processors(std::size_t allowed, const CpuGauge::Reading& cpu) {
    if (!cpu.is_limited || cpu.cpus >= static_cast<double>(allowed)) return {allowed, false};
    return {std::max<std::size_t>(static_cast<std::size_t>(std::ceil(cpu.cpus)), 1), true};
}

worker::MediaNodeOptions media_options(const config::Config& config,
                                       const std::vector<MediaAddress>& addresses,
                                       const Processors& processors, std::uint64_t seed) {
    worker::MediaNodeOptions options;
    options.workers = config.own.workers;
    options.control_shards = control_threads(config.own.control_threads, processors.count);
    // More threads than a control group pays for use up its time, and stand still, together; pinned
    // ones would meet those of other groups on the first processors.
    if (processors.limited) {
        if (options.workers == 0) options.workers = std::max<std::size_t>(processors.count, 2) - 1;
        options.pin = false;
    }
    for (const MediaAddress& address : addresses)
        options.addresses.push_back(address.local);
    if (config.rtc.udp_port.is_set()) {
        options.udp_port = config.rtc.udp_port.start;
        options.udp_port_end = config.rtc.udp_port.end;
    } else {
        options.udp_port = config.rtc.port_range_start;
        options.udp_port_end = config.rtc.port_range_end;
    }
    if (config.rtc.tcp_port != 0) options.tcp_port = config.rtc.tcp_port;
    options.tcp_accepted_elsewhere = config.shares_tcp();
    options.seed = seed;
    options.shard = shard_options(config);
    return options;
}

control::RouteOptions route_options(const config::Config& config) {
    control::RouteOptions options;
    options.join.limits = text_limits(config);
    options.join.auto_create = config.room.auto_create;
    options.twirp.limits = options.join.limits;
    options.twirp.max_body_bytes = config.limit.max_api_request_body_size;
    options.twirp.enable_remote_unmute = config.room.enable_remote_unmute;
    options.twirp.auto_create = config.room.auto_create;
    // Whoever has an own key may be reached by others: what is open to everybody is asked for by
    // name then (TOK-15, CON-10).
    options.development_tokens = config.placeholder_keys || config.own.demo_enabled;
    options.tls = config.tls.is_on();
    options.metrics_on_main_port = config.placeholder_keys || config.own.metrics_enabled;
    if (config.development)
        options.debug_on_main_port = config.placeholder_keys ? control::DebugAccess::kAll
                                                             : control::DebugAccess::kRoomLister;
    options.metrics_user = config.prometheus.username;
    options.metrics_password = std::string(config.prometheus.password.reveal());
    options.gate = gate_options(config);
    options.load_limits.tracks = config.limit.num_tracks;
    options.load_limits.bytes_per_second = config.limit.bytes_per_sec;
    options.console = console_options(config);
    return options;
}

control::AgentOptions agent_options(const config::Config& config) {
    // WRK-04: a worker that answers no ping is gone, whatever its system says.
    constexpr Duration kMaxSilence = Duration::seconds(30);
    control::AgentOptions options;
    livekit::ServerInfo& server = options.hub.server;
    server.set_version(std::string(kLiveKitVersion));
    server.set_protocol(room::Config().protocol);
    server.set_region(config.region);
    server.set_agent_protocol(1);
    options.hub.target_load = config.agents.target_load;
    options.websocket.max_message_bytes = config.limit.agent_signal_message_size_limit;
    options.websocket.silence_timeout = kMaxSilence;
    return options;
}

Result<std::map<std::string, livekit::RoomConfiguration>, std::string> room_presets(
    const config::Config& config) {
    std::map<std::string, livekit::RoomConfiguration> result;
    for (const auto& [name, json] : config.room.room_configurations.items)
        if (!proto::parse_json(json, result[name]))
            return fail("room.room_configurations." + name + ": not a room configuration");
    return result;
}

room::Config room_config(const config::Config& config,
                         std::map<std::string, livekit::RoomConfiguration> presets) {
    room::Config result;
    result.server_version = std::string(kLiveKitVersion);
    result.region = config.region;
    result.participants_per_worker = config.own.participants_per_worker;
    result.limits = room_limits(config);
    result.room = room_defaults(config);
    result.room.presets = std::move(presets);
    result.audio_level = audio_level(config);
    result.dynacast_pause_delay = config.video.dynacast_pause_delay;
    result.codec_regression_threshold = config.video.codec_regression_threshold;
    result.enable_data_tracks = config.enable_data_tracks;
    result.enable_data_blobs = config.enable_participant_data_blob;
    result.allow_tcp_fallback = config.rtc.allow_tcp_fallback;
    result.tcp_fallback_rtt = Duration::millis(config.rtc.tcp_fallback_rtt_threshold);
    result.allow_udp_unstable_fallback = config.rtc.allow_udp_unstable_fallback;
    result.force_tcp = config.rtc.force_tcp;
    result.send_side_bwe = send_side_bwe(config);
    result.active_red_encoding = config.audio.active_red_encoding;
    const config::PliThrottle& pli = config.rtc.pli_throttle;
    result.pli_throttle = {pli.low_quality, pli.mid_quality, pli.high_quality};
    result.reconnect_on_publication_error = config.rtc.reconnect_on_publication_error;
    result.reconnect_on_subscription_error = config.rtc.reconnect_on_subscription_error;
    result.reconnect_on_data_channel_error = config.rtc.reconnect_on_data_channel_error;
    result.update_batch_bytes = config.room.update_batch_target_size;
    result.full_room_in_webhooks = config.room.enable_full_room_in_webhooks;
    result.agent_recording = config.agents.enable_user_data_recording;
    result.agent_redaction = config.agents.enable_user_data_redaction;
    return result;
}

}  // namespace confab::app
