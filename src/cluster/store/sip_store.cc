// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/sip_store.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "cluster/store/keys.h"
#include "livekit_sip.pb.h"

namespace confab::cluster::store {
namespace {

using Kind = SipStore::Kind;

std::string_view key_of(Kind kind) {
    switch (kind) {
        case Kind::kLegacyTrunk:
            return keys::kSipTrunk;
        case Kind::kInboundTrunk:
            return keys::kSipInboundTrunk;
        case Kind::kOutboundTrunk:
            return keys::kSipOutboundTrunk;
        case Kind::kDispatchRule:
            break;
    }
    return keys::kSipDispatchRule;
}

// Calls `visit` with a message of the kind.
template <typename Visit>
auto of_kind(Kind kind, Visit&& visit) {
    switch (kind) {
        case Kind::kLegacyTrunk:
            return visit(livekit::SIPTrunkInfo());
        case Kind::kInboundTrunk:
            return visit(livekit::SIPInboundTrunkInfo());
        case Kind::kOutboundTrunk:
            return visit(livekit::SIPOutboundTrunkInfo());
        case Kind::kDispatchRule:
            break;
    }
    return visit(livekit::SIPDispatchRuleInfo());
}

// HGETALL of Redis keeps no order.
void sort(StoredList& records) {
    std::sort(records.begin(), records.end(),
              [](const Stored& a, const Stored& b) { return a.name < b.name; });
}

}  // namespace

void SipStore::put(Timestamp now, Kind kind, const std::string& id, const std::string& info,
                   Got<bool> done) {
    if (info.size() > kMaxRecord)
        return done(now, fail(Failure{Failure::Code::kTooLarge,
                                      "a trunk or rule of more than 1 MiB is not stored"}));
    if (id.empty() || !of_kind(kind, [&](auto message) { return message.ParseFromString(info); }))
        return done(now, fail(Failure{Failure::Code::kInvalid, "no trunk or rule with an id"}));
    commands_.send(now, {"HSET", key_of(kind), id, info}, integer_to(std::move(done)));
}

void SipStore::load(Timestamp now, Kind kind, const std::string& id, Got<std::string> done) {
    commands_.send(
        now, {"HGET", key_of(kind), id},
        [this, kind, id, done = std::move(done)](Timestamp at, Answer answer) mutable {
            const std::string_view absent = kind == Kind::kDispatchRule
                                                ? "requested sip dispatch rule does not exist"
                                                : "requested sip trunk does not exist";
            auto got = of_kind(kind, [&](const auto& message) {
                return one_of<std::remove_cvref_t<decltype(message)>>(
                    at, commands_.notices(), key_of(kind), id, absent, std::move(answer));
            });
            done(at, std::move(got));
        });
}

void SipStore::list(Timestamp now, Kind kind, Got<StoredList> done) {
    commands_.send(now, {"HGETALL", key_of(kind)},
                   [this, kind, done = std::move(done)](Timestamp at, Answer answer) mutable {
                       auto all = of_kind(kind, [&](const auto& message) {
                           return all_of<std::remove_cvref_t<decltype(message)>>(
                               at, commands_.notices(), key_of(kind), std::move(answer));
                       });
                       if (all) sort(*all);
                       done(at, std::move(all));
                   });
}

void SipStore::remove_trunk(Timestamp now, const std::string& id, Got<bool> done) {
    struct Gathered {
        bool found = false;
        std::optional<Failure> trouble;
        int missing = 3;
        Got<bool> done;
    };
    const auto gathered = std::make_shared<Gathered>();
    gathered->done = std::move(done);
    for (const Kind kind : {Kind::kLegacyTrunk, Kind::kInboundTrunk, Kind::kOutboundTrunk})
        commands_.send(now, {"HDEL", key_of(kind), id},
                       [gathered](Timestamp at, const Answer& answer) {
                           if (!answer) gathered->trouble = answer.error();
                           gathered->found |= answer && answer->integer == 1;
                           if (--gathered->missing > 0) return;
                           if (gathered->trouble)
                               return gathered->done(at, fail(*gathered->trouble));
                           gathered->done(at, gathered->found);
                       });
}

void SipStore::remove_rule(Timestamp now, const std::string& id, Got<bool> done) {
    commands_.send(now, {"HDEL", keys::kSipDispatchRule, id}, integer_to(std::move(done)));
}

}  // namespace confab::cluster::store
