// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/routes/routes.h"

#include <utility>

namespace confab::control {
namespace {

using std::make_unique;

// The token of a form body counts, too (CON-20).
api::QueryParams form_of(const net::HttpRequest& request) {
    if (request.method != "POST" ||
        !request.headers.get("Content-Type").starts_with("application/x-www-form-urlencoded"))
        return {};
    return api::QueryParams::parse(request.body);
}

void refuse_method(Call& call, const std::string& allowed) {
    net::HttpResponse refusal = net::HttpResponse::text(405, "405 method not allowed\n");
    refusal.headers.add("Allow", allowed);
    call.respond(std::move(refusal));
}

}  // namespace

Routes::Routes(ControlNode& control, const token::KeyProvider& keys, telemetry::Metrics& metrics,
               const RouteOptions& options, RouteSources sources)
    : keys_(keys),
      sources_(std::move(sources)),
      load_limits_(options.load_limits),
      over_limit_([this] { return sources_.load && load_limits_.reached_by(sources_.load()); }),
      gate_(control.loop(), metrics, options.gate),
      rooms_(control, over_limit_),
      signal_(control, over_limit_),
      whip_(control, over_limit_),
      webhooks_(control.webhooks()),
      metrics_(options.metrics_user, options.metrics_password, sources_.metrics),
      debug_(rooms_, keys, DebugAccess::kAll) {
    if (sources_.cluster != nullptr)
        sources_.cluster->open(control, {rooms_, signal_, whip_, over_limit_}, sources_.figures);
    add("/", "", Access::kToken, make_unique<HealthEndpoint>(sources_.updated));
    add_probes();
    add_rooms(control, metrics, options);
    add("/agent", "", Access::kToken, make_unique<AgentEndpoint>(control.agents(), gate_));
    if (sources_.console) add_console(control);
    if (options.metrics_on_main_port)
        main_metrics_ = add("/metrics", "", Access::kOpen, make_unique<MetricsEndpoint>(metrics_));
    if (options.debug_on_main_port)
        add("/debug/", "", Access::kToken,
            make_unique<DebugEndpoint>(rooms_, keys, *options.debug_on_main_port));
    if (!options.development_tokens) return;
    add("/api/token", "POST", Access::kOpen, make_unique<TokenEndpoint>(keys_, options.tls));
    for (const char* path : {"/demo", "/demo/"})
        add(path, "", Access::kOpen, make_unique<DemoEndpoint>(demo_));
}

template <typename E>
E* Routes::add(const char* path, const char* method, Access access, std::unique_ptr<E> endpoint) {
    E* const added = endpoint.get();
    table_.add({path, method, access, std::move(endpoint)});
    return added;
}

// A thread that hangs is mended by a restart, what else keeps work away is not.
void Routes::add_probes() {
    const auto live = [this]() -> std::string {
        const Timestamp now = net::EventLoop::now();
        const bool hangs = sources_.updated && now - sources_.updated() > api::kSilentTooLong;
        return hangs ? "a thread hangs" : "";
    };
    add("/livez", "", Access::kOpen, make_unique<ProbeEndpoint>(live));
    add("/readyz", "", Access::kOpen, make_unique<ProbeEndpoint>([this, live] {
            std::string trouble = live();
            if (trouble.empty() && sources_.not_ready) trouble = sources_.not_ready();
            return trouble;
        }));
}

// What may concern a room of another node.
void Routes::add_rooms(ControlNode& control, telemetry::Metrics& metrics,
                       const RouteOptions& options) {
    Cluster* const cluster = sources_.cluster;
    api::RoomServicePort& rooms = cluster != nullptr ? cluster->rooms() : rooms_;
    SignalBackend& signal = cluster != nullptr ? cluster->signal() : signal_;
    WhipBackend& whip = cluster != nullptr ? cluster->whip() : whip_;
    for (const char* path : {"/rtc", "/rtc/validate", "/rtc/v1", "/rtc/v1/validate"})
        signal_endpoints_.push_back(add(path, "", Access::kToken,
                                        make_unique<SignalEndpoint>(signal, control.revocations(),
                                                                    gate_, options.join, metrics)));
    for (const char* path : {"/whip/v1", "/whip/v1/"})
        whip_endpoints_.push_back(
            add(path, "", Access::kToken,
                make_unique<WhipEndpoint>(whip, control.revocations(), gate_, options.join)));
    twirp_endpoint_ = add(
        "/twirp/", "", Access::kToken,
        make_unique<TwirpEndpoint>(options.twirp, rooms, control.bus(), webhooks_,
                                   cluster != nullptr ? cluster->services() : api::ServicePorts{},
                                   gate_, control.loop(), metrics));
}

void Routes::add_console(ControlNode& control) {
    Cluster* const cluster = sources_.cluster;
    api::RoomServicePort& rooms = cluster != nullptr ? cluster->rooms() : rooms_;
    console_ = add(
        "/console/", "", Access::kOpen,
        make_unique<Console>(ConsoleFigures::Node{control, keys_, rooms, cluster, sources_.figures,
                                                  sources_.not_ready},
                             twirp_endpoint_->router(), webhooks_, *std::move(sources_.console)));
    add("/console", "", Access::kOpen, make_unique<SameEndpoint>(*console_));
    for (SignalEndpoint* endpoint : signal_endpoints_)
        endpoint->set_refused(
            [this](const Call& call, const api::HttpError& error) { note_refusal(call, error); });
}

void Routes::note_refusal(const Call& call, const api::HttpError& error) {
    const api::JoinPath path = api::parse_join_path(call.request.path);
    if (console_ == nullptr || path == api::JoinPath::kNone || api::is_validate(path)) return;
    if (!call.request.is_websocket_upgrade || call.query.flag("reconnect")) return;
    console_->join_refused(error.status, error.text, call);
}

void Routes::reconfigure(const RouteOptions& options) {
    if (console_ != nullptr) console_->reconfigure(options.console);
    load_limits_ = options.load_limits;
    gate_.reconfigure(options.gate);
    for (SignalEndpoint* endpoint : signal_endpoints_)
        endpoint->reconfigure(options.join);
    for (WhipEndpoint* endpoint : whip_endpoints_)
        endpoint->reconfigure(options.join);
    twirp_endpoint_->reconfigure(options.twirp);
    metrics_.reconfigure(options.metrics_user, options.metrics_password);
    if (main_metrics_ != nullptr)
        main_metrics_->reconfigure(options.metrics_user, options.metrics_password);
}

void Routes::add_cors(const net::HttpRequest& request, net::HttpResponse& response) {
    for (const api::HttpHeader& header :
         api::cors_headers(request.path, request.headers.find("Origin")))
        response.headers.add(header.name, header.value);
}

void Routes::set_demo(std::optional<net::StaticFiles> files) {
    demo_ = std::move(files);
}

// Order of 01 CON-02: CORS, double slashes, authentication, route.
void Routes::handle(net::HttpRequest request, net::HttpExchange exchange) {
    const auto origin = request.headers.find("Origin");
    // No other site is allowed anything of the console.
    if (request.method == "OPTIONS" && (request.path + "/").starts_with("/console/"))
        return exchange.respond(net::HttpResponse::text(403, "403 forbidden\n"));
    if (request.method == "OPTIONS" && request.headers.find("Access-Control-Request-Method")) {
        exchange.respond(to_net(
            api::preflight_response(origin, request.headers.get("Access-Control-Request-Method"),
                                    request.headers.get("Access-Control-Request-Headers"))));
        return;
    }
    Call call{std::move(request), std::move(exchange), {}, {}, {}};
    call.cors = api::cors_headers(call.request.path, call.request.headers.find("Origin"));
    const api::CleanPath clean = api::clean_path(call.request.path);
    if (clean.redirect)
        return call.respond(
            api::redirect_response(call.request.method, clean.path, call.request.query));
    call.request.path = clean.path;
    if (!gate_.admits(call)) return;
    call.query = api::QueryParams::parse(call.request.query);
    const Route* route = table_.find(call.request.method, call.request.path);
    if (route == nullptr || route->access == Access::kToken) {
        auto grants = api::authenticate(call.request.headers.find("Authorization"), call.query,
                                        form_of(call.request), keys_, net::EventLoop::wall());
        if (!grants) {
            note_refusal(call, grants.error());
            return call.respond(gate_.refuse_token(call, grants.error()));
        }
        call.grants = std::move(*grants);
    }
    if (route == nullptr) return call.respond(api::not_found_page());
    if (!route->method.empty() && route->method != call.request.method)
        return refuse_method(call, route->method);
    route->endpoint->serve(std::move(call));
}

void Routes::serve_metrics(net::HttpRequest request, net::HttpExchange exchange) {
    metrics_.serve({std::move(request), std::move(exchange), {}, {}, {}});
}

void Routes::serve_debug(net::HttpRequest request, net::HttpExchange exchange) {
    Call call{std::move(request), std::move(exchange), {}, {}, {}};
    call.query = api::QueryParams::parse(call.request.query);
    debug_.serve(std::move(call));
}

}  // namespace confab::control
