// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For the tests of clusters: a whole node without media of its own, with its routes behind a real
// listener, that shares a MemoryRedis with others.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "redis/client.h"
#include "runtime/control/cluster/cluster.h"
#include "runtime/control/cluster/memory_redis_testing.h"
#include "runtime/control/routes/routes.h"
#include "runtime/control/signal_testing.h"
#include "runtime/net/http/http_server.h"
#include "token/token.h"

namespace confab::control {

inline ClusterOptions cluster_options_of(const std::string& id, std::uint16_t redis_port,
                                         std::uint64_t seed) {
    ClusterOptions options;
    options.machine = [redis_port, seed](redis::Events events, Timestamp now) {
        return std::make_unique<redis::Client>(now, redis::Address{"127.0.0.1", redis_port},
                                               redis::Login{}, std::move(events), seed);
    };
    options.place = "127.0.0.1:" + std::to_string(redis_port);
    options.registry.id = id;
    options.registry.num_cpus = 2;
    options.registry.heartbeat = Duration::millis(500);
    options.seed = seed;
    return options;
}

class ClusterNode {
  public:
    // `opened`: whether it has rooms and is one of the nodes; `linked`: with direct links.
    ClusterNode(const MemoryRedis& redis, const std::string& id, bool opened = true,
                bool linked = false)
        : id_(id) {
        ClusterOptions options = cluster_options_of(id, redis.port(), std::hash<std::string>()(id));
        if (linked) options.links = SocketAddress{IpAddress::v4(0x7F000001), 0};
        auto cluster = Cluster::connect(loop_, metrics_, std::move(options));
        REQUIRE(cluster);
        cluster_ = *std::move(cluster);
        if (opened) open();
        thread_ = std::thread([this] { loop_.run(); });
    }
    ~ClusterNode() { end(); }
    ClusterNode(const ClusterNode&) = delete;
    ClusterNode& operator=(const ClusterNode&) = delete;

    // As if killed: nobody is told anything.
    void end() {
        if (!thread_.joinable()) return;
        loop_.stop();
        thread_.join();
        server_.reset();
        if (control_) control_->stop();
        routes_.reset();
        control_.reset();
        cluster_.reset();
        if (media_) media_->stop();
    }
    std::uint16_t port() const { return port_; }
    template <typename F>
    auto call(F fn) -> decltype(fn(std::declval<Cluster&>())) {
        using R = decltype(fn(std::declval<Cluster&>()));
        auto task = std::make_shared<std::packaged_task<R(Cluster&)>>(std::move(fn));
        auto result = task->get_future();
        loop_.post([this, task] { (*task)(*cluster_); });
        return result.get();
    }
    // Whether `condition`, asked in the loop, becomes true within thirty seconds.
    template <typename F>
    bool eventually(F condition) {
        for (int i = 0; i < 3000; ++i) {
            if (call(condition)) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    }
    bool sees_nodes(std::size_t count) {
        return eventually([&](Cluster& cluster) { return cluster.snapshot().nodes == count; });
    }
    // What a call of the API of all nodes gives.
    template <typename Request, typename Response>
    Result<Response, api::ServiceError> ask(
        void (api::RoomServicePort::*method)(const api::CallContext&, const Request&,
                                             api::Reply<Response>),
        const Request& request) {
        auto answer = std::make_shared<std::promise<Result<Response, api::ServiceError>>>();
        auto result = answer->get_future();
        call([&](Cluster& cluster) {
            (cluster.rooms().*method)(
                {net::EventLoop::now(), {}, {}}, request,
                [answer](Result<Response, api::ServiceError> reply) { answer->set_value(reply); });
        });
        REQUIRE(result.wait_for(std::chrono::seconds(10)) == std::future_status::ready);
        return result.get();
    }
    // Only in the loop.
    ControlNode& control() { return *control_; }
    std::string token(const std::string& room, const std::string& identity) const {
        token::Grants grants;
        grants.identity = identity;
        token::VideoGrant& video = grants.video.emplace();
        video.room_join = video.room_create = true;
        video.can_update_own_metadata = true;
        video.room = room;
        return token::mint_token(grants, *keys_.signing_key(), net::EventLoop::wall(),
                                 Duration::seconds(600));
    }
    std::string join_path(const std::string& room, const std::string& identity) const {
        return "/rtc?protocol=16&access_token=" + token(room, identity);
    }

  private:
    void open() {
        worker::MediaNodeOptions media;
        media.workers = 1;
        media.pin = false;
        media.addresses = {IpAddress::v4(0x7F000001)};
        media_ = worker::MediaNode::start(std::move(media), net::EventLoop::wall()).value();
        ControlNodeOptions options;
        options.room.node_id = id_;
        options.room.media.fingerprint_sha256 = media_->fingerprint();
        options.room.media.workers.push_back({media_->addresses(0).udp, {}});
        options.bus = &cluster_->bus();
        options.bus_turn = [this](Timestamp now) { cluster_->turn(now); };
        options.bus_deadline = [this] { return cluster_->next_deadline(); };
        control_ =
            std::make_unique<ControlNode>(loop_, *media_, keys_, metrics_, std::move(options), 1);
        RouteSources sources;
        sources.metrics = [](Callback<std::string> reply) { reply(""); };
        sources.cluster = cluster_.get();
        sources.figures = [] { return cluster::nodes::NodeFigures(); };
        sources.console.emplace().options.passwords = {"open-sesame", "only-look"};
        routes_ = std::make_unique<Routes>(*control_, keys_, metrics_, RouteOptions(),
                                           std::move(sources));
        server_ = std::make_unique<net::HttpServer>(
            loop_, net::HttpServerOptions{},
            [this](net::HttpRequest request, net::HttpExchange exchange) {
                routes_->handle(std::move(request), std::move(exchange));
            });
        port_ = server_->listen("127.0.0.1", 0).value().port;
    }

    std::string id_;
    net::EventLoop loop_;
    token::KeyMap keys_{{{"key", "a-secret-of-thirty-two-characters"}}};
    telemetry::Metrics metrics_{"ND_test"};
    std::unique_ptr<Cluster> cluster_;
    std::unique_ptr<worker::MediaNode> media_;
    std::unique_ptr<ControlNode> control_;
    std::unique_ptr<Routes> routes_;
    std::unique_ptr<net::HttpServer> server_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

// A client whose WebSocket is at that node.
class ClusterClient : public SignalClient {
  public:
    ClusterClient(const ClusterNode& node, const std::string& room, const std::string& identity)
        : SignalClient(node.port(), node.join_path(room, identity)) {}
    bool is_in() {
        return head().starts_with("HTTP/1.1 101 ") &&
               wait(livekit::SignalResponse::kJoin).has_join();
    }
    bool hears_of(const std::string& identity) {
        for (;;) {
            const auto response = wait(livekit::SignalResponse::kUpdate);
            if (!response.has_update()) return false;
            for (const auto& info : response.update().participants())
                if (info.identity() == identity) return true;
        }
    }
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
};

}  // namespace confab::control
