// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Links as they are found: what the simulator's scenarios are made of (02 DES-51).
#pragma once

#include <optional>
#include <string_view>

#include "base/rng.h"
#include "netem/link.h"

namespace confab::netem {

LinkProfile perfect_link();
LinkProfile wifi_link();
LinkProfile cellular_link();
LinkProfile satellite_link();
LinkProfile congested_link();
// By name, for scenario files; nullopt if there is none.
std::optional<LinkProfile> link_profile(std::string_view name);
// Any mixture of loss up to `max_loss`, jitter, reordering and duplication.
LinkProfile random_link(Rng& rng, double max_loss);

}  // namespace confab::netem
