// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Wiring of `confab serve`: configuration → media workers, control plane, listeners.

#include "app/server.h"

#include <google/protobuf/stubs/logging.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "api/ids.h"
#include "api/proto_json.h"
#include "app/media_addresses.h"
#include "app/version.h"
#include "base/check.h"
#include "crypto/random.h"
#include "runtime/control/routes.h"
#include "runtime/telemetry/log.h"

namespace confab::app {
namespace {

using telemetry::Metric;

void set_up_log(const config::Config& config, bool dev) {
    telemetry::LogOptions options;
    options.level = config.logging.level.empty() ? (config.development ? telemetry::LogLevel::kDebug
                                                                       : telemetry::LogLevel::kInfo)
                                                 : telemetry::parse_log_level(config.logging.level);
    options.json = config.logging.json || !dev;
    telemetry::init_log(options);
    // The library reports peers' invalid UTF-8 on stderr, line by line.
    google::protobuf::SetLogHandler(nullptr);
}

api::KeyMap key_map(const config::Config& config) {
    std::map<std::string, std::string, std::less<>> keys;
    for (const auto& [name, secret] : config.keys)
        keys[name] = std::string(secret.reveal());
    return api::KeyMap(std::move(keys));
}

worker::MediaNodeOptions media_options(const config::Config& config,
                                       const std::vector<MediaAddress>& addresses) {
    worker::MediaNodeOptions options;
    options.workers = config.own.workers;
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
    options.seed = crypto::seeded_rng().u64();
    return options;
}

room::MediaNode room_media(const worker::MediaNode& media,
                           const std::vector<MediaAddress>& addresses,
                           const config::Config& config) {
    room::MediaNode result;
    result.fingerprint_sha256 = media.fingerprint();
    result.ice_lite = config.rtc.use_ice_lite;
    const auto advertise = [&](const std::vector<SocketAddress>& bound) {
        std::vector<SocketAddress> list;
        for (std::size_t i = 0; i < bound.size(); ++i)
            list.push_back({addresses[i].advertised, bound[i].port});
        return list;
    };
    for (std::size_t i = 0; i < media.size(); ++i)
        result.workers.push_back(
            {advertise(media.addresses(i).udp), advertise(media.addresses(i).tcp)});
    return result;
}

std::vector<sdp::EnabledCodec> enabled_codecs(const config::Config& config) {
    std::vector<sdp::EnabledCodec> codecs;
    for (const config::Codec& codec : config.room.enabled_codecs)
        codecs.push_back({codec.mime, codec.fmtp_line});
    return codecs;
}

// STUN and TURN servers for clients (SIG-88). Without any the public ones that browsers know.
std::vector<livekit::ICEServer> ice_servers(const config::Config& config) {
    std::vector<livekit::ICEServer> servers;
    if (!config.rtc.stun_servers.empty()) {
        livekit::ICEServer& server = servers.emplace_back();
        for (const std::string& one : config.rtc.stun_servers)
            server.add_urls("stun:" + one);
    }
    for (const config::TurnServer& turn : config.rtc.turn_servers) {
        if (turn.username.empty()) continue;
        livekit::ICEServer& server = servers.emplace_back();
        const bool tls = turn.protocol == "tls";
        server.add_urls(std::string(tls ? "turns:" : "turn:") + turn.host + ":" +
                        std::to_string(turn.port) +
                        "?transport=" + (turn.protocol == "udp" ? "udp" : "tcp"));
        server.set_username(turn.username);
        server.set_credential(std::string(turn.credential.reveal()));
    }
    if (servers.empty()) {
        livekit::ICEServer& server = servers.emplace_back();
        for (const char* url : {"stun:global.stun.twilio.com:3478", "stun:stun.l.google.com:19302",
                                "stun:stun1.l.google.com:19302"})
            server.add_urls(url);
    }
    return servers;
}

Result<std::map<std::string, livekit::RoomConfiguration>, std::string> presets(
    const config::Config& config) {
    std::map<std::string, livekit::RoomConfiguration> result;
    for (const auto& [name, json] : config.room.room_configurations.items)
        if (!api::parse_proto_json(json, result[name]))
            return fail("room.room_configurations." + name + ": not a room configuration");
    return result;
}

room::Config room_config(const config::Config& config, room::MediaNode media,
                         std::map<std::string, livekit::RoomConfiguration> room_presets,
                         const api::KeyProvider& keys, const std::string& node_id) {
    room::Config result;
    result.server_version = std::string(kLiveKitVersion);
    result.node_id = node_id;
    result.region = config.region;
    result.limits.room_name = config.limit.max_room_name_length;
    result.limits.identity = config.limit.max_participant_identity_length;
    result.limits.participant_name = config.limit.max_participant_name_length;
    result.limits.metadata = config.limit.max_metadata_size;
    result.limits.attributes = config.limit.max_attributes_size;
    result.limits.subscriptions_audio = config.limit.subscription_limit_audio;
    result.limits.subscriptions_video = config.limit.subscription_limit_video;
    result.limits.custom_encoding = config.limit.max_data_track_custom_encoding_length;
    result.room.auto_create = config.room.auto_create;
    result.room.empty_timeout = config.room.empty_timeout;
    result.room.departure_timeout = config.room.departure_timeout;
    result.room.max_participants = config.room.max_participants;
    result.room.enabled_codecs = enabled_codecs(config);
    result.room.enable_remote_unmute = config.room.enable_remote_unmute;
    result.room.sync_streams = config.room.sync_streams;
    result.room.presets = std::move(room_presets);
    result.media = std::move(media);
    const std::vector<livekit::ICEServer> servers = ice_servers(config);
    result.ice_servers = [servers](std::string_view, bool) { return servers; };
    result.mint_token = [&keys](const room::TokenRefresh& refresh) {
        return control::mint_refresh(refresh, keys, net::EventLoop::wall());
    };
    result.audio_level.active_level = static_cast<std::uint8_t>(config.audio.active_level);
    result.audio_level.min_percentile = static_cast<std::uint8_t>(config.audio.min_percentile);
    result.audio_level.update_interval = Duration::millis(config.audio.update_interval);
    result.audio_level.smooth_intervals = config.audio.smooth_intervals;
    result.dynacast_pause_delay = config.video.dynacast_pause_delay;
    result.codec_regression_threshold = config.video.codec_regression_threshold;
    result.enable_data_tracks = config.enable_data_tracks;
    result.reconnect_on_subscription_error = config.rtc.reconnect_on_subscription_error;
    result.reconnect_on_data_channel_error = config.rtc.reconnect_on_data_channel_error;
    result.update_batch_bytes = config.room.update_batch_target_size;
    return result;
}

control::RouteOptions route_options(const config::Config& config) {
    control::RouteOptions options;
    api::ApiLimits& limits = options.join.limits;
    limits.max_room_name_length = config.limit.max_room_name_length;
    limits.max_participant_identity_length = config.limit.max_participant_identity_length;
    limits.max_participant_name_length = config.limit.max_participant_name_length;
    limits.max_metadata_size = config.limit.max_metadata_size;
    limits.max_attributes_size = config.limit.max_attributes_size;
    limits.max_api_request_body_size = config.limit.max_api_request_body_size;
    options.join.auto_create = config.room.auto_create;
    options.twirp.limits = limits;
    options.twirp.enable_remote_unmute = config.room.enable_remote_unmute;
    options.development_tokens = config.development || config.own.demo_enabled;
    options.metrics_on_main_port = config.development;
    return options;
}

// Fresh values for a scrape, from the snapshots of all parts.
void collect(telemetry::Metrics& metrics, control::ControlPlane& control, worker::MediaNode& media,
             const net::HttpServer& http) {
    const room::RoomManager::Snapshot rooms = control.rooms().snapshot();
    metrics.set(Metric::kRoomTotal, static_cast<double>(rooms.rooms));
    metrics.set(Metric::kParticipantTotal, static_cast<double>(rooms.participants));

    sfu::ShardSnapshot shard;
    for (std::size_t i = 0; i < media.size(); ++i) {
        const worker::Mailbox::Published& one = media.snapshot(i);
        shard.rtp_in += one.shard.rtp_in;
        shard.rtp_out += one.shard.rtp_out;
        shard.bytes_in += one.shard.bytes_in;
        shard.bytes_out += one.shard.bytes_out;
        shard.nacks_in += one.shard.nacks_in;
        shard.plis_in += one.shard.plis_in;
        shard.srtp_failures += one.shard.srtp_failures;
        shard.unknown_datagrams += one.shard.unknown_datagrams;
        shard.rtp_unknown_ssrc += one.shard.rtp_unknown_ssrc;
        shard.links_dropped += one.shard.links_dropped + one.ring_full;
        shard.events_dropped += one.shard.events_dropped;
        shard.data_dropped += one.shard.data_dropped;
        shard.pool_bytes += one.shard.pool_bytes;
        shard.packets_in_use += one.shard.packets_in_use;
        shard.peers += one.shard.peers;
    }
    const auto number = [](auto value) { return static_cast<double>(value); };
    metrics.set(Metric::kPacketTotal, {"incoming", "initial", ""}, number(shard.rtp_in));
    metrics.set(Metric::kPacketTotal, {"outgoing", "initial", ""}, number(shard.rtp_out));
    metrics.set(Metric::kPacketBytes, {"incoming", "initial", ""}, number(shard.bytes_in));
    metrics.set(Metric::kPacketBytes, {"outgoing", "initial", ""}, number(shard.bytes_out));
    metrics.set(Metric::kNackTotal, {"outgoing", ""}, number(shard.nacks_in));
    metrics.set(Metric::kPliTotal, {"outgoing", ""}, number(shard.plis_in));
    metrics.set(Metric::kSrtpFailures, number(shard.srtp_failures));
    metrics.set(Metric::kUnknownDatagrams, number(shard.unknown_datagrams));
    metrics.set(Metric::kUnknownSsrc, number(shard.rtp_unknown_ssrc));
    metrics.set(Metric::kLinksDropped, number(shard.links_dropped));
    metrics.set(Metric::kEventsDropped, number(shard.events_dropped));
    metrics.set(Metric::kDataDropped, number(shard.data_dropped));
    metrics.set(Metric::kPoolBytes, number(shard.pool_bytes));
    metrics.set(Metric::kPacketsInUse, number(shard.packets_in_use));
    metrics.set(Metric::kPeers, number(shard.peers));
    metrics.set(Metric::kBugs, number(bug_count()));
    const net::HttpServerStats& stats = http.stats();
    for (const auto& [status, count] : stats.responses)
        metrics.set(Metric::kHttpRequests, {std::to_string(status)}, number(count));
    metrics.set(Metric::kHttpConnections, number(stats.connections_open));
    metrics.set(Metric::kWebSockets, number(stats.websockets_open));
    metrics.set(Metric::kWsQueueOverflow, number(stats.websocket_queue_overflows));
    metrics.set(Metric::kWsWriteTimeout, number(stats.websocket_write_timeouts));
    metrics.set(Metric::kWsOversize, number(stats.websocket_oversize));
    metrics.set(Metric::kHttpTimeouts, number(stats.timeouts));
}

// The demo bundle: as configured, as a package installs it, or as ./dev web builds it beside the
// build folder.
std::string find_web_dir(const std::string& configured) {
    if (!configured.empty()) return configured;
    std::error_code error;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
    const std::filesystem::path built = self.parent_path() / "../../web/dist";
    if (!error && std::filesystem::is_regular_file(built / "index.html", error))
        return built.lexically_normal().string();
    return "/usr/share/confab/web";
}

int fail_start(const std::string& text) {
    std::fprintf(stderr, "error: %s\n", text.c_str());
    return 1;
}

std::string join_addresses(const std::vector<SocketAddress>& list) {
    std::string text;
    for (const SocketAddress& address : list)
        text += (text.empty() ? "" : ", ") + address.to_string();
    return text.empty() ? "none" : text;
}

// What a user most often gets wrong, with the command that mends it.
void warn_about_surroundings(const worker::MediaNode& media, const config::Config& config) {
    const int buffer = media.smallest_receive_buffer();
    if (buffer < worker::UdpSocket::kBufferWarn)
        telemetry::log_warn(
            "UDP receive buffer is small; packets get lost under load",
            {{"bytes", buffer},
             {"remedy", "sysctl -w net.core.rmem_max=16777216 net.core.wmem_max=16777216"}});
    if (media.addresses(0).udp.empty())
        telemetry::log_warn("no UDP address carries media: clients can use ICE/TCP at best",
                            {{"remedy", "check rtc.interfaces and rtc.ips, or set rtc.node_ip"}});
    if (!config.rtc.udp_port.is_set() && media.size() > 0)
        telemetry::log_info("media ports", {{"first", config.rtc.port_range_start},
                                            {"last", config.rtc.port_range_end}});
}

}  // namespace

int run_server(const config::Config& config, const ServeContext& context) {
    std::signal(SIGPIPE, SIG_IGN);
    set_up_log(config, context.dev);
    for (const std::string& warning : context.warnings)
        telemetry::log_warn(warning);

    const auto addresses = media_addresses(config, worker::local_addresses());
    if (!addresses) return fail_start(addresses.error());
    auto room_presets = presets(config);
    if (!room_presets) return fail_start(room_presets.error());
    const api::KeyMap keys = key_map(config);
    api::WebhookOptions webhooks;
    webhooks.urls = config.webhook.urls;
    webhooks.api_key = config.webhook.api_key;
    webhooks.filter.include_events = config.webhook.filter_params.include_events;
    webhooks.filter.exclude_events = config.webhook.filter_params.exclude_events;
    webhooks.max_age = config.webhook.resource_url_notifier.max_age;
    webhooks.max_depth = config.webhook.resource_url_notifier.max_depth;
    if (const auto checked = api::check_webhook_options(webhooks, keys); !checked)
        return fail_start(checked.error());

    auto media =
        worker::MediaNode::start(media_options(config, *addresses), net::EventLoop::wall());
    if (!media) return fail_start(media.error());

    Rng rng = crypto::seeded_rng();
    const std::string node_id = api::make_id("ND_", rng);
    telemetry::Metrics metrics(node_id);
    net::EventLoop loop;
    control::ControlPlaneOptions options;
    options.room = room_config(config, room_media(**media, *addresses, config),
                               std::move(*room_presets), keys, node_id);
    options.webhooks = std::move(webhooks);
    options.full_room_in_webhooks = config.room.enable_full_room_in_webhooks;
    options.websocket.max_message_bytes = config.limit.signal_message_size_limit;
    control::ControlPlane control(loop, **media, keys, metrics, std::move(options), rng.u64());
    control::Routes routes(control, keys, metrics, route_options(config));

    net::HttpServerOptions http_options;
    http_options.max_body_bytes = config.limit.max_api_request_body_size;
    net::HttpServer http(loop, http_options,
                         [&](net::HttpRequest request, net::HttpExchange exchange) {
                             routes.handle(std::move(request), std::move(exchange));
                         });
    routes.set_collect([&] { collect(metrics, control, **media, http); });
    const std::vector<std::string> any{""};
    for (const std::string& address : config.bind_addresses.empty() ? any : config.bind_addresses) {
        const auto bound = http.listen(address, config.port);
        // Development binds both loopbacks; a machine without IPv6 has only one.
        if (!bound && context.dev && address == "::1") continue;
        if (!bound) return fail_start(bound.error());
        telemetry::log_info("listening", {{"http", bound->to_string()}});
    }
    net::HttpServer metrics_server(loop, {}, [&](net::HttpRequest, net::HttpExchange exchange) {
        net::HttpResponse response = net::HttpResponse::text(200, routes.render_metrics());
        response.headers.set("Content-Type", std::string(telemetry::Metrics::kContentType));
        exchange.respond(std::move(response));
    });
    if (config.prometheus.port != 0) {
        const auto bound = metrics_server.listen("", config.prometheus.port);
        if (!bound) return fail_start(bound.error());
    }

    if (config.development || config.own.demo_enabled) {
        auto files = net::StaticFiles::load(find_web_dir(context.web_dir));
        if (files)
            routes.set_demo(std::move(*files));
        else
            telemetry::log_warn("the demo page is not served",
                                {{"reason", files.error()}, {"remedy", "./dev web"}});
    }
    for (std::size_t i = 0; i < (*media)->size(); ++i)
        telemetry::log_info(
            "media worker",
            {{"worker", i},
             {"udp", join_addresses((*media)->addresses(i).udp)},
             {"tcp", join_addresses((*media)->addresses(i).tcp)},
             {"advertised",
              addresses->empty() ? "none" : addresses->front().advertised.to_string()}});
    warn_about_surroundings(**media, config);
    telemetry::log_info(
        "confab is ready",
        {{"version", kConfabVersion}, {"protocol_of", kLiveKitVersion}, {"nodeID", node_id}});
    if (context.dev)
        std::fprintf(stderr,
                     "\n  demo page:  http://localhost:%u/demo/\n  url:        ws://localhost:%u\n"
                     "  API key:    devkey    secret: secret\n\n",
                     config.port, config.port);

    int signals = 0;
    net::EventLoop::Timer drain(loop);
    const std::function<void()> end = [&] {
        control.shut_down();
        http.shutdown();
        // The last frames and closes are written before the loop ends.
        drain.set(net::EventLoop::now() + Duration::millis(200), [&] { loop.stop(); });
    };
    const std::function<void()> wait_until_empty = [&] {
        if (control.rooms().snapshot().participants == 0) return end();
        drain.set(net::EventLoop::now() + Duration::seconds(1), wait_until_empty);
    };
    loop.on_signal({SIGINT, SIGTERM, SIGQUIT}, [&](int) {
        // The first drains, the second forces (CON-11); development does not wait.
        if (++signals > 1 || context.dev) return end();
        telemetry::log_info("draining: waiting for the participants to leave");
        wait_until_empty();
    });
    loop.run();
    (*media)->stop();
    telemetry::log_info("stopped");
    return 0;
}

}  // namespace confab::app
