// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Two nodes of a cluster with sockets of their own over a real redis-server: driver, client, bus,
// record and placement together.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "cluster/nodes/node_reconciler.h"
#include "cluster/nodes/node_registry.h"
#include "cluster/nodes/placement.h"
#include "cluster/psrpc/psrpc_bus.h"
#include "redis/client.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/redis/redis_driver.h"

namespace confab {

extern std::uint16_t redis_port;

// A node's Redis, its bus, its record and where rooms are.
class Node {
  public:
    Node(net::EventLoop& loop, std::uint16_t port, const std::string& id, std::uint64_t seed) {
        const Timestamp now = net::EventLoop::now();
        auto client = std::make_unique<redis::Client>(now, redis::Address{"127.0.0.1", port},
                                                      redis::Login{}, events(), seed);
        driver_ = net::RedisDriver::make(loop, std::move(client), {}).value();
        const auto wall = [](Timestamp at) {
            return net::EventLoop::wall() + (at - net::EventLoop::now());
        };
        bus_ = std::make_unique<cluster::psrpc::PsrpcBus>(
            *driver_, cluster::psrpc::Settings{id, true}, wall, seed);
        cluster::nodes::RegistryOptions options;
        options.id = id;
        options.heartbeat = Duration::millis(500);
        registry_ = std::make_unique<cluster::nodes::NodeRegistry>(
            *driver_, *bus_, options, [] { return cluster::nodes::NodeFigures(); }, Rng(seed + 1));
        placement_ = std::make_unique<cluster::nodes::Placement>(
            *driver_, *registry_, cluster::nodes::PlacementOptions(), Rng(seed + 2));
        reconciler_ =
            std::make_unique<cluster::nodes::NodeReconciler>(*driver_, *registry_, Rng(seed + 3));
    }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    // Not before it is up.
    void join() {
        registry_->start(clock(), cluster::nodes::NodeState::kServing);
        registry_->handle_up(clock());
        reconciler_->start(net::EventLoop::now());
        joined_ = true;
    }
    void turn(Timestamp now) {
        bus_->handle_timeout(now);
        if (!joined_) return;
        registry_->handle_timeout(clock());
        while (const auto event = registry_->poll_event()) {
            using Kind = cluster::nodes::RegistryEvent::Kind;
            if (event->kind == Kind::kNode &&
                event->node.kind == cluster::nodes::TableEvent::Kind::kDied)
                dead.push_back(event->node.node);
            if (event->kind == Kind::kWasAway || event->kind == Kind::kRecordLost)
                placement_->recheck(now);
        }
        placement_->handle_timeout(now);
        reconciler_->handle_timeout(now);
        while (const auto orphan = reconciler_->poll_event())
            orphans.push_back(orphan->room);
        bus_->handle_timeout(now);
    }
    Timestamp next_deadline() const {
        Timestamp next = bus_->next_deadline();
        if (!joined_) return next;
        for (const Timestamp one : {registry_->next_deadline(), placement_->next_deadline(),
                                    reconciler_->next_deadline()})
            next = earlier(next, one);
        return next;
    }
    // What Redis says to a command, later.
    void ask(const std::vector<std::string>& words, std::function<void(const redis::Value&)> fn) {
        const std::vector<std::string_view> views(words.begin(), words.end());
        const auto taken = driver_->command(
            net::EventLoop::now(), views,
            [fn = std::move(fn)](Timestamp, const Result<redis::Value, redis::Fault>& reply) {
                if (reply) fn(*reply);
            });
        REQUIRE(taken.has_value());
    }
    cluster::psrpc::PsrpcBus& bus() { return *bus_; }
    cluster::nodes::NodeRegistry& registry() { return *registry_; }
    cluster::nodes::Placement& placement() { return *placement_; }
    bool is_up() const {
        return driver_->is_up(redis::Line::kCommands) && driver_->is_up(redis::Line::kChannels);
    }

    std::vector<std::string> dead;
    std::vector<std::string> orphans;

  private:
    static cluster::nodes::Clock clock() { return {net::EventLoop::now(), net::EventLoop::wall()}; }
    redis::Events events() {
        return {[this](Timestamp now, std::string_view channel, const std::string& payload) {
                    bus_->handle_message(now, channel, payload);
                },
                [this](Timestamp now, const std::string& channel) {
                    bus_->handle_subscribed(now, channel);
                },
                [this](Timestamp now, redis::Line line) {
                    bus_->handle_up(now, line);
                    if (joined_) registry_->handle_up(clock());
                },
                [this](Timestamp now, redis::Line line, const redis::Fault& fault) {
                    bus_->handle_down(now, line, fault);
                    if (joined_) registry_->handle_down(clock());
                },
                {}};
    }

    std::unique_ptr<net::RedisDriver> driver_;
    std::unique_ptr<cluster::psrpc::PsrpcBus> bus_;
    std::unique_ptr<cluster::nodes::NodeRegistry> registry_;
    std::unique_ptr<cluster::nodes::Placement> placement_;
    std::unique_ptr<cluster::nodes::NodeReconciler> reconciler_;
    bool joined_ = false;
};

class World {
  public:
    static constexpr Duration kPatience = Duration::seconds(40);

    World() {
        loop_.set_turn_hook([this] { turn(); });
        until([this] { return a->is_up() && b->is_up(); });
    }
    ~World() { loop_.set_turn_hook({}); }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    void pass(Duration time) {
        net::EventLoop::Timer end(loop_);
        end.set(net::EventLoop::now() + time, [this] { stop(); });
        run();
    }
    void until(std::function<bool()> done) {
        done_ = std::move(done);
        net::EventLoop::Timer end(loop_);
        end.set(net::EventLoop::now() + kPatience, [this] { stop(); });
        run();
        REQUIRE(std::exchange(done_, nullptr)());
    }

  private:
    // Once for each run: a second one would end the next.
    void stop() {
        if (!std::exchange(stopping_, true)) loop_.stop();
    }
    // What was asked for before has a turn at once.
    void run() {
        stopping_ = false;
        loop_.post([] {});
        loop_.run();
    }
    void turn() {
        Timestamp next = Timestamp::never();
        for (Node* node : {a.get(), b.get()}) {
            if (node == nullptr) continue;
            node->turn(net::EventLoop::now());
            next = earlier(next, node->next_deadline());
        }
        wake_.set(next, [] {});
        if (done_ && done_()) stop();
    }

    net::EventLoop loop_;
    net::EventLoop::Timer wake_{loop_};
    std::function<bool()> done_;
    bool stopping_ = false;

  public:
    std::unique_ptr<Node> a = std::make_unique<Node>(loop_, redis_port, "ND_a", 1);
    std::unique_ptr<Node> b = std::make_unique<Node>(loop_, redis_port, "ND_b", 2);
};

}  // namespace confab
