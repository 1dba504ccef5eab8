// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// WHIP clients of one node in rooms of another, over Redis in virtual time; what the sessions
// themselves say is told to a spy.
#include "runtime/control/cluster/whip/cluster_whip.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "api/whip/whip_testing.h"
#include "cluster/methods.h"
#include "rpc_whip.pb.h"
#include "runtime/control/cluster/room_cluster_testing.h"
#include "runtime/control/cluster/whip/whip_servers.h"

namespace confab::control {
namespace {

using Kind = api::WhipAnswer::Kind;

std::string text_of(const api::WhipOutcome& outcome) {
    if (!outcome) return std::to_string(outcome.error().status) + " " + outcome.error().text;
    return std::to_string(api::whip_response(*outcome).status) + " " + outcome->etag + " " +
           outcome->body + " " + outcome->participant_sid;
}

// The sessions of a node: what they are asked; answered at once, or when the test says so.
struct SpyWhip final : WhipBackend {
    std::vector<std::string> calls;
    api::WhipOutcome outcome = api::WhipAnswer{};
    bool holds = false;
    std::vector<std::pair<Timestamp, Reply>> held;  // with when they are to be answered by

    void create(WhipJoin join, Reply reply) override {
        take("create " + join.params.room + " " + join.params.grants.identity, join.answer_by,
             std::move(reply));
    }
    void abandon(const std::string& room, const std::string& identity,
                 std::uint64_t request) override {
        calls.push_back("abandon " + room + " " + identity + " " + std::to_string(request));
    }
    void patch(WhipRequest request, Reply reply) override {
        take("patch " + request.room + " " + request.identity + " " + request.session + " " +
                 request.if_match.value_or("none") + " " + request.body,
             request.answer_by, std::move(reply));
    }
    void remove(WhipRequest request, Reply reply) override {
        take("remove " + request.room + " " + request.identity + " " + request.session,
             request.answer_by, std::move(reply));
    }
    void take(std::string call, Timestamp answer_by, Reply reply) {
        calls.push_back(std::move(call));
        if (!holds) return reply(outcome);
        held.emplace_back(answer_by, std::move(reply));
    }
};

// "a" has the room "r", and the requests come to "b".
struct World : RoomCluster {
    struct End {
        explicit End(RoomsNode& node)
            : servers(node.bus, local, node.id, {},
                      [&node, this](const std::string& room, Callback<bool> here) {
                          if (refuses) {
                              on_refusal();
                              return here(false);
                          }
                          node.places.check_here(node.world.now, room, std::move(here));
                      }),
              whip(ClusterWhip::Parts{
                  local,
                  node.places,
                  [&node](const std::string& room) { return node.servers.has(room); },
                  node.reader,
                  node.retrier,
                  {},
                  node.id,
                  [] {}}) {}
        SpyWhip local;
        bool refuses = false;
        std::function<void()> on_refusal = [] {};
        WhipServers servers;
        ClusterWhip whip;
    };
    std::map<std::string, std::unique_ptr<End>> ends;

    World() : RoomCluster(2) {
        for (auto& [id, node] : nodes)
            ends[id] = std::make_unique<End>(*node);
        set("room_node_map", "r", "a");
        a().servers.add_room("r");
        store_participant("r", "encoder");
    }
    End& here() { return *ends.at("b"); }
    End& there() { return *ends.at("a"); }
    void kill(const std::string& id) {
        ends.erase(id);
        RoomCluster::kill(id);
    }

