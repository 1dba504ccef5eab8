// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sessions of a node in a cluster: those of rooms that are here go to the shards of this node, the
// others by the relay to the node that has their room (03 NODE-10).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "cluster/relay/signal_end.h"
#include "runtime/control/signal/signal_backend.h"
#include "runtime/net/websocket/websocket.h"
#include "runtime/telemetry/metrics.h"

namespace confab::control {

class RelayBackend final : public SignalBackend {
  public:
    using Placement = cluster::relay::Placement;

    // `relay` is driven by the owner, who calls take_events() after each of its turns, and calls
    // `wake` for one. All must outlive this, and all belong to the loop of the server.
    RelayBackend(SignalBackend& local, cluster::relay::SignalEnd& relay, Placement& placement,
                 std::string node, net::WebSocketOptions websocket, telemetry::Metrics& metrics,
                 std::function<void()> wake);
    ~RelayBackend() override;
    RelayBackend(const RelayBackend&) = delete;
    RelayBackend& operator=(const RelayBackend&) = delete;

    void start(api::JoinParams params, net::HttpExchange exchange,
               net::HttpHeaders headers) override;
    // Of a room elsewhere nothing is known here that would refuse it.
    void validate(api::JoinParams params, Callback<std::optional<api::HttpError>> reply) override;

    void take_events();
    // Of WebSockets whose rooms are elsewhere.
    std::size_t size() const { return clients_.size(); }

  private:
    using Id = cluster::relay::SessionId;
    struct Client;

    Client* find(Id id);
    void take(const cluster::relay::SignalEvent& event);
    void accept(Id id, Client& client);
    void refuse(Client& client, const cluster::relay::SignalEvent& event);
    void pump(Id id);
    static bool may_hear(Client& client, const std::string& response);
    void on_message(Id id, bool text, std::string_view payload);
    void answer_ping(Client& client, const livekit::SignalRequest& request);
    void leave(Id id);
    void count_join(const Client& client, const char* state);

    SignalBackend& local_;
    cluster::relay::SignalEnd& relay_;
    Placement& placement_;
    std::string node_;
    net::WebSocketOptions websocket_;
    telemetry::Metrics& metrics_;
    std::function<void()> wake_;
    std::unordered_map<Id, std::unique_ptr<Client>> clients_;
};

// A checked join request as the relay carries it.
cluster::relay::SessionStart to_relay(const api::JoinParams& params);

}  // namespace confab::control
