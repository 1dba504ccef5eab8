// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For the tests of relayed signalling: two nodes on one bus, both in one loop. WebSockets come to
// ND_signal, the rooms are in the shards of ND_test.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/text.h"
#include "cluster/relay/relay_testing.h"
#include "rpc/local_bus.h"
#include "runtime/control/cluster/relay_backend.h"
#include "runtime/control/cluster/relayed_sessions.h"
#include "runtime/control/shards/node_testing.h"

namespace confab::control {

// In place of the shards of ND_signal: notes who comes.
class NotedBackend final : public SignalBackend {
  public:
    std::vector<api::JoinParams> started;
    std::vector<api::JoinParams> validated;

    void start(api::JoinParams params, net::HttpExchange exchange,
               net::HttpHeaders headers) override {
        started.push_back(std::move(params));
        net::HttpResponse response = net::HttpResponse::text(418, "here");
        for (const net::HttpHeader& header : headers)
            response.headers.add(header.name, header.value);
        exchange.respond(std::move(response));
    }
    void validate(api::JoinParams params, Callback<std::optional<api::HttpError>> reply) override {
        validated.push_back(std::move(params));
        reply(api::HttpError{418, "here"});
    }
};

struct RelayedNodesOptions {
    std::size_t shards = 1;
    cluster::relay::Settings relay;
    net::WebSocketOptions websocket;
    std::function<void(TestNode::Settings&)> adjust = {};
    std::function<void(api::JoinParams&)> join = {};  // of each request
};

// GET /<room>/<identity> joins, /<room>/<identity>/<sid> resumes, /validate/<room> asks.
class RelayedNodes {
  public:
    using Options = RelayedNodesOptions;

    explicit RelayedNodes(Options options = {})
        : options_(std::move(options)),
          node_(options_.shards, [this](TestNode::Settings& settings) {
              settings.control.bus = &media_bus_;
              settings.control.bus_turn = [this](Timestamp now) { turn(now); };
              settings.control.bus_deadline = [this] { return next_deadline(); };
              if (options_.adjust) options_.adjust(settings);
          }) {
        call([this] { make(); });
    }
    ~RelayedNodes() {
        call([this] {
            server_.reset();
            backend_.reset();
            signal_.reset();
            media_.reset();
            relayed_.reset();
        });
    }
    RelayedNodes(const RelayedNodes&) = delete;
    RelayedNodes& operator=(const RelayedNodes&) = delete;

    std::uint16_t port() const { return port_; }
    TestNode& rooms() { return node_; }
    // In the loop of both.
    template <typename F>
    auto call(F fn) -> decltype(fn()) {
        return node_.thread().call(std::move(fn));
    }
    template <typename F>
    bool eventually(F condition) {
        return node_.thread().eventually(std::move(condition));
    }
    double metric(telemetry::Metric which, telemetry::LabelValues labels = {}) {
        return call([&] { return metrics_.value(which, labels); });
    }
    // Whether the shards soon have so many sessions.
    bool has_sessions(std::size_t count) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (std::chrono::steady_clock::now() < end) {
            std::size_t sessions = 0;
            for (std::size_t shard = 0; shard < options_.shards; ++shard)
                sessions += node_.call_in(
                    shard, [](ControlPlane& plane) { return plane.rooms().snapshot().sessions; });
            if (sessions == count) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return false;
    }
    // Whether nothing of any session is left at either end.
    bool is_empty() {
        return has_sessions(0) && eventually([this] {
                   return backend_->size() == 0 && relayed_->size() == 0 &&
                          signal_->snapshot().sessions == 0 && media_->snapshot().sessions == 0;
               });
    }

    // Only in the loop.
    cluster::relay::testing::TestPlacement placement;
    NotedBackend local;
    std::shared_ptr<cluster::relay::testing::Faults> faults =
        std::make_shared<cluster::relay::testing::Faults>(1);
    std::vector<std::string> checked;  // rooms, before a session began
    bool is_full = false;              // the node with the rooms
    bool is_here = true;
    bool holds_checks = false;
    std::vector<Callback<bool>> held;
    cluster::relay::SignalEnd& signal() { return *signal_; }
    cluster::relay::MediaEnd& media() { return *media_; }
    RelayBackend& backend() { return *backend_; }
    RelayedSessions& relayed() { return *relayed_; }
    // As when the process with the rooms ends.
    void end_media() {
        media_.reset();
        relayed_.reset();
    }

