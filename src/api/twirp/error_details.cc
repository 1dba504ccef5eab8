// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/twirp/error_details.h"

#include <google/protobuf/any.pb.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.h"
#include "livekit_sip.pb.h"
#include "rpc_status.pb.h"

namespace confab::api {
namespace {

// The words of gRPC by their numbers.
constexpr std::array<std::string_view, 17> kGrpcCodes{
    "ok",        "canceled",       "unknown",           "invalid_argument",   "deadline_exceeded",
    "not_found", "already_exists", "permission_denied", "resource_exhausted", "failed_precondition",
    "aborted",   "out_of_range",   "unimplemented",     "internal",           "unavailable",
    "data_loss", "unauthenticated"};

// psrpc's codes pass through gRPC (03 PSR-18), which has the same words for most.
int grpc_code(rpc::Code code) {
    if (code == rpc::Code::kMalformedRequest || code == rpc::Code::kUpstreamClientError)
        code = rpc::Code::kInvalidArgument;
    if (code == rpc::Code::kMalformedResult || code == rpc::Code::kUpstreamServerError)
        code = rpc::Code::kInternal;
    const auto found = std::find(kGrpcCodes.begin(), kGrpcCodes.end(), rpc::to_text(code));
    return found == kGrpcCodes.end() ? 2 : static_cast<int>(found - kGrpcCodes.begin());
}

std::string text_of(const livekit::SIPStatus& status) {
    if (!status.status().empty()) return status.status();
    if (livekit::SIPStatusCode_IsValid(status.code()))
        return livekit::SIPStatusCode_Name(status.code());
    return std::to_string(status.code());
}

}  // namespace

std::map<std::string, std::string> details_meta(const rpc::Error& error) {
    std::map<std::string, std::string> meta;
    ::rpc::Status status;
    for (const std::string& detail : error.details) {
        google::protobuf::Any any;
        if (!any.ParseFromString(detail)) continue;
        livekit::SIPStatus sip;
        if (any.UnpackTo(&sip)) {
            meta["sip_status_code"] = std::to_string(sip.code());
            meta["sip_status"] = text_of(sip);
        }
        *status.add_details() = std::move(any);
    }
    if (status.details().empty()) return {};
    status.set_code(grpc_code(error.code));
    status.set_message(error.text);
    meta["error_details"] = base64_encode(as_bytes(status.SerializeAsString()));
    return meta;
}

}  // namespace confab::api
