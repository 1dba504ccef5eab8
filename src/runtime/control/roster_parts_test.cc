// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/roster_parts.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace confab::control {
namespace {

room::EncodedOthers page(const std::string& text) {
    return room::EncodedOthers(text);
}

}  // namespace

TEST_CASE("RosterParts: a page is one part for all, by what it is and not by what it says") {
    RosterParts parts;
    const room::EncodedOthers a = page("same");
    const room::EncodedOthers b = page("same");
    CHECK(parts.part_of(a) == parts.part_of(a));
    CHECK(parts.part_of(a) != parts.part_of(b));
    CHECK(parts.part_of(a)->plain() == "same");
}

TEST_CASE("RosterParts: pages that no room has go, those that one has stay") {
    RosterParts parts;
    std::vector<room::EncodedOthers> kept;
    kept.reserve(2 * RosterParts::kMaxIdle);
    for (std::size_t i = 0; i < 2 * RosterParts::kMaxIdle; ++i)
        kept.push_back(page(std::to_string(i)));
    const auto first = parts.part_of(kept.front());
    for (const room::EncodedOthers& one : kept)
        (void)parts.part_of(one);
    for (std::size_t i = 0; i < 20 * RosterParts::kMaxIdle; ++i)
        (void)parts.part_of(page("gone"));
    CHECK(parts.size() >= kept.size());
    CHECK(parts.size() <= 2 * kept.size() + 1);
    CHECK(parts.part_of(kept.front()) == first);
    kept.clear();
    for (std::size_t i = 0; i < 20 * RosterParts::kMaxIdle; ++i)
        (void)parts.part_of(page("gone"));
    CHECK(parts.size() <= RosterParts::kMaxIdle);
}

}  // namespace confab::control
