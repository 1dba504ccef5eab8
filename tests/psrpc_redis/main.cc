// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What every bus must do (rpc/bus_contract_testing.h), by two nodes with sockets of their own over
// a real redis-server, which tests/cluster/run_psrpc_redis starts: driver, client and bus together.
// The checks of the contract that hang on tenths of a second stay with the server in memory.
// usage: psrpc_redis PORT
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>
#include <functional>
#include <iostream>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "cluster/psrpc/psrpc_bus.h"
#include "redis/client.h"
#include "rpc/bus_contract_testing.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/redis/redis_driver.h"

namespace confab {
namespace {

std::uint16_t redis_port = 0;

constexpr Duration kPatience = Duration::seconds(10);
// Beyond what a check lets pass: what is due at the end of it happens.
constexpr Duration kGrace = Duration::millis(150);

// A node's Redis and its bus.
class Node {
  public:
    Node(net::EventLoop& loop, const std::string& id, std::uint64_t seed) {
        const Timestamp now = net::EventLoop::now();
        auto client = std::make_unique<redis::Client>(now, redis::Address{"127.0.0.1", redis_port},
                                                      redis::Login{}, events(), seed);
        driver_ = net::RedisDriver::make(loop, std::move(client), {}).value();
        const auto wall = [](Timestamp at) {
            return net::EventLoop::wall() + (at - net::EventLoop::now());
        };
        bus_ = std::make_unique<cluster::psrpc::PsrpcBus>(
            *driver_, cluster::psrpc::Settings{id, true}, wall, seed);
    }
    cluster::psrpc::PsrpcBus& bus() { return *bus_; }
    bool is_up() const {
        return driver_->is_up(redis::Line::kCommands) && driver_->is_up(redis::Line::kChannels);
    }

  private:
    redis::Events events() {
        return {[this](Timestamp now, std::string_view channel, const std::string& payload) {
                    bus_->handle_message(now, channel, payload);
                },
                [this](Timestamp now, const std::string& channel) {
                    bus_->handle_subscribed(now, channel);
                },
                [this](Timestamp now, redis::Line line) { bus_->handle_up(now, line); },
                [this](Timestamp now, redis::Line line, const redis::Fault& fault) {
                    bus_->handle_down(now, line, fault);
                },
                {}};
    }

    std::unique_ptr<net::RedisDriver> driver_;
    std::unique_ptr<cluster::psrpc::PsrpcBus> bus_;
};

// A bus whose servers and listeners are known to Redis when it says that they are: two connections
// keep no order between them.
class SettledBus final : public rpc::Bus {
  public:
    SettledBus(rpc::Bus& bus, std::function<void()> settle)
        : bus_(bus), settle_(std::move(settle)) {}

    Result<rpc::Registration, rpc::Error> serve(const rpc::Method& method, rpc::Topic topic,
                                                rpc::Handler handler,
                                                rpc::Affinity affinity) override {
        auto served = bus_.serve(method, std::move(topic), std::move(handler), std::move(affinity));
        settle_();
        return served;
    }
    Result<rpc::Registration, rpc::Error> serve_stream(const rpc::Method& method, rpc::Topic topic,
                                                       rpc::StreamHandler handler) override {
        auto served = bus_.serve_stream(method, std::move(topic), std::move(handler));
        settle_();
        return served;
    }
    rpc::Registration subscribe(const rpc::Method& method, rpc::Topic topic,
                                rpc::Listener listener) override {
        auto listens = bus_.subscribe(method, std::move(topic), std::move(listener));
        settle_();
        return listens;
    }
    rpc::CallId call(Timestamp now, const rpc::Method& method, rpc::Topic topic,
                     std::string request, rpc::CallOptions options, rpc::Reply done) override {
        return bus_.call(now, method, std::move(topic), std::move(request), std::move(options),
                         std::move(done));
    }
    rpc::CallId gather(Timestamp now, const rpc::Method& method, rpc::Topic topic,
                       std::string request, rpc::CallOptions options,
                       std::function<void(rpc::Outcome)> each, Callback<> finished) override {
        return bus_.gather(now, method, std::move(topic), std::move(request), std::move(options),
                           std::move(each), std::move(finished));
    }
    void cancel(rpc::CallId call) override { bus_.cancel(call); }
    void open(Timestamp now, const rpc::Method& method, rpc::Topic topic, std::string request,
              rpc::CallOptions options, rpc::Opened opened) override {
        bus_.open(now, method, std::move(topic), std::move(request), std::move(options),
                  std::move(opened));
    }
    void publish(const rpc::Method& method, rpc::Topic topic, std::string message) override {
        bus_.publish(method, std::move(topic), std::move(message));
    }

  private:
    rpc::Bus& bus_;
    std::function<void()> settle_;
};

class World {
  public:
    World() {
        loop_.set_turn_hook([this] { turn(); });
        until([this] { return a_.is_up() && b_.is_up(); });
    }
    ~World() { loop_.set_turn_hook({}); }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    rpc::testing::Network network() {
        return {settled_a_, settled_b_, net::EventLoop::now, [this](Duration time) { pass(time); }};
    }

  private:
    void settle() {
        until([this] { return a_.bus().is_ready() && b_.bus().is_ready(); });
    }
    void turn() {
        const Timestamp now = net::EventLoop::now();
        for (Node* node : {&a_, &b_})
            node->bus().handle_timeout(now);
        wake_.set(earlier(a_.bus().next_deadline(), b_.bus().next_deadline()), [] {});
        if (done_ && done_()) stop();
    }
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
    void pass(Duration time) {
        net::EventLoop::Timer end(loop_);
        end.set(net::EventLoop::now() + time + kGrace, [this] { stop(); });
        run();
    }
    void until(std::function<bool()> done) {
        done_ = std::move(done);
        net::EventLoop::Timer end(loop_);
        end.set(net::EventLoop::now() + kPatience, [this] { stop(); });
        run();
        REQUIRE(std::exchange(done_, nullptr)());
    }

    net::EventLoop loop_;
    net::EventLoop::Timer wake_{loop_};
    std::function<bool()> done_;
    bool stopping_ = false;
    Node a_{loop_, "ND_a", 1};
    Node b_{loop_, "ND_b", 2};
    SettledBus settled_a_{a_.bus(), [this] { settle(); }};
    SettledBus settled_b_{b_.bus(), [this] { settle(); }};
};

}  // namespace

TEST_CASE("calls and their errors [PSR-05] [PSR-10] [PSR-18] [PSR-20]") {
    World world;
    rpc::testing::check_unary(world.network());
}
TEST_CASE("who is chosen [PSR-09] [PSR-11]") {
    World world;
    rpc::testing::check_selection(world.network());
}
TEST_CASE("many servers, many listeners [PSR-07] [PSR-14]") {
    World world;
    rpc::testing::check_many(world.network());
}
TEST_CASE("streams [PSR-16]") {
    World world;
    rpc::testing::check_streams(world.network());
}

}  // namespace confab

int main(int argc, char** argv) {
    const int port = argc == 2 ? std::atoi(argv[1]) : 0;
    if (port <= 0 || port > std::numeric_limits<std::uint16_t>::max()) {
        std::cerr << "usage: psrpc_redis PORT\n";
        return 2;
    }
    confab::redis_port = static_cast<std::uint16_t>(port);
    return doctest::Context(1, argv).run();
}
