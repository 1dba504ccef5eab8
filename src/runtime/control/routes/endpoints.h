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
#include "base/callback.h"
#include "runtime/control/agents/node_agents.h"
#include "runtime/control/routes/endpoint.h"
#include "runtime/control/routes/limit_gate.h"
#include "runtime/control/shards/control_node.h"
#include "runtime/control/signal/signal_backend.h"
#include "runtime/control/whip/whip_backend.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/http/static_files.h"
#include "runtime/telemetry/metrics.h"

namespace confab::control {

// GET /: whether all threads live (CON-06). `updated` tells when the one that has been silent
// longest told of itself.
class HealthEndpoint final : public Endpoint {
  public:
    explicit HealthEndpoint(std::function<Timestamp()> updated) : updated_(std::move(updated)) {}
    void serve(Call call) override;

  private:
    std::function<Timestamp()> updated_;
};

// /livez and /readyz (OPS-01): what is wrong, as a text that is empty while nothing is.
class ProbeEndpoint final : public Endpoint {
  public:
    explicit ProbeEndpoint(std::function<std::string()> trouble) : trouble_(std::move(trouble)) {}
    void serve(Call call) override { call.respond(api::probe_response(trouble_())); }

  private:
    std::function<std::string()> trouble_;
};

// /rtc, /rtc/v1 and their validate twins (CON-22, CON-30).
class SignalEndpoint final : public Endpoint {
  public:
    SignalEndpoint(SignalBackend& backend, const token::Revocations& revocations, LimitGate& gate,
                   api::JoinOptions options, telemetry::Metrics& metrics)
        : backend_(backend),
          revocations_(revocations),
          gate_(gate),
          options_(options),
          metrics_(metrics) {}
    void serve(Call call) override;
    void reconfigure(const api::JoinOptions& options) { options_ = options; }
    // Told of joins (no others) that are refused here.
    using Refused = std::function<void(const Call& call, const api::HttpError& error)>;
    void set_refused(Refused refused) { refused_ = std::move(refused); }

  private:
    void validate(Call call, api::JoinParams params);
    void start(Call call, api::JoinParams params);

    SignalBackend& backend_;
    const token::Revocations& revocations_;
    LimitGate& gate_;
    api::JoinOptions options_;
    telemetry::Metrics& metrics_;
    Refused refused_;
};

// /whip/v1 and what is below it (CON-60, CON-61).
class WhipEndpoint final : public Endpoint {
  public:
    // All references must outlive this.
    WhipEndpoint(WhipBackend& backend, const token::Revocations& revocations, LimitGate& gate,
                 api::JoinOptions options)
        : backend_(backend), revocations_(revocations), gate_(gate), options_(options) {}
    void serve(Call call) override;
    void reconfigure(const api::JoinOptions& options) { options_ = options; }

  private:
    Result<void, api::HttpError> check_grants(const Call& call) const;
    // A checked request of somebody who wants to publish.
    Result<WhipJoin, api::HttpError> read(const Call& call) const;
    void create(Call call);
    // The session ends with the client's connection, unless it was answered before.
    void end_with(Call& call, const WhipJoin& join);
    void change(Call call);
    static WhipBackend::Reply answer_to(Call call);
    static void refuse(Call& call, const api::HttpError& error);

    WhipBackend& backend_;
    const token::Revocations& revocations_;
    LimitGate& gate_;
    api::JoinOptions options_;
    std::uint64_t requests_ = 0;
};

// /agent: the workers of agents (CON-50).
class AgentEndpoint final : public Endpoint {
  public:
    AgentEndpoint(NodeAgents& agents, LimitGate& gate) : agents_(agents), gate_(gate) {}
    void serve(Call call) override;

  private:
    NodeAgents& agents_;
    LimitGate& gate_;
};

// /twirp/…: the server APIs (01 section 5).
class TwirpEndpoint final : public Endpoint {
  public:
    TwirpEndpoint(api::TwirpOptions options, api::RoomServicePort& rooms, rpc::Bus& bus,
                  api::WebhookPort& webhooks, api::ServicePorts services, LimitGate& gate,
                  net::EventLoop& loop, telemetry::Metrics& metrics)
        : rooms_(rooms),
          bus_(bus),
          webhooks_(webhooks),
          services_(services),
          twirp_(options, rooms, bus, &webhooks, services),
          gate_(gate),
          loop_(loop),
          metrics_(metrics) {}
    void serve(Call call) override;
    // Calls under way are answered as they began.
    void reconfigure(const api::TwirpOptions& options) {
        twirp_ = api::TwirpRouter(options, rooms_, bus_, &webhooks_, services_);
    }
    // As it is by now, for calls that come by another way.
    const api::TwirpRouter& router() const { return twirp_; }

  private:
    struct Pending;
    void count(std::string_view path, Timestamp begin, const api::HttpResponse& response);

    api::RoomServicePort& rooms_;
    rpc::Bus& bus_;
    api::WebhookPort& webhooks_;
    api::ServicePorts services_;
    api::TwirpRouter twirp_;
    LimitGate& gate_;
    net::EventLoop& loop_;
    telemetry::Metrics& metrics_;
};

// Gives the metrics of all threads with fresh values, as text.
using MetricsText = std::function<void(Callback<std::string>)>;

// The metrics, for who may see them (CON-10). User and password empty: for everybody.
class MetricsEndpoint final : public Endpoint {
  public:
    MetricsEndpoint(std::string user, std::string password, MetricsText text)
        : user_(std::move(user)), password_(std::move(password)), text_(std::move(text)) {}
    void serve(Call call) override;
    void reconfigure(std::string user, std::string password) {
        user_ = std::move(user);
        password_ = std::move(password);
    }

  private:
    std::string user_;
    std::string password_;
    MetricsText text_;
};

// POST /api/token: {room_name, participant_name, participant_identity, …} → {server_url,
// participant_token}, for everybody (TOK-15); meetings with a lobby: meeting_tokens.h.
class TokenEndpoint final : public Endpoint {
  public:
    // `tls`: this port speaks it.
    TokenEndpoint(const token::KeyProvider& keys, bool tls) : keys_(keys), tls_(tls) {}
    void serve(Call call) override;

  private:
    const token::KeyProvider& keys_;
    bool tls_;
};

// What another endpoint serves, under one path more.
class SameEndpoint final : public Endpoint {
  public:
    explicit SameEndpoint(Endpoint& endpoint) : endpoint_(endpoint) {}
    void serve(Call call) override { endpoint_.serve(std::move(call)); }

  private:
    Endpoint& endpoint_;
};

// The built demo page; without it the path says how to get it.
class DemoEndpoint final : public Endpoint {
  public:
    explicit DemoEndpoint(const std::optional<net::StaticFiles>& files) : files_(files) {}
    void serve(Call call) override;

  private:
    const std::optional<net::StaticFiles>& files_;
};

}  // namespace confab::control
