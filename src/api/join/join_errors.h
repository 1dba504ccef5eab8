// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What /rtc and /rtc/validate refuse before a room is asked (01 CON-30 … CON-38), in the words that
// clients get.
#pragma once

#include <array>

#include "token/error_text.h"

namespace confab::api::join_errors {

inline constexpr ErrorText kNoPermission{
    401, "no permissions to access the room",
    "the request has no token, or its token does not allow what the request asks for",
    "`video.roomJoin` to join; `canPublish` for `publish=`; `canUpdateOwnMetadata` to bring "
    "metadata "
    "or attributes"};
inline constexpr ErrorText kNoJoin{401, "permissions denied", "the token lacks `video.roomJoin`",
                                   "mint it with `roomJoin` and `room`"};
inline constexpr ErrorText kNoIdentity{400, "identity cannot be empty", "the token has no `sub`",
                                       "give every participant an identity of its own"};
inline constexpr ErrorText kLongIdentity{
    400, "participant identity length exceeds limits: max length ",
    "`limit.max_participant_identity_length`", "shorten it, or raise the limit"};
inline constexpr ErrorText kNoRoom{400, "no room name", "the token has no `video.room`",
                                   "mint it with `room`"};
inline constexpr ErrorText kLongRoom{400, "room name length exceeds limits: max length ",
                                     "`limit.max_room_name_length`",
                                     "shorten it, or raise the limit"};
inline constexpr ErrorText kBadAttributes{400, "cannot decode attributes",
                                          "`attributes` of the query is no base64url JSON of texts",
                                          "see the client's SDK"};
inline constexpr ErrorText kNoJoinRequest{400, "join_request is required",
                                          "`/rtc/v1` was asked without it", "see the client's SDK"};
inline constexpr ErrorText kNotBase64{400, "cannot base64 decode wrapped join request",
                                      "`join_request` is no base64url",
                                      "a proxy must leave the query as it is"};
inline constexpr ErrorText kBadWrapping{400, "cannot unmarshal wrapped join request",
                                        "`join_request` is no WrappedJoinRequest", "the same"};
inline constexpr ErrorText kBadCompression{400, "cannot read decompressed join request",
                                           "what is in it is no gzip", "the same"};
inline constexpr ErrorText kBadJoinRequest{400, "cannot unmarshal join request",
                                           "what is in it is no JoinRequest", "the same"};
inline constexpr ErrorText kLargeJoinRequest{400, "join request too large", "",
                                             "bring less metadata, attributes or tracks"};

inline constexpr std::array kAll{kNoPermission,    kNoJoin,      kNoIdentity,     kLongIdentity,
                                 kNoRoom,          kLongRoom,    kBadAttributes,  kNoJoinRequest,
                                 kNotBase64,       kBadWrapping, kBadCompression, kBadJoinRequest,
                                 kLargeJoinRequest};

}  // namespace confab::api::join_errors
