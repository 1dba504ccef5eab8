// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Egress, Ingress and SIP on a server without a store and without workers: they check the request
// and the grant and name what is missing (01 API-20 … API-34). Update and delete of an ingress give
// the same answer as the others, not upstream's panic text.
#include <string>

#include "api/twirp/sip_transfer.h"
#include "api/twirp/twirp_call.h"
#include "livekit_egress.pb.h"
#include "livekit_ingress.pb.h"
#include "livekit_sip.pb.h"

namespace confab::api {
namespace {

ServiceError not_connected(std::string_view what) {
    return service_error(ErrorCode::kInternal,
                         std::string(what) + " not connected (redis required)");
}

constexpr auto kNeedsRecord = [](const token::Grants* grants, const auto&) {
    return require_flag(grants, &token::VideoGrant::room_record);
};
constexpr auto kNeedsIngressAdmin = [](const token::Grants* grants, const auto&) {
    return require_flag(grants, &token::VideoGrant::ingress_admin);
};
constexpr auto kNeedsSipAdmin = [](const token::Grants* grants, const auto&) {
    return require_sip(grants, &token::SipGrant::admin);
};
constexpr auto kNeedsSipCall = [](const token::Grants* grants, const auto&) {
    return require_sip(grants, &token::SipGrant::call);
};

// An invoke that always fails, whatever the response type is.
auto always(ServiceError error) {
    return [error = std::move(error)](const CallContext&, const auto&, auto reply) {
        reply(tl::unexpected(error));
    };
}

void add_ingress(const ServiceMethods& service) {
    using namespace livekit;
    const auto ingress = always(not_connected("ingress"));
    service.add<CreateIngressRequest, IngressInfo>("CreateIngress", kNeedsIngressAdmin, ingress);
    service.add<UpdateIngressRequest, IngressInfo>("UpdateIngress", kNeedsIngressAdmin, ingress);
    service.add<ListIngressRequest, IngressInfo>("ListIngress", kNeedsIngressAdmin, ingress);
    service.add<DeleteIngressRequest, IngressInfo>("DeleteIngress", kNeedsIngressAdmin, ingress);
}

void add_transfer(const ServiceMethods& service, RoomServicePort& rooms) {
    using Response = livekit::TransferSIPParticipantResponse;
    service.add<livekit::TransferSIPParticipantRequest, Response>(
        "TransferSIPParticipant", check_transfer,
        [&rooms](const CallContext& context, const auto& request, Reply<Response> reply) {
            find_call(
                rooms, context, request,
                [reply = std::move(reply)](const Result<std::string, ServiceError>& id) mutable {
                    reply(tl::unexpected(id ? not_connected("sip") : id.error()));
                });
        });
}

void add_sip(const ServiceMethods& service, RoomServicePort& rooms) {
    using namespace livekit;
    const auto sip = always(not_connected("sip"));
    const auto admin = [&]<typename Request>(std::string_view method) {
        service.add<Request, SIPTrunkInfo>(method, kNeedsSipAdmin, sip);
    };
    admin.operator()<ListSIPTrunkRequest>("ListSIPTrunk");
    admin.operator()<CreateSIPInboundTrunkRequest>("CreateSIPInboundTrunk");
    admin.operator()<UpdateSIPInboundTrunkRequest>("UpdateSIPInboundTrunk");
    admin.operator()<CreateSIPOutboundTrunkRequest>("CreateSIPOutboundTrunk");
    admin.operator()<UpdateSIPOutboundTrunkRequest>("UpdateSIPOutboundTrunk");
    admin.operator()<GetSIPInboundTrunkRequest>("GetSIPInboundTrunk");
    admin.operator()<GetSIPOutboundTrunkRequest>("GetSIPOutboundTrunk");
    admin.operator()<ListSIPInboundTrunkRequest>("ListSIPInboundTrunk");
    admin.operator()<ListSIPOutboundTrunkRequest>("ListSIPOutboundTrunk");
    admin.operator()<DeleteSIPTrunkRequest>("DeleteSIPTrunk");
    admin.operator()<CreateSIPDispatchRuleRequest>("CreateSIPDispatchRule");
    admin.operator()<UpdateSIPDispatchRuleRequest>("UpdateSIPDispatchRule");
    admin.operator()<ListSIPDispatchRuleRequest>("ListSIPDispatchRule");
    admin.operator()<DeleteSIPDispatchRuleRequest>("DeleteSIPDispatchRule");
    service.add<CreateSIPParticipantRequest, SIPParticipantInfo>("CreateSIPParticipant",
                                                                 kNeedsSipCall, sip);
    add_transfer(service, rooms);
}

void add_egress(const ServiceMethods& service, RoomDirectory& rooms) {
    using namespace livekit;
    const auto stored = always(not_connected("egress"));
    service.add<UpdateLayoutRequest, EgressInfo>("UpdateLayout", kNeedsRecord, stored);
    service.add<UpdateStreamRequest, EgressInfo>("UpdateStream", kNeedsRecord, stored);
    service.add<StopEgressRequest, EgressInfo>("StopEgress", kNeedsRecord, stored);
    service.add<ListEgressRequest, EgressInfo>("ListEgress", kNeedsRecord, stored);

    // The room is looked up before a worker is (API-20), except for web pages and without a name.
    const ServiceError no_worker =
        service_error(ErrorCode::kUnavailable, "no response from servers");
    service.add<WebEgressRequest, EgressInfo>("StartWebEgress", kNeedsRecord, always(no_worker));
    const auto start = [&]<typename Request>(std::string_view method) {
        const auto invoke = [&rooms, no_worker](const CallContext& context, const Request& request,
                                                Reply<EgressInfo> reply) {
            if (request.room_name().empty()) return reply(tl::unexpected(no_worker));
            using Node = Result<std::optional<std::string>, ServiceError>;
            rooms.find_room(
                token::room_key(context.tenant, request.room_name()),
                [no_worker, reply = std::move(reply)](Node node) mutable {
                    if (!node) return reply(tl::unexpected(std::move(node.error())));
                    reply(tl::unexpected(*node ? no_worker
                                               : service_error(ErrorCode::kNotFound,
                                                               "requested room does not exist")));
                });
        };
        service.add<Request, EgressInfo>(method, kNeedsRecord, invoke);
    };
    start.operator()<StartEgressRequest>("StartEgress");
    start.operator()<RoomCompositeEgressRequest>("StartRoomCompositeEgress");
    start.operator()<ParticipantEgressRequest>("StartParticipantEgress");
    start.operator()<TrackCompositeEgressRequest>("StartTrackCompositeEgress");
    start.operator()<TrackEgressRequest>("StartTrackEgress");
}

}  // namespace

void add_unconnected_services(TwirpMethods& methods, RoomServicePort& rooms) {
    add_egress({methods, "livekit.Egress"}, rooms);
    add_ingress({methods, "livekit.Ingress"});
    add_sip({methods, "livekit.SIP"}, rooms);
}

}  // namespace confab::api
