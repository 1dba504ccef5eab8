// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Credentials of a media connection; names that clients see are in token/ids.h.
#pragma once

#include "base/rng.h"
#include "sfu/shard/commands.h"

namespace confab::room {

// ufrag of 16 letters whose first names the worker, so that any socket can pass a STUN check on to
// its owner; pwd of 32.
sfu::IceCredentials make_ice_credentials(Rng& rng, sfu::WorkerIndex worker);

}  // namespace confab::room
