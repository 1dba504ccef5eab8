// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The token with which an accepted job joins its room (05 DSP-10, DSP-11).
#pragma once

#include <optional>
#include <string>

#include "agents/worker_key.h"
#include "livekit_models.pb.h"
#include "token/token.h"

namespace confab::agents {

inline constexpr Duration kJobTokenLifetime = Duration::seconds(3600);

// What it says; `answer` as it was accepted, with an identity.
token::Grants job_grants(const livekit::Job& job, const livekit::AvailabilityResponse& answer,
                         const livekit::ParticipantPermission& permissions);
// Signed with the key that the worker used itself; nothing if that one is not known any more.
std::optional<std::string> job_token(const token::Grants& grants, const std::string& api_key,
                                     const token::KeyProvider& keys, UnixTime now);

}  // namespace confab::agents
