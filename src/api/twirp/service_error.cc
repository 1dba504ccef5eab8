// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One table of codes.
#include "api/twirp/service_error.h"

#include <array>
#include <cstddef>

#include "api/twirp/error_details.h"
#include "json/json.h"

namespace confab::api {
namespace {

constexpr std::array<ErrorCodeInfo, 18> kCodes{{
    {ErrorCode::kCanceled, "canceled", 408, "the caller hung up before the answer"},
    {ErrorCode::kUnknown, "unknown", 500, "an error that has no other name"},
    {ErrorCode::kInvalidArgument, "invalid_argument", 400,
     "a field is missing, too long or wrong; `msg` names it"},
    {ErrorCode::kMalformed, "malformed", 400,
     "the body is neither JSON nor protobuf of the method, or too large"},
    {ErrorCode::kDeadlineExceeded, "deadline_exceeded", 408,
     "a participant or a service did not answer in time"},
    {ErrorCode::kNotFound, "not_found", 404, "no such room, participant, track, dispatch …"},
    {ErrorCode::kBadRoute, "bad_route", 404, "no such service or method, or not by POST"},
    {ErrorCode::kAlreadyExists, "already_exists", 409, "the same is there already"},
    {ErrorCode::kPermissionDenied, "permission_denied", 403,
     "the room or the destination does not allow it"},
    {ErrorCode::kUnauthenticated, "unauthenticated", 401,
     "no token, or without the grant that the method needs (`roomCreate`, `roomList`, `roomAdmin` "
     "of the room …)"},
    {ErrorCode::kResourceExhausted, "resource_exhausted", 429, "a limit is reached"},
    {ErrorCode::kFailedPrecondition, "failed_precondition", 412,
     "not possible in the state it is in; `msg` says what to do"},
    {ErrorCode::kAborted, "aborted", 409, "two callers changed the same"},
    {ErrorCode::kOutOfRange, "out_of_range", 400, "a value is outside of what is there"},
    {ErrorCode::kUnimplemented, "unimplemented", 501,
     "PerformRpc: the participant's client, or its version, does not take such calls"},
    {ErrorCode::kInternal, "internal", 500, "a fault of the server; its log has more"},
    {ErrorCode::kUnavailable, "unavailable", 503,
     "the service behind it (egress, ingress, SIP, agents) is not there, or the room is elsewhere"},
    {ErrorCode::kDataLoss, "data_loss", 500, "what was stored can't be read"},
}};
static_assert(kCodes.back().code == ErrorCode::kDataLoss);

constexpr std::string_view kPrefix = "twirp error unknown: ";

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
    for (const ErrorCodeInfo& candidate : kCodes)
        if (candidate.text == rpc::to_text(code)) return candidate.code;
    return ErrorCode::kUnknown;
}

const ErrorCodeInfo& row(ErrorCode code) {
    return kCodes[static_cast<std::size_t>(code)];
}

}  // namespace

std::string_view to_text(ErrorCode code) {
    return row(code).text;
}
int http_status(ErrorCode code) {
    return row(code).status;
}

std::span<const ErrorCodeInfo> error_codes() {
    return kCodes;
}

ServiceError service_error(ErrorCode code, std::string_view text) {
    return {code, std::string(kPrefix).append(text), {}};
}
rpc::Error bus_error(const ServiceError& error) {
    std::string_view text = error.message;
    if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
    const auto code = rpc::parse_code(to_text(error.code));
    return {code.value_or(rpc::Code::kUnknown), std::string(text), {}};
}
ServiceError service_error(const rpc::Error& error) {
    ServiceError result = service_error(to_twirp(error.code), error.text);
    result.meta = details_meta(error);
    return result;
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
