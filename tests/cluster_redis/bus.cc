// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What every bus must do (rpc/bus_contract_testing.h), over a real Redis. The checks that hang on
// tenths of a second stay with the server in memory.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <utility>

#include "node.h"
#include "rpc/bus_contract_testing.h"

namespace confab {
namespace {

// Beyond what a check lets pass: what is due at the end of it happens.
constexpr Duration kGrace = Duration::millis(150);

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

struct Buses {
    explicit Buses(World& in) : world(in) {}
    rpc::testing::Network network() {
        return {a, b, net::EventLoop::now, [this](Duration time) { world.pass(time + kGrace); }};
    }
    void settle() {
        world.until(
            [this] { return world.a->bus().is_listening() && world.b->bus().is_listening(); });
    }

    World& world;
    SettledBus a{world.a->bus(), [this] { settle(); }};
    SettledBus b{world.b->bus(), [this] { settle(); }};
};

}  // namespace

TEST_CASE("calls and their errors [PSR-05] [PSR-10] [PSR-18] [PSR-20]") {
    World world;
    Buses buses(world);
    rpc::testing::check_unary(buses.network());
}
TEST_CASE("who is chosen [PSR-09] [PSR-11]") {
    World world;
    Buses buses(world);
    rpc::testing::check_selection(buses.network());
}
TEST_CASE("many servers, many listeners [PSR-07] [PSR-14]") {
    World world;
    Buses buses(world);
    rpc::testing::check_many(buses.network());
}
TEST_CASE("streams [PSR-16]") {
    World world;
    Buses buses(world);
    rpc::testing::check_streams(buses.network());
}

}  // namespace confab
