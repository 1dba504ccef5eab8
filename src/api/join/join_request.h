// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The join_request parameter of v1 connections (01 CON-39): URL-safe base64 with padding of a
// WrappedJoinRequest, whose inner JoinRequest may be gzip (RFC 1952).
#pragma once

#include <cstddef>
#include <string_view>

#include "api/http/http_types.h"
#include "base/bytes.h"
#include "base/result.h"
#include "livekit_rtc.pb.h"

namespace confab::api {

inline constexpr std::size_t kMaxJoinRequestSize = 1024 * 1024;  // inflated

// All errors have status 400 and the texts of CON-39.
Result<livekit::JoinRequest, HttpError> decode_join_request(std::string_view parameter);

enum class InflateError : std::uint8_t { kBroken, kTooLarge };
// The content of a gzip file of one or more members. Never holds more than `limit` octets.
Result<Bytes, InflateError> gunzip(BytesView data, std::size_t limit);

}  // namespace confab::api
