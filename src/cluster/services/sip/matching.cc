// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/matching.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "base/cidr.h"
#include "base/net_address.h"
#include "cluster/services/sip/rules/conflicts.h"
#include "cluster/services/sip/rules/numbers.h"

namespace confab::cluster::services::sip {
namespace {

using Trunk = livekit::SIPInboundTrunkInfo;
using Rule = livekit::SIPDispatchRuleInfo;
using Texts = google::protobuf::RepeatedPtrField<std::string>;

bool has(const Texts& list, const std::string& text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

InboundCall call_of(const ::rpc::SIPCall& call) {
    return {call.lk_call_id(), call.source_ip(), call.from().user(), call.from().host(),
            call.to().user()};
}

// An IPv6 address, with or without brackets and a port, is read without the interface that it came
// by: `fe80::1%eth0`.
std::string without_zone(const std::string& address) {
    const std::size_t zone = address.find('%');
    if (zone == address.npos || address.find(':') > zone) return address;
    const std::size_t end = std::min(address.find(']', zone), address.size());
    return end == zone + 1 ? address : address.substr(0, zone) + address.substr(end);
}

// Of an address with or without a port.
std::string host_of(const std::string& address) {
    const auto parsed = SocketAddress::parse(without_zone(address));
    return parsed ? parsed->ip.to_string() : address;
}

// ---------------------------------------------------------------- trunks

// What can be no address, block or name of a host is passed over.
bool is_mask(const std::string& mask) {
    return mask.find_first_of("()+*;, \t\n\r") == mask.npos && mask.find("://") == mask.npos;
}

bool covers(const std::string& mask, const IpAddress& source, const std::string& host) {
    if (mask == host) return true;
    if (const auto block = Cidr::parse(mask)) return block->contains(source);
    return IpAddress::parse(mask) == source;
}

// SIP-21. A call whose source is not told passes every mask.
bool is_allowed(const Trunk& trunk, const std::optional<IpAddress>& source,
                const std::string& host) {
    bool has_mask = false;
    for (const std::string& mask : trunk.allowed_addresses()) {
        if (!is_mask(mask)) continue;
        has_mask = true;
        if (!source || covers(mask, *source, host)) return true;
    }
    return !has_mask;
}

// As Go prints it.
rpc::Error several(const std::string& what, const InboundCall& call) {
    return {rpc::Code::kFailedPrecondition,
            "Multiple " + what + " matched for \"" + call.to_user + "\"",
            {}};
}

// ---------------------------------------------------------------- rules

bool is_for_trunk(const Rule& rule, const Trunk* trunk) {
    return rule.trunk_ids().empty() ||
           (trunk != nullptr && has(rule.trunk_ids(), trunk->sip_trunk_id()));
}

struct Wanted {
    std::string from;
    std::string to;
    std::string pin;
    bool no_pin = false;

    explicit Wanted(const ::rpc::EvaluateSIPDispatchRulesRequest& request)
        : from(request.calling_number().empty() ? request.call().from().user()
                                                : request.calling_number()),
          to(request.called_number().empty() ? request.call().to().user()
                                             : request.called_number()),
          pin(request.pin()),
          no_pin(request.no_pin()) {}

    // Numbers as they are written (SIP-24).
    bool fits(const Rule& rule) const {
        if (!rule.inbound_numbers().empty() && !has(rule.inbound_numbers(), from)) return false;
        if (!rule.numbers().empty() && !has(rule.numbers(), to)) return false;
        if (no_pin) return pin_of(rule).empty();
        return pin.empty() || pin_of(rule) == pin;
    }
};

const std::string& room_of(const livekit::SIPDispatchRule& rule) {
    switch (rule.rule_case()) {
        case livekit::SIPDispatchRule::kDispatchRuleIndividual:
            return rule.dispatch_rule_individual().room_prefix();
        case livekit::SIPDispatchRule::kDispatchRuleCallee:
            return rule.dispatch_rule_callee().room_prefix();
        default:
            return rule.dispatch_rule_direct().room_name();
    }
}

// SIP-25: what comes first wins.
auto order(const Rule& rule) {
    using Case = livekit::SIPDispatchRule;
    int rank = pin_of(rule).empty() ? 100 : 0;
    if (rule.rule().rule_case() == Case::kDispatchRuleIndividual) rank += 1;
    if (rule.rule().rule_case() == Case::kDispatchRuleCallee) rank += 2;
    if (rule.inbound_numbers().empty()) rank += 1000;
    if (rule.numbers().empty()) rank += 1000;
    return std::tuple(rule.trunk_ids().empty(), rank, std::string_view(room_of(rule.rule())));
}

}  // namespace

InboundCall call_of(const ::rpc::GetSIPTrunkAuthenticationRequest& request) {
    if (request.has_call()) return call_of(request.call());
    return {request.sip_call_id(), host_of(request.src_address()), request.from(),
            request.from_host(), request.to()};
}

InboundCall call_of(const ::rpc::EvaluateSIPDispatchRulesRequest& request) {
    if (request.has_call()) return call_of(request.call());
    return {request.sip_call_id(), host_of(request.src_address()), request.calling_number(),
            request.calling_host(), request.called_number()};
}

Result<const Trunk*, rpc::Error> match_trunk(const InboundCall& call,
                                             const std::vector<Trunk>& trunks) {
    const auto source = IpAddress::parse(without_zone(call.source_ip));
    if (!source && !call.source_ip.empty())
        return fail(rpc::Error{rpc::Code::kInvalidArgument,
                               "the source of the call is no IP address: " + call.source_ip,
                               {}});
    const Trunk* specific = nullptr;
    const Trunk* general = nullptr;
    bool several_general = false;
    for (const Trunk& trunk : trunks) {
        if (!trunk.allowed_numbers().empty() &&
            !has_number(trunk.allowed_numbers(), call.from_user))
            continue;
        if (!is_allowed(trunk, source, call.from_host)) continue;
        if (trunk.numbers().empty()) {
            several_general |= general != nullptr;
            general = &trunk;
        } else if (has_number(trunk.numbers(), call.to_user)) {
            if (specific != nullptr) return fail(several("SIP Trunks", call));
            specific = &trunk;
        }
    }
    if (specific != nullptr) return specific;
    if (several_general) return fail(several("default SIP Trunks", call));
    return general;
}

Result<const Rule*, rpc::Error> match_rule(const ::rpc::EvaluateSIPDispatchRulesRequest& request,
                                           const Trunk* trunk, const std::vector<Rule>& rules) {
    const Wanted wanted(request);
    std::vector<const Rule*> compared;
    const Rule* best = nullptr;
    for (const Rule& rule : rules) {
        // differs from upstream, where such a rule fails all calls.
        if (rule.rule().rule_case() == livekit::SIPDispatchRule::RULE_NOT_SET) continue;
        const bool is_ours = is_for_trunk(rule, trunk);
        if (is_ours || trunk == nullptr) compared.push_back(&rule);
        if (is_ours && wanted.fits(rule) && (best == nullptr || order(rule) < order(*best)))
            best = &rule;
    }
    if (const Fault conflict = rule_conflict(compared))
        return fail(rpc::Error{rpc::Code::kInvalidArgument, *conflict, {}});
    return best;
}

}  // namespace confab::cluster::services::sip
