// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 200 nodes and a burst of 2000 new rooms, asked for at all of them within a second, so that no
// figures change meanwhile (03 NODE-05). The figure: rooms of the node that has most, of what it
// has by load and what it got, against the least that is possible.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "cluster/nodes/nodes_testing.h"

namespace confab::cluster::nodes {
namespace {

constexpr int kNodes = 200;
constexpr int kRooms = 2000;

struct Burst : Cluster {
    Burst(const char* sort_by, const char* algorithm, bool even) {
        NodeOptions options;
        options.selector.sort_by = sort_by;
        options.selector.algorithm = algorithm;
        for (int i = 0; i < kNodes; ++i) {
            const std::string id = "n" + std::to_string(i);
            TestNode& node = add(id, options);
            const int rooms = even ? 0 : i % 10;
            node.figures.num_rooms = had[id] = rooms;
            node.figures.num_clients = rooms * 5;
            node.figures.cpu_load = 0.01F * static_cast<float>(rooms);
        }
        pass_seconds(6);
    }
    // The most rooms of a node, with what it had; asked for at `entries` nodes in turn.
    int run(int entries) {
        std::vector<std::string> said;
        for (int i = 0; i < kRooms; ++i) {
            (*this)["n" + std::to_string(i % entries)].place_into(said, "room" + std::to_string(i));
            pass(Duration::micros(500));
        }
        pass(Duration::millis(10));
        CHECK(said.size() == kRooms);
        std::map<std::string, int> all = had;
        for (const std::string& node : said)
            ++all.at(node);
        CHECK(server.store().hash(kRoomsKey)->size() == kRooms);
        const auto more = [](const auto& a, const auto& b) { return a.second < b.second; };
        return std::max_element(all.begin(), all.end(), more)->second;
    }
    std::map<std::string, int> had;
};

void check(const char* sort_by, const char* algorithm, bool even, int entries, double most) {
    Burst burst(sort_by, algorithm, even);
    // 10 each, on top of nothing or of 4.5 on average.
    const int best = even ? 10 : 15;
    const int rooms = burst.run(entries);
    std::printf("burst: %s %s, %s load, asked at %d nodes: at most %d rooms, best possible %d\n",
                sort_by, algorithm, even ? "even" : "uneven", entries, rooms, best);
    CHECK(rooms <= best * most);
}

}  // namespace

TEST_CASE("Placement: a burst spreads to within a tenth of the best possible [NODE-05] [NODE-16]") {
    check("rooms", "lowest", true, kNodes, 1.1);
    check("rooms", "lowest", false, kNodes, 1.1);
    check("rooms", "lowest", false, 1, 1.1);
    check("cpuload", "lowest", false, kNodes, 1.1);
    check("clients", "lowest", false, kNodes, 1.1);
    check("random", "lowest", true, kNodes, 1.1);
}

TEST_CASE("Placement: with two choices a burst spreads a little less [NODE-05]") {
    check("rooms", "twochoice", true, kNodes, 1.3);
    check("rooms", "twochoice", false, kNodes, 1.2);
}

}  // namespace confab::cluster::nodes
