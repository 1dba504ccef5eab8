// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/ice/roles.h"

#include <doctest/doctest.h>

using namespace confab;
using namespace confab::ice;

namespace {

Roles roles(Role role, bool lite = false) {
    AgentConfig config;
    config.role = role;
    config.lite = lite;
    return Roles(config, 100);
}

}  // namespace

TEST_CASE("Roles: the larger tie-breaker controls, an equal one is ours [ICE-03]") {
    using enum Roles::Verdict;
    // Both control: the smaller one yields.
    CHECK(roles(Role::kControlling).judge(99) == kRefuse);
    CHECK(roles(Role::kControlling).judge(100) == kRefuse);
    CHECK(roles(Role::kControlling).judge(101) == kSwitch);
    // Both are controlled: the larger one takes over.
    CHECK(roles(Role::kControlled).judge(99) == kSwitch);
    CHECK(roles(Role::kControlled).judge(100) == kSwitch);
    CHECK(roles(Role::kControlled).judge(101) == kRefuse);
}

TEST_CASE("Roles: of two sides in conflict exactly one yields, unless the numbers are equal") {
    for (const Role role : {Role::kControlling, Role::kControlled})
        for (const std::uint64_t theirs : {1U, 99U, 101U, 4000U}) {
            AgentConfig config;
            config.role = role;
            const bool we_yield = roles(role).judge(theirs) == Roles::Verdict::kSwitch;
            const bool they_yield = Roles(config, theirs).judge(100) == Roles::Verdict::kSwitch;
            CHECK(we_yield != they_yield);
        }
}

TEST_CASE("Roles: a lite agent is controlled whatever it is told [ICE-03]") {
    Roles lite = roles(Role::kControlling, true);
    CHECK(lite.ours() == Role::kControlled);
    CHECK_FALSE(lite.set(Role::kControlling));
    CHECK(lite.ours() == Role::kControlled);
    for (const std::uint64_t theirs : {0U, 100U, 101U})
        CHECK(lite.judge(theirs) == Roles::Verdict::kRefuse);
}

TEST_CASE("Roles: a role is set once, and a new tie-breaker decides the next conflict") {
    Roles full = roles(Role::kControlling);
    CHECK_FALSE(full.set(Role::kControlling));
    CHECK(full.set(opposite(full.ours())));
    CHECK(full.ours() == Role::kControlled);
    CHECK(full.judge(50) == Roles::Verdict::kSwitch);
    full.renew_tie_breaker(7);
    CHECK(full.tie_breaker() == 7);
    CHECK(full.judge(50) == Roles::Verdict::kRefuse);
}
