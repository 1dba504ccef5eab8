// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/sip_store_service.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cluster/services/sip/refusals.h"
#include "cluster/services/sip/rules/changes.h"
#include "cluster/services/sip/rules/conflicts.h"
#include "cluster/services/sip/rules/info_rules.h"
#include "cluster/services/sip/rules/media.h"
#include "cluster/services/sip/rules/numbers.h"
#include "token/ids.h"

namespace confab::cluster::services::sip {
namespace {

using livekit::SIPDispatchRuleInfo;
using livekit::SIPInboundTrunkInfo;
using livekit::SIPOutboundTrunkInfo;
using livekit::SIPTrunkInfo;
using store::Failure;
using Texts = google::protobuf::RepeatedPtrField<std::string>;

const std::string& id_of(const SIPDispatchRuleInfo& info) {
    return info.sip_dispatch_rule_id();
}
template <typename Trunk>
const std::string& id_of(const Trunk& info) {
    return info.sip_trunk_id();
}

void give_id(SIPDispatchRuleInfo& info, Rng& rng) {
    info.set_sip_dispatch_rule_id(token::make_id(token::kSipDispatchRulePrefix, rng));
}
template <typename Trunk>
void give_id(Trunk& info, Rng& rng) {
    info.set_sip_trunk_id(token::make_id(token::kSipTrunkPrefix, rng));
}

Fault info_fault(const SIPInboundTrunkInfo& info) {
    return inbound_fault(info);
}
Fault info_fault(const SIPOutboundTrunkInfo& info) {
    return outbound_fault(info);
}
Fault info_fault(const SIPDispatchRuleInfo& info) {
    return rule_fault(info);
}

// Outbound trunks are named by whoever calls, and conflict with none.
Fault conflict(const SIPInboundTrunkInfo& info, const std::vector<SIPInboundTrunkInfo>& all) {
    return trunk_conflict(info, all);
}
Fault conflict(const SIPDispatchRuleInfo& info, const std::vector<SIPDispatchRuleInfo>& all) {
    return rule_conflict(info, all);
}
Fault conflict(const SIPOutboundTrunkInfo&, const std::vector<SIPOutboundTrunkInfo>&) {
    return std::nullopt;
}

template <typename Info>
void put(SipRecords& records, Timestamp now, const Info& info, Done<Info> done) {
    records.put<Info>(
        now, info, [done = std::move(done)](Timestamp, Result<Info, Failure> kept) mutable {
            if (!kept)
                return done(fail(Refusal{to_error(kept.error(), rpc::Code::kInvalidArgument)}));
            done(*std::move(kept));
        });
}

// Stores what goes together with all others; with an id from `rng` if it is new.
template <typename Info>
void put_checked(SipRecords& records, Timestamp now, const Info& info, Rng& rng, Done<Info> done) {
    using All = Result<std::vector<Info>, Failure>;
    if (info.ByteSizeLong() > store::kMaxRecord) return put(records, now, info, std::move(done));
    records.list<Info>(now, [&records, &rng, info = info, done = std::move(done)](
                                Timestamp at, const All& all) mutable {
        if (!all) return done(fail(refusal(all.error())));
        if (auto fault = conflict(info, *all)) return done(fail(invalid(*std::move(fault))));
        if (id_of(info).empty()) give_id(info, rng);
        put(records, at, info, std::move(done));
    });
}

template <typename Info, typename Request>
void change(SipRecords& records, Timestamp now, const Request& request, const std::string& id,
            Rng& rng, Done<Info> done) {
    if (auto fault = request_fault(request)) return done(fail(invalid(*std::move(fault))));
    records.load<Info>(
        now, id,
        [&records, &rng, request, done = std::move(done)](Timestamp at,
                                                          Result<Info, Failure> found) mutable {
            if (!found) return done(fail(absent(found.error())));
            apply(request, *found);
            // differs from upstream, where some of these are 500 (API-W5).
            if (auto fault = info_fault(*found))
                return done(fail(refusal(rpc::Code::kInvalidArgument, *std::move(fault))));
            put_checked(records, at, *found, rng, std::move(done));
        });
}

template <typename Info, typename Response>
void get_one(SipRecords& records, Timestamp now, const std::string& id, Done<Response> done) {
    if (id.empty()) return done(fail(invalid("trunk ID is required")));
    records.load<Info>(now, id,
                       [done = std::move(done)](Timestamp, Result<Info, Failure> found) mutable {
                           if (!found) return done(fail(absent(found.error())));
                           Response response;
                           *response.mutable_trunk() = *std::move(found);
                           done(std::move(response));
                       });
}

bool names(const Texts& wanted, const std::string& id) {
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), id) != wanted.end();
}

