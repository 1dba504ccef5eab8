// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Identifiers (01 SID-01 … SID-04): prefix + 12 characters of a 57-letter alphabet without the
// look-alikes 0 1 I O l; random text of other alphabets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/rng.h"
#include "livekit_models.pb.h"

namespace confab::token {

inline constexpr std::size_t kIdLength = 12;

inline constexpr std::string_view kRoomPrefix = "RM_";
inline constexpr std::string_view kNodePrefix = "ND_";
inline constexpr std::string_view kParticipantPrefix = "PA_";
inline constexpr std::string_view kTrackPrefix = "TR_";
inline constexpr std::string_view kDataTrackPrefix = "DTR_";
inline constexpr std::string_view kConnectionPrefix = "CO_";
inline constexpr std::string_view kEgressPrefix = "EG_";
inline constexpr std::string_view kIngressPrefix = "IN_";
inline constexpr std::string_view kSipTrunkPrefix = "ST_";
inline constexpr std::string_view kSipDispatchRulePrefix = "SDR_";
inline constexpr std::string_view kSipCallPrefix = "SCL_";
inline constexpr std::string_view kSipTransferPrefix = "STR_";
inline constexpr std::string_view kRpcPrefix = "RPC_";
inline constexpr std::string_view kWebhookEventPrefix = "EV_";
inline constexpr std::string_view kAgentPrefix = "A_";
inline constexpr std::string_view kAgentWorkerPrefix = "AW_";
inline constexpr std::string_view kAgentJobPrefix = "AJ_";
inline constexpr std::string_view kAgentDispatchPrefix = "AD_";
inline constexpr std::string_view kApiKeyPrefix = "API";

// Prefix + 12 characters; ids are names, not secrets.
std::string make_id(std::string_view prefix, Rng& rng);
// TR_ + kind letter (A, V) + source letter (C M S s, none if unknown) + 12 (SID-03).
std::string make_track_sid(livekit::TrackType type, livekit::TrackSource source, Rng& rng);
// `size` letters of [a-zA-Z].
inline constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
std::string random_letters(Rng& rng, std::size_t size);
// `size` characters of [0-9A-Za-z] (turn_password, SIF trailer).
std::string random_alphanumeric(Rng& rng, std::size_t size);
// The same input always gives the same id (SID-04): the generator is seeded with its SHA-256.
std::string make_deterministic_id(std::string_view prefix, std::string_view input);
// The form clients accept: one or two "<alnum, up to 16>_", then 1 to 12 letters or digits, where
// track sids may carry their kind and source letters in addition.
bool is_valid_id(std::string_view id);

}  // namespace confab::token
