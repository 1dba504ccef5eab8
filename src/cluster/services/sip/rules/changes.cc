// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/rules/changes.h"

#include <algorithm>

#include "cluster/services/sip/rules/info_rules.h"
#include "cluster/services/sip/rules/media.h"

namespace confab::cluster::services::sip {
namespace {

using List = google::protobuf::RepeatedPtrField<std::string>;
using livekit::ListUpdate;

bool has_empty(const List& list) {
    return std::any_of(list.begin(), list.end(),
                       [](const std::string& one) { return one.empty(); });
}

Fault list_fault(const ListUpdate& update) {
    const bool sets = !update.set().empty();
    const bool changes = !update.add().empty() || !update.remove().empty();
    if (!update.clear() && !sets && !changes) return "unsupported list update operation";
    if (update.clear() && (sets || changes))
        return "cannot clear and change the list at the same time";
    if (sets && changes) return "cannot set and change the list at the same time";
    if (has_empty(update.set()) || has_empty(update.add()) || has_empty(update.remove()))
        return "empty element in the list";
    return std::nullopt;
}

// `has`: whether the update names the list at all.
void apply_list(bool has, const ListUpdate& update, List& list) {
    if (!has) return;
    if (update.clear() || !update.set().empty()) {
        list = update.set();
        return;
    }
    for (const std::string& gone : update.remove())
        if (const auto at = std::find(list.begin(), list.end(), gone); at != list.end())
            list.erase(at);
    for (const std::string& one : update.add())
        if (std::find(list.begin(), list.end(), one) == list.end()) list.Add(std::string(one));
}

// The older field of the encryption says the same as `media` (05 SIP-03).
template <typename Update, typename Info>
void apply_media(const Update& update, Info& info) {
    if (update.has_media()) *info.mutable_media() = update.media();
    if (update.has_media_encryption()) info.set_media_encryption(update.media_encryption());
    bring_up(info);
    info.set_media_encryption(info.media().encryption());
}

template <typename Update, typename Info>
void apply_names(const Update& update, Info& info) {
    if (update.has_name()) info.set_name(update.name());
    if (update.has_metadata()) info.set_metadata(update.metadata());
}

template <typename Update, typename Info>
void apply_login(const Update& update, Info& info) {
    if (update.has_auth_username()) info.set_auth_username(update.auth_username());
    if (update.has_auth_password()) info.set_auth_password(update.auth_password());
}

void apply_update(const livekit::SIPInboundTrunkUpdate& update,
                  livekit::SIPInboundTrunkInfo& info) {
    apply_list(update.has_numbers(), update.numbers(), *info.mutable_numbers());
    apply_list(update.has_allowed_addresses(), update.allowed_addresses(),
               *info.mutable_allowed_addresses());
    apply_list(update.has_allowed_numbers(), update.allowed_numbers(),
               *info.mutable_allowed_numbers());
    apply_login(update, info);
    if (update.has_auth_realm()) info.set_auth_realm(update.auth_realm());
    apply_names(update, info);
    apply_media(update, info);
}

void apply_update(const livekit::SIPOutboundTrunkUpdate& update,
                  livekit::SIPOutboundTrunkInfo& info) {
    if (update.has_address()) info.set_address(update.address());
    if (update.has_transport()) info.set_transport(update.transport());
    if (update.has_destination_country())
        info.set_destination_country(update.destination_country());
    apply_list(update.has_numbers(), update.numbers(), *info.mutable_numbers());
    apply_login(update, info);
    if (update.has_from_host()) info.set_from_host(update.from_host());
    apply_names(update, info);
    apply_media(update, info);
}

void apply_update(const livekit::SIPDispatchRuleUpdate& update,
                  livekit::SIPDispatchRuleInfo& info) {
    apply_list(update.has_trunk_ids(), update.trunk_ids(), *info.mutable_trunk_ids());
    if (update.has_rule()) *info.mutable_rule() = update.rule();
    for (const auto& [key, value] : update.attributes()) {
        if (value.empty())
            info.mutable_attributes()->erase(key);
        else
            (*info.mutable_attributes())[key] = value;
    }
    apply_names(update, info);
    apply_media(update, info);
}

Fault update_fault(const livekit::SIPInboundTrunkUpdate& update) {
    if (update.has_numbers())
        if (auto fault = list_fault(update.numbers())) return fault;
    if (update.has_allowed_addresses())
        if (auto fault = list_fault(update.allowed_addresses())) return fault;
    if (update.has_allowed_numbers())
        if (auto fault = list_fault(update.allowed_numbers())) return fault;
    return media_fault(update.media());
}

Fault update_fault(const livekit::SIPOutboundTrunkUpdate& update) {
    if (update.has_numbers())
        if (auto fault = list_fault(update.numbers())) return fault;
    return media_fault(update.media());
}

Fault update_fault(const livekit::SIPDispatchRuleUpdate& update) {
    if (update.has_trunk_ids())
        if (auto fault = list_fault(update.trunk_ids())) return fault;
    return media_fault(update.media());
}

// `what` is called "trunk" or "rule"; `info_fault` says what may be in place of it.
template <typename Request, typename InfoFault>
Fault fault_of(const Request& request, const std::string& id, const std::string& new_id,
               const std::string& what, InfoFault info_fault) {
    if (id.empty()) return what + " id must be set";
    if (request.has_update()) return update_fault(request.update());
    if (!request.has_replace()) return "missing or unsupported update action";
    if (!new_id.empty() && new_id != id)
        return what + " id in the info must be empty or match the id in the update";
    return info_fault(request.replace());
}

template <typename Request, typename Info>
void apply_request(const Request& request, Info& info) {
    if (request.has_replace())
        info = request.replace();
    else
        apply_update(request.update(), info);
}

}  // namespace

Fault request_fault(const livekit::UpdateSIPInboundTrunkRequest& request) {
    return fault_of(request, request.sip_trunk_id(), request.replace().sip_trunk_id(), "trunk",
                    inbound_fault);
}
Fault request_fault(const livekit::UpdateSIPOutboundTrunkRequest& request) {
    return fault_of(request, request.sip_trunk_id(), request.replace().sip_trunk_id(), "trunk",
                    outbound_fault);
}
Fault request_fault(const livekit::UpdateSIPDispatchRuleRequest& request) {
    return fault_of(request, request.sip_dispatch_rule_id(),
                    request.replace().sip_dispatch_rule_id(), "rule", rule_fault);
}

void apply(const livekit::UpdateSIPInboundTrunkRequest& request,
           livekit::SIPInboundTrunkInfo& info) {
    apply_request(request, info);
    info.set_sip_trunk_id(request.sip_trunk_id());
}
void apply(const livekit::UpdateSIPOutboundTrunkRequest& request,
           livekit::SIPOutboundTrunkInfo& info) {
    apply_request(request, info);
    info.set_sip_trunk_id(request.sip_trunk_id());
}
void apply(const livekit::UpdateSIPDispatchRuleRequest& request,
           livekit::SIPDispatchRuleInfo& info) {
    apply_request(request, info);
    info.set_sip_dispatch_rule_id(request.sip_dispatch_rule_id());
}

}  // namespace confab::cluster::services::sip
