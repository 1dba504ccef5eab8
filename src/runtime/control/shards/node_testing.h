// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For the tests of control shards: a node with its routes behind a real listener and a media
// worker, asked over HTTP as clients and services ask it.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/control/routes/routes.h"
#include "runtime/control/signal_testing.h"
#include "runtime/net/http/http_server.h"
#include "runtime/net/net_testing.h"
#include "token/token.h"

namespace confab::control {

class TestNode {
  public:
    struct Settings {
        ControlNodeOptions control;
        RouteOptions routes;
        NodeLoad load;
        net::HttpServerOptions http;
        std::optional<ConsoleSources> console;
    };
    explicit TestNode(std::size_t shards, const std::function<void(Settings&)>& adjust = {}) {
        worker::MediaNodeOptions media;
        media.workers = 1;
        media.pin = false;
        media.addresses = {IpAddress::v4(0x7F000001)};
        media.control_shards = shards;
        media_ = worker::MediaNode::start(std::move(media), net::EventLoop::wall()).value();
        Settings settings;
        settings.control.room.node_id = "ND_test";
        settings.control.room.media.fingerprint_sha256 = media_->fingerprint();
        settings.control.room.media.workers.push_back({media_->addresses(0).udp, {}});
        if (adjust) adjust(settings);
        thread_.call([&] { make(std::move(settings)); });
    }
    ~TestNode() {
        thread_.call([&] {
            server_.reset();
            metrics_server_.reset();
            control_->stop();
        });
        thread_.call([&] {  // behind what the shards had posted
            routes_.reset();
            control_.reset();
        });
        media_->stop();
    }

    std::uint16_t port() const { return port_; }
    std::uint16_t metrics_port() const { return metrics_port_; }
    net::LoopThread& thread() { return thread_; }
    ControlNode& control() { return *control_; }  // only in the loop of the first shard
    Routes& routes() { return *routes_; }         // so
    // Only in the loop of that shard.
    worker::ControlPort& port_of(std::size_t shard) { return media_->port(shard); }
    template <typename F>
    auto call(F f) {
        return thread_.call([&] { return f(*control_); });
    }
    // In the loop of a shard, and waits for it.
    template <typename F>
    auto call_in(std::size_t shard, F f) -> decltype(f(std::declval<ControlPlane&>())) {
        using R = decltype(f(std::declval<ControlPlane&>()));
        auto task = std::make_shared<std::packaged_task<R(ControlPlane&)>>(std::move(f));
        auto result = task->get_future();
        call([&](ControlNode& node) {
            node.run_in(shard, [task](ControlPlane& plane) { (*task)(plane); });
        });
        return result.get();
    }
    // A name of a room that falls to that shard.
    std::string room_in(std::size_t shard, std::string name = "room") {
        return call([&](ControlNode& node) {
            while (node.shard_of(name) != shard)
                name += '.';
            return name;
        });
    }

    // In the loop of the first shard.
    double metric(telemetry::Metric which, telemetry::LabelValues labels = {}) {
        return thread_.call([&] { return metrics_.value(which, labels); });
    }

