// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Records of nodes, and rooms on them, over a real Redis: also what its scripts do there.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "node.h"

namespace confab {
namespace {

using Names = std::vector<std::string>;

// Both have joined and know of each other.
struct Two : World {
    Two() {
        bool empty = false;
        a->ask({"FLUSHALL"}, [&](const redis::Value&) { empty = true; });
        until([&] { return empty; });
        a->join();
        b->join();
        until([this] { return sees(*a, "ND_b") && sees(*b, "ND_a"); });
    }
    static bool sees(Node& node, const std::string& other) {
        const auto* entry = node.registry().table().find(other);
        return entry != nullptr && entry->presence == cluster::nodes::NodeTable::Presence::kAlive;
    }
    // Where it says that the rooms are.
    static std::shared_ptr<std::map<std::string, std::string>> select(Node& node,
                                                                      const Names& rooms) {
        auto placed = std::make_shared<std::map<std::string, std::string>>();
        for (const std::string& room : rooms)
            node.placement().select(
                net::EventLoop::now(), room, "",
                [placed, room](Timestamp, const cluster::nodes::Placement::Outcome& outcome) {
                    (*placed)[room] = outcome ? outcome->node : outcome.error().text;
                });
        return placed;
    }
    std::map<std::string, std::string> map() {
        std::map<std::string, std::string> all;
        bool told = false;
        a->ask({"HGETALL", "room_node_map"}, [&](const redis::Value& value) {
            for (std::size_t i = 0; i + 1 < value.items.size(); i += 2)
                all[value.items[i].text] = value.items[i + 1].text;
            told = true;
        });
        until([&] { return told; });
        return all;
    }
    static Names rooms(std::size_t count) {
        Names all;
        all.reserve(count);
        for (std::size_t i = 0; i < count; ++i)
            all.push_back("room " + std::to_string(i));
        return all;
    }
};

}  // namespace

TEST_CASE("two nodes that place the same rooms at once agree [NODE-11] [NODE-16] [RDS-06]") {
    Two two;
    const Names all = Two::rooms(200);
    Names backwards = all;
    std::reverse(backwards.begin(), backwards.end());
    const auto by_a = Two::select(*two.a, all);
    const auto by_b = Two::select(*two.b, backwards);
    two.until([&] { return by_a->size() == all.size() && by_b->size() == all.size(); });
    CHECK(*by_a == *by_b);
    CHECK(*by_a == two.map());
    const auto at_a = std::count_if(by_a->begin(), by_a->end(),
                                    [](const auto& one) { return one.second == "ND_a"; });
    CHECK(at_a > 60);  // a burst spreads
    CHECK(at_a < 140);
    // Only its own node takes a room out.
    const auto mine = std::find_if(by_a->begin(), by_a->end(),
                                   [](const auto& one) { return one.second == "ND_a"; });
    two.b->placement().release(net::EventLoop::now(), mine->first);
    two.pass(Duration::millis(200));
    CHECK(two.map().contains(mine->first));
    two.a->placement().release(net::EventLoop::now(), mine->first);
    two.pass(Duration::millis(200));
    CHECK_FALSE(two.map().contains(mine->first));
}

TEST_CASE("a Redis that comes back empty has nodes and rooms again [RDS-32] [NODE-14]") {
    Two two;
    const auto placed = Two::select(*two.a, Two::rooms(20));
    two.until([&] { return placed->size() == 20; });
    // The other one hears of those that are its own when they are joined there.
    const auto known = Two::select(*two.b, Two::rooms(20));
    two.until([&] { return known->size() == 20; });
    CHECK(*placed == *known);
    two.a->ask({"FLUSHALL"}, [](const redis::Value&) {});
    for (int i = 0; i < 100 && two.map() != *placed; ++i)
        two.pass(Duration::millis(100));
    CHECK(two.map() == *placed);
    two.until([&] { return Two::sees(*two.a, "ND_b") && Two::sees(*two.b, "ND_a"); });
    CHECK(two.a->dead.empty());
}

TEST_CASE("a node that dies is told, and its rooms go on elsewhere [NODE-24] [RDS-27]") {
    Two two;
    const auto placed = Two::select(*two.a, Two::rooms(20));
    two.until([&] { return placed->size() == 20; });
    Names lost;
    for (const auto& [room, node] : *placed)
        if (node == "ND_b") lost.push_back(room);
    REQUIRE(lost.size() >= 2);
    two.pass(cluster::nodes::NodeTable::kReturn + Duration::seconds(1));  // since it is up itself
    const Timestamp killed = net::EventLoop::now();
    two.b.reset();
    two.until([&] { return !two.a->dead.empty(); });
    CHECK(two.a->dead == Names{"ND_b"});
    const Duration took = net::EventLoop::now() - killed;
    MESSAGE("told after " << took.ms() << " ms");
    CHECK(took < Duration::millis(6000));
    const auto again = Two::select(*two.a, {lost[0]});
    two.until([&] { return again->size() == 1; });
    CHECK((*again)[lost[0]] == "ND_a");
    // The others lose their node once its record is gone, and are told of.
    two.a->ask({"HDEL", "nodes", "ND_b"}, [](const redis::Value&) {});
    two.until([&] { return two.a->orphans.size() >= lost.size() - 1; });
    Names orphans = two.a->orphans;
    std::sort(orphans.begin(), orphans.end());
    std::sort(lost.begin() + 1, lost.end());
    CHECK(orphans == Names(lost.begin() + 1, lost.end()));
    CHECK_FALSE(two.map().contains(lost[1]));
}

}  // namespace confab
