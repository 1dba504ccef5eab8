// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The console of a node of many.
#include <doctest/doctest.h>

#include "runtime/control/cluster/cluster_node_testing.h"
#include "runtime/control/console/console_testing.h"

namespace confab::control {
namespace {

struct Page {
    explicit Page(const ClusterNode& node) : port(node.port()) {
        cookie = ask("POST session", R"({"password":"open-sesame"})").cookie();
    }
    ConsoleAnswer ask(const std::string& request, const std::string& body = "") const {
        const std::size_t blank = request.find(' ');
        return ask_page(port,
                        request.substr(0, blank) + " /console/api/" + request.substr(blank + 1),
                        cookie, body, "X-Confab-Console: 1\r\n");
    }
    std::uint16_t port;
    std::string cookie;
};

// Whether the room is at that node, as Redis has it.
bool is_at(MemoryRedis& redis, const std::string& room, const std::string& node) {
    return redis.with([&](redis::testing::Server& server) {
        const auto* nodes = server.store.hash("room_node_map");
        const auto found = nodes->find(room);
        return found != nodes->end() && found->second == node;
    });
}

bool is_kept(MemoryRedis& redis, const std::string& room) {
    return redis.with([&](redis::testing::Server& server) {
        const auto* rooms = server.store.hash("rooms");
        return rooms != nullptr && rooms->contains(room);
    });
}

}  // namespace

TEST_CASE("Console: any node shows all nodes and their rooms, and acts on them") {
    MemoryRedis redis;
    ClusterNode a(redis, "ND_a");
    ClusterNode b(redis, "ND_b");
    REQUIRE(a.sees_nodes(2));
    REQUIRE(b.sees_nodes(2));
    ClusterClient ann(a, "r", "ann");
    REQUIRE(ann.is_in());
    const bool at_a = is_at(redis, "r", "ND_a");
    const Page here(at_a ? a : b);
    const Page elsewhere(at_a ? b : a);

    // A room is in Redis a moment after its first participant is told that it is in.
    REQUIRE(a.eventually([&](Cluster&) { return is_kept(redis, "r"); }));

    const json::Value view = elsewhere.ask("GET overview").json();
    CHECK(view.find("cluster")->boolean);
    const auto& nodes = view.find("nodes")->items;
    REQUIRE(nodes.size() == 2);
    CHECK(text(nodes[0], "id") == "ND_a");
    CHECK(text(nodes[1], "id") == "ND_b");
    CHECK(nodes[0].find("self")->boolean != nodes[1].find("self")->boolean);
    CHECK(nodes[at_a ? 1 : 0].find("self")->boolean);
    CHECK(text(nodes[0], "state") == "SERVING");
    CHECK(number(nodes[1], "started_at") > 1.6e12);

    for (const Page* page : {&here, &elsewhere}) {
        const json::Value rooms = page->ask("GET rooms").json();
        REQUIRE(number(rooms, "total") == 1);
        CHECK(text(rooms.find("rooms")->items[0], "name") == "r");
        const json::Value room = page->ask("GET room?name=r").json();
        REQUIRE(room.find("participants")->items.size() == 1);
        CHECK(text(room.find("participants")->items[0], "identity") == "ann");
        CHECK(page->ask("GET room?name=nowhere").status == 404);
    }
    // A cookie of one node is good at the other, which has the same secrets.
    Page other = elsewhere;
    other.cookie = here.cookie;
    CHECK(other.ask("POST call/RoomService/RemoveParticipant", R"({"room":"r","identity":"ann"})")
              .status == 200);
    CHECK(here.ask("GET room?name=r").json().find("participants")->items.empty());
}

}  // namespace confab::control
