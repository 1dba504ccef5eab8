// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/sip_io.h"

#include <optional>
#include <string>
#include <utility>

#include "cluster/services/methods.h"
#include "cluster/services/outcome.h"
#include "cluster/services/sip/evaluation.h"
#include "cluster/services/sip/matching.h"
#include "rpc_sip.pb.h"

namespace confab::cluster::services::sip {
namespace {

using Trunk = livekit::SIPInboundTrunkInfo;
using Rule = livekit::SIPDispatchRuleInfo;
using store::Failure;
using Trunks = std::vector<Trunk>;
using Evaluate = ::rpc::EvaluateSIPDispatchRulesRequest;

// nullopt: the request is refused.
template <typename Message>
std::optional<Message> read(const rpc::Request& request, rpc::Reply& reply) {
    Message message;
    if (message.ParseFromString(request.payload)) return message;
    reply(fail(rpc::Error{rpc::Code::kMalformedRequest, "request cannot be read", {}}));
    return std::nullopt;
}

// A call rings until it is answered about, so that troubles are told at once.
void refuse(const Failure& failure, rpc::Reply& reply) {
    reply(fail(to_error(failure)));
}

// SIP-36. A trunk that is not there asks for no password (SIP-23).
std::string authentication(const Trunk* trunk) {
    if (trunk == nullptr) return {};
    ::rpc::GetSIPTrunkAuthenticationResponse response;
    response.set_username(trunk->auth_username());
    response.set_password(trunk->auth_password());
    response.set_realm(trunk->auth_realm());
    response.set_sip_trunk_id(trunk->sip_trunk_id());
    livekit::ProviderInfo& provider = *response.mutable_provider_info();
    provider.set_id(trunk->sip_trunk_id());
    provider.set_name(trunk->name());
    provider.set_type(livekit::PROVIDER_TYPE_EXTERNAL);
    return response.SerializeAsString();
}

// SIP-27.
std::string dropped(const Trunk* trunk) {
    ::rpc::EvaluateSIPDispatchRulesResponse response;
    response.set_result(::rpc::DROP);
    if (trunk != nullptr) response.set_sip_trunk_id(trunk->sip_trunk_id());
    return response.SerializeAsString();
}

// The trunk that the call was authenticated for, if it still is for it; else any.
Result<const Trunk*, rpc::Error> trunk_of(const Evaluate& request, const Trunks& trunks) {
    const InboundCall call = call_of(request);
    for (const Trunk& trunk : trunks) {
        if (request.sip_trunk_id().empty() || trunk.sip_trunk_id() != request.sip_trunk_id())
            continue;
        const auto same = match_trunk(call, {trunk});
        if (same && *same != nullptr) return &trunk;
    }
    return match_trunk(call, trunks);
}

void answer_with(const Evaluate& request, const Trunks& trunks, const std::vector<Rule>& rules,
                 Rng& rng, rpc::Reply reply) {
    const auto trunk = trunk_of(request, trunks);
    if (!trunk) return reply(fail(trunk.error()));
    const auto rule = match_rule(request, *trunk, rules);
    if (!rule) return reply(fail(rule.error()));
    if (*rule == nullptr) return reply(dropped(*trunk));
    reply(evaluate(request, *trunk, **rule, rng).SerializeAsString());
}

}  // namespace

Result<std::unique_ptr<SipIo>, rpc::Error> SipIo::serve(rpc::Bus& bus, SipRecords& records,
                                                        std::uint64_t seed) {
    std::unique_ptr<SipIo> io(new SipIo(records, seed));
    CONFAB_TRY_VOID(io->add(bus, kGetTrunkAuthentication, &SipIo::get_authentication));
    CONFAB_TRY_VOID(io->add(bus, kEvaluateRules, &SipIo::evaluate_rules));
    CONFAB_TRY_VOID(io->add(bus, kUpdateCallState, &SipIo::update_call));
    CONFAB_TRY_VOID(io->add(bus, kRecordCallContext, &SipIo::record_context));
    return io;
}

Result<void, rpc::Error> SipIo::add(rpc::Bus& bus, std::string_view name, Member handler) {
    for (const std::string_view service : kSipIoServices) {
        CONFAB_TRY(rpc::Registration served,
                   bus.serve({service, name}, {},
                             [this, handler](const rpc::Request& request, rpc::Reply reply) {
                                 (this->*handler)(request, std::move(reply));
                             },
                             {}));
        served_.push_back(std::move(served));
    }
    return {};
}

void SipIo::get_authentication(const rpc::Request& request, rpc::Reply reply) {
    const auto wanted = read<::rpc::GetSIPTrunkAuthenticationRequest>(request, reply);
    if (!wanted) return;
    records_.list<Trunk>(request.now, [call = call_of(*wanted), reply = std::move(reply)](
                                          Timestamp, const Result<Trunks, Failure>& all) mutable {
        if (!all) return refuse(all.error(), reply);
        const auto trunk = match_trunk(call, *all);
        if (!trunk) return reply(fail(trunk.error()));
        reply(authentication(*trunk));
    });
}

void SipIo::evaluate_rules(const rpc::Request& request, rpc::Reply reply) {
    auto wanted = read<Evaluate>(request, reply);
    if (!wanted) return;
    using Rules = Result<std::vector<Rule>, Failure>;
    records_.list<Trunk>(request.now, [this, wanted = *std::move(wanted), reply = std::move(reply)](
                                          Timestamp now, Result<Trunks, Failure> trunks) mutable {
        if (!trunks) return refuse(trunks.error(), reply);
        records_.list<Rule>(now, [this, wanted = std::move(wanted), trunks = *std::move(trunks),
                                  reply = std::move(reply)](Timestamp, const Rules& rules) mutable {
            if (!rules) return refuse(rules.error(), reply);
            answer_with(wanted, trunks, *rules, rng_, std::move(reply));
        });
    });
}

// As of an open upstream server, which keeps none of it either (SIP-104).
void SipIo::update_call(const rpc::Request& request, rpc::Reply reply) {
    if (read<::rpc::UpdateSIPCallStateRequest>(request, reply)) reply(std::string());
}

void SipIo::record_context(const rpc::Request& request, rpc::Reply reply) {
    if (read<::rpc::RecordCallContextRequest>(request, reply)) reply(std::string());
}

}  // namespace confab::cluster::services::sip