    static WhipJoin join(std::vector<api::WhipTrackName> awaited = {},
                         const std::string& room = "r") {
        WhipJoin join;
        join.params.room = room;
        join.params.grants.identity = "encoder";
        join.params.grants.video.emplace().room_join = true;
        join.params.publisher_offer = api::first_whip_offer(
            std::string(api::testing::kSession) + api::testing::audio("0", "a=recvonly\r\n") +
            api::testing::video("1"));
        join.awaited = std::move(awaited);
        join.request = 7;
        return join;
    }
    static WhipRequest request(std::optional<std::string> if_match = {}) {
        WhipRequest request;
        request.room = "r";
        request.identity = "encoder";
        request.session = "PA_1";
        request.if_match = std::move(if_match);
        request.body = "fragment";
        return request;
    }
    using Text = std::shared_ptr<std::string>;
    Text start(const std::function<void(ClusterWhip&, WhipBackend::Reply)>& ask) {
        catch_up();
        const auto answer = std::make_shared<std::string>("waiting");
        ask(here().whip, [answer](const api::WhipOutcome& outcome) {
            CHECK(*answer == "waiting");
            *answer = text_of(outcome);
        });
        return answer;
    }
    Text start_create(WhipJoin wanted) {
        return start([&](ClusterWhip& whip, WhipBackend::Reply reply) {
            whip.create(std::move(wanted), std::move(reply));
        });
    }
    std::string create(const WhipJoin& wanted = join(), Duration wait = Duration::seconds(1)) {
        return answered(start_create(wanted), wait);
    }
    std::string patch(const WhipRequest& wanted, Duration wait = Duration::seconds(1)) {
        return answered(start([&](ClusterWhip& whip, WhipBackend::Reply reply) {
                            whip.patch(wanted, std::move(reply));
                        }),
                        wait);
    }
    std::string remove(const WhipRequest& wanted, Duration wait = Duration::seconds(1)) {
        return answered(start([&](ClusterWhip& whip, WhipBackend::Reply reply) {
                            whip.remove(wanted, std::move(reply));
                        }),
                        wait);
    }
    using Calls = std::vector<std::string>;
    Calls taken(End& end) { return std::exchange(end.local.calls, {}); }
};
using Calls = World::Calls;

const api::WhipAnswer kCreated{Kind::kCreated, "tag", "answer", "PA_1", {}};

}  // namespace

TEST_CASE("ClusterWhip: a session of a room elsewhere is made by its node [RPC-23] [CON-60]") {
    World world;
    world.there().local.outcome = kCreated;
    CHECK(world.create() == "201 tag answer PA_1");
    CHECK(world.taken(world.there()) == Calls{"create r encoder"});
    CHECK(world.taken(world.here()).empty());
}

TEST_CASE("ClusterWhip: a room that is here, or that comes here, is asked here [RPC-23]") {
    World world;
    world.set("room_node_map", "mine", "b");
    world.here().local.outcome = kCreated;
    CHECK(world.create(World::join({}, "mine")) == "201 tag answer PA_1");
    CHECK(world.taken(world.here()) == Calls{"create mine encoder"});
    world.b().servers.add_room("r");
    CHECK(world.patch(World::request("tag")).starts_with("201"));
    CHECK(world.remove(World::request()).starts_with("201"));
    CHECK(world.taken(world.here()) ==
          Calls{"patch r encoder PA_1 tag fragment", "remove r encoder PA_1"});
    CHECK(world.taken(world.there()).empty());
}

TEST_CASE("ClusterWhip: a refusal is the client's, and asked for once [RPC-23] [CON-60]") {
    World world;
    world.there().local.outcome = tl::make_unexpected(api::HttpError{503, "the room is full"});
    CHECK(world.create(World::join(), Duration::seconds(30)) == "503 the room is full");
    CHECK(world.taken(world.there()).size() == 1);
    world.there().local.outcome =
        tl::make_unexpected(api::HttpError{404, "requested room does not exist"});
    CHECK(world.create() == "404 requested room does not exist");
}

TEST_CASE("ClusterWhip: a room that has gone elsewhere is looked up once more [RPC-23] [NODE-20]") {
    World world;
    world.there().refuses = true;
    CHECK(world.create(World::join(), Duration::seconds(5)) ==
          "503 the room is on another node by now");
    world.there().on_refusal = [&] { world.set("room_node_map", "r", "b"); };
    world.here().local.outcome = kCreated;
    CHECK(world.create(World::join(), Duration::seconds(5)) == "201 tag answer PA_1");
    CHECK(world.taken(world.there()).empty());
}

TEST_CASE("ClusterWhip: a node that is silent is asked three times, then 503 [RPC-23]") {
    World world;
    world.there().local.holds = true;
    const auto answer = world.start_create(World::join());
    const Timestamp began = world.now;
    CHECK(world.answered(answer, Duration::seconds(14)) == "waiting");
    CHECK(world.answered(answer, Duration::seconds(4)) == "503 request timed out");
    CHECK(world.now - began >= Duration::seconds(15));
    CHECK(world.taken(world.there()).size() == 3);
    // Each attempt is over at its node before the next one comes.
    REQUIRE(world.there().local.held.size() == 3);
    CHECK(world.there().local.held[0].first <= began + Duration::seconds(3));
    CHECK(world.there().local.held[0].first > began + Duration::seconds(2));
    CHECK(world.there().local.held[2].first <= began + Duration::seconds(16));
}

TEST_CASE("ClusterWhip: a dead node: nobody answers, and the client is told [RPC-23] [RPC-24]") {
    World world;
    world.kill("a");
    CHECK(world.create(World::join(), Duration::seconds(4)) == "503 no response from servers");
    CHECK(world.patch(World::request("tag"), Duration::seconds(4)) ==
          "503 no response from servers");
    CHECK(world.remove(World::request(), Duration::seconds(4)) == "503 no response from servers");
}

TEST_CASE("ClusterWhip: who waits for tracks is in the room once [RPC-23] [CON-62]") {
    World world;
    world.there().local.holds = true;
    const auto answer = world.start_create(World::join({{"alice", "cam"}}));
    CHECK(world.answered(answer, Duration::seconds(9)) == "waiting");
    CHECK(world.taken(world.there()).size() == 1);
    world.there().local.held[0].second(kCreated);
    CHECK(world.answered(answer) == "201 tag answer PA_1");
}

TEST_CASE("ClusterWhip: a client that goes while it waits for tracks leaves nobody [CON-62]") {
    World world;
    world.there().servers.set_named("r", "encoder", true);
    world.there().local.holds = true;
    const auto answer = world.start_create(World::join({{"alice", "cam"}}));
    CHECK(world.answered(answer) == "waiting");
    world.here().whip.abandon("r", "encoder", 8);  // another's
    world.here().whip.abandon("r", "encoder", 7);
    world.there().local.held[0].second(kCreated);
    CHECK(world.answered(answer) == "201 tag answer PA_1");
    world.pass(Duration::millis(100));
    CHECK(world.taken(world.there()) == Calls{"create r encoder", "remove r encoder PA_1"});

    // Before it is known where the room is.
    const auto second = world.start_create(World::join({{"alice", "cam"}}));
    world.here().whip.abandon("r", "encoder", 7);
    CHECK(world.answered(second) == "503 nobody waits");
    CHECK(world.taken(world.there()).empty());
}

TEST_CASE("ClusterWhip: PATCH and DELETE go to the session's node [RPC-24] [CON-61]") {
    World world;
    world.there().servers.set_named("r", "encoder", true);
    CHECK(world.patch(World::request("tag")) == "204   ");
    world.there().local.outcome = api::WhipAnswer{Kind::kRestarted, "next", "theirs", {}, {}};
    CHECK(world.patch(World::request("*")) == "200 next theirs ");
    world.there().local.outcome = api::WhipAnswer{Kind::kEnded, {}, {}, {}, {}};
    CHECK(world.remove(World::request()) == "200   ");
    CHECK(world.taken(world.there()) == Calls{"patch r encoder PA_1 tag fragment",
                                              "patch r encoder PA_1 * fragment",
                                              "remove r encoder PA_1"});
    CHECK(world.patch(World::request()) == "428 missing entity tag");
    CHECK(world.patch(World::request("")) == "428 missing entity tag");
    world.there().local.outcome =
        tl::make_unexpected(api::HttpError{500, "ice session mismatch, expected: X, got: Y"});
    CHECK(world.patch(World::request("Y")) == "500 ice session mismatch, expected: X, got: Y");
    world.there().local.outcome = tl::make_unexpected(api::HttpError{400, "invalid sdp fragment"});
    CHECK(world.patch(World::request("*")) == "400 invalid sdp fragment");
}

TEST_CASE(
    "ClusterWhip: nobody of that name is 404 at once, and no session soon [CON-61] [RPC-24]") {
    World world;
    WhipRequest request = World::request("tag");
    request.identity = "nobody";
    CHECK(world.patch(request, Duration::millis(200)) == "404 participant does not exist");
    CHECK(world.remove(request, Duration::millis(200)) == "404 participant does not exist");
    // There, and no WHIP client.
    CHECK(world.remove(World::request(), Duration::seconds(4)) == "503 no response from servers");
    world.there().servers.set_named("r", "encoder", true);
    world.there().servers.set_named("r", "encoder", false);
    CHECK(world.there().servers.size() == 0);
    CHECK(world.remove(World::request(), Duration::seconds(4)) == "503 no response from servers");
}

TEST_CASE("WhipServers: two sessions with one topic are served until both have gone [RPC-30]") {
    World world;
    WhipServers& servers = world.there().servers;
    servers.set_named("r", "a_b", true);
    servers.set_named("r_a", "b", true);
    CHECK(servers.size() == 1);
    servers.set_named("r", "a_b", false);
    world.store_participant("r_a", "b");
    WhipRequest request = World::request("tag");
    request.room = "r_a";
    request.identity = "b";
    CHECK(world.patch(request) == "204   ");
    CHECK(world.taken(world.there()) == Calls{"patch r_a b PA_1 tag fragment"});
    servers.set_named("r_a", "b", false);
    CHECK(servers.size() == 0);
    servers.set_named("r_a", "b", false);  // was not there
    CHECK(servers.size() == 0);
}

TEST_CASE("WhipServers: a request that cannot be read, or is none, is refused [RPC-23]") {
    World world;
    const auto ask = [&](const std::string& bytes) {
        const auto answer = std::make_shared<std::string>("waiting");
        world.b().bus.call(world.now, cluster::kWhipCreate, {"a"}, bytes, {},
                           [answer](const rpc::Outcome& outcome) {
                               *answer =
                                   outcome ? "ok" : std::string(to_text(outcome.error().code));
                           });
        return world.answered(answer, Duration::seconds(3));
    };
    CHECK(ask("\xff") == "malformed_request");
    CHECK(ask("") == "invalid_argument");
    CHECK(world.taken(world.there()).empty());
}

}  // namespace confab::control
