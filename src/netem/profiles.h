// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The bad networks that every check is run over, by name (02 §11.1).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "netem/changes.h"

namespace confab::netem {

struct ProfileRow {
    std::string_view name;
    std::string_view what;  // for people
    std::string_view spec;  // of both directions
    std::string_view changes[2];
};
std::span<const ProfileRow> profile_rows();

struct Profile {
    Conditions conditions;
    std::vector<TimedChange> schedule;
};
// The error lists the names. Case does not matter.
Result<Profile, std::string> find_profile(std::string_view name);

}  // namespace confab::netem
