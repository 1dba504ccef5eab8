// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The past, as JSON.
#pragma once

#include <string>
#include <vector>

#include "console/history.h"
#include "console/series.h"

namespace confab::console {

std::string to_json(const Series& series);
std::string to_json(const SessionPage& page);
std::string to_json(const std::vector<Event>& events);

}  // namespace confab::console
