// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Wiring of `confab serve`: configuration → media workers, control plane, listeners.

#include "app/serve/server.h"

#include <google/protobuf/stubs/logging.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "app/serve/external_ip.h"
#include "app/serve/file_limit.h"
#include "app/serve/load_meter.h"
#include "app/serve/media_addresses.h"
#include "app/serve/server_options.h"
#include "app/serve/shutdown.h"
#include "app/version.h"
#include "base/check.h"
#include "crypto/random.h"
#include "runtime/control/media_metrics.h"
#include "runtime/control/observations.h"
#include "runtime/control/routes.h"
#include "runtime/telemetry/log.h"
#include "token/ids.h"

namespace confab::app {
namespace {

using telemetry::Metric;

void set_up_log(const config::Config& config) {
    telemetry::init_log(log_options(config));
    // The library reports peers' invalid UTF-8 on stderr, line by line.
    google::protobuf::SetLogHandler(nullptr);
}

room::MediaNode room_media(const worker::MediaNode& media,
                           const std::vector<MediaAddress>& addresses,
                           const config::Config& config) {
    room::MediaNode result;
    result.fingerprint_sha256 = media.fingerprint();
    result.ice_lite = config.rtc.use_ice_lite;
    const auto advertise = [&](const std::vector<SocketAddress>& bound) {
        std::vector<SocketAddress> list;
        list.reserve(bound.size());
        for (std::size_t i = 0; i < bound.size(); ++i)
            list.push_back({addresses[i].advertised, bound[i].port});
        return list;
    };
    for (std::size_t i = 0; i < media.size(); ++i)
        result.workers.push_back(
            {advertise(media.addresses(i).udp), advertise(media.addresses(i).tcp)});
    return result;
}

// Fresh values for a scrape, from the snapshots of all parts.
void collect(telemetry::Metrics& metrics, control::ControlPlane& control, worker::MediaNode& media,
             const net::HttpServer& http) {
    const room::RoomManager::Snapshot rooms = control.rooms().snapshot();
    metrics.set(Metric::kRoomTotal, static_cast<double>(rooms.rooms));
    metrics.set(Metric::kParticipantTotal, static_cast<double>(rooms.participants));

    std::vector<const worker::Mailbox::Published*> workers;
    workers.reserve(media.size());
    for (std::size_t i = 0; i < media.size(); ++i)
        workers.push_back(&media.snapshot(i));
    control::record_media(metrics, workers);
    control::record(metrics, control.webhooks().stats());
    const auto number = [](auto value) { return static_cast<double>(value); };
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
    metrics.set(Metric::kHttpConnectionsRefused, number(stats.connections_refused));
    metrics.set(Metric::kHttpConnectionsEvicted, number(stats.connections_evicted));
    metrics.set(Metric::kHttpAcceptErrors, number(stats.accept_errors));
    metrics.set(Metric::kLoopFailures, number(control.loop().failures()));
    metrics.set(Metric::kHttpBufferedBytes, number(stats.buffered_bytes));
}

control::NodeLoad node_load(worker::MediaNode& media, LoadMeter& meter) {
    control::NodeLoad load;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < media.size(); ++i) {
        const sfu::ShardSnapshot& shard = media.snapshot(i).shard;
        load.tracks += shard.receivers + shard.down_tracks;
        bytes += shard.bytes_in + shard.bytes_out;
    }
    load.bytes_per_second = meter.rate(net::EventLoop::now(), bytes);
    return load;
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

// The public address where rtc.use_external_ip asks for it, else rtc.node_ip (02 ICE-10).
Result<std::string, std::string> node_address(const config::Config& config) {
    constexpr Duration kPatience = Duration::seconds(5);
    if (!config.rtc.use_external_ip) return config.rtc.node_ip;
    CONFAB_TRY(const IpAddress ip, find_external_ip(config.rtc.stun_servers, kPatience));
    telemetry::log_info("public address found", {{"ip", ip.to_string()}});
    return ip.to_string();
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
    set_up_log(config);
    for (const std::string& warning : context.warnings)
        telemetry::log_warn(warning);

    const auto node_ip = node_address(config);
    if (!node_ip) return fail_start(node_ip.error());
    config::Config known = config;
    known.rtc.node_ip = *node_ip;
    const auto addresses = media_addresses(known, worker::local_addresses());
    if (!addresses) return fail_start(addresses.error());
    auto presets = room_presets(config);
    if (!presets) return fail_start(presets.error());
    const token::KeyMap keys = key_map(config);
    api::WebhookOptions webhooks = webhook_options(config);
    if (const auto checked = api::check_webhook_options(webhooks, keys); !checked)
        return fail_start(checked.error());

    Rng rng = crypto::seeded_rng();
    auto media = worker::MediaNode::start(media_options(config, *addresses, rng.u64()),
                                          net::EventLoop::wall());
    if (!media) return fail_start(media.error());
    const std::string node_id = token::make_id(token::kNodePrefix, rng);
    telemetry::Metrics metrics(node_id);
    net::EventLoop loop;
    control::ControlPlaneOptions options;
    options.room = room_config(config, std::move(*presets), &net::EventLoop::wall);
    options.room.node_id = node_id;
    options.room.media = room_media(**media, *addresses, config);
    options.room.place =
        std::make_shared<room::Placement>((*media)->size(), config.own.participants_per_worker);
    options.room.mint_token = [&keys](const token::Grants& grants) {
        return token::mint_refresh_token(grants, keys, net::EventLoop::wall());
    };
    options.webhooks = std::move(webhooks);
    options.full_room_in_webhooks = config.room.enable_full_room_in_webhooks;
    options.websocket.max_message_bytes = config.limit.signal_message_size_limit;
    control::ControlPlane control(loop, **media, keys, metrics, std::move(options), rng.u64());
    control::Routes routes(control, keys, metrics, route_options(config));

    loop.set_failure_handler([](const std::string& what) {
        telemetry::log_error("exception in the control thread", {{"what", what}});
    });
    net::HttpServerOptions http_options;
    http_options.max_body_bytes = config.limit.max_api_request_body_size;
    http_options.max_connections = connection_limit(config.own.max_connections, raise_file_limit());
    http_options.max_connections_per_address = config.own.max_connections_per_address;
    http_options.on_accept_error = [](const std::string& error, std::uint64_t count) {
        telemetry::log_warn("a connection could not be taken",
                            {{"error", error}, {"count", count}, {"remedy", kFileLimitRemedy}});
    };
    http_options.decorate_refusal = &control::Routes::add_cors;
    net::HttpServer http(loop, http_options,
                         [&](net::HttpRequest request, net::HttpExchange exchange) {
                             routes.handle(std::move(request), std::move(exchange));
                         });
    routes.set_collect([&] { collect(metrics, control, **media, http); });
    LoadMeter meter;
    routes.set_updated([&] { return (*media)->oldest_snapshot(); });
    routes.set_load([&] { return node_load(**media, meter); });
    const std::vector<std::string> any{""};
    for (const std::string& address : config.bind_addresses.empty() ? any : config.bind_addresses) {
        const auto bound = http.listen(address, config.port);
        // Development binds both loopbacks; a machine without IPv6 has only one.
        if (!bound && context.dev && address == "::1") continue;
        if (!bound) return fail_start(bound.error());
        telemetry::log_info("listening", {{"http", bound->to_string()}});
    }
    net::HttpServer metrics_server(
        loop, {}, [&](const net::HttpRequest& request, net::HttpExchange exchange) {
            exchange.respond(routes.serve_metrics(request));
        });
    if (config.prometheus.port != 0) {
        const auto bound = metrics_server.listen("", config.prometheus.port);
        if (!bound) return fail_start(bound.error());
    }

    if (config.placeholder_keys || config.own.demo_enabled) {
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
    if (config.placeholder_keys)
        std::fprintf(stderr,
                     "\n  demo page:  http://localhost:%u/demo/\n  url:        ws://localhost:%u\n"
                     "  API key:    devkey    secret: secret\n\n",
                     config.port, config.port);
    else if (context.dev && !config.own.demo_enabled)
        telemetry::log_info("your own API key: the demo page and its tokens stay closed",
                            {{"remedy", "set confab.demo_enabled to open them to everybody"}});

    Shutdown shutdown(
        loop, !context.dev,
        {.is_empty = [&] { return control.rooms().snapshot().participants == 0; },
         .end_calls =
             [&] {
                 control.shut_down();
                 http.shutdown();
             },
         .flush = [&](std::function<void()> done) { control.webhooks().flush(std::move(done)); }});
    loop.on_signal({SIGINT, SIGTERM, SIGQUIT}, [&](int) { shutdown.handle_signal(); });
    loop.run();
    (*media)->stop();
    telemetry::log_info("stopped");
    return 0;
}

}  // namespace confab::app
