// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/server.h"

#include <google/protobuf/stubs/logging.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "app/serve/cluster/cluster_options.h"
#include "app/serve/console/sign_out_file.h"
#include "app/serve/file_limit.h"
#include "app/serve/gauges.h"
#include "app/serve/limit_options.h"
#include "app/serve/network/external_ip.h"
#include "app/serve/server_options.h"
#include "app/serve/surroundings.h"
#include "app/version.h"
#include "crypto/random.h"
#include "runtime/net/http/http_redirect.h"
#include "runtime/telemetry/log.h"
#include "runtime/worker/processors.h"
#include "token/ids.h"

namespace confab::app {
namespace {

void set_up_process(const config::Config& config) {
    std::signal(SIGPIPE, SIG_IGN);
    telemetry::init_log(log_options(config));
    // The library reports peers' invalid UTF-8 on stderr, line by line.
    google::protobuf::SetLogHandler(nullptr);
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

// The public address where rtc.use_external_ip asks for it, else rtc.node_ip (02 ICE-10). Where no
// STUN server answers a start goes on all the same: a node that some can reach is more than none
// (03 DEP-06).
std::string node_address(const config::Config& config) {
    constexpr Duration kPatience = Duration::seconds(5);
    const std::string& node_ip = config.rtc.node_ip;
    if (!config.rtc.use_external_ip) return node_ip;
    const auto ip = find_external_ip(config.rtc.stun_servers, kPatience);
    if (ip) {
        telemetry::log_info("public address found", {{"ip", ip->to_string()}});
        return ip->to_string();
    }
    if (!node_ip.empty()) {
        telemetry::log_warn("the public address was not found; clients are told rtc.node_ip",
                            {{"why", ip.error()}, {"ip", node_ip}});
        return node_ip;
    }
    telemetry::log_error(
        "the public address was not found, and clients outside of this network will not reach "
        "this node: let UDP out to rtc.stun_servers and start it again, or set rtc.node_ip "
        "('confab doctor' tells more)",
        {{"why", ip.error()}});
    return {};
}

// Where there are several: each may have a public address of its own (02 ICE-09).
std::vector<ExternalAddress> external_addresses(const config::Config& config,
                                                const std::vector<MediaAddress>& addresses) {
    constexpr Duration kPatience = Duration::seconds(5);
    std::vector<IpAddress> locals;
    for (const MediaAddress& address : addresses)
        if (address.local.is_v4()) locals.push_back(address.local);
    if (locals.size() < 2) return {};
    auto found = find_external_addresses(config.rtc.stun_servers, locals, kPatience,
                                         !config.rtc.skip_external_ip_validation);
    for (const ExternalAddress& one : found)
        telemetry::log_info("public address found",
                            {{"local", one.local.to_string()}, {"ip", one.external.to_string()}});
    if (found.empty())
        telemetry::log_warn(
            "no packet came back through the public addresses of each local one; all are offered "
            "as the one that was found first (rtc.skip_external_ip_validation leaves that out)");
    return found;
}

}  // namespace

Result<std::unique_ptr<Server>, std::string> Server::start(const config::Config& config,
                                                           const ServeContext& context) {
    set_up_process(config);
    for (const std::string& warning : context.warnings)
        telemetry::log_warn(warning);
    std::unique_ptr<Server> server(new Server(config, context));
    CONFAB_TRY_VOID(server->load_certificates());
    CONFAB_TRY_VOID(server->find_addresses());
    CONFAB_TRY_VOID(server->start_media());
    CONFAB_TRY_VOID(server->start_turn());
    CONFAB_TRY_VOID(server->join_cluster());
    CONFAB_TRY_VOID(server->start_control());
    server->make_listeners();
    CONFAB_TRY_VOID(server->listen());
    server->load_demo();
    server->tell();
    return server;
}

Server::Server(const config::Config& config, const ServeContext& context)
    : config_(config),
      context_(context),
      keys_(key_map(config)),
      rng_(crypto::seeded_rng()),
      node_id_(token::make_id(token::kNodePrefix, rng_)),
      metrics_(node_id_),
      certificates_(loop_, metrics_, config),
      shutdown_(loop_, !context.dev, {.limit = config.own.drain_timeout},
                {.participants = [this] { return control_->totals().rooms.participants; },
                 .drain =
                     [this] {
                         control_->agents().drain();
                         if (cluster_) cluster_->drain();
                     },
                 .undrain =
                     [this] {
                         control_->agents().undrain();
                         if (cluster_) cluster_->undrain();
                     },
                 .move_calls =
                     [this](std::function<void()> done) {
                         if (!cluster_) return done();
                         cluster_->move_rooms(std::move(done));
                     },
                 .end_calls =
                     [this] {
                         control_->shut_down();
                         http_->shutdown();
                     },
                 .flush =
                     [this](std::function<void()> done) {
                         control_->flush([this, done = std::move(done)] {
                             if (!cluster_) return done();
                             cluster_->close(done);
                         });
                     }}),
      reload_(loop_, metrics_, config, context.reader,
              [this](const config::Config& wanted) { return reconfigure(wanted); }) {}

Server::~Server() = default;

Server::Step Server::load_certificates() {
    CONFAB_TRY_VOID(certificates_.load());
    if (!config_.tls.is_on() || !config_.tls.cert_file.empty()) return {};
    CONFAB_TRY(acme_, Acme::make(loop_, config_, data_folder(), certificates_));
    return {};
}

Server::Step Server::find_addresses() {
    config_.rtc.node_ip = node_address(config_);
    CONFAB_TRY(addresses_, media_addresses(config_, worker::local_addresses()));
    if (const std::size_t left_out = limit_addresses(addresses_); left_out > 0)
        telemetry::log_warn(
            "more local addresses than media can have; name those that clients reach in rtc.ips or "
            "rtc.interfaces",
            {{"used", addresses_.size()}, {"left_out", left_out}});
    if (config_.rtc.use_external_ip) {
        const std::vector<ExternalAddress> external = external_addresses(config_, addresses_);
        addresses_ = with_external(std::move(addresses_), external, config_.rtc.external_ip_only);
    }
    CONFAB_TRY(presets_, room_presets(config_));
    return api::check_webhook_options(webhook_options(config_), keys_);
}

Server::Step Server::start_media() {
    const Processors processors = usable_processors(worker::allowed_processors().size(),
                                                    cpu_gauge_.read(net::EventLoop::now()));
    worker::MediaNodeOptions options = media_options(config_, addresses_, processors, rng_.u64());
    if (config_.turn.enabled) {
        CONFAB_TRY(const turn_server::TurnNodeOptions turn, turn_options(config_, addresses_));
        options.relays = relay_place(config_, turn);
    }
    CONFAB_TRY(media_, worker::MediaNode::start(std::move(options), net::EventLoop::wall()));
    return {};
}

std::vector<int> Server::shared_udp() const {
    std::vector<int> shared;
    if (!config_.shares_turn_udp()) return shared;
    const std::vector<int> sockets = media_->udp_sockets();
    std::size_t at = 0;
    for (std::size_t worker = 0; worker < media_->size(); ++worker)
        for (const SocketAddress& address : media_->addresses(worker).udp) {
            if (address.port == config_.turn.udp_port) shared.push_back(sockets[at]);
            ++at;
        }
    return shared;
}

turn::PeerRules Server::peer_rules(const config::Config& config) const {
    std::vector<worker::WorkerAddressList> media;
    media.reserve(media_->size());
    for (std::size_t i = 0; i < media_->size(); ++i)
        media.push_back(media_->addresses(i));
    return turn_peer_rules(config, addresses_, media, worker::local_addresses());
}

Server::Step Server::start_turn() {
    if (!config_.turn.enabled) return {};
    CONFAB_TRY(turn_server::TurnNodeOptions options, turn_options(config_, addresses_));
    options.stream.tls = certificates_.turn();
    options.media = media_->relays();
    options.shared_udp = shared_udp();
    options.server.peers = peer_rules(config_);
    options.server.limits = allocation_limits(config_);
    options.server.nonce_key = crypto::random_bytes<32>();
    options.server.seed = rng_.u64();
    const FindSecret find_secret = [this](std::string_view key) { return keys_.find_secret(key); };
    options.server.find_secret = find_secret;
    CONFAB_TRY(turn_, turn_server::TurnNode::start(std::move(options)));
    told_turn_ = embedded_turn(config_, addresses_, turn_->udp(), find_secret);
    for (const SocketAddress& address : turn_->udp())
        telemetry::log_info("TURN server", {{"udp", address.to_string()}});
    for (const SocketAddress& address : turn_->streams())
        telemetry::log_info("TURN server",
                            {{config_.turn.external_tls ? "tcp" : "tls", address.to_string()}});
    if (config_.shares_turn_tls())
        telemetry::log_info("TURN server",
                            {{"tls", "at the HTTP port " + std::to_string(config_.port)}});
    return {};
}

room::MediaNode Server::room_media() const {
    room::MediaNode result;
    result.fingerprint_sha256 = media_->fingerprint();
    result.ice_lite = config_.rtc.use_ice_lite;
    const bool internal_too = config_.rtc.use_external_ip && config_.rtc.advertise_internal_ip;
    const auto advertise = [&](const std::vector<SocketAddress>& bound) {
        return candidate_addresses(addresses_, bound, internal_too);
    };
    for (std::size_t i = 0; i < media_->size(); ++i)
        result.workers.push_back(
            {advertise(media_->addresses(i).udp), advertise(media_->addresses(i).tcp)});
    return result;
}

room::Config Server::room_settings(const config::Config& config, Presets presets) const {
    room::Config result = room_config(config, std::move(presets));
    // For the threads of the rooms: all that it needs goes along.
    result.ice_servers = [rtc = config.rtc, turn = told_turn_](const room::IceUser& user) {
        return ice_servers(rtc, turn ? &*turn : nullptr, user, net::EventLoop::wall());
    };
    return result;
}

control::ControlNodeOptions Server::control_options() {
    control::ControlNodeOptions options;
    options.room = room_settings(config_, std::move(presets_));
    options.room.node_id = node_id_;
    options.room.media = room_media();
    options.room.mint_token = [this](const token::Grants& grants) {
        return token::mint_refresh_token(grants, keys_, net::EventLoop::wall());
    };
    options.webhooks = webhook_options(config_);
    options.outbox = open_outbox();
    options.agents = agent_options(config_);
    options.notes = true;
    options.agents.hub.server.set_node_id(node_id_);
    options.websocket.max_message_bytes = config_.limit.signal_message_size_limit;
    if (cluster_) {
        options.bus = &cluster_->bus();
        options.bus_turn = [this](Timestamp now) { cluster_->turn(now); };
        options.bus_deadline = [this] { return cluster_->next_deadline(); };
    }
    if (turn_)
        options.participant_over = [turn = turn_.get()](const std::string& sid) {
            turn->end_user(sid);
        };
    return options;
}

std::string Server::data_folder() const {
    const char* const given = std::getenv("STATE_DIRECTORY");
    return data_dir(config_.own.data_dir, given == nullptr ? "" : given);
}

std::unique_ptr<store::WebhookFile> Server::open_outbox() {
    const std::string folder = data_folder();
    if (folder.empty()) return nullptr;
    std::string notice;
    store::WebhookFileLimits limits;
    limits.retention = config_.own.webhook_retention;
    auto file = store::WebhookFile::open(folder, token::make_id("OB_", rng_), limits, notice);
    if (!notice.empty()) telemetry::log_error(notice);
    if (file) return *std::move(file);
    metrics_.set(telemetry::Metric::kWebhookOutboxWorks, 0);
    telemetry::log_error("webhooks are kept in memory only", {{"reason", file.error()}});
    return nullptr;
}

Server::Step Server::join_cluster() {
    if (!config_.redis.is_configured()) return {};
    CONFAB_TRY(control::ClusterOptions options, cluster_options(config_, node_id_, rng_.u64()));
    options.limits = route_options(config_).join.limits;
    options.registry.num_cpus = whole_cpus(cpu_gauge_.read(net::EventLoop::now()));
    if (options.registry.ip.empty() && !addresses_.empty())
        options.registry.ip = addresses_.front().advertised.to_string();
    options.on_id_in_use = [this] {
        failed_ = true;
        stop();
    };
    CONFAB_TRY(cluster_, control::Cluster::connect(loop_, metrics_, std::move(options)));
    return {};
}

Server::Step Server::start_control() {
    control_ = std::make_unique<control::ControlNode>(loop_, *media_, keys_, metrics_,
                                                      control_options(), rng_.u64());
    control::RouteSources sources;
    sources.metrics = [this](Callback<std::string> reply) { gauges_->render(std::move(reply)); };
    sources.updated = [this] {
        return earlier(media_->port(0).oldest_snapshot(), control_->oldest_report());
    };
    sources.load = [this] { return node_load(media_->port(0), load_meter_); };
    sources.not_ready = [this] { return not_ready(); };
    sources.cluster = cluster_.get();
    sources.console = console_sources();
    sources.figures = [this] {
        return node_figures(media_->port(0), control_->totals(),
                            cpu_gauge_.read(net::EventLoop::now()), machine_gauge_.read());
    };
    control::RouteOptions options = route_options(config_);
    options.twirp.seed = rng_.u64();
    routes_ =
        std::make_unique<control::Routes>(*control_, keys_, metrics_, options, std::move(sources));
    return {};
}

control::ConsoleSources Server::console_sources() {
    history_ = open_history(config_, data_folder(),
                            [this](Callback<> answer) { loop_.post(std::move(answer)); });
    control::ConsoleSources sources;
    sources.version = kConfabVersion;
    sources.tls = config_.tls.is_on();
    sources.options = console_options(config_);
    const SignOutFile sign_outs(data_folder());
    sources.signed_out = sign_outs.read(net::EventLoop::wall());
    sources.keep_signed_out = [sign_outs](const std::string& text) { sign_outs.write(text); };
    sources.pages = embedded_console();
    sources.history = history_.get();
    sources.settings = [this] { return option_views(reload_.running()); };
    sources.certificates = [this] {
        return certificate_views(certificates_.shown(), net::EventLoop::wall());
    };
    sources.cpu = [this] { return minute_gauge_.read(net::EventLoop::now()).load; };
    return sources;
}

bool Server::end_history() {
    if (!history_) return true;
    history_->write(console::Event{net::EventLoop::wall(), "server_stopped", {}, {}, {}, {}});
    history_->end();
    return history_->ended_by(std::chrono::steady_clock::now() +
                              std::chrono::microseconds(control::kShardPatience.us()));
}

void Server::make_listeners() {
    net::HttpServerOptions options;
    options.max_body_bytes = config_.limit.max_api_request_body_size;
    options.max_connections = connection_limit(config_.own.max_connections, raise_file_limit());
    options.max_connections_per_address = config_.own.max_connections_per_address;
    options.decorate_refusal = &control::Routes::add_cors;
    options.admit = [this](const IpAddress& address) { return routes_->gate().admits(address); };
    options.on_accept_error = [](const std::string& error, std::uint64_t count) {
        telemetry::log_warn("a connection could not be taken",
                            {{"error", error}, {"count", count}, {"remedy", kFileLimitRemedy}});
    };
    options.on_refused = [](net::ConnectionLimit limit, const IpAddress& address,
                            std::uint64_t count) {
        telemetry::log_warn("connections are refused",
                            {{"address", address.to_string()},
                             {"count", count},
                             {"remedy", limit == net::ConnectionLimit::kAll
                                            ? "raise confab.max_connections"
                                            : "raise confab.max_connections_per_address, if a "
                                              "proxy or one network is behind this address"}});
    };
    http_ = std::make_unique<net::HttpServer>(
        loop_, std::move(options), [this](net::HttpRequest request, net::HttpExchange exchange) {
            routes_->handle(std::move(request), std::move(exchange));
        });
    serve_tls();
    const auto beside = [this](auto serve) {
        return std::make_unique<net::HttpServer>(
            loop_, net::HttpServerOptions{},
            [this, serve](net::HttpRequest request, net::HttpExchange exchange) {
                (routes_.get()->*serve)(std::move(request), std::move(exchange));
            });
    };
    metrics_http_ = beside(&control::Routes::serve_metrics);
    debug_http_ = beside(&control::Routes::serve_debug);
    gauges_ = std::make_unique<Gauges>(metrics_, *control_, media_->port(0), *http_, turn_.get(),
                                       cluster_.get());
}

void Server::serve_tls() {
    if (!config_.tls.is_on()) return;
    const net::HttpServer::Handler redirect = [this](const net::HttpRequest& request,
                                                     net::HttpExchange exchange) {
        answer_plain(request, std::move(exchange));
    };
    http_->serve_tls(certificates_.http(), redirect);
    net::PortShares shares;
    if (config_.shares_tcp())
        shares.ice_tcp = [this](net::AcceptedStream accepted) {
            media_->take_stream(worker::FileDescriptor(accepted.stream.release_fd()),
                                accepted.local, accepted.remote);
        };
    if (config_.shares_turn_tls())
        shares.turn = [this](net::AcceptedStream accepted) { turn_->adopt(std::move(accepted)); };
    http_->share(std::move(shares));
    if (config_.tls.redirect_port != 0)
        redirect_http_ =
            std::make_unique<net::HttpServer>(loop_, net::HttpServerOptions{}, redirect);
}

void Server::answer_plain(const net::HttpRequest& request, net::HttpExchange exchange) {
    if (const auto answer = acme_ ? acme_->answer(request.path) : std::nullopt)
        return exchange.respond(net::HttpResponse::text(200, *answer));
    exchange.respond(net::redirect_to_https(request, config_.tls.domain, http_port_));
}

void Server::show_certificates() {
    if (config_.tls.is_on()) http_->set_certificates(certificates_.http());
    if (turn_) turn_->set_certificates(certificates_.turn());
}

Server::Step Server::listen_for_redirects() {
    const std::vector<std::string> any{""};
    for (const std::string& address :
         config_.bind_addresses.empty() ? any : config_.bind_addresses) {
        const auto bound = redirect_http_->listen(address, config_.tls.redirect_port);
        if (!bound && context_.dev && address == "::1") continue;
        if (!bound)
            return fail("tls.redirect_port: " + bound.error() +
                        "; give this server the right to use the port (systemd: "
                        "AmbientCapabilities=CAP_NET_BIND_SERVICE), or leave it out");
        telemetry::log_info("listening", {{"redirects", bound->to_string()}});
    }
    return {};
}

Server::Step Server::listen() {
    const std::vector<std::string> any{""};
    for (const std::string& address :
         config_.bind_addresses.empty() ? any : config_.bind_addresses) {
        const auto bound = http_->listen(address, config_.port);
        // Development binds both loopbacks; a machine without IPv6 has only one.
        if (!bound && context_.dev && address == "::1") continue;
        if (!bound) return tl::make_unexpected(bound.error());
        http_port_ = bound->port;
        telemetry::log_info("listening",
                            {{config_.tls.is_on() ? "https" : "http", bound->to_string()}});
    }
    if (redirect_http_) CONFAB_TRY_VOID(listen_for_redirects());
    if (config_.prometheus.port != 0)
        CONFAB_TRY_VOID(metrics_http_->listen("", config_.prometheus.port));
    // differs from upstream, which binds all addresses: it asks nobody for a password (03 SEC-16).
    if (config_.debug_handler.port != 0)
        CONFAB_TRY_VOID(debug_http_->listen("127.0.0.1", config_.debug_handler.port));
    return {};
}

void Server::load_demo() {
    if (!config_.placeholder_keys && !config_.own.demo_enabled) return;
    auto files = net::StaticFiles::load(find_web_dir(context_.web_dir));
    if (files)
        routes_->set_demo(std::move(*files));
    else
        telemetry::log_warn("the demo page is not served",
                            {{"reason", files.error()}, {"remedy", "./dev web"}});
}

void Server::tell() {
    log_threads(*media_, addresses_.empty() ? "none" : addresses_.front().advertised.to_string());
    warn_about_surroundings(*media_, config_);
    const room::MediaNode told = room_media();
    for (const room::WorkerAddresses& worker : told.workers)
        if (const auto refused = refused_by_browsers(worker.udp))
            telemetry::log_warn(
                "browsers refuse media at this address: a port below 1024, and private",
                {{"address", refused->to_string()},
                 {"remedy",
                  "set rtc.use_external_ip or rtc.node_ip to the public address, or "
                  "rtc.udp_port and rtc.tcp_port to ports from 1024 on"}});
    telemetry::log_info(
        "confab is ready",
        {{"version", kConfabVersion}, {"protocol_of", kLiveKitVersion}, {"nodeID", node_id_}});
    show_first_steps(config_, context_);
}

Server::Step Server::reconfigure(const config::Config& config) {
    token::KeyMap keys = key_map(config);
    CONFAB_TRY(auto presets, room_presets(config));
    CONFAB_TRY_VOID(api::check_webhook_options(webhook_options(config), keys));
    keys_.replace(std::move(keys));
    telemetry::set_log_level(log_options(config).level);
    control::RouteOptions options = route_options(config);
    options.twirp.seed = rng_.u64();
    routes_->reconfigure(options);
    watch_load();
    if (history_) history_->set_limits(history_limits(config));
    control_->reconfigure(room_settings(config, std::move(presets)));
    control_->agents().keys_changed();
    limit_media(config);
    if (turn_) {
        turn_->set_peer_rules(peer_rules(config));
        turn_->set_limits(allocation_limits(config));
        turn_->handle_new_keys();
    }
    return {};
}

void Server::limit_media(const config::Config& config) {
    for (std::size_t i = 0; i < media_->size(); ++i) {
        const auto worker = static_cast<sfu::WorkerIndex>(i);
        control_->first().media().send(worker, stranger_limits(config));
        control_->first().media().send(worker, data_rates(config));
    }
    control_->first().wake();  // they leave with its turn
}

// A second says little by itself: what counts is an average of some.
void Server::watch_load() {
    constexpr Duration kInterval = Duration::seconds(1);
    constexpr double kNewest = 0.3;
    const Timestamp now = net::EventLoop::now();
    load_timer_.cancel();
    if (!routes_->gate().wants_load()) return;  // until a reload sets a limit
    load_ += (join_gauge_.read(now).load - load_) * kNewest;
    routes_->gate().set_load(load_);
    load_timer_.set(now + kInterval, [this] { watch_load(); });
}

void Server::begin_reloading() {
    // In development a terminal that is closed ends the server, as it does others.
    if (!context_.dev)
        loop_.on_signal({SIGHUP}, [this](int) {
            reload_.reload();
            certificates_.reload();
        });
    certificates_.watch([this] { show_certificates(); });
    if (acme_) acme_->start();
    if (config_.own.watch_config) reload_.watch_files();
}

std::string Server::not_ready() const {
    if (shutdown_.state() != Shutdown::State::kRunning) return "this node drains";
    if (cluster_ && !cluster_->is_connected()) return "no connection to Redis";
    if (cluster_ && !cluster_->is_ready()) return "this node is not registered in its cluster";
    return {};
}

bool Server::run() {
    loop_.on_signal({SIGINT, SIGTERM, SIGQUIT}, [this](int) { shutdown_.handle_signal(); });
    loop_.on_signal({SIGUSR1}, [this](int) { (void)shutdown_.undrain(); });
    begin_reloading();
    watch_load();
    loop_.run();
    if (const std::size_t hung = control_->stop(); hung > 0) {
        telemetry::log_error("stopped without control threads that hang",
                             {{"threads", hung}, {"lost", "what their rooms had still to tell"}});
        return false;
    }
    if (!end_history()) {
        telemetry::log_error("stopped without the history of the console, which hangs");
        return false;
    }
    if (const std::size_t hung = media_->stop(); hung > 0) {
        telemetry::log_error("stopped without media workers that hang", {{"threads", hung}});
        return false;
    }
    if (turn_ && !turn_->stop()) {
        telemetry::log_error("stopped without the TURN server, which hangs");
        return false;
    }
    telemetry::log_info("stopped");
    return !failed_;
}

void Server::stop() {
    loop_.post([this] { shutdown_.force(); });
}

int run_server(const config::Config& config, const ServeContext& context) {
    const auto server = Server::start(config, context);
    if (!server) {
        std::fprintf(stderr, "error: %s\n", server.error().c_str());
        return 1;
    }
    // Nothing is torn down under a thread that may go on: what it uses ends with the process.
    if (!(*server)->run()) std::_Exit(1);
    return 0;
}

}  // namespace confab::app
