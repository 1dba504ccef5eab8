// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Errors of the server APIs: Twirp codes, their HTTP statuses and their JSON body
// (01 API-W3, API-W5; the Twirp wire protocol v7, "Errors").
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "api/http/http_types.h"
#include "rpc/error.h"

namespace confab::api {

enum class ErrorCode : std::uint8_t {
    kCanceled,
    kUnknown,
    kInvalidArgument,
    kMalformed,
    kDeadlineExceeded,
    kNotFound,
    kBadRoute,
    kAlreadyExists,
    kPermissionDenied,
    kUnauthenticated,
    kResourceExhausted,
    kFailedPrecondition,
    kAborted,
    kOutOfRange,
    kUnimplemented,
    kInternal,
    kUnavailable,
    kDataLoss,
};
std::string_view to_text(ErrorCode code);
int http_status(ErrorCode code);

struct ErrorCodeInfo {
    ErrorCode code;
    std::string_view text;
    int status;             // of HTTP
    std::string_view when;  // for the reference
};
// All of them, in the order of ErrorCode.
std::span<const ErrorCodeInfo> error_codes();

struct ServiceError {
    ErrorCode code = ErrorCode::kUnknown;
    std::string message;                      // as it is sent
    std::map<std::string, std::string> meta;  // left out when empty

    bool operator==(const ServiceError&) const = default;
};

// The usual kind: the text gets the prefix "twirp error unknown: " that SDK users match on
// (API-W5).
ServiceError service_error(ErrorCode code, std::string_view text);
// What another service answered: codes that Twirp lacks become the nearest (03 PSR-18), details go
// into `meta` (error_details.h).
ServiceError service_error(const rpc::Error& error);
// The other way: what a node answers to another, without the prefix, which the caller's node adds.
rpc::Error bus_error(const ServiceError& error);
// Permission, nonce and SIP errors: no prefix.
ServiceError native_error(ErrorCode code, std::string_view text);
// invalid_argument, msg "<argument> <value>", meta.argument.
ServiceError argument_error(std::string_view argument, std::string_view value);
ServiceError permission_error();  // 401 unauthenticated "permissions denied" (API-W4)

HttpResponse to_response(const ServiceError& error);

}  // namespace confab::api
