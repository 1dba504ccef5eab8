// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/routes.h"

#include <algorithm>
#include <utility>

#include "api/http/basic_auth.h"
#include "json/json.h"
#include "runtime/net/http/http_message.h"
#include "runtime/telemetry/log.h"

namespace confab::control {
namespace {

constexpr Duration kDevelopmentTokenLifetime = Duration::seconds(6 * 3600);

net::HttpResponse to_net(const api::HttpResponse& response) {
    net::HttpResponse result;
    result.status = response.status;
    for (const api::HttpHeader& header : response.headers)
        result.headers.add(header.name, header.value);
    result.body = response.body;
    return result;
}

}  // namespace

struct Routes::Call {
    net::HttpRequest request;
    net::HttpExchange exchange;
    api::QueryParams query;
    std::optional<token::Grants> grants;
    std::vector<api::HttpHeader> cors;

    void respond(net::HttpResponse response) {
        for (const api::HttpHeader& header : cors)
            response.headers.add(header.name, header.value);
        exchange.respond(std::move(response));
    }
    void respond(const api::HttpResponse& response) { respond(to_net(response)); }
    void respond_text(int status, std::string text) {
        respond(net::HttpResponse::text(status, std::move(text)));
    }
    std::string client_address() const {
        return api::client_address(request.headers.get("CF-Connecting-IP"),
                                   request.headers.get("X-Forwarded-For"),
                                   request.headers.get("X-Real-IP"), request.remote.ip.to_string());
    }
};

Routes::Routes(ControlPlane& control, const token::KeyProvider& keys, telemetry::Metrics& metrics,
               RouteOptions options)
    : control_(control),
      keys_(keys),
      metrics_(metrics),
      options_(std::move(options)),
      rooms_(control.rooms(), [this] { control_.wake(); }),
      twirp_(options_.twirp, rooms_, control.bus()) {
    control_.set_rpc_done([this](room::RpcDone done) { rooms_.rpc_done(std::move(done)); });
    rooms_.set_over_limit([this] { return load_ && options_.load_limits.reached_by(load_()); });
}

Routes::~Routes() {
    control_.set_rpc_done({});
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
    // Its Authorization header, if any, is for Basic and no token (CON-10).
    if (options_.metrics_on_main_port && call.request.path == "/metrics")
        return call.respond(serve_metrics(call.request));
    call.query = api::QueryParams::parse(call.request.query);
    api::QueryParams form;
    if (call.request.method == "POST" &&
        call.request.headers.get("Content-Type").starts_with("application/x-www-form-urlencoded"))
        form = api::QueryParams::parse(call.request.body);
    auto grants = api::authenticate(call.request.headers.find("Authorization"), call.query, form,
                                    keys_, net::EventLoop::wall());
    if (!grants) return call.respond(api::to_response(grants.error()));
    call.grants = std::move(*grants);
    route(std::move(call));
}

void Routes::route(Call call) {
    const std::string& path = call.request.path;
    if (path == "/") {
        const Timestamp now = net::EventLoop::now();
        const Duration silent = updated_ ? now - updated_() : Duration::zero();
        return call.respond(
            api::health_response(silent, net::http_date(net::EventLoop::wall() - silent)));
    }
    if (const api::JoinPath join = api::parse_join_path(path); join != api::JoinPath::kNone)
        return serve_signal(call, join);
    if (api::TwirpRouter::owns(path)) return serve_twirp(call);
    if (options_.development_tokens && path == "/api/token") return serve_development_token(call);
    if (options_.development_tokens && (path == "/demo" || path.starts_with("/demo/")))
        return serve_demo(call);
    call.respond_text(404, "404 page not found\n");
}

// ---------------------------------------------------------------- signalling

void Routes::serve_signal(Call& call, api::JoinPath path) {
    // A request that is no upgrade gets 404 with an empty body (CON-30).
    if (!api::is_validate(path) && !call.request.is_websocket_upgrade)
        return call.respond_text(404, "");
    const std::string address = call.client_address();
    api::JoinHttpRequest request;
    request.path = path;
    request.query = &call.query;
    request.grants = call.grants ? &*call.grants : nullptr;
    request.user_agent = call.request.headers.get("User-Agent");
    request.client_address = address;
    const auto params = api::validate_join(request, options_.join, rooms_);
    if (!params) {
        if (!api::is_validate(path))
            metrics_.add(telemetry::Metric::kParticipantJoinTotal, {"signal_validation_failed"});
        return call.respond(api::to_response(params.error()));
    }
    if (api::is_validate(path)) return serve_validate(call, to_room(*params));
    net::HttpHeaders headers;
    for (const api::HttpHeader& header : call.cors)
        headers.add(header.name, header.value);
    control_.sessions().start(to_room(*params), std::move(call.exchange), std::move(headers));
}

// Browsers show no status of a refused upgrade: what is wrong, livekit-client learns here (CON-22).
// Oversize metadata passes as upstream; a full room does not.
void Routes::serve_validate(Call& call, const room::JoinParams& params) {
    const auto refusal = control_.rooms().admission(params);
    if (refusal && refusal->status == 403) return call.respond_text(403, refusal->text);
    call.respond_text(200, "success");
}

room::JoinParams to_room(const api::JoinParams& params) {
    room::JoinParams result;
    result.room = params.room_name;
    result.grants = params.grants;
    result.client = params.client;
    result.single_connection = params.single_peer_connection;
    result.auto_subscribe = params.auto_subscribe;
    result.auto_subscribe_data_track = params.auto_subscribe_data_track;
    result.adaptive_stream = params.adaptive_stream;
    result.subscriber_allow_pause = params.subscriber_allow_pause;
    result.disable_ice_lite = params.disable_ice_lite;
    result.reconnect = params.reconnect;
    result.reconnect_reason = params.reconnect_reason;
    result.participant_sid = params.participant_sid;
    result.publisher_offer = params.publisher_offer;
    result.add_track_requests = params.add_track_requests;
    return result;
}

// ---------------------------------------------------------------- Twirp

// A call that is answered once: by the service or, if the caller set one, by its deadline.
struct Routes::PendingCall {
    PendingCall(Call from, net::EventLoop& loop) : call(std::move(from)), timer(loop) {}
    void respond(const api::HttpResponse& response) {
        if (std::exchange(answered, true)) return;
        if (done) done(response);
        call.respond(response);
    }
    Call call;
    std::function<void(const api::HttpResponse&)> done;
    net::EventLoop::Timer timer;
    bool answered = false;
};

void Routes::serve_twirp(Call& from) {
    const auto pending = std::make_shared<PendingCall>(std::move(from), control_.loop());
    Call* const shared = &pending->call;
    api::TwirpRequest request;
    request.method = shared->request.method;
    request.path = shared->request.path;
    request.content_type = shared->request.headers.get("Content-Type");
    request.body = shared->request.body;
    request.grants = shared->grants ? &*shared->grants : nullptr;
    api::CallContext context;
    context.now = net::EventLoop::now();
    if (const auto timeout = shared->request.headers.find("X-Twirp-Timeout-Ms"))
        context.timeout = api::parse_twirp_timeout(*timeout);
    pending->done = [this, path = std::string(request.path), begin = context.now](
                        const api::HttpResponse& response) { count_twirp(path, begin, response); };
    twirp_.handle(request, context,
                  [pending](api::HttpResponse response) { pending->respond(response); });
    if (!context.timeout || pending->answered) return;
    // Whoever answers later keeps the call, and with it the timer, alive (API-W6).
    pending->timer.set(context.now + *context.timeout,
                       [raw = pending.get()] { raw->respond(api::timeout_response()); });
}

// "200" or the family of the status; the code of the error, as its body says it.
void Routes::count_twirp(std::string_view path, Timestamp begin,
                         const api::HttpResponse& response) {
    path.remove_prefix(std::min(path.size(), std::string_view("/twirp/livekit.").size()));
    const std::size_t slash = path.find('/');
    const std::string service(path.substr(0, slash));
    std::string method(slash == path.npos ? std::string_view() : path.substr(slash + 1));
    std::string code;
    if (response.status != 200) {
        const auto body = json::parse(response.body);
        const json::Value* member = body ? body->find("code") : nullptr;
        if (member == nullptr || member->kind != json::Kind::kString) return;  // no such service
        code = member->string;
    }
    if (code == "bad_route") method.clear();  // of the client's making
    const std::string status =
        response.status == 200 ? std::string("200") : std::to_string(response.status / 100) + "xx";
    metrics_.add(telemetry::Metric::kTwirpRequestStatus, {service, method, status, code});
    metrics_.observe(telemetry::Metric::kTwirpRequestLatencyMs, {service, method, status},
                     static_cast<double>((net::EventLoop::now() - begin).us()) / 1000.0);
}

// ---------------------------------------------------------------- development

// {room_name, participant_name, participant_identity, …} → {server_url, participant_token}
// (TOK-15).
void Routes::serve_development_token(Call& call) {
    if (call.request.method != "POST") return call.respond_text(405, "use POST with a JSON body");
    const auto body = json::parse(call.request.body);
    const json::Value* object = body ? &*body : nullptr;
    if (object == nullptr || object->kind != json::Kind::kObject)
        return call.respond_text(400, "the body must be a JSON object with room_name");
    const auto text = [&](std::string_view name) {
        const json::Value* member = object->find(name);
        return member != nullptr && member->kind == json::Kind::kString ? member->string
                                                                        : std::string();
    };
    const std::string room = text("room_name");
    std::string identity = text("participant_identity");
    const std::string name = text("participant_name");
    if (identity.empty()) identity = name;
    if (room.empty() || identity.empty())
        return call.respond_text(400, "room_name and participant_name are needed");
    const auto key = keys_.signing_key();
    if (!key) return call.respond_text(500, "no API key is configured");
    token::Grants grants;
    grants.identity = identity;
    grants.name = name;
    grants.metadata = text("participant_metadata");
    token::VideoGrant video;
    video.room_join = true;
    video.room = room;
    video.can_update_own_metadata = true;
    grants.video = video;
    const std::string token =
        token::mint_token(grants, *key, net::EventLoop::wall(), kDevelopmentTokenLifetime);
    const std::string host(call.request.headers.get("Host"));
    const bool secure = call.request.headers.get("X-Forwarded-Proto") == "https";
    json::Writer writer;
    writer.begin_object();
    writer.string("server_url", (secure ? "wss://" : "ws://") + host);
    writer.string("participant_token", token);
    writer.end_object();
    net::HttpResponse response;
    response.status = 200;
    response.headers.add("Content-Type", "application/json");
    response.headers.add("Cache-Control", "no-store");
    response.body = writer.take();
    call.respond(std::move(response));
}

void Routes::serve_demo(Call& call) {
    if (demo_) {
        if (auto response = demo_->serve(call.request)) return call.respond(std::move(*response));
    }
    call.respond_text(
        404,
        "The demo page has not been built. Run ./dev web (or ./dev run, which does it) "
        "and start the server again, or name its folder as confab.web_dir.\n");
}

net::HttpResponse Routes::serve_metrics(const net::HttpRequest& request) {
    const bool open = options_.metrics_user.empty() && options_.metrics_password.empty();
    if (!open && !api::basic_auth_matches(request.headers.find("Authorization"),
                                          options_.metrics_user, options_.metrics_password))
        return to_net(api::basic_auth_challenge());
    if (collect_) collect_();
    metrics_.collect_process();
    net::HttpResponse response = net::HttpResponse::text(200, metrics_.render());
    response.headers.set("Content-Type", std::string(telemetry::Metrics::kContentType));
    return response;
}

}  // namespace confab::control
