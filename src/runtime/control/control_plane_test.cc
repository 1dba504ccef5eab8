// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The driver with a real media worker: what it must do by itself, without anybody at its door.
#include "runtime/control/control_plane.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/control/shards/control_node.h"
#include "runtime/net/net_testing.h"
#include "runtime/telemetry/log.h"
#include "runtime/worker/media_node.h"

namespace confab::control {
namespace {

class Node {
  public:
    Node() {
        worker::MediaNodeOptions media;
        media.workers = 1;
        media.pin = false;
        media.addresses = {IpAddress::v4(0x7F000001)};
        media_ = worker::MediaNode::start(std::move(media), net::EventLoop::wall()).value();
        thread_.call([&] {
            ControlNodeOptions options;
            options.room.node_id = "ND_test";
            options.room.media.workers.resize(1);
            options.bus_turn = [this](Timestamp) {
                if (const auto fn = std::exchange(next_turn, nullptr)) fn();
            };
            control_ = std::make_unique<ControlNode>(thread_.loop(), *media_, keys_, metrics_,
                                                     std::move(options), 1);
        });
    }
    ~Node() {
        thread_.call([&] { control_.reset(); });
    }
    worker::ControlPort& media() { return media_->port(0); }  // of the control thread only
    void stop_workers() { media_->stop(); }
    template <typename F>
    auto call(F f) {
        return thread_.call([&] { return f(*control_); });
    }

    std::function<void()> next_turn;  // once; of the control thread only

  private:
    net::LoopThread thread_;
    token::KeyMap keys_;
    telemetry::Metrics metrics_{"ND_test"};
    std::unique_ptr<worker::MediaNode> media_;
    std::unique_ptr<ControlNode> control_;
};

// What a call over the bus ends with, while nothing else happens on the loop.
std::string outcome_of(Node& node, const rpc::Method& method, Duration timeout) {
    const auto answer = std::make_shared<std::promise<std::string>>();
    std::future<std::string> waiting = answer->get_future();
    node.call([&](ControlNode& control) {
        rpc::CallOptions options;
        options.timeout = timeout;
        control.bus().call(net::EventLoop::now(), method, {}, "x", std::move(options),
                           [answer](const rpc::Outcome& outcome) {
                               answer->set_value(outcome ? *outcome : outcome.error().text);
                           });
    });
    if (waiting.wait_for(std::chrono::seconds(10)) != std::future_status::ready) return "waiting";
    return waiting.get();
}

}  // namespace

TEST_CASE("ControlPlane: the services of the node meet on its bus [PSR-10] [PSR-12] [API-W7]") {
    Node node;
    constexpr rpc::Method kEcho{"Room", "Echo"};
    constexpr rpc::Method kSilent{"Room", "Silent"};
    CHECK(outcome_of(node, kEcho, Duration::seconds(3)) == "no response from servers");

    rpc::Reply held;
    std::vector<rpc::Registration> registrations;
    node.call([&](ControlNode& control) {
        rpc::Handler echo = [](const rpc::Request& request, rpc::Reply reply) {
            reply(request.payload + "!");
        };
        rpc::Handler silent = [&held](const rpc::Request&, rpc::Reply reply) {
            held = std::move(reply);
        };
        registrations.push_back(*control.bus().serve(kEcho, {}, std::move(echo), {}));
        registrations.push_back(*control.bus().serve(kSilent, {}, std::move(silent), {}));
    });
    CHECK(outcome_of(node, kEcho, Duration::seconds(3)) == "x!");
    // Only the timer of the control plane can end this one.
    CHECK(outcome_of(node, kSilent, Duration::millis(20)) == "request timed out");
    node.call([&](ControlNode&) {
        registrations.clear();
        held = {};
    });
}

TEST_CASE("ControlPlane: what did not fit a worker's ring follows, though nobody asks [DES-41]") {
    Node node;
    std::promise<bool> waiting;
    std::unique_ptr<net::EventLoop::Timer> look;
    node.call([&](ControlNode& control) {
        // The worker may be awake and take some at the same time.
        constexpr std::uint64_t kEnough = 1000 * worker::Mailbox::kCommands;
        for (std::uint64_t i = 0; i < kEnough && !node.media().commands_waiting(); ++i)
            node.media().send(0, sfu::ClosePeer{sfu::PeerId(i + 1)});
        CHECK(node.media().commands_waiting());
        // Looks before the turn of the loop that it makes itself.
        look = std::make_unique<net::EventLoop::Timer>(control.loop());
        look->set(net::EventLoop::now() + Duration::seconds(1),
                  [&] { waiting.set_value(node.media().commands_waiting()); });
    });
    CHECK_FALSE(waiting.get_future().get());
    node.call([&](ControlNode&) { look.reset(); });
}

// A join that the cluster hands over in its turn was answered up to a second later.
TEST_CASE("ControlPlane: what is done with rooms in a turn is carried out in it [DES-41]") {
    bool told = false;
    telemetry::LogOptions log;
    log.level = telemetry::LogLevel::kInfo;
    log.sink = [&told](std::string_view line) {
        told = told || line.find("room_started") != std::string_view::npos;
    };
    telemetry::init_log(log);
    {
        Node node;
        std::promise<bool> carried_out;
        std::promise<void> again;
        node.call([&](ControlNode& control) {
            node.next_turn = [&] {
                livekit::CreateRoomRequest request;
                request.set_name("a");
                (void)control.first().rooms().create_room(control.first().clock(), request);
                // Comes before the next turn, and makes none: only what was carried out does.
                control.loop().post([&] {
                    carried_out.set_value(told);
                    node.next_turn = [&] { again.set_value(); };
                });
            };
        });
        CHECK(carried_out.get_future().get());
        CHECK(again.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready);
    }
    telemetry::init_log({});
}

TEST_CASE("ControlPlane: that a worker takes no commands is told once [DC-20]") {
    std::atomic<int> told = 0;
    telemetry::LogOptions log;
    log.level = telemetry::LogLevel::kError;
    log.sink = [&told](std::string_view line) {
        if (line.find("does not take its commands") != std::string_view::npos) ++told;
    };
    telemetry::init_log(log);
    {
        Node node;
        node.stop_workers();
        node.call([&](ControlNode&) {
            sfu::SendData data;
            data.payload = Bytes(std::size_t{1} << 20U);
            while (node.media().commands_dropped() == 0)
                node.media().send(0, data);
        });
        // While commands wait it turns each millisecond, and could say it each time.
        std::promise<void> turned;
        std::unique_ptr<net::EventLoop::Timer> later;
        node.call([&](ControlNode& control) {
            later = std::make_unique<net::EventLoop::Timer>(control.loop());
            later->set(net::EventLoop::now() + Duration::millis(50), [&] { turned.set_value(); });
        });
        turned.get_future().wait();
        node.call([&](ControlNode&) { later.reset(); });
    }
    telemetry::init_log({});
    CHECK(told == 1);
}

}  // namespace confab::control
