// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is served where on the main port (01 section 1): health, signalling and its validate twins,
// Twirp, metrics, the development token endpoint and the demo page.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/http_routes.h"
#include "api/join.h"
#include "api/token.h"
#include "api/twirp.h"
#include "runtime/control/control_plane.h"
#include "runtime/control/room_service.h"
#include "runtime/net/http_server.h"
#include "runtime/net/static_files.h"

namespace confab::control {

struct RouteOptions {
    api::JoinOptions join;
    api::TwirpOptions twirp;
    // `POST /api/token` without authentication, for the demo page; only with --dev (DEMO-02).
    bool development_tokens = false;
    bool metrics_on_main_port = false;  // GET /metrics
};

class Routes {
  public:
    Routes(ControlPlane& control, const api::KeyProvider& keys, telemetry::Metrics& metrics,
           RouteOptions options);
    ~Routes();

    // The built demo page, under /demo; without it the path says how to get it.
    void set_demo(std::optional<net::StaticFiles> files);
    void handle(net::HttpRequest request, net::HttpExchange exchange);
    // The body of /metrics, with fresh values.
    std::string render_metrics();
    void set_collect(std::function<void()> collect) { collect_ = std::move(collect); }

  private:
    struct Call;
    void route(Call call);
    void serve_signal(Call& call, api::JoinPath path);
    void serve_twirp(Call& call);
    void serve_development_token(Call& call);
    void serve_demo(Call& call);

    ControlPlane& control_;
    const api::KeyProvider& keys_;
    telemetry::Metrics& metrics_;
    RouteOptions options_;
    LocalRoomService rooms_;
    api::TwirpRouter twirp_;
    std::optional<net::StaticFiles> demo_;
    std::function<void()> collect_;
};

// A checked join request in the terms of the room machines.
room::JoinParams to_room(const api::JoinParams& params);
// And the token a participant gets to reconnect with (TOK-12).
std::string mint_refresh(const room::TokenRefresh& refresh, const api::KeyProvider& keys,
                         UnixTime now);

}  // namespace confab::control
