// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Many calls of all kinds between three nodes while messages are lost, doubled and late and Redis
// comes and goes: whatever happens, each call is answered once, each request of a queue handled at
// most once, and nothing stays.
#include <doctest/doctest.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "base/rng.h"
#include "cluster/psrpc/psrpc_testing.h"

namespace confab::cluster::psrpc {
namespace {

using namespace testing;
using rpc::Flow;
using rpc::Method;
using rpc::Reply;
using rpc::Request;

constexpr std::array kMethods = {
    Method{"Room", "Echo", Flow::kQueue},
    Method{"IngressHandler", "Notify", Flow::kQueue, true},
    Method{"AgentInternal", "JobRequest", Flow::kAffinity},
    Method{"EgressInternal", "List", Flow::kMulti},
    Method{"Some", "Session", Flow::kStream},
    Method{"Signal", "RelaySignal", Flow::kStream, true},
};

class World {
  public:
    explicit World(std::uint64_t seed) : rng_(seed), cluster_(3) {
        cluster_.server.filter = [this](std::string_view channel, std::string_view payload) {
            return filter(channel, payload);
        };
        for (std::size_t i = 0; i < 3; ++i)
            register_all(i);
    }

    void run(int steps) {
        for (int i = 0; i < steps; ++i) {
            const std::uint64_t what = rng_.below(100);
            if (what < 60) start_call();
            if (what >= 60 && what < 70) use_streams();
            if (what >= 70 && what < 80) answer_some();
            if (what == 90) disturb();
            if (what == 91) register_all(rng_.below(3));
            pass(Duration::micros(static_cast<std::int64_t>(rng_.below(20'000))));
        }
    }
    // Redis is back, all is let go: every call has had its answer.
    void finish() {
        calm();
        rough_ = false;
        pass(Duration::seconds(10));
        held_.clear();
        streams_.clear();
        registrations_.clear();
        pass(Duration::seconds(10));
        cluster_.check_idle();
        for (const auto& node : cluster_.nodes)
            CHECK(node->bus().snapshot().streams == 0);
        for (const auto& [name, count] : answers_) {
            CAPTURE(name);
            CHECK(count == 1);
        }
        CHECK(answers_.size() == started_);
        for (const auto& [name, count] : runs_) {
            CAPTURE(name);
            CHECK(count == 1);
        }
    }
    std::size_t good() const { return good_; }
    std::size_t started() const { return started_; }

  private:
    struct Late {
        Timestamp at;
        std::string channel;
        std::string payload;
    };

    bool filter(std::string_view channel, std::string_view payload) {
        if (!rough_ || injecting_) return true;
        const std::uint64_t chance = rng_.below(100);
        if (chance < 4) return false;
        if (chance < 12)  // late instead, or twice
            late_.push_back({cluster_.now + Duration::micros(static_cast<std::int64_t>(
                                                rng_.below(chance < 8 ? 3'000 : 7'000'000))),
                             std::string(channel), std::string(payload)});
        return chance >= 8;
    }
    void pass(Duration time) {
        const Timestamp end = cluster_.now + time;
        while (cluster_.now < end) {
            cluster_.pass(std::min(end - cluster_.now, Duration::millis(2)));
            injecting_ = true;
            for (std::size_t i = 0; i < late_.size();) {
                if (late_[i].at > cluster_.now) {
                    ++i;
                    continue;
                }
                cluster_.server.publish(cluster_.now, late_[i].channel, late_[i].payload);
                late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(i));
            }
            injecting_ = false;
        }
    }

    void register_all(std::size_t node) {
        registrations_[node].clear();
        PsrpcBus& bus = cluster_.nodes[node]->bus();
        for (const Method& method : kMethods) {
            if (rng_.below(4) == 0) continue;
            const bool everywhere = method.flow == Flow::kMulti;
            const std::string key = everywhere ? "@" + std::to_string(node) : "";
            if (method.flow == Flow::kStream)
                registrations_[node].push_back(*bus.serve_stream(
                    method, {}, [this](const Request&, std::shared_ptr<rpc::Stream> stream) {
                        adopt(std::move(stream));
                    }));
            else
                registrations_[node].push_back(*bus.serve(
                    method, {},
                    [this, key](const Request& request, Reply reply) {
                        ++runs_[request.payload + key];
                        handle(std::move(reply));
                    },
                    [this](const Request&) {
                        return static_cast<double>(rng_.below(12)) / 10 - 0.1;
                    }));
        }
    }
    void handle(Reply reply) {
        const std::uint64_t chance = rng_.below(10);
        if (chance < 5) return reply(std::string("good"));
        if (chance < 7) return reply(fail(rpc::Error{rpc::Code::kNotFound, "no such", {}}));
        if (chance < 9) held_.push_back(std::move(reply));
    }
    void answer_some() {
        if (held_.empty()) return;
        const auto at = held_.begin() + static_cast<std::ptrdiff_t>(rng_.below(held_.size()));
        Reply reply = std::move(*at);
        held_.erase(at);
        if (rng_.below(5) > 0) reply(std::string("good"));
    }

    void start_call() {
        PsrpcBus& bus = cluster_.nodes[rng_.below(3)]->bus();
        const Method& method = kMethods.at(rng_.below(kMethods.size()));
        const std::string name = "call" + std::to_string(++started_);
        rpc::CallOptions options;
        options.timeout = Duration::millis(static_cast<std::int64_t>(rng_.below(5000)));
        const auto count = [this, name](bool good) {
            ++answers_[name];
            good_ += good ? 1U : 0U;
        };
        if (method.flow == Flow::kStream)
            return bus.open(cluster_.now, method, {}, name, options,
                            [this, count](Result<std::shared_ptr<rpc::Stream>, rpc::Error> result) {
                                count(result.has_value());
                                if (result) adopt(*std::move(result));
                            });
        if (method.flow == Flow::kMulti) {
            bus.gather(
                cluster_.now, method, {}, name, options, [](const rpc::Outcome&) {},
                [count] { count(true); });
            return;
        }
        bus.call(cluster_.now, method, {}, name, options,
                 [count](const rpc::Outcome& outcome) { count(outcome.has_value()); });
    }
    void adopt(std::shared_ptr<rpc::Stream> stream) {
        rpc::Stream* raw = stream.get();
        stream->set_handlers(
            [raw] {
                while (raw->receive()) {
                }
            },
            [](const rpc::Error&) {});
        streams_.push_back(std::move(stream));
    }
    void use_streams() {
        if (streams_.empty()) return;
        const std::size_t index = rng_.below(streams_.size());
        if (rng_.below(10) == 0) {
            streams_.erase(streams_.begin() + static_cast<std::ptrdiff_t>(index));
            return;
        }
        const std::string name = "send" + std::to_string(++started_);
        streams_[index]->send(cluster_.now, name, [this, name](const Result<void, rpc::Error>& r) {
            ++answers_[name];
            good_ += r ? 1U : 0U;
        });
    }

    void calm() {
        cluster_.server.go_on(cluster_.now);
        cluster_.server.start(cluster_.now);
    }
    void disturb() {
        switch (rng_.below(4)) {
            case 0:
                return cluster_.server.stop(cluster_.now);
            case 1:
                return cluster_.server.hang(cluster_.now);
            default:
                return calm();
        }
    }

    Rng rng_;
    Cluster cluster_;
    bool rough_ = true;
    bool injecting_ = false;
    std::vector<Late> late_;
    std::map<std::string, int> answers_;
    std::map<std::string, int> runs_;
    std::vector<Reply> held_;
    std::map<std::size_t, std::vector<rpc::Registration>> registrations_;
    std::vector<std::shared_ptr<rpc::Stream>> streams_;
    std::size_t started_ = 0;
    std::size_t good_ = 0;
};

}  // namespace

TEST_CASE("PsrpcBus: any mix of calls, losses and outages [PSR-09] [PSR-10] [PSR-16] [NODE-14]") {
    std::size_t good = 0;
    std::size_t started = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        World world(seed);
        world.run(600);
        world.finish();
        good += world.good();
        started += world.started();
    }
    // Otherwise this shows nothing.
    CHECK(good * 3 > started);
    CHECK(good < started);
    MESSAGE(good << " of " << started << " calls and messages were answered well");
}

}  // namespace confab::cluster::psrpc
