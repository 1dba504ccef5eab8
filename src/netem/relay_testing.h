// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Paths, times and bytes for the tests of the relays.
#pragma once

#include <doctest/doctest.h>

#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "netem/path.h"

namespace confab::netem {

inline Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(1'000'000 + ms * 1000);
}

// Both directions as `spec`, `changes` as lines.
inline Path path_of(std::string_view spec, std::string_view changes = {}, std::uint64_t seed = 1) {
    Conditions conditions;
    conditions.up = parse_link_spec(spec).value();
    conditions.down = conditions.up;
    return {conditions, parse_schedule(changes).value(), seed, at_ms(0)};
}

inline Change change(std::string_view text) {
    return parse_change(text).value();
}

}  // namespace confab::netem
