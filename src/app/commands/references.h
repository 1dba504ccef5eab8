// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// docs/reference/errors.md and ids.md, printed from the tables that the code itself answers with.
#pragma once

#include <string>

namespace confab::app {

std::string errors_reference();
std::string ids_reference();

}  // namespace confab::app
