// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/sip_records.h"

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>

#include "cluster/services/sip/legacy.h"

namespace confab::cluster::services::sip {
namespace {

using livekit::SIPDispatchRuleInfo;
using livekit::SIPInboundTrunkInfo;
using livekit::SIPOutboundTrunkInfo;
using livekit::SIPTrunkInfo;
using store::Failure;
using store::SipStore;
using store::StoredList;
using Kind = SipStore::Kind;

Kind kind_of(const SIPTrunkInfo&) {
    return Kind::kLegacyTrunk;
}
Kind kind_of(const SIPInboundTrunkInfo&) {
    return Kind::kInboundTrunk;
}
Kind kind_of(const SIPOutboundTrunkInfo&) {
    return Kind::kOutboundTrunk;
}
Kind kind_of(const SIPDispatchRuleInfo&) {
    return Kind::kDispatchRule;
}

const std::string& id_of(const SIPDispatchRuleInfo& info) {
    return info.sip_dispatch_rule_id();
}
template <typename Trunk>
const std::string& id_of(const Trunk& info) {
    return info.sip_trunk_id();
}

std::optional<SIPInboundTrunkInfo> view(const SIPTrunkInfo& trunk, const SIPInboundTrunkInfo&) {
    return as_inbound(trunk);
}
std::optional<SIPOutboundTrunkInfo> view(const SIPTrunkInfo& trunk, const SIPOutboundTrunkInfo&) {
    return as_outbound(trunk);
}

// A record of the store that was sound when it was read.
template <typename Info>
Info parsed(const std::string& record) {
    Info info;
    if (!info.ParseFromString(record)) info.Clear();
    return info;
}

template <typename Info>
void load_one(SipStore& store, Timestamp now, const std::string& id, store::Got<Info> done) {
    store.load(
        now, kind_of(Info()), id,
        [done = std::move(done)](Timestamp at, const Result<std::string, Failure>& found) mutable {
            if (!found) return done(at, fail(found.error()));
            done(at, parsed<Info>(*found));
        });
}

// As what it is, or else what an older record is as such.
template <typename Info>
void load_trunk(SipStore& store, Timestamp now, const std::string& id, store::Got<Info> done) {
    load_one<Info>(
        store, now, id,
        [&store, id, done = std::move(done)](Timestamp at, Result<Info, Failure> found) mutable {
            if (found || found.error().code != Failure::Code::kNotFound)
                return done(at, std::move(found));
            load_one<SIPTrunkInfo>(
                store, at, id,
                [absent = found.error(), done = std::move(done)](
                    Timestamp then, const Result<SIPTrunkInfo, Failure>& old) mutable {
                    if (!old) return done(then, fail(old.error()));
                    auto trunk = view(*old, Info());
                    if (!trunk) return done(then, fail(absent));
                    done(then, *std::move(trunk));
                });
        });
}

template <typename Info>
void list_one(SipStore& store, Timestamp now, store::Got<std::vector<Info>> done) {
    store.list(
        now, kind_of(Info()),
        [done = std::move(done)](Timestamp at, const Result<StoredList, Failure>& found) mutable {
            if (!found) return done(at, fail(found.error()));
            std::vector<Info> all;
            all.reserve(found->size());
            for (const store::Stored& one : *found)
                all.push_back(parsed<Info>(one.bytes));
            done(at, std::move(all));
        });
}

template <typename Info>
void sort(std::vector<Info>& all) {
    std::sort(all.begin(), all.end(),
              [](const Info& a, const Info& b) { return id_of(a) < id_of(b); });
}

template <typename Info>
void list_trunks(SipStore& store, Timestamp now, store::Got<std::vector<Info>> done) {
    using Found = Result<std::vector<Info>, Failure>;
    using Old = Result<std::vector<SIPTrunkInfo>, Failure>;
    list_one<Info>(store, now, [&store, done = std::move(done)](Timestamp at, Found found) mutable {
        if (!found) return done(at, fail(found.error()));
        list_one<SIPTrunkInfo>(store, at,
                               [all = *std::move(found), done = std::move(done)](
                                   Timestamp then, const Old& old) mutable {
                                   if (!old) return done(then, fail(old.error()));
                                   for (const SIPTrunkInfo& one : *old)
                                       if (auto trunk = view(one, Info()))
                                           all.push_back(*std::move(trunk));
                                   sort(all);
                                   done(then, std::move(all));
                               });
    });
}

// All trunks, of whatever kind.
void list_legacy(SipStore& store, Timestamp now, store::Got<std::vector<SIPTrunkInfo>> done) {
    using In = Result<std::vector<SIPInboundTrunkInfo>, Failure>;
    using Out = Result<std::vector<SIPOutboundTrunkInfo>, Failure>;
    using Old = Result<std::vector<SIPTrunkInfo>, Failure>;
    list_one<SIPInboundTrunkInfo>(
        store, now, [&store, done = std::move(done)](Timestamp at, const In& in) mutable {
            if (!in) return done(at, fail(in.error()));
            std::vector<SIPTrunkInfo> all;
            for (const SIPInboundTrunkInfo& one : *in)
                all.push_back(as_legacy(one));
            list_one<SIPOutboundTrunkInfo>(
                store, at,
                [&store, all = std::move(all), done = std::move(done)](Timestamp then,
                                                                       const Out& out) mutable {
                    if (!out) return done(then, fail(out.error()));
                    for (const SIPOutboundTrunkInfo& one : *out)
                        all.push_back(as_legacy(one));
                    list_one<SIPTrunkInfo>(store, then,
                                           [all = std::move(all), done = std::move(done)](
                                               Timestamp last, const Old& old) mutable {
                                               if (!old) return done(last, fail(old.error()));
                                               all.insert(all.end(), old->begin(), old->end());
                                               sort(all);
                                               done(last, std::move(all));
                                           });
                });
        });
}

}  // namespace

template <typename Info>
void SipRecords::load(Timestamp now, const std::string& id, store::Got<Info> done) {
    if constexpr (std::is_same_v<Info, SIPDispatchRuleInfo>)
        load_one(store_, now, id, std::move(done));
    else
        load_trunk(store_, now, id, std::move(done));
}

template <typename Info>
void SipRecords::list(Timestamp now, store::Got<std::vector<Info>> done) {
    if constexpr (std::is_same_v<Info, SIPDispatchRuleInfo>)
        list_one(store_, now, std::move(done));
    else if constexpr (std::is_same_v<Info, SIPTrunkInfo>)
        list_legacy(store_, now, std::move(done));
    else
        list_trunks(store_, now, std::move(done));
}

template <typename Info>
void SipRecords::put(Timestamp now, const Info& info, store::Got<Info> done) {
    store_.put(now, kind_of(info), id_of(info), info.SerializeAsString(),
               [info = info, done = std::move(done)](Timestamp at,
                                                     const Result<bool, Failure>& kept) mutable {
                   if (!kept) return done(at, fail(kept.error()));
                   done(at, std::move(info));
               });
}

template void SipRecords::load(Timestamp, const std::string&, store::Got<SIPInboundTrunkInfo>);
template void SipRecords::load(Timestamp, const std::string&, store::Got<SIPOutboundTrunkInfo>);
template void SipRecords::load(Timestamp, const std::string&, store::Got<SIPDispatchRuleInfo>);
template void SipRecords::list(Timestamp, store::Got<std::vector<SIPTrunkInfo>>);
template void SipRecords::list(Timestamp, store::Got<std::vector<SIPInboundTrunkInfo>>);
template void SipRecords::list(Timestamp, store::Got<std::vector<SIPOutboundTrunkInfo>>);
template void SipRecords::list(Timestamp, store::Got<std::vector<SIPDispatchRuleInfo>>);
template void SipRecords::put(Timestamp, const SIPInboundTrunkInfo&,
                              store::Got<SIPInboundTrunkInfo>);
template void SipRecords::put(Timestamp, const SIPOutboundTrunkInfo&,
                              store::Got<SIPOutboundTrunkInfo>);
template void SipRecords::put(Timestamp, const SIPDispatchRuleInfo&,
                              store::Got<SIPDispatchRuleInfo>);

}  // namespace confab::cluster::services::sip
