// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One table of codes.
#include "api/twirp/service_error.h"

#include <array>
#include <cstddef>

#include "json/json.h"

namespace confab::api {
namespace {

struct CodeRow {
    ErrorCode code;
    std::string_view text;
    int status;
};
constexpr std::array<CodeRow, 18> kCodes{{
    {ErrorCode::kCanceled, "canceled", 408},
    {ErrorCode::kUnknown, "unknown", 500},
    {ErrorCode::kInvalidArgument, "invalid_argument", 400},
    {ErrorCode::kMalformed, "malformed", 400},
    {ErrorCode::kDeadlineExceeded, "deadline_exceeded", 408},
    {ErrorCode::kNotFound, "not_found", 404},
    {ErrorCode::kBadRoute, "bad_route", 404},
    {ErrorCode::kAlreadyExists, "already_exists", 409},
    {ErrorCode::kPermissionDenied, "permission_denied", 403},
    {ErrorCode::kUnauthenticated, "unauthenticated", 401},
    {ErrorCode::kResourceExhausted, "resource_exhausted", 429},
    {ErrorCode::kFailedPrecondition, "failed_precondition", 412},
    {ErrorCode::kAborted, "aborted", 409},
    {ErrorCode::kOutOfRange, "out_of_range", 400},
    {ErrorCode::kUnimplemented, "unimplemented", 501},
    {ErrorCode::kInternal, "internal", 500},
    {ErrorCode::kUnavailable, "unavailable", 503},
    {ErrorCode::kDataLoss, "data_loss", 500},
}};
static_assert(kCodes.back().code == ErrorCode::kDataLoss);

ErrorCode to_twirp(rpc::Code code) {
    switch (code) {
        case rpc::Code::kMalformedRequest:
        case rpc::Code::kUpstreamClientError:
            return ErrorCode::kInvalidArgument;
        case rpc::Code::kMalformedResult:
        case rpc::Code::kUpstreamServerError:
            return ErrorCode::kInternal;
        case rpc::Code::kNotAcceptable:
        case rpc::Code::kUnprocessableEntity:
            return ErrorCode::kUnknown;
        default:
            break;
    }
    // The others have the same word in both.
    for (const CodeRow& candidate : kCodes)
        if (candidate.text == rpc::to_text(code)) return candidate.code;
    return ErrorCode::kUnknown;
}

const CodeRow& row(ErrorCode code) {
    return kCodes[static_cast<std::size_t>(code)];
}

}  // namespace

std::string_view to_text(ErrorCode code) {
    return row(code).text;
}
int http_status(ErrorCode code) {
    return row(code).status;
}

ServiceError service_error(ErrorCode code, std::string_view text) {
    return {code, "twirp error unknown: " + std::string(text), {}};
}
ServiceError service_error(const rpc::Error& error) {
    return service_error(to_twirp(error.code), error.text);
}
ServiceError native_error(ErrorCode code, std::string_view text) {
    return {code, std::string(text), {}};
}
ServiceError argument_error(std::string_view argument, std::string_view value) {
    std::string message(argument);
    message.append(" ").append(value);
    return {ErrorCode::kInvalidArgument, std::move(message), {{"argument", std::string(argument)}}};
}
ServiceError permission_error() {
    return native_error(ErrorCode::kUnauthenticated, "permissions denied");
}

HttpResponse to_response(const ServiceError& error) {
    json::Writer json;
    json.begin_object();
    json.string("code", to_text(error.code));
    json.string("msg", error.message);
    if (!error.meta.empty()) {
        json.begin_object("meta");
        for (const auto& [key, value] : error.meta)
            json.string(key, value);
        json.end_object();
    }
    json.end_object();
    return {
        http_status(error.code), {{"Content-Type", std::string(kApplicationJson)}}, json.take()};
}

}  // namespace confab::api
