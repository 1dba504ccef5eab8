// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Every situation again while everybody goes from worker to worker about once a second: nobody may
// notice (02 MC-20, SIO-11).
#include "sim/scenarios/moves.h"

#include <doctest/doctest.h>

#include "sim/scenarios/named.h"
#include "sim/scenarios/swarm.h"
#include "sim/scenarios/worlds.h"
#include "sim/world/run.h"

namespace confab::sim {
namespace {

const std::string kNone;

std::string faults(const RunResult& result) {
    std::string all;
    for (const std::string& text : result.texts)
        all += text + "\n";
    return all;
}

TEST_CASE("Moves: in a calm room nothing is lost, late, repaired or frozen [MC-20][SIO-11]") {
    for (const std::size_t shards : {2U, 4U}) {
        CAPTURE(shards);
        const Scenario calm = with_moves(find_scenario("calm", shards).value(), 1);
        const RunResult result = run_scenario(calm, 1);
        CHECK(faults(result) == kNone);
        CHECK(result.stats.moved > 5);
        CHECK(result.stats.resumes == 0);
        CHECK(result.stats.rejoins == 3);
        CHECK(result.stats.late == 0);
        CHECK(result.stats.repaired == 0);
        CHECK(result.stats.freezes == 0);
        CHECK(result.stats.frames > 600);
        CHECK(result.hash == run_scenario(calm, 1).hash);
    }
}

TEST_CASE("Moves: every named situation keeps its invariants [MC-20][SIO-11]") {
    for (const Scenario& scenario : named_scenarios(3)) {
        CAPTURE(scenario.name);
        const RunResult result = run_scenario(with_moves(scenario, 29), 29);
        CHECK(faults(result) == kNone);
        CHECK(result.stats.moved > 3);
    }
}

TEST_CASE("Moves: random days of a server and random rooms [MC-20][SIO-11]") {
    RunStats sum;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        WorldOptions options;
        options.shards = 2 + seed % 2;
        options.clients = 2 + seed % 4;
        const RunResult world = run_scenario(with_moves(make_world(seed, options), seed), seed);
        CHECK(faults(world) == kNone);
        sum.moved += world.stats.moved;
        if (seed % 4 != 0) continue;
        SwarmOptions pictures;
        pictures.shards = 2 + seed % 3;
        pictures.length = Duration::seconds(6);
        const RunResult swarm = run_scenario(with_moves(make_swarm(seed, pictures), seed), seed);
        CHECK(faults(swarm) == kNone);
        sum.moved += swarm.stats.moved;
    }
    CHECK(sum.moved > 500);
}

TEST_CASE("Moves: who shares a port and stays is found at any worker [DES-03][MC-20]") {
    for (const char* name : {"calm", "rebinding", "udp-gone"}) {
        CAPTURE(name);
        Scenario scenario = find_scenario(name, 3).value();
        scenario.shared_port = true;
        const RunResult result = run_scenario(scenario, 2);
        CHECK(faults(result) == kNone);
        CHECK(result.stats.moved == 0);
    }
}

}  // namespace
}  // namespace confab::sim
