// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/evaluation.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/text.h"
#include "cluster/services/sip/attributes.h"
#include "cluster/services/sip/rules/conflicts.h"
#include "cluster/services/sip/rules/media.h"
#include "crypto/digest.h"
#include "token/ids.h"

namespace confab::cluster::services::sip {
namespace {

using Response = ::rpc::EvaluateSIPDispatchRulesResponse;
using Trunk = livekit::SIPInboundTrunkInfo;
using Rule = livekit::SIPDispatchRuleInfo;

// The end of a number by which its owner knows it. differs from upstream, whose server ends with an
// empty one (SIP-29).
std::string shortened(const std::string& number) {
    const std::size_t shown = number.size() <= 4 ? 1 : 4;
    std::size_t from = number.size() - std::min(shown, number.size());
    const auto is_inside = [&number](std::size_t at) {  // of a character of UTF-8
        return at < number.size() && (static_cast<unsigned char>(number[at]) & 0xC0U) == 0x80U;
    };
    while (is_inside(from))
        ++from;
    return number.substr(from);
}

std::string hidden_identity(const std::string& number) {
    const auto digest = crypto::sha256(as_bytes(number));
    return "sip_" + to_hex(BytesView(digest).first(8));
}

std::string joined(const std::string& prefix, const std::string& number, bool is_random, Rng& rng) {
    std::string room = prefix.empty() ? number : prefix + "_" + number;
    if (is_random) room += "_" + token::make_id("", rng);
    return room;
}

// `from` as it is shown.
std::string room_name(const livekit::SIPDispatchRule& rule, const std::string& from,
                      const std::string& to, Rng& rng) {
    switch (rule.rule_case()) {
        case livekit::SIPDispatchRule::kDispatchRuleIndividual:
            return joined(rule.dispatch_rule_individual().room_prefix(), from,
                          !rule.dispatch_rule_individual().no_randomness(), rng);
        case livekit::SIPDispatchRule::kDispatchRuleCallee:
            return joined(rule.dispatch_rule_callee().room_prefix(), to,
                          rule.dispatch_rule_callee().randomize(), rng);
        default:
            return rule.dispatch_rule_direct().room_name();
    }
}

// Those of the rule, of the service, and ours over them.
void add_attributes(const ::rpc::EvaluateSIPDispatchRulesRequest& request, const InboundCall& call,
                    const Rule& rule, const std::string& trunk_id, Response& response) {
    auto& attributes = *response.mutable_participant_attributes();
    attributes = rule.attributes();
    for (const auto& [key, value] : request.extra_attributes())
        attributes[key] = value;
    attributes[kCallId] = call.id;
    if (!trunk_id.empty()) attributes[kTrunkId] = trunk_id;
    attributes[kRuleId] = rule.sip_dispatch_rule_id();
    if (rule.hide_phone_number()) return;
    attributes[kPhoneNumber] = call.from_user;
    attributes[kHostName] = call.from_host;
    attributes[kTrunkNumber] = call.to_user;
}

void add_trunk(const Trunk& trunk, Response& response) {
    *response.mutable_headers() = trunk.headers();
    *response.mutable_headers_to_attributes() = trunk.headers_to_attributes();
    *response.mutable_attributes_to_headers() = trunk.attributes_to_headers();
    response.set_include_headers(trunk.include_headers());
    if (trunk.has_ringing_timeout()) *response.mutable_ringing_timeout() = trunk.ringing_timeout();
    if (trunk.has_max_call_duration())
        *response.mutable_max_call_duration() = trunk.max_call_duration();
}

livekit::SIPMediaConfig media_of(const Trunk* trunk, Rule rule) {
    bring_up(rule);
    if (trunk == nullptr) return rule.media();
    Trunk below = *trunk;
    bring_up(below);
    return merged(below.media(), rule.media());
}

}  // namespace

Response evaluate(const ::rpc::EvaluateSIPDispatchRulesRequest& request, const Trunk* trunk,
                  const Rule& rule, Rng& rng) {
    const InboundCall call = call_of(request);
    Response response;
    if (trunk != nullptr) response.set_sip_trunk_id(trunk->sip_trunk_id());
    response.set_sip_dispatch_rule_id(rule.sip_dispatch_rule_id());
    *response.mutable_media() = media_of(trunk, rule);
    response.set_media_encryption(response.media().encryption());
    if (!pin_of(rule).empty() && request.pin().empty()) {
        response.set_result(::rpc::REQUEST_PIN);
        response.set_request_pin(true);
        return response;
    }
    response.set_result(::rpc::ACCEPT);
    const bool is_hidden = rule.hide_phone_number();
    const std::string from = is_hidden ? shortened(call.from_user) : call.from_user;
    response.set_room_name(room_name(rule.rule(), from, call.to_user, rng));
    response.set_participant_identity(is_hidden ? hidden_identity(call.from_user)
                                                : "sip_" + call.from_user);
    response.set_participant_name("Phone " + from);
    response.set_participant_metadata(rule.metadata());
    add_attributes(request, call, rule,
                   trunk != nullptr ? trunk->sip_trunk_id() : request.sip_trunk_id(), response);
    response.set_room_preset(rule.room_preset());
    if (rule.has_room_config()) *response.mutable_room_config() = rule.room_config();
    if (trunk != nullptr) add_trunk(*trunk, response);
    if (rule.krisp_enabled() || (trunk != nullptr && trunk->krisp_enabled()))
        response.add_enabled_features(livekit::KRISP_ENABLED);
    return response;
}

}  // namespace confab::cluster::services::sip
