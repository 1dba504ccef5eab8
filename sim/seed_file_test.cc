// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The regression seeds: the format, and every file of sim/seeds run again.

#include "sim/seed_file.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "sim/runner.h"
#include "sim/scenarios/swarm.h"
#include "sim/scenarios/worlds.h"
#include "sim/world/run.h"

namespace confab::sim {
namespace {

constexpr std::string_view kFile =
    "# where\nstory: why\nseed: 17\n"
    "shards=2 clients=3 length=4000000 healing=8000000\n"
    "person=1 identity=alice hidden=1\n"
    "at=1200000 do=settings client=1 value=4 spatial=1\n"
    "at=0 do=links up.loss=0.05 up.propagation=20000 down.bits=5000000\n"
    "at=5000 do=outage value=19000 scope=7\n";

TEST_CASE("SeedFile: holds story, seed and plan") {
    const auto file = parse_seed_file(kFile);
    REQUIRE(file.has_value());
    CHECK(file->seed == 17);
    const Scenario& plan = file->scenario;
    CHECK(plan.story == "why");
    CHECK(plan.shards == 2);
    CHECK(plan.length == Duration::seconds(4));
    REQUIRE(plan.people.size() == 2);
    CHECK(plan.people[1].identity == "alice");
    CHECK(plan.people[1].hidden);
    REQUIRE(plan.steps.size() == 3);
    CHECK(plan.steps[0].kind == StepKind::kSettings);
    CHECK(plan.steps[0].settings.max_spatial == 1);
    CHECK(plan.steps[1].up.loss == 0.05);
    CHECK(plan.steps[1].down.bits_per_second == 5'000'000);
    CHECK(plan.steps[2].scope == kCutAll);
}

TEST_CASE("SeedFile: what is written is read again, every field of it") {
    SwarmOptions swarm;
    WorldOptions world;
    for (std::uint64_t seed = 1; seed <= 20; ++seed)
        for (const Scenario& plan : {make_swarm(seed, swarm), make_world(seed, world)}) {
            const std::string text = write_seed_file({seed, plan});
            const auto again = parse_seed_file(text);
            REQUIRE(again.has_value());
            CHECK(again->scenario.steps.size() == plan.steps.size());
            CHECK(write_seed_file(*again) == text);
        }
}

TEST_CASE("SeedFile: refuses what it does not know") {
    const auto with = [](std::string_view line) {
        return parse_seed_file(std::string(kFile) + std::string(line) + "\n").has_value();
    };
    CHECK(with("at=1 do=mute client=2"));
    for (const char* line :
         {"nonsense", "colour=3", "at=1 do=dance", "at=x do=mute", "at=1 do=mute client=-1",
          "at=1 do=links up.loss=many", "shards=0", "at=1 do=links side.loss=1", "clients=101",
          "hidden=1", "person=1 hidden=2", "person=100 hidden=1"}) {
        CAPTURE(line);
        CHECK_FALSE(with(line));
    }
    CHECK_FALSE(parse_seed_file("story: why\nshards=1\nat=1 do=mute\n").has_value());
    CHECK_FALSE(parse_seed_file("seed: 1\nat=1 do=mute\n").has_value());
    CHECK_FALSE(parse_seed_file("story: why\nseed: 1\n").has_value());
}

TEST_CASE("SeedFile: what once went wrong goes well") {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(CONFAB_SOURCE_DIR "/sim/seeds"))
        if (entry.path().extension() == ".plan") paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    REQUIRE_FALSE(paths.empty());
    for (const auto& path : paths) {
        CAPTURE(path.string());
        std::ifstream in(path, std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(in),
                               std::istreambuf_iterator<char>()};
        const auto file = parse_seed_file(text);
        REQUIRE(file.has_value());
        CHECK(run_scenario(file->scenario, file->seed).texts == std::vector<std::string>{});
    }
}

TEST_CASE("Runner: exit codes") {
    CHECK(run_simulator({"--seeds"}) == 2);
    CHECK(run_simulator({"--seeds", "many"}) == 2);
    CHECK(run_simulator({"--colour", "1"}) == 2);
    CHECK(run_simulator({"--scenario", "none", "--seeds", "1"}) == 2);
    CHECK(run_simulator({"--file", "no such file"}) == 2);
    CHECK(run_simulator({"--seeds", "0"}) == 0);
}

}  // namespace
}  // namespace confab::sim
