// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/seed_file.h"

#include "base/text.h"
#include "sim/scenarios/named.h"
#include "sim/world/swarm.h"

namespace confab::sim {
namespace {

std::optional<std::string> quoted(std::string_view value) {
    if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::nullopt;
    return std::string(value.substr(1, value.size() - 2));
}

bool set(SeedFile& file, std::string_view key, std::string_view value) {
    if (key == "scenario" || key == "story" || key == "commit") {
        const auto text = quoted(value);
        if (!text) return false;
        if (key == "scenario") file.scenario = *text;
        if (key == "story") file.story = *text;
        return true;
    }
    const auto number = parse_decimal<std::uint64_t>(value);
    if (!number) return false;
    if (key == "seed")
        file.seed = *number;
    else if (key == "shards")
        file.shards = *number;
    else if (key == "clients")
        file.clients = *number;
    else
        return false;
    return true;
}

}  // namespace

std::optional<SeedFile> parse_seed_file(std::string_view text) {
    SeedFile file;
    for (const std::string_view raw : split(text, '\n')) {
        const std::string_view line = trim(raw);
        if (line.empty() || line.front() == '#') continue;
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos) return std::nullopt;
        if (!set(file, trim(line.substr(0, equals)), trim(line.substr(equals + 1))))
            return std::nullopt;
    }
    const bool usable = !file.scenario.empty() && file.shards >= 1 && file.shards <= 16 &&
                        file.clients >= 1 && file.clients <= 100;
    if (!usable) return std::nullopt;
    return file;
}

std::optional<Scenario> scenario_of(const SeedFile& file) {
    if (file.scenario != "swarm") return find_scenario(file.scenario, file.shards);
    SwarmOptions options;
    options.shards = file.shards;
    options.clients = file.clients;
    return make_swarm(file.seed, options);
}

}  // namespace confab::sim
