// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The endpoints of the main port (01 section 1), each in a file of its own.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/join/join.h"
#include "api/twirp/twirp.h"
#include "runtime/control/control_plane.h"
#include "runtime/control/room_service.h"
#include "runtime/control/routes/endpoint.h"
#include "runtime/net/http/static_files.h"
#include "runtime/telemetry/metrics.h"

namespace confab::control {

// GET /: whether the media workers live (CON-06). `updated` tells when they last told of
// themselves.
class HealthEndpoint final : public Endpoint {
  public:
    explicit HealthEndpoint(std::function<Timestamp()> updated) : updated_(std::move(updated)) {}
    void serve(Call call) override;

  private:
    std::function<Timestamp()> updated_;
};

// /rtc, /rtc/v1 and their validate twins (CON-22, CON-30).
class SignalEndpoint final : public Endpoint {
  public:
    SignalEndpoint(ControlPlane& control, const api::JoinDirectory& directory,
                   api::JoinOptions options, telemetry::Metrics& metrics)
        : control_(control), directory_(directory), options_(options), metrics_(metrics) {}
    void serve(Call call) override;

  private:
    void validate(Call& call, const room::JoinParams& params);

    ControlPlane& control_;
    const api::JoinDirectory& directory_;
    api::JoinOptions options_;
    telemetry::Metrics& metrics_;
};

// /twirp/…: the server APIs (01 section 5).
class TwirpEndpoint final : public Endpoint {
  public:
    TwirpEndpoint(api::TwirpOptions options, LocalRoomService& rooms, rpc::Bus& bus,
                  net::EventLoop& loop, telemetry::Metrics& metrics)
        : twirp_(options, rooms, bus), loop_(loop), metrics_(metrics) {}
    void serve(Call call) override;

  private:
    struct Pending;
    void count(std::string_view path, Timestamp begin, const api::HttpResponse& response);

    api::TwirpRouter twirp_;
    net::EventLoop& loop_;
    telemetry::Metrics& metrics_;
};

// The metrics with fresh values, for who may see them (CON-10). Both texts empty: for everybody.
class MetricsEndpoint final : public Endpoint {
  public:
    MetricsEndpoint(telemetry::Metrics& metrics, std::string user, std::string password,
                    std::function<void()> collect)
        : metrics_(metrics),
          user_(std::move(user)),
          password_(std::move(password)),
          collect_(std::move(collect)) {}
    void serve(Call call) override { call.respond(answer(call.request)); }
    net::HttpResponse answer(const net::HttpRequest& request);

  private:
    telemetry::Metrics& metrics_;
    std::string user_;
    std::string password_;
    std::function<void()> collect_;
};

// POST /api/token: {room_name, participant_name, participant_identity, …} → {server_url,
// participant_token}, for everybody (TOK-15).
class TokenEndpoint final : public Endpoint {
  public:
    explicit TokenEndpoint(const token::KeyProvider& keys) : keys_(keys) {}
    void serve(Call call) override;

  private:
    const token::KeyProvider& keys_;
};

// The built demo page; without it the path says how to get it.
class DemoEndpoint final : public Endpoint {
  public:
    explicit DemoEndpoint(const std::optional<net::StaticFiles>& files) : files_(files) {}
    void serve(Call call) override;

  private:
    const std::optional<net::StaticFiles>& files_;
};

// A checked join request in the terms of the room machines.
room::JoinParams to_room(const api::JoinParams& params);

}  // namespace confab::control
