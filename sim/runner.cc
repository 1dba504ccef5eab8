// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/runner.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/text.h"
#include "sim/scenarios/moves.h"
#include "sim/scenarios/named.h"
#include "sim/scenarios/plan_text.h"
#include "sim/scenarios/swarm.h"
#include "sim/scenarios/worlds.h"
#include "sim/seed_file.h"
#include "sim/world/run.h"

namespace confab::sim {
namespace {

struct Options {
    std::uint64_t seeds = 50;
    std::uint64_t first = 1;
    std::uint64_t shards = 0;
    std::uint64_t clients = 0;  // 0: as many as that kind of plan has
    std::uint64_t seconds = 0;  // likewise
    std::string scenario;
    std::string file;
    bool swarm = false;
    bool plan = false;
    bool twice = false;
    bool moves = false;
    bool verbose = false;

    // Null: there is no such one.
    bool* flag(std::string_view name) {
        if (name == "--swarm") return &swarm;
        if (name == "--plan") return &plan;
        if (name == "--twice") return &twice;
        if (name == "--moves") return &moves;
        return name == "-v" ? &verbose : nullptr;
    }
};

struct Totals {
    std::uint64_t runs = 0;
    std::uint64_t failed = 0;
    RunStats stats;
};

std::optional<Options> parse(const std::vector<std::string>& args) {
    Options o;
    for (std::size_t i = 0; i < args.size(); ++i) {
        const std::string& arg = args[i];
        if (bool* flag = o.flag(arg)) {
            *flag = true;
            continue;
        }
        if (++i >= args.size()) return std::nullopt;
        if (arg == "--scenario") {
            o.scenario = args[i];
            continue;
        }
        if (arg == "--file") {
            o.file = args[i];
            continue;
        }
        const auto number = parse_decimal<std::uint64_t>(args[i]);
        if (!number) return std::nullopt;
        if (arg == "--seeds")
            o.seeds = *number;
        else if (arg == "--first")
            o.first = *number;
        else if (arg == "--shards")
            o.shards = *number;
        else if (arg == "--clients")
            o.clients = *number;
        else if (arg == "--seconds")
            o.seconds = *number;
        else
            return std::nullopt;
    }
    const bool sane = o.shards <= 16 && o.clients <= 100 && o.seconds <= 3600;
    if (!sane) return std::nullopt;
    return o;
}

void add(RunStats& sum, const RunStats& one) {
    sum.events += one.events;
    sum.datagrams += one.datagrams;
    sum.lost += one.lost;
    sum.frames += one.frames;
    sum.freezes += one.freezes;
    sum.switches += one.switches;
    sum.repaired += one.repaired;
    sum.messages += one.messages;
    sum.links += one.links;
    sum.signals += one.signals;
    sum.resumes += one.resumes;
    sum.rejoins += one.rejoins;
    sum.moved += one.moved;
}

void run_one(const Options& options, const Scenario& plan, std::uint64_t seed, Totals& totals) {
    const Scenario scenario = options.moves ? with_moves(plan, seed) : plan;
    if (options.plan) {
        std::fputs(write_seed_file({seed, scenario}).c_str(), stdout);
        return;
    }
    RunResult result = run_scenario(scenario, seed);
    if (options.twice && run_scenario(scenario, seed).hash != result.hash) {
        ++result.violations;
        result.texts.insert(result.texts.begin(), "the second run had another hash");
    }
    ++totals.runs;
    add(totals.stats, result.stats);
    if (options.verbose)
        std::printf(
            "%s seed %llu shards %zu hash %016llx datagrams %llu frames %llu freezes %llu\n",
            scenario.name.c_str(), static_cast<unsigned long long>(seed), scenario.shards,
            static_cast<unsigned long long>(result.hash),
            static_cast<unsigned long long>(result.stats.datagrams),
            static_cast<unsigned long long>(result.stats.frames),
            static_cast<unsigned long long>(result.stats.freezes));
    if (result.ok()) return;
    ++totals.failed;
    std::fprintf(stderr, "FAILED %s seed %llu shards %zu: %llu violations\n", scenario.name.c_str(),
                 static_cast<unsigned long long>(seed), scenario.shards,
                 static_cast<unsigned long long>(result.violations));
    for (const std::string& text : result.texts)
        std::fprintf(stderr, "  %s\n", text.c_str());
    std::fprintf(stderr, "  its plan: the same arguments with --plan --seeds 1 --first %llu\n",
                 static_cast<unsigned long long>(seed));
}

std::size_t shards_for(const Options& options, std::uint64_t seed) {
    return options.shards != 0 ? options.shards : std::size_t{1} << seed % 3;
}

Scenario random_plan(const Options& options, std::uint64_t seed) {
    const auto length = Duration::seconds(static_cast<std::int64_t>(options.seconds));
    if (options.swarm) {
        SwarmOptions swarm;
        swarm.shards = shards_for(options, seed);
        if (options.clients != 0) swarm.clients = options.clients;
        if (options.seconds != 0) swarm.length = length;
        return make_swarm(seed, swarm);
    }
    WorldOptions world;
    world.shards = options.shards != 0 ? options.shards : 1 + seed % 3;
    world.clients = options.clients != 0 ? options.clients : 2 + seed % 4;
    if (options.seconds != 0) world.length = length;
    return make_world(seed, world);
}

void run_random(const Options& options, Totals& totals) {
    for (std::uint64_t seed = options.first; seed < options.first + options.seeds; ++seed)
        run_one(options, random_plan(options, seed), seed, totals);
}

bool run_named(const Options& options, Totals& totals) {
    bool found = false;
    for (std::uint64_t seed = options.first; seed < options.first + options.seeds; ++seed)
        for (const Scenario& s : named_scenarios(shards_for(options, seed)))
            if (options.scenario == "all" || options.scenario == s.name) {
                found = true;
                run_one(options, s, seed, totals);
            }
    return found;
}

bool run_file(const Options& options, Totals& totals) {
    std::ifstream in(options.file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const auto file = parse_seed_file(text);
    if (!file) return false;
    run_one(options, file->scenario, file->seed, totals);
    return true;
}

int usage() {
    std::fputs(
        "usage: [--seeds N] [--first S] [--shards W] [--clients M] [--seconds T]\n"
        "       [--swarm] [--scenario NAME|all] [--file SEED.plan] [--plan] [--moves] [--twice] "
        "[-v]\n",
        stderr);
    return 2;
}

}  // namespace

int run_simulator(const std::vector<std::string>& args) {
    const auto options = parse(args);
    if (!options) return usage();
    Totals totals;
    if (!options->file.empty()) {
        if (!run_file(*options, totals)) return usage();
    } else if (!options->scenario.empty()) {
        if (!run_named(*options, totals)) return usage();
    } else {
        run_random(*options, totals);
    }
    if (options->plan) return 0;
    const auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
    std::printf(
        "%llu runs, %llu failed; %llu datagrams, %llu lost, %llu signals, %llu resumes, "
        "%llu joins, %llu frames, %llu freezes, %llu switches, %llu repaired, %llu messages, "
        "%llu moved\n",
        number(totals.runs), number(totals.failed), number(totals.stats.datagrams),
        number(totals.stats.lost), number(totals.stats.signals), number(totals.stats.resumes),
        number(totals.stats.rejoins), number(totals.stats.frames), number(totals.stats.freezes),
        number(totals.stats.switches), number(totals.stats.repaired), number(totals.stats.messages),
        number(totals.stats.moved));
    return totals.failed == 0 ? 0 : 1;
}

}  // namespace confab::sim