// An empty list of a record stands for all.
bool share(const Texts& wanted, const Texts& had) {
    return wanted.empty() || had.empty() ||
           std::find_first_of(had.begin(), had.end(), wanted.begin(), wanted.end()) != had.end();
}

bool is_wanted(const livekit::ListSIPInboundTrunkRequest& request,
               const SIPInboundTrunkInfo& info) {
    const Texts& numbers = info.numbers();
    const bool has_one = std::any_of(numbers.begin(), numbers.end(), [&](const auto& number) {
        return has_number(request.numbers(), number);
    });
    return names(request.trunk_ids(), info.sip_trunk_id()) &&
           (has_one || share(request.numbers(), numbers));
}
// Numbers as they are written.
bool is_wanted(const livekit::ListSIPOutboundTrunkRequest& request,
               const SIPOutboundTrunkInfo& info) {
    return names(request.trunk_ids(), info.sip_trunk_id()) &&
           share(request.numbers(), info.numbers());
}
bool is_wanted(const livekit::ListSIPDispatchRuleRequest& request,
               const SIPDispatchRuleInfo& info) {
    return names(request.dispatch_rule_ids(), info.sip_dispatch_rule_id()) &&
           share(request.trunk_ids(), info.trunk_ids());
}
bool is_wanted(const livekit::ListSIPTrunkRequest&, const SIPTrunkInfo&) {
    return true;
}

template <typename Info, typename Request, typename Response>
void list_wanted(SipRecords& records, Timestamp now, const Request& request, Done<Response> done) {
    using All = Result<std::vector<Info>, Failure>;
    records.list<Info>(now, [request, done = std::move(done)](Timestamp, const All& all) mutable {
        if (!all) return done(fail(refusal(all.error())));
        Response response;
        for (const Info& one : *all)
            if (id_of(one) > request.page().after_id() && is_wanted(request, one))
                *response.add_items() = one;
        done(std::move(response));
    });
}

template <typename Request>
Fault new_trunk_fault(const Request& request) {
    if (!request.has_trunk()) return "missing trunk";
    if (!request.trunk().sip_trunk_id().empty()) return "trunk id must not be set";
    return info_fault(request.trunk());
}

// Of old SDKs the fields of the request itself are the rule.
SIPDispatchRuleInfo wanted_rule(const livekit::CreateSIPDispatchRuleRequest& request) {
    SIPDispatchRuleInfo info;
    if (request.has_dispatch_rule()) {
        info = request.dispatch_rule();
        bring_up(info);
        return info;
    }
    if (request.has_rule()) *info.mutable_rule() = request.rule();
    *info.mutable_trunk_ids() = request.trunk_ids();
    *info.mutable_inbound_numbers() = request.inbound_numbers();
    info.set_hide_phone_number(request.hide_phone_number());
    info.set_name(request.name());
    info.set_metadata(request.metadata());
    *info.mutable_attributes() = request.attributes();
    info.set_room_preset(request.room_preset());
    if (request.has_room_config()) *info.mutable_room_config() = request.room_config();
    return info;
}

}  // namespace

// ---------------------------------------------------------------- create

void SipStoreService::create(const Caller& caller,
                             const livekit::CreateSIPInboundTrunkRequest& request,
                             Done<SIPInboundTrunkInfo> done) {
    if (auto fault = new_trunk_fault(request)) return done(fail(invalid(*std::move(fault))));
    put_checked(records_, caller.now, request.trunk(), rng_, std::move(done));
}

void SipStoreService::create(const Caller& caller,
                             const livekit::CreateSIPOutboundTrunkRequest& request,
                             Done<SIPOutboundTrunkInfo> done) {
    if (auto fault = new_trunk_fault(request)) return done(fail(invalid(*std::move(fault))));
    SIPOutboundTrunkInfo info = request.trunk();
    give_id(info, rng_);
    put(records_, caller.now, info, std::move(done));
}

void SipStoreService::create(const Caller& caller,
                             const livekit::CreateSIPDispatchRuleRequest& request,
                             Done<SIPDispatchRuleInfo> done) {
    const SIPDispatchRuleInfo info = wanted_rule(request);
    if (!info.sip_dispatch_rule_id().empty()) return done(fail(invalid("rule id must not be set")));
    if (auto fault = rule_fault(info)) return done(fail(invalid(*std::move(fault))));
    put_checked(records_, caller.now, info, rng_, std::move(done));
}

