// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The regression seeds: the format, and every file of sim/seeds run again.

#include "sim/seed_file.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "sim/runner.h"
#include "sim/world/world.h"

namespace confab::sim {
namespace {

TEST_CASE("SeedFile: keys, comments, refusals") {
    const auto file = parse_seed_file(
        "# a comment\nscenario = \"swarm\"\nseed = 17\n\n  shards=2\nstory = \"why\"\n");
    REQUIRE(file.has_value());
    CHECK(file->scenario == "swarm");
    CHECK(file->seed == 17);
    CHECK(file->shards == 2);
    CHECK(file->story == "why");
    CHECK(scenario_of(*file).has_value());
    CHECK_FALSE(parse_seed_file("seed = 1\n").has_value());
    CHECK_FALSE(parse_seed_file("scenario = \"calm\"\nnonsense\n").has_value());
    CHECK_FALSE(parse_seed_file("scenario = \"calm\"\ncolour = 3\n").has_value());
    CHECK_FALSE(parse_seed_file("scenario = \"calm\"\nseed = x\n").has_value());
    CHECK_FALSE(parse_seed_file("scenario = \"calm\"\nshards = 0\n").has_value());
    CHECK_FALSE(scenario_of({"no such", 1, 1, 2, ""}).has_value());
}

TEST_CASE("SeedFile: what once went wrong goes well") {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(CONFAB_SOURCE_DIR "/sim/seeds"))
        if (entry.path().extension() == ".toml") paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    REQUIRE_FALSE(paths.empty());
    for (const auto& path : paths) {
        CAPTURE(path.string());
        std::ifstream in(path, std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(in),
                               std::istreambuf_iterator<char>()};
        const auto file = parse_seed_file(text);
        REQUIRE(file.has_value());
        CHECK_FALSE(file->story.empty());
        const auto scenario = scenario_of(*file);
        REQUIRE(scenario.has_value());
        CHECK(run_scenario(*scenario, file->seed).texts == std::vector<std::string>{});
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
