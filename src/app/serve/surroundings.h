// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the operator is told at the start: addresses, warnings with their remedies, where to look.
#pragma once

#include <string>

#include "app/serve/server.h"
#include "base/net_address.h"
#include "runtime/worker/media_node.h"

namespace confab::app {

void log_threads(const worker::MediaNode& media, const std::string& advertised);
// What a user most often gets wrong, with the command that mends it.
void warn_about_surroundings(const worker::MediaNode& media, const config::Config& config);
// For whoever tries it out: the page, the URL, the placeholder key.
void show_first_steps(const config::Config& config, const ServeContext& context);

}  // namespace confab::app
