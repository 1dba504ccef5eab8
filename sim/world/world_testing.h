// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For tests: a world of two people in one room who do what the test says, and say nothing by
// themselves.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/world/chatter.h"
#include "sim/world/steps.h"
#include "sim/world/world.h"

namespace confab::sim::testing {

struct TwoPeople {
    explicit TwoPeople(std::vector<Step> plan = {}) : scenario(two_people(std::move(plan))) {}
    static Scenario two_people(std::vector<Step> plan) {
        Scenario scenario;
        scenario.clients = 2;
        scenario.messages = false;
        scenario.steps = std::move(plan);
        return scenario;
    }
    void apply(StepKind kind, ClientId client, std::uint64_t value = 0) {
        steps.apply(step(0, kind, client, value));
    }
    void run(Duration length) { world.run_until(world.now() + length); }
    // Both are in; the first publishes audio and video of three layers, which the second gets.
    void connect() {
        apply(StepKind::kJoin, 0);
        apply(StepKind::kJoin, 1);
        run(Duration::seconds(2));
        apply(StepKind::kPublishAudio, 0);
        apply(StepKind::kPublishVideo, 0);
        run(Duration::seconds(4));
    }
    // What was noted since the last call, without its time.
    std::vector<std::string> noted() {
        std::vector<std::string> texts;
        for (; seen < world.report().texts().size(); ++seen) {
            const std::string& text = world.report().texts()[seen];
            texts.push_back(text.substr(text.find(']') + 2));
        }
        return texts;
    }

    const Scenario scenario;
    Rng rng{5};
    World world{scenario, rng};
    Chatter chatter{world, rng};
    Steps steps{scenario, world, chatter};
    std::size_t seen = 0;
};

}  // namespace confab::sim::testing
