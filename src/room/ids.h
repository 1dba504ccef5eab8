// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Identifiers clients see (01 SID-01…03) and random secrets of a session.
#pragma once

#include <string>
#include <string_view>

#include "base/rng.h"
#include "livekit_models.pb.h"
#include "sfu/shard/commands.h"

namespace confab::room {

// `prefix` ("RM_") + 12 characters of the 57-letter alphabet.
std::string make_sid(Rng& rng, std::string_view prefix);
// TR_ + kind letter + source letter + 12 (SID-03).
std::string make_track_sid(Rng& rng, livekit::TrackType type, livekit::TrackSource source);
// `size` letters of [A-Za-z].
std::string random_letters(Rng& rng, std::size_t size);
// `size` characters of [0-9A-Za-z] (turn_password, SIF trailer).
std::string random_alphanumeric(Rng& rng, std::size_t size);

// ufrag of 16 letters whose first names the worker, so that any socket can pass a STUN check on to
// its owner; pwd of 32.
sfu::IceCredentials make_ice_credentials(Rng& rng, sfu::WorkerIndex worker);

}  // namespace confab::room