  private:
    void make() {
        placement.node = "ND_test";
        relayed_ = std::make_unique<RelayedSessions>(
            node_.control(),
            [this](const std::string& room, Callback<bool> here) {
                checked.push_back(room);
                if (holds_checks) return held.push_back(std::move(here));
                here(is_here);
            },
            [this] { return is_full; });
        media_ = std::make_unique<cluster::relay::MediaEnd>(media_bus_, *relayed_, "ND_test",
                                                            options_.relay, token::Limits());
        relayed_->set_relay(*media_);
        REQUIRE(media_->serve());
        signal_ = std::make_unique<cluster::relay::SignalEnd>(signal_bus_, placement, "ND_signal",
                                                              options_.relay, 1);
        backend_ =
            std::make_unique<RelayBackend>(local, *signal_, placement, "ND_signal",
                                           options_.websocket, metrics_, [this] { ++wakes_; });
        server_ = std::make_unique<net::HttpServer>(
            node_.thread().loop(), net::HttpServerOptions{},
            [this](const net::HttpRequest& request, net::HttpExchange exchange) {
                serve(request.path, std::move(exchange));
            });
        port_ = server_->listen("127.0.0.1", 0).value().port;
    }
    void serve(std::string_view path, net::HttpExchange exchange) {
        const auto parts = split(path, '/');
        const bool only_asks = parts.at(1) == "validate";
        api::JoinParams params;
        params.room_name = parts.at(only_asks ? 2 : 1);
        params.grants.identity = only_asks ? "ann" : parts.at(2);
        token::VideoGrant& video = params.grants.video.emplace();
        video.room_join = true;
        video.can_update_own_metadata = true;
        video.room = params.room_name;
        params.client.set_protocol(16);
        params.reconnect = parts.size() > 3;
        if (params.reconnect) params.participant_sid = parts.at(3);
        if (options_.join) options_.join(params);
        if (!only_asks)
            return backend_->start(std::move(params), std::move(exchange), {{"X-Extra", "1"}});
        backend_->validate(
            std::move(params), [answer = std::make_shared<net::HttpExchange>(std::move(exchange))](
                                   const std::optional<api::HttpError>& refusal) {
                answer->respond(net::HttpResponse::text(refusal ? refusal->status : 200, "\n"));
            });
    }
    // As Cluster::turn().
    void turn(Timestamp now) {
        hub_.handle_timeout(now);
        faults->handle_timeout(now);
        if (!backend_) return;
        signal_->handle_timeout(now);
        if (media_) media_->handle_timeout(now);
        backend_->take_events();
        hub_.handle_timeout(now);
    }
    Timestamp next_deadline() const {
        Timestamp next = earlier(hub_.next_deadline(), faults->next_deadline());
        if (signal_) next = earlier(next, signal_->next_deadline());
        if (media_) next = earlier(next, media_->next_deadline());
        return next;
    }

    Options options_;
    rpc::LocalHub hub_;
    rpc::LocalBus signal_local_{hub_, "ND_signal"};
    rpc::LocalBus media_local_{hub_, "ND_test"};
    cluster::relay::testing::FaultyBus signal_bus_{signal_local_, faults};
    cluster::relay::testing::FaultyBus media_bus_{media_local_, faults};
    telemetry::Metrics metrics_{"ND_signal"};
    int wakes_ = 0;
    std::unique_ptr<RelayedSessions> relayed_;
    std::unique_ptr<cluster::relay::MediaEnd> media_;
    std::unique_ptr<cluster::relay::SignalEnd> signal_;
    std::unique_ptr<RelayBackend> backend_;
    std::unique_ptr<net::HttpServer> server_;
    std::uint16_t port_ = 0;
    TestNode node_;  // last: its thread uses all of the above
};

// A client whose WebSocket is at one node and whose room is at the other.
class RelayedClient : public SignalClient {
  public:
    RelayedClient(const RelayedNodes& nodes, std::string_view path)
        : SignalClient(nodes.port(), path) {}
    livekit::JoinResponse join() {
        CHECK(head().starts_with("HTTP/1.1 101 "));
        return wait(livekit::SignalResponse::kJoin).join();
    }
    void ping(std::int64_t number) {
        livekit::SignalRequest request;
        request.mutable_ping_req()->set_timestamp(number);
        send(request);
    }
    // Whether the room answers.
    // The room answers, and not the node with the WebSocket.
    bool is_served(std::uint32_t number) {
        livekit::SignalRequest request;
        request.mutable_update_metadata()->set_request_id(number);
        send(request);
        for (;;) {
            const auto response = wait(livekit::SignalResponse::kRequestResponse);
            if (!response.has_request_response()) return false;
            if (response.request_response().request_id() == number) return true;
        }
    }
    void send_metadata(const std::string& metadata) {
        livekit::SignalRequest request;
        request.mutable_update_metadata()->set_metadata(metadata);
        send(request);
    }
    // Whether somebody is told to have it, sooner or later.
    bool sees_metadata(const std::string& identity, const std::string& metadata) {
        for (;;) {
            const auto response = wait(livekit::SignalResponse::kUpdate);
            if (!response.has_update()) return false;
            for (const auto& info : response.update().participants())
                if (info.identity() == identity && info.metadata() == metadata) return true;
        }
    }
};

}  // namespace confab::control
