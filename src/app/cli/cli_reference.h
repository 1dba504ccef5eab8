// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// docs/reference/cli.md, out of the table of verbs.
#pragma once

#include <string>

namespace confab::app::cli {

std::string cli_reference();

}  // namespace confab::app::cli
