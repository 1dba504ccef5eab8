// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// SIP (01 API-30 … API-34) of a node that reaches the SIP service.
#include <string>
#include <utility>

#include "api/services/sip_port.h"
#include "api/twirp/sip_transfer.h"
#include "api/twirp/twirp_call.h"

namespace confab::api {
namespace {

// differs from upstream, which knows no tenants: trunks and calls do not say whose they are.
CheckResult check_caller(const token::Grants* grants, bool token::SipGrant::* flag) {
    if (auto error = require_sip(grants, flag)) return error;
    if (grants->tenant.empty()) return std::nullopt;
    return service_error(ErrorCode::kUnimplemented,
                         "phone calls into the rooms of a tenant are not possible yet");
}

constexpr auto kNeedsAdmin = [](const token::Grants* grants, const auto&) {
    return check_caller(grants, &token::SipGrant::admin);
};
constexpr auto kNeedsCall = [](const token::Grants* grants, const auto&) {
    return check_caller(grants, &token::SipGrant::call);
};
constexpr auto kMayTransfer = [](const token::Grants* grants,
                                 const livekit::TransferSIPParticipantRequest& request) {
    if (auto error = check_transfer(grants, request)) return error;
    return check_caller(grants, &token::SipGrant::call);
};

void add_changes(const ServiceMethods& service, SipPort& port) {
    using namespace livekit;
    const auto create = [&port](const CallContext& context, const auto& request, auto reply) {
        port.create(context, request, std::move(reply));
    };
    service.add<CreateSIPInboundTrunkRequest, SIPInboundTrunkInfo>("CreateSIPInboundTrunk",
                                                                   kNeedsAdmin, create);
    service.add<CreateSIPOutboundTrunkRequest, SIPOutboundTrunkInfo>("CreateSIPOutboundTrunk",
                                                                     kNeedsAdmin, create);
    service.add<CreateSIPDispatchRuleRequest, SIPDispatchRuleInfo>("CreateSIPDispatchRule",
                                                                   kNeedsAdmin, create);
    const auto update = [&port](const CallContext& context, const auto& request, auto reply) {
        port.update(context, request, std::move(reply));
    };
    service.add<UpdateSIPInboundTrunkRequest, SIPInboundTrunkInfo>("UpdateSIPInboundTrunk",
                                                                   kNeedsAdmin, update);
    service.add<UpdateSIPOutboundTrunkRequest, SIPOutboundTrunkInfo>("UpdateSIPOutboundTrunk",
                                                                     kNeedsAdmin, update);
    service.add<UpdateSIPDispatchRuleRequest, SIPDispatchRuleInfo>("UpdateSIPDispatchRule",
                                                                   kNeedsAdmin, update);
    const auto remove = [&port](const CallContext& context, const auto& request, auto reply) {
        port.remove(context, request, std::move(reply));
    };
    service.add<DeleteSIPTrunkRequest, SIPTrunkInfo>("DeleteSIPTrunk", kNeedsAdmin, remove);
    service.add<DeleteSIPDispatchRuleRequest, SIPDispatchRuleInfo>("DeleteSIPDispatchRule",
                                                                   kNeedsAdmin, remove);
}

void add_looks(const ServiceMethods& service, SipPort& port) {
    using namespace livekit;
    const auto get = [&port](const CallContext& context, const auto& request, auto reply) {
        port.get(context, request, std::move(reply));
    };
    service.add<GetSIPInboundTrunkRequest, GetSIPInboundTrunkResponse>("GetSIPInboundTrunk",
                                                                       kNeedsAdmin, get);
    service.add<GetSIPOutboundTrunkRequest, GetSIPOutboundTrunkResponse>("GetSIPOutboundTrunk",
                                                                         kNeedsAdmin, get);
    const auto list = [&port](const CallContext& context, const auto& request, auto reply) {
        port.list(context, request, std::move(reply));
    };
    service.add<ListSIPTrunkRequest, ListSIPTrunkResponse>("ListSIPTrunk", kNeedsAdmin, list);
    service.add<ListSIPInboundTrunkRequest, ListSIPInboundTrunkResponse>("ListSIPInboundTrunk",
                                                                         kNeedsAdmin, list);
    service.add<ListSIPOutboundTrunkRequest, ListSIPOutboundTrunkResponse>("ListSIPOutboundTrunk",
                                                                           kNeedsAdmin, list);
    service.add<ListSIPDispatchRuleRequest, ListSIPDispatchRuleResponse>("ListSIPDispatchRule",
                                                                         kNeedsAdmin, list);
}

void add_calls(const ServiceMethods& service, RoomServicePort& rooms, SipPort& port) {
    using namespace livekit;
    service.add<CreateSIPParticipantRequest, SIPParticipantInfo>(
        "CreateSIPParticipant", kNeedsCall,
        [&port](const CallContext& context, const auto& request, Reply<SIPParticipantInfo> reply) {
            port.dial(context, request, std::move(reply));
        });
    using Response = TransferSIPParticipantResponse;
    service.add<TransferSIPParticipantRequest, Response>(
        "TransferSIPParticipant", kMayTransfer,
        [&rooms, &port](const CallContext& context, TransferSIPParticipantRequest request,
                        Reply<Response> reply) {
            if (auto target = transfer_target(request.transfer_to()))
                request.set_transfer_to(*std::move(target));
            find_call(rooms, context, request,
                      [&port, context, request, reply = std::move(reply)](
                          const Result<std::string, ServiceError>& id) mutable {
                          if (!id) return reply(tl::unexpected(id.error()));
                          port.transfer(context, *id, request, std::move(reply));
                      });
        });
}

}  // namespace

void add_sip(TwirpMethods& methods, RoomServicePort& rooms, SipPort& port) {
    const ServiceMethods service{methods, "livekit.SIP"};
    add_changes(service, port);
    add_looks(service, port);
    add_calls(service, rooms, port);
}

}  // namespace confab::api
