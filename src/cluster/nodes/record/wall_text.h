// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The wall clock as text for people, in UTC.
#pragma once

#include <string>

#include "base/time.h"

namespace confab::cluster::nodes {

// "2026-11-25 09:59:12 +0000 UTC"
std::string wall_text(UnixTime time);

}  // namespace confab::cluster::nodes
