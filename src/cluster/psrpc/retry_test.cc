// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/psrpc/retry.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/machine.h"
#include "rpc/bus_contract_testing.h"
#include "rpc/local_bus.h"

namespace confab::cluster::psrpc {
namespace {

using rpc::Code;
using rpc::Reply;
using rpc::Request;

static_assert(SansIoMachine<Retrier>);

constexpr rpc::Method kCreate{"RoomManager", "CreateRoom"};

// A server that answers as it is told, and a client that tries again.
struct World {
    World() {
        server = *there.serve(kCreate, {},
                              [this](const Request& request, Reply reply) {
                                  begun.push_back(request.now);
                                  timeouts.push_back((request.deadline - request.now).ms());
                                  if (begun.size() > codes.size())
                                      return reply("good:" + request.payload);
                                  if (codes[begun.size() - 1] == Code::kDeadlineExceeded)
                                      return held.push_back(std::move(reply));
                                  reply(fail(rpc::Error{codes[begun.size() - 1], "no", {}}));
                              },
                              {});
    }
    void start(const RetryPlan& plan) {
        id = retrier->call(now, kCreate, {}, "x", {}, plan, [this](const rpc::Outcome& outcome) {
            CHECK(heard.empty());
            heard = rpc::testing::text_of(outcome);
        });
    }
    void pass(Duration time) {
        const Timestamp end = now + time;
        while (true) {
            Timestamp next = hub.next_deadline();
            if (retrier) next = earlier(next, retrier->next_deadline());
            if (next > end) break;
            now = std::max(now, next);
            hub.handle_timeout(now);
            if (retrier) retrier->handle_timeout(now);
        }
        now = end;
    }

    Timestamp now = Timestamp::micros(1'000'000);
    rpc::LocalHub hub;
    rpc::LocalBus here{hub, "ND_a"};
    rpc::LocalBus there{hub, "ND_b"};
    rpc::Registration server;
    std::unique_ptr<Retrier> retrier = std::make_unique<Retrier>(here, 1);
    std::vector<Code> codes;
    std::vector<Timestamp> begun;
    std::vector<std::int64_t> timeouts;
    std::vector<Reply> held;
    std::string heard;
    rpc::CallId id;
};

}  // namespace

TEST_CASE("Retrier: three attempts of 3, 5 and 7 s without a pause [PSR-17]") {
    World world;
    world.codes = {Code::kDeadlineExceeded, Code::kDeadlineExceeded, Code::kDeadlineExceeded};
    world.start(kDefaultRetry);
    world.pass(Duration::millis(14'990));
    CHECK(world.heard.empty());
    world.pass(Duration::millis(20));
    CHECK(world.heard == "deadline_exceeded: request timed out");
    CHECK(world.timeouts == std::vector<std::int64_t>{3000, 5000, 7000});
    CHECK(world.retrier->calls() == 0);
    CHECK(world.retrier->next_deadline().is_never());
}

TEST_CASE("Retrier: the first success is the answer [PSR-17]") {
    World world;
    world.codes = {Code::kUnavailable, Code::kUnavailable};
    world.start(kCreateRoomRetry);
    world.pass(Duration::millis(1));
    CHECK(world.heard == "good:x");
    CHECK(world.timeouts == std::vector<std::int64_t>{10'000, 10'000, 10'000});
}

TEST_CASE("Retrier: other errors are the answer, exhaustion only if the plan says so [PSR-17]") {
    for (const Code code : {Code::kNotFound, Code::kInternal, Code::kCanceled,
                            Code::kResourceExhausted, Code::kUnknown}) {
        World world;
        world.codes = {code};
        world.start(kDefaultRetry);
        world.pass(Duration::seconds(1));
        CHECK(world.heard == std::string(rpc::to_text(code)) + ": no");
        CHECK(world.begun.size() == 1);
    }
    World world;
    world.codes = {Code::kResourceExhausted};
    world.start(kEgressRetry);
    world.pass(Duration::seconds(3));
    CHECK(world.heard == "good:x");
}

TEST_CASE("Retrier: egress waits 1 to 2, then 2 to 4 s, and its timeouts double [PSR-17]") {
    World world;
    world.codes = {Code::kUnavailable, Code::kUnavailable, Code::kUnavailable};
    world.start(kEgressRetry);
    world.pass(Duration::seconds(10));
    CHECK(world.heard == "unavailable: no");
    REQUIRE(world.begun.size() == 3);
    CHECK(world.timeouts == std::vector<std::int64_t>{10'000, 20'000, 40'000});
    const Duration first = world.begun[1] - world.begun[0];
    const Duration second = world.begun[2] - world.begun[1];
    CHECK(first >= Duration::seconds(1));
    CHECK(first < Duration::seconds(2));
    CHECK(second >= Duration::seconds(2));
    CHECK(second < Duration::seconds(4));
}

TEST_CASE("Retrier: cancelled or destroyed it answers nobody") {
    for (const bool destroy : {false, true})
        for (const bool pausing : {false, true}) {
            World world;
            world.codes = {pausing ? Code::kUnavailable : Code::kDeadlineExceeded};
            world.start(kEgressRetry);
            world.pass(Duration::millis(100));
            if (destroy)
                world.retrier.reset();
            else
                world.retrier->cancel(world.id);
            world.pass(Duration::seconds(60));
            CHECK(world.heard.empty());
            CHECK(world.begun.size() == 1);
        }
}

TEST_CASE("Retrier: one call more than kMaxCalls is refused [IMM-15]") {
    World world;
    world.server = rpc::Registration();
    std::size_t refused = 0;
    for (std::size_t i = 0; i < Retrier::kMaxCalls + 1; ++i)
        world.retrier->call(world.now, kCreate, {}, "x", {}, kDefaultRetry,
                            [&refused](const rpc::Outcome& outcome) {
                                refused += outcome.error().text == "too many calls are waiting";
                            });
    CHECK(world.retrier->calls() == Retrier::kMaxCalls + 1);
    world.retrier->handle_timeout(world.now);
    CHECK(refused == 1);
    CHECK(world.retrier->calls() == Retrier::kMaxCalls);
}

}  // namespace confab::cluster::psrpc
