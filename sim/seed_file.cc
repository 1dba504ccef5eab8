// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/seed_file.h"

#include "base/text.h"
#include "sim/scenarios/plan_text.h"

namespace confab::sim {
namespace {
constexpr std::string_view kSeed = "seed: ";
constexpr std::string_view kStory = "story: ";
}  // namespace

std::optional<SeedFile> parse_seed_file(std::string_view text) {
    SeedFile file;
    std::string plan, story;
    bool has_seed = false;
    for (const std::string_view line : split(text, '\n')) {
        if (line.starts_with(kStory)) {
            story = trim(line.substr(kStory.size()));
        } else if (line.starts_with(kSeed)) {
            const auto seed = parse_decimal<std::uint64_t>(trim(line.substr(kSeed.size())));
            if (!seed) return std::nullopt;
            file.seed = *seed;
            has_seed = true;
        } else {
            plan.append(line).append("\n");
        }
    }
    auto scenario = parse_plan(plan);
    if (!scenario || !has_seed || story.empty() || scenario->steps.empty()) return std::nullopt;
    file.scenario = std::move(*scenario);
    file.scenario.name = "file";
    file.scenario.story = std::move(story);
    return file;
}

std::string write_seed_file(const SeedFile& file) {
    return std::string(kStory) + file.scenario.story + "\n" + std::string(kSeed) +
           std::to_string(file.seed) + "\n" + write_plan(file.scenario);
}

}  // namespace confab::sim
