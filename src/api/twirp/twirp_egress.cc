// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Egress (01 API-20 … API-23) of a node that reaches workers.
#include <string>

#include "api/services/egress_port.h"
#include "api/twirp/twirp_call.h"

namespace confab::api {
namespace {

// differs from upstream, which knows no tenants: what workers report does not say whose it is, so
// that a list would show the egresses of all.
CheckResult check_caller(const token::Grants* grants) {
    if (auto error = require_flag(grants, &token::VideoGrant::room_record)) return error;
    if (grants->tenant.empty()) return std::nullopt;
    return service_error(ErrorCode::kUnimplemented,
                         "the rooms of a tenant can not be recorded yet");
}

constexpr auto kNeedsRecord = [](const token::Grants* grants, const auto&) {
    return check_caller(grants);
};

// The kinds of egress differ in the field of the request that they come in.
template <typename Request, typename Put>
void add_start(const ServiceMethods& service, EgressPort& port, std::string_view method, Put put) {
    service.add<Request, livekit::EgressInfo>(
        method, kNeedsRecord,
        [&port, put](const CallContext& context, const Request& request,
                     Reply<livekit::EgressInfo> reply) {
            ::rpc::StartEgressRequest start;
            *put(start) = request;
            port.start(context, start, std::move(reply));
        });
}

void add_starts(const ServiceMethods& service, EgressPort& port) {
    using namespace livekit;
    using Start = ::rpc::StartEgressRequest;
    add_start<StartEgressRequest>(service, port, "StartEgress",
                                  [](Start& start) { return start.mutable_egress(); });
    add_start<RoomCompositeEgressRequest>(
        service, port, "StartRoomCompositeEgress",
        [](Start& start) { return start.mutable_room_composite(); });
    add_start<WebEgressRequest>(service, port, "StartWebEgress",
                                [](Start& start) { return start.mutable_web(); });
    add_start<ParticipantEgressRequest>(service, port, "StartParticipantEgress",
                                        [](Start& start) { return start.mutable_participant(); });
    add_start<TrackCompositeEgressRequest>(
        service, port, "StartTrackCompositeEgress",
        [](Start& start) { return start.mutable_track_composite(); });
    add_start<TrackEgressRequest>(service, port, "StartTrackEgress",
                                  [](Start& start) { return start.mutable_track(); });
}

}  // namespace

void add_egress(TwirpMethods& methods, const token::Limits& limits, EgressPort& port) {
    using namespace livekit;
    const ServiceMethods service{methods, "livekit.Egress"};
    add_starts(service, port);
    // It becomes the metadata of a participant.
    const auto check_layout = [most = limits.metadata](
                                  const token::Grants* grants,
                                  const UpdateLayoutRequest& request) -> CheckResult {
        if (auto error = check_caller(grants)) return error;
        if (token::exceeds(request.layout().size(), most))
            return argument_error("metadata size exceeds limits", std::to_string(most));
        return std::nullopt;
    };
    service.add<UpdateLayoutRequest, EgressInfo>(
        "UpdateLayout", check_layout,
        [&port](const CallContext& context, const auto& request, Reply<EgressInfo> reply) {
            port.update_layout(context, request, std::move(reply));
        });
    service.add<UpdateStreamRequest, EgressInfo>(
        "UpdateStream", kNeedsRecord,
        [&port](const CallContext& context, const auto& request, Reply<EgressInfo> reply) {
            port.update_stream(context, request, std::move(reply));
        });
    service.add<StopEgressRequest, EgressInfo>(
        "StopEgress", kNeedsRecord,
        [&port](const CallContext& context, const auto& request, Reply<EgressInfo> reply) {
            port.stop(context, request, std::move(reply));
        });
    service.add<ListEgressRequest, ListEgressResponse>(
        "ListEgress", kNeedsRecord,
        [&port](const CallContext& context, const auto& request, Reply<ListEgressResponse> reply) {
            port.list(context, request, std::move(reply));
        });
}

}  // namespace confab::api