// ---------------------------------------------------------------- update

void SipStoreService::update(const Caller& caller,
                             const livekit::UpdateSIPInboundTrunkRequest& request,
                             Done<SIPInboundTrunkInfo> done) {
    change(records_, caller.now, request, request.sip_trunk_id(), rng_, std::move(done));
}

void SipStoreService::update(const Caller& caller,
                             const livekit::UpdateSIPOutboundTrunkRequest& request,
                             Done<SIPOutboundTrunkInfo> done) {
    change(records_, caller.now, request, request.sip_trunk_id(), rng_, std::move(done));
}

void SipStoreService::update(const Caller& caller,
                             const livekit::UpdateSIPDispatchRuleRequest& request,
                             Done<SIPDispatchRuleInfo> done) {
    change(records_, caller.now, request, request.sip_dispatch_rule_id(), rng_, std::move(done));
}

// ---------------------------------------------------------------- get, list

void SipStoreService::get(const Caller& caller, const livekit::GetSIPInboundTrunkRequest& request,
                          Done<livekit::GetSIPInboundTrunkResponse> done) {
    get_one<SIPInboundTrunkInfo>(records_, caller.now, request.sip_trunk_id(), std::move(done));
}

void SipStoreService::get(const Caller& caller, const livekit::GetSIPOutboundTrunkRequest& request,
                          Done<livekit::GetSIPOutboundTrunkResponse> done) {
    get_one<SIPOutboundTrunkInfo>(records_, caller.now, request.sip_trunk_id(), std::move(done));
}

void SipStoreService::list(const Caller& caller, const livekit::ListSIPInboundTrunkRequest& request,
                           Done<livekit::ListSIPInboundTrunkResponse> done) {
    list_wanted<SIPInboundTrunkInfo>(records_, caller.now, request, std::move(done));
}

void SipStoreService::list(const Caller& caller,
                           const livekit::ListSIPOutboundTrunkRequest& request,
                           Done<livekit::ListSIPOutboundTrunkResponse> done) {
    list_wanted<SIPOutboundTrunkInfo>(records_, caller.now, request, std::move(done));
}

void SipStoreService::list(const Caller& caller, const livekit::ListSIPDispatchRuleRequest& request,
                           Done<livekit::ListSIPDispatchRuleResponse> done) {
    list_wanted<SIPDispatchRuleInfo>(records_, caller.now, request, std::move(done));
}

void SipStoreService::list(const Caller& caller, const livekit::ListSIPTrunkRequest& request,
                           Done<livekit::ListSIPTrunkResponse> done) {
    list_wanted<SIPTrunkInfo>(records_, caller.now, request, std::move(done));
}

// ---------------------------------------------------------------- delete

void SipStoreService::remove(const Caller& caller, const livekit::DeleteSIPTrunkRequest& request,
                             Done<SIPTrunkInfo> done) {
    const std::string& id = request.sip_trunk_id();
    if (id.empty()) return done(fail(invalid("trunk ID is required")));
    records_.store().remove_trunk(
        caller.now, id,
        [id, done = std::move(done)](Timestamp, const Result<bool, Failure>& gone) mutable {
            if (!gone) return done(fail(refusal(gone.error())));
            SIPTrunkInfo info;
            info.set_sip_trunk_id(id);
            done(std::move(info));
        });
}

void SipStoreService::remove(const Caller& caller,
                             const livekit::DeleteSIPDispatchRuleRequest& request,
                             Done<SIPDispatchRuleInfo> done) {
    const std::string& id = request.sip_dispatch_rule_id();
    if (id.empty()) return done(fail(invalid("dispatch rule ID is required")));
    records_.load<SIPDispatchRuleInfo>(
        caller.now, id,
        [this, id, done = std::move(done)](Timestamp at,
                                           Result<SIPDispatchRuleInfo, Failure> found) mutable {
            if (!found) return done(fail(absent(found.error())));
            records_.store().remove_rule(at, id,
                                         [info = *std::move(found), done = std::move(done)](
                                             Timestamp, const Result<bool, Failure>& gone) mutable {
                                             if (!gone) return done(fail(refusal(gone.error())));
                                             done(std::move(info));
                                         });
        });
}

}  // namespace confab::cluster::services::sip
