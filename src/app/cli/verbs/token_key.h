// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The key that signs a token: as for every call, or one of a server's configuration.
#pragma once

#include <string>

#include "app/cli/call/call.h"
#include "base/result.h"

namespace confab::app::cli {

// A project that was named, by a livekit.toml, too; flags or environment; --config, --config-body,
// --keys or --key-file of a server, its first key unless --api-key names one; --dev; the default
// project; last a configuration in the environment (LIVEKIT_CONFIG, LIVEKIT_KEYS …).
Result<Credentials, std::string> signing_key(const Call& call);

}  // namespace confab::app::cli
