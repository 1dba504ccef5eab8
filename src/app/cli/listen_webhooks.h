// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The sockets of `confab webhook listen`.
#pragma once

#include <string>

#include "app/commands/host.h"
#include "base/result.h"

namespace confab::app {

// Returns when settings.is_over() says so.
Result<void, std::string> listen_webhooks(const WebhookListen& settings);

}  // namespace confab::app