    std::string token_of(const token::Grants& grants) const {
        return token::mint_token(grants, *keys_.signing_key(), net::EventLoop::wall(),
                                 Duration::seconds(600));
    }
    std::string token_for(const token::VideoGrant& video) const {
        token::Grants grants;
        grants.identity = "somebody";
        grants.video = video;
        return token::mint_token(grants, *keys_.signing_key(), net::EventLoop::wall(),
                                 Duration::seconds(600));
    }
    std::string token(const std::string& room, const std::string& identity) const {
        token::Grants grants;
        grants.identity = identity;
        token::VideoGrant& video = grants.video.emplace();
        video.room_join = video.room_admin = video.room_list = video.room_create = true;
        video.room_create = creates_;
        video.room = room;
        return token::mint_token(grants, *keys_.signing_key(), net::EventLoop::wall(),
                                 Duration::seconds(600));
    }
    void set_creates(bool on) { creates_ = on; }
    std::string join_path(const std::string& room, const std::string& identity) const {
        return "/rtc?protocol=16&access_token=" + token(room, identity);
    }
    // The whole answer to a validate request.
    std::string validate(const std::string& room, const std::string& identity) const {
        net::RawClient client(port_);
        client.send("GET /rtc/validate?access_token=" + token(room, identity) +
                    " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        return client.read_to_end();
    }
    // A call of livekit.RoomService, and the whole answer.
    std::string twirp(std::string_view method, const std::string& room,
                      const google::protobuf::Message& request) const {
        return twirp_with(token(room, ""), method, request);
    }
    std::string twirp_with(const std::string& bearer, std::string_view method,
                           const google::protobuf::Message& request) const {
        return call_api("RoomService", bearer, method, request);
    }
    std::string call_api(std::string_view service, const std::string& bearer,
                         std::string_view method, const google::protobuf::Message& request) const {
        const std::string body = request.SerializeAsString();
        net::RawClient client(port_);
        client.send("POST /twirp/livekit." + std::string(service) + "/" + std::string(method) +
                    " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + bearer +
                    "\r\nContent-Type: application/protobuf\r\nContent-Length: " +
                    std::to_string(body.size()) + "\r\n\r\n" + body);
        return client.read_to_end();
    }
    template <typename Response>
    Response answer(std::string_view method, const std::string& room,
                    const google::protobuf::Message& request) const {
        const std::string text = twirp(method, room, request);
        INFO(method, " ", text);
        REQUIRE(text.starts_with("HTTP/1.1 200 "));
        Response response;
        REQUIRE(response.ParseFromString(text.substr(text.find("\r\n\r\n") + 4)));
        return response;
    }

  private:
    void make(Settings settings) {
        control_ = std::make_unique<ControlNode>(thread_.loop(), *media_, keys_, metrics_,
                                                 std::move(settings.control), 1);
        RouteSources sources;
        sources.load = [load = settings.load] { return load; };
        sources.console = std::move(settings.console);
        sources.metrics = [](Callback<std::string> reply) { reply("figures\n"); };
        routes_ = std::make_unique<Routes>(*control_, keys_, metrics_, std::move(settings.routes),
                                           std::move(sources));
        server_ = std::make_unique<net::HttpServer>(
            thread_.loop(), settings.http,
            [this](net::HttpRequest request, net::HttpExchange exchange) {
                routes_->handle(std::move(request), std::move(exchange));
            });
        port_ = server_->listen("127.0.0.1", 0).value().port;
        metrics_server_ = std::make_unique<net::HttpServer>(
            thread_.loop(), net::HttpServerOptions{},
            [this](net::HttpRequest request, net::HttpExchange exchange) {
                routes_->serve_metrics(std::move(request), std::move(exchange));
            });
        metrics_port_ = metrics_server_->listen("127.0.0.1", 0).value().port;
    }

    net::LoopThread thread_;
    token::KeyMap keys_{token::KeyMap::Texts{{"key", "a-secret-of-thirty-two-characters"}}};
    telemetry::Metrics metrics_{"ND_test"};
    bool creates_ = true;
    std::unique_ptr<worker::MediaNode> media_;
    std::unique_ptr<ControlNode> control_;
    std::unique_ptr<Routes> routes_;
    std::unique_ptr<net::HttpServer> server_;
    std::unique_ptr<net::HttpServer> metrics_server_;
    std::uint16_t port_ = 0;
    std::uint16_t metrics_port_ = 0;
};

// In a room, until it is destroyed.
class Joined : public SignalClient {
  public:
    Joined(const TestNode& node, const std::string& room, const std::string& identity)
        : SignalClient(node.port(), node.join_path(room, identity)) {}
    bool is_in() {
        return head().starts_with("HTTP/1.1 101 ") &&
               wait(livekit::SignalResponse::kJoin).has_join();
    }
    // Whether the room still answers.
    bool is_served(std::int64_t number) {
        livekit::SignalRequest ping;
        ping.mutable_ping_req()->set_timestamp(number);
        send(ping);
        return wait(livekit::SignalResponse::kPongResp).pong_resp().last_ping_timestamp() == number;
    }
};

// Keeps a shard from doing anything until opened.
class HungShard {
  public:
    HungShard(TestNode& node, std::size_t shard) {
        std::promise<void> began;
        node.call([&](ControlNode& control) {
            control.run_in(shard, [&began, wait = open_.get_future()](ControlPlane&) mutable {
                began.set_value();
                wait.get();
            });
        });
        began.get_future().get();
    }
    ~HungShard() { open(); }
    void open() {
        if (!std::exchange(is_open_, true)) open_.set_value();
    }

  private:
    std::promise<void> open_;
    bool is_open_ = false;
};

}  // namespace confab::control
