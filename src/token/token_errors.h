// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Why a token is refused (01 CON-22, TOK-01), in the words that clients get.
#pragma once

#include <array>

#include "token/error_text.h"

namespace confab::token {

inline constexpr ErrorText kUnreadableToken{
    401, "invalid authorization token", "the token is cut off, changed, or no JWT; details follow",
    "pass it on whole; the part after the colon names what is wrong"};
inline constexpr ErrorText kUnknownKey{401, "invalid API key", "its `iss` is not in `keys`",
                                       "mint it with a key of this server"};

// What follows the text of kUnreadableToken and a colon.
inline constexpr ErrorText kBadSignature{401, "token signature is invalid",
                                         "signed with another secret, or not by HMAC",
                                         "key and secret have to be a pair of `keys`"};
inline constexpr ErrorText kNoExpiry{
    401, "token has invalid claims: token is missing required claim: exp claim is required",
    "a token that never ends is not taken", "give it a life time"};
inline constexpr ErrorText kExpired{401, "token has invalid claims: token is expired",
                                    "its `exp` is over for more than a minute",
                                    "mint a new one; set the clocks (NTP)"};
inline constexpr ErrorText kNotYetValid{401, "token has invalid claims: token is not valid yet",
                                        "its `nbf` is more than a minute ahead",
                                        "set the clock of the machine that mints (NTP)"};
inline constexpr ErrorText kWrongClaim{401, "token is malformed: could not JSON decode claim",
                                       "a claim has the wrong type",
                                       "use a server SDK, or the type of the access token's table"};
inline constexpr ErrorText kRevoked{
    401, "token was revoked",
    "`revoke_token_ts` of UpdateParticipant or RemoveParticipant is later",
    "mint a new one, if the participant may come back"};

inline constexpr std::array kTokenErrors{kUnreadableToken, kUnknownKey,  kBadSignature, kNoExpiry,
                                         kExpired,         kNotYetValid, kWrongClaim,   kRevoked};

}  // namespace confab::token
