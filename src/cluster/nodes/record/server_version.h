// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Versions of servers as "livekit_version" has them (03 RDS-01; semver.org 2.0.0).
#pragma once

#include <optional>
#include <string_view>

namespace confab::cluster::nodes {

// Whether `own` is newer than `stored`. nullopt: one of them is no version. What follows a "+" does
// not count; with a "-…" it comes before the same version without.
std::optional<bool> is_newer(std::string_view own, std::string_view stored);

}  // namespace confab::cluster::nodes
