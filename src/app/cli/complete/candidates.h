// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What may stand where the cursor is (LKC-08): verbs, flags, choices, and names that the server has
// now.
#pragma once

#include <string>
#include <vector>

#include "app/commands/host.h"

namespace confab::app::cli {

// `words` without the name of the program; the last one is what stands at the cursor, may be empty.
// `commands`: of the program beside our verbs, such as "serve".
std::vector<std::string> candidates(const std::vector<std::string>& words,
                                    const std::vector<std::string>& commands, const Host& host);

}  // namespace confab::app::cli
