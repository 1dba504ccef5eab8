// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/by_cluster_id.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include "cluster/services/methods.h"
#include "cluster/services/services_testing.h"

namespace confab::cluster::services {
namespace {

using testing::World;

struct Asking {
    explicit Asking(std::vector<std::string> list)
        : ids(world.retrier, world.turns, std::move(list)) {
        world.drive(world.retrier);
        world.drive(world.turns);
    }
    // A service with that id, which answers with it, or refuses.
    void serve(const std::string& id, std::optional<rpc::Code> refuses = {}) {
        auto served =
            world.worker().bus().serve(kDialSip, id.empty() ? rpc::Topic{} : rpc::Topic{id},
                                       [this, id, refuses](const rpc::Request&, rpc::Reply reply) {
                                           asked.push_back(id);
                                           if (refuses)
                                               return reply(fail(rpc::Error{*refuses, "no", {}}));
                                           reply(std::string(id));
                                       },
                                       {});
        REQUIRE(served);
        kept.push_back(*std::move(served));
        world.pass(Duration::millis(100));
    }
    std::string ask() {
        std::string said = "waiting";
        plan.attempts = 1;
        ids.call(world.now(), kDialSip, "request", {}, plan, [&](const rpc::Outcome& outcome) {
            said = outcome ? "by " + *outcome : outcome.error().text;
        });
        world.pass(Duration::seconds(10));
        return said;
    }

    World world;
    ByClusterId ids;
    psrpc::RetryPlan plan;
    std::vector<std::string> asked;
    std::vector<rpc::Registration> kept;
};

}  // namespace

TEST_CASE("ByClusterId: without ids those are asked that have none [RPC-31]") {
    Asking none({});
    none.serve("fleet");
    CHECK(none.ask() == "no response from servers");
    none.serve("");
    CHECK(none.ask() == "by ");
}

TEST_CASE("ByClusterId: one after the other until one is there [RPC-31]") {
    Asking three({"a", "", "b"});
    CHECK(three.ask() == "no response from servers");
    three.serve("b");
    CHECK(three.ask() == "by b");
    three.serve("");
    CHECK(three.ask() == "by ");
    three.serve("a");
    CHECK(three.ask() == "by a");
    CHECK(three.asked == std::vector<std::string>{"b", "", "a"});
}

TEST_CASE("ByClusterId: who is there and refuses has been asked [RPC-31]") {
    for (const rpc::Code code :
         {rpc::Code::kInvalidArgument, rpc::Code::kUnavailable, rpc::Code::kResourceExhausted}) {
        Asking two({"a", "b"});
        two.serve("a", code);
        two.serve("b");
        CHECK(two.ask() == "no");
        CHECK(two.asked == std::vector<std::string>{"a"});
    }
    // Where that is a reason to ask again it is one to ask others.
    Asking full({"a", "b"});
    full.plan.when_exhausted = true;
    full.serve("a", rpc::Code::kResourceExhausted);
    full.serve("b");
    CHECK(full.ask() == "by b");
}

}  // namespace confab::cluster::services
