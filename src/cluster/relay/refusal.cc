// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/relay/refusal.h"

#include <array>
#include <cstddef>

namespace confab::cluster::relay {
namespace {

// From then on `leave` says what to do (01 SIG-152).
constexpr std::int32_t kLeaveAction = 13;

// In the order of rpc::Code.
constexpr std::array<int, 22> kStatus{503,   // canceled
                                      400,   // malformed_request
                                      500,   // malformed_result
                                      503,   // deadline_exceeded
                                      503,   // unavailable
                                      500,   // unknown
                                      400,   // invalid_argument
                                      404,   // not_found
                                      406,   // not_acceptable
                                      409,   // already_exists
                                      403,   // permission_denied
                                      429,   // resource_exhausted
                                      412,   // failed_precondition
                                      409,   // aborted
                                      416,   // out_of_range
                                      501,   // unimplemented
                                      500,   // internal
                                      500,   // data_loss
                                      401,   // unauthenticated
                                      422,   // unprocessable_entity
                                      502,   // upstream_server_error
                                      424};  // upstream_client_error
static_assert(kStatus.size() == static_cast<std::size_t>(rpc::Code::kUpstreamClientError) + 1);

}  // namespace

int http_status(rpc::Code code) {
    return kStatus[static_cast<std::size_t>(code)];
}

bool may_try_again(rpc::Code code) {
    using enum rpc::Code;
    switch (code) {
        case kCanceled:
        case kDeadlineExceeded:
        case kUnavailable:
        case kUnknown:
        case kInternal:
        case kDataLoss:
        case kAborted:
        case kFailedPrecondition:
        case kUpstreamServerError:
            return true;
        default:
            return false;
    }
}

std::optional<livekit::SignalResponse> farewell_message(Farewell farewell,
                                                        std::int32_t client_protocol) {
    livekit::SignalResponse response;
    livekit::LeaveRequest& leave = *response.mutable_leave();
    const bool died = farewell == Farewell::kNodeDied;
    leave.set_reason(died ? livekit::STATE_MISMATCH : livekit::SIGNAL_CLOSE);
    if (client_protocol >= kLeaveAction) {
        leave.set_action(died ? livekit::LeaveRequest::RECONNECT : livekit::LeaveRequest::RESUME);
        return response;
    }
    if (!died) return std::nullopt;
    leave.set_can_reconnect(true);
    return response;
}

}  // namespace confab::cluster::relay
