// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is served where on the main port (01 section 1): health, signalling and its validate twins,
// Twirp, metrics, the development token endpoint and the demo page.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/http/http_routes.h"
#include "api/join/join.h"
#include "api/twirp/twirp.h"
#include "runtime/control/control_plane.h"
#include "runtime/control/room_service.h"
#include "runtime/net/http/http_server.h"
#include "runtime/net/http/static_files.h"
#include "token/token.h"

namespace confab::control {

// What this node carries now, and how much it may (01 §7.1 limit.*); 0 or less is no limit.
struct NodeLoad {
    std::size_t tracks = 0;  // published and subscribed
    double bytes_per_second = 0;
};
struct LoadLimits {
    std::int32_t tracks = 0;
    double bytes_per_second = 0;
    bool reached_by(const NodeLoad& load) const {
        return (tracks > 0 && load.tracks >= static_cast<std::size_t>(tracks)) ||
               (bytes_per_second > 0 && load.bytes_per_second >= bytes_per_second);
    }
};

struct RouteOptions {
    api::JoinOptions join;
    api::TwirpOptions twirp;
    // `POST /api/token` without authentication, for the demo page; with the placeholder keys,
    // or where asked for (DEMO-02).
    bool development_tokens = false;
    bool metrics_on_main_port = false;  // GET /metrics
    std::string metrics_user;           // both empty: metrics are for everybody (CON-10)
    std::string metrics_password;
    LoadLimits load_limits;
};

class Routes {
  public:
    Routes(ControlPlane& control, const token::KeyProvider& keys, telemetry::Metrics& metrics,
           RouteOptions options);
    ~Routes();

    // The built demo page, under /demo; without it the path says how to get it.
    void set_demo(std::optional<net::StaticFiles> files);
    void handle(net::HttpRequest request, net::HttpExchange exchange);
    // The metrics with fresh values, for who may see them.
    net::HttpResponse serve_metrics(const net::HttpRequest& request);
    void set_collect(std::function<void()> collect) { collect_ = std::move(collect); }
    // When the media workers last told of themselves; without it they count as well.
    void set_updated(std::function<Timestamp()> updated) { updated_ = std::move(updated); }
    // Asked before each join and CreateRoom while there are limits.
    void set_load(std::function<NodeLoad()> load) { load_ = std::move(load); }
    // The headers of CON-03, for answers that the listener gives by itself.
    static void add_cors(const net::HttpRequest& request, net::HttpResponse& response);

  private:
    struct Call;
    struct PendingCall;
    void route(Call call);
    void serve_signal(Call& call, api::JoinPath path);
    void serve_validate(Call& call, const room::JoinParams& params);
    void serve_twirp(Call& call);
    void count_twirp(std::string_view path, Timestamp begin, const api::HttpResponse& response);
    void serve_development_token(Call& call);
    void serve_demo(Call& call);

    ControlPlane& control_;
    const token::KeyProvider& keys_;
    telemetry::Metrics& metrics_;
    RouteOptions options_;
    LocalRoomService rooms_;
    api::TwirpRouter twirp_;
    std::optional<net::StaticFiles> demo_;
    std::function<void()> collect_;
    std::function<NodeLoad()> load_;
    std::function<Timestamp()> updated_;
};

// A checked join request in the terms of the room machines.
room::JoinParams to_room(const api::JoinParams& params);

}  // namespace confab::control
