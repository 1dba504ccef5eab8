// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Names that a server has now, for completion: asked at most every two seconds.
#pragma once

#include <string>
#include <vector>

#include "app/cli/values.h"
#include "app/cli/verb.h"
#include "app/commands/host.h"

namespace confab::app::cli {

// `given`: what the line says so far (server, room). Nothing, if it cannot be asked. Names that
// would break a line are left out.
std::vector<std::string> live_names(Live live, const Values& given, const Host& host);

}  // namespace confab::app::cli
