// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Nodes with a bus each over one Redis in memory, in virtual time.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/psrpc/channel.h"
#include "cluster/psrpc/envelope.h"
#include "cluster/psrpc/psrpc_bus.h"
#include "psrpc_internal.pb.h"
#include "redis/memory_server.h"
#include "rpc/bus_contract_testing.h"

namespace confab::cluster::psrpc::testing {

using rpc::testing::answers;
using rpc::testing::text_of;

inline constexpr std::string_view kNobody = "unavailable: no response from servers";

class Node {
  public:
    Node(redis::MemoryServer& server, Timestamp now, Settings settings, std::uint64_t seed)
        : port_(server.attach(now, events())),
          bus_(std::make_unique<PsrpcBus>(
              *port_, std::move(settings),
              [this](Timestamp t) {
                  return UnixTime::seconds(1'700'000'000) + (t - Timestamp()) + skew;
              },
              seed)) {}
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    PsrpcBus& bus() { return *bus_; }
    PsrpcBus* operator->() { return bus_.get(); }
    void destroy_bus() { bus_.reset(); }
    bool has_bus() const { return bus_ != nullptr; }
    const Faults faults() const { return bus_->snapshot().faults; }

    Duration skew;

  private:
    redis::Events events() {
        return {
            [this](Timestamp now, std::string_view channel, const std::string& payload) {
                if (bus_) bus_->handle_message(now, channel, payload);
            },
            [this](Timestamp now, const std::string& channel) {
                if (bus_) bus_->handle_subscribed(now, channel);
            },
            [this](Timestamp now, redis::Line line) {
                if (bus_) bus_->handle_up(now, line);
            },
            [this](Timestamp now, redis::Line line, const redis::Fault& fault) {
                if (bus_) bus_->handle_down(now, line, fault);
            },
            [this](Timestamp now, const std::string& channel, const std::string& error) {
                if (bus_) bus_->handle_refused(now, channel, error);
            },
        };
    }

    std::unique_ptr<redis::Port> port_;
    std::unique_ptr<PsrpcBus> bus_;
};

class Cluster {
  public:
    explicit Cluster(std::size_t count = 2, bool listeners_are_known = true) {
        for (std::size_t i = 0; i < count; ++i)
            nodes.push_back(std::make_unique<Node>(
                server, now,
                Settings{std::string("ND_") + static_cast<char>('a' + i), listeners_are_known},
                i + 1));
        pass(Duration::millis(10));
    }

    // Lets everything happen that is due within this time.
    void pass(Duration time) {
        const Timestamp end = now + time;
        for (Timestamp next = next_deadline(); next <= end; next = next_deadline()) {
            now = std::max(now, next);
            server.handle_timeout(now);
            for (const auto& node : nodes)
                if (node->has_bus() && node->bus().next_deadline() <= now)
                    node->bus().handle_timeout(now);
        }
        now = end;
    }
    Timestamp next_deadline() const {
        Timestamp next = server.next_deadline();
        for (const auto& node : nodes)
            if (node->has_bus()) next = earlier(next, node->bus().next_deadline());
        return next;
    }
    rpc::testing::Network network() {
        return {a().bus(), b().bus(), [this] { return now; },
                [this](Duration time) { pass(time); }};
    }
    Node& a() { return *nodes.at(0); }
    Node& b() { return *nodes.at(1); }

    // Calls from a node, and gives what came back within `wait`, or "waiting".
    std::string call(Node& from, const rpc::Method& method, const rpc::Topic& topic,
                     std::string request, rpc::CallOptions options = {},
                     Duration wait = Duration::seconds(20)) {
        const auto answer = start(from, method, topic, std::move(request), std::move(options));
        pass(wait);
        return *answer;
    }
    std::shared_ptr<std::string> start(Node& from, const rpc::Method& method,
                                       const rpc::Topic& topic, std::string request,
                                       rpc::CallOptions options = {}) {
        const auto answer = std::make_shared<std::string>("waiting");
        from->call(now, method, topic, std::move(request), std::move(options),
                   [answer](const rpc::Outcome& outcome) {
                       CHECK(*answer == "waiting");
                       *answer = text_of(outcome);
                   });
        return answer;
    }
    // Nothing of calls, claims, handlers and messages is left.
    void check_idle() {
        for (const auto& node : nodes) {
            const PsrpcBus::Snapshot left = node->bus().snapshot();
            CHECK(left.calls == 0);
            CHECK(left.claims == 0);
            CHECK(left.running == 0);
            CHECK(left.unacknowledged == 0);
            CHECK(left.steps == 0);
        }
    }

    redis::MemoryServer server;
    Timestamp now = Timestamp::micros(1'000'000);
    std::vector<std::unique_ptr<Node>> nodes;
};

// What is published on all channels, and what is done with it.
struct Wire {
    explicit Wire(Cluster& cluster) {
        cluster.server.filter = [this](std::string_view channel, std::string_view payload) {
            lines.push_back({std::string(channel), std::string(payload)});
            return !drop || !drop(channel);
        };
    }
    // Of the latest payload on a channel that ends like this.
    std::pair<std::string, std::string> last(std::string_view end) const {
        for (auto it = lines.rbegin(); it != lines.rend(); ++it)
            if (it->first.ends_with(end)) return *it;
        FAIL("nothing on " << end);
        return {};
    }
    std::size_t count(std::string_view end) const {
        return static_cast<std::size_t>(
            std::count_if(lines.begin(), lines.end(),
                          [end](const auto& line) { return line.first.ends_with(end); }));
    }
    std::function<bool(std::string_view channel)> drop;
    std::vector<std::pair<std::string, std::string>> lines;
};

template <typename Message>
Message opened(std::string_view payload) {
    const auto envelope = open(payload);
    REQUIRE(envelope);
    auto message = read<Message>(*envelope);
    REQUIRE(message);
    return *std::move(message);
}

}  // namespace confab::cluster::psrpc::testing
