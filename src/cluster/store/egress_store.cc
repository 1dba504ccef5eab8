// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/egress_store.h"

#include <optional>
#include <utility>

#include "cluster/store/keys.h"
#include "cluster/store/record.h"
#include "livekit_egress.pb.h"

namespace confab::cluster::store {
namespace {

using livekit::EgressInfo;

// Error: why these bytes are not written.
std::optional<Failure> fault_of(const std::string& info) {
    if (info.size() > kMaxRecord)
        return Failure{Failure::Code::kTooLarge, "an egress of more than 1 MiB is not stored"};
    if (!EgressInfo().ParseFromString(info) ||
        text_of(info, EgressInfo::kEgressIdFieldNumber).empty())
        return Failure{Failure::Code::kInvalid, "no egress with an id"};
    return std::nullopt;
}

}  // namespace

void EgressStore::create(Timestamp now, const std::string& info, Got<bool> done) {
    if (const auto fault = fault_of(info)) return done(now, fail(*fault));
    const std::string_view id = text_of(info, EgressInfo::kEgressIdFieldNumber);
    const std::string_view room = text_of(info, EgressInfo::kRoomNameFieldNumber);
    // The set first: a member without a record is passed over by all. Added every time, since who
    // came first may have come no further.
    if (!room.empty())
        return write_after(now, {"SADD", keys::room_egress(room), id}, "HSETNX", info,
                           std::move(done));
    commands_.send(now, {"HSETNX", keys::kEgress, id, info}, integer_to(std::move(done)));
}

void EgressStore::update(Timestamp now, const std::string& info, Got<bool> done) {
    if (const auto fault = fault_of(info)) return done(now, fail(*fault));
    const std::string_view id = text_of(info, EgressInfo::kEgressIdFieldNumber);
    const std::int64_t ended = signed_of(info, EgressInfo::kEndedAtFieldNumber);
    if (ended == 0)
        return commands_.send(now, {"HSET", keys::kEgress, id, info}, integer_to(std::move(done)));
    // The note first: without it the record would stay for ever; without the record it does no
    // harm.
    std::string note(text_of(info, EgressInfo::kRoomNameFieldNumber));
    note.append("|").append(std::to_string(ended));
    write_after(now, {"HSET", keys::kEndedEgress, id, note}, "HSET", info, std::move(done));
}

// When `first` is done: what one master of a Redis Cluster does does not wait for another.
void EgressStore::write_after(Timestamp now, std::initializer_list<std::string_view> first,
                              std::string_view command, const std::string& info, Got<bool> done) {
    commands_.send(
        now, first,
        [this, command, info, done = std::move(done)](Timestamp at, const Answer& answer) mutable {
            if (!answer) return done(at, fail(answer.error()));
            const std::string_view id = text_of(info, EgressInfo::kEgressIdFieldNumber);
            commands_.send(at, {command, keys::kEgress, id, info}, integer_to(std::move(done)));
        });
}

void EgressStore::load(Timestamp now, const std::string& id, Got<std::string> done) {
    commands_.send(now, {"HGET", keys::kEgress, id},
                   [this, id, done = std::move(done)](Timestamp at, Answer answer) mutable {
                       done(at, one_of<EgressInfo>(at, commands_.notices(), keys::kEgress, id,
                                                   "egress does not exist", std::move(answer)));
                   });
}

void EgressStore::list(Timestamp now, Got<StoredList> done) {
    commands_.send(
        now, {"HGETALL", keys::kEgress},
        [this, done = std::move(done)](Timestamp at, Answer answer) mutable {
            done(at, all_of<EgressInfo>(at, commands_.notices(), keys::kEgress, std::move(answer)));
        });
}

void EgressStore::list(Timestamp now, const std::string& room, Got<StoredList> done) {
    list_members<EgressInfo>(now, commands_, keys::room_egress(room), keys::kEgress,
                             std::move(done));
}

void EgressStore::set_tenant(Timestamp now, const std::string& id, const std::string& tenant,
                             Got<bool> done) {
    commands_.send(now, {"HSET", keys::kEgressTenants, id, tenant}, integer_to(std::move(done)));
}

void EgressStore::forget_tenant(Timestamp now, const std::string& id) {
    commands_.send(now, {"HDEL", keys::kEgressTenants, id}, [](Timestamp, const Answer&) {});
}

void EgressStore::tenant_of(Timestamp now, std::string_view id, Got<std::string> done) {
    commands_.send(now, {"HGET", keys::kEgressTenants, id},
                   [done = std::move(done)](Timestamp at, Answer answer) mutable {
                       if (!answer) return done(at, fail(answer.error()));
                       done(at, take_text(*std::move(answer)));
                   });
}

void EgressStore::tenants(Timestamp now, Got<Tenants> done) {
    commands_.send(
        now, {"HGETALL", keys::kEgressTenants},
        [done = std::move(done)](Timestamp at, Answer answer) mutable {
            if (!answer) return done(at, fail(answer.error()));
            if (answer->cut)
                return done(at, fail(Failure{Failure::Code::kTooLarge,
                                             std::string(keys::kEgressTenants) +
                                                 " in Redis is larger than what is read at once"}));
            Tenants all;
            for (std::size_t i = 0; i + 1 < answer->items.size(); i += 2)
                all[std::move(answer->items[i].text)] = std::move(answer->items[i + 1].text);
            done(at, std::move(all));
        });
}

}  // namespace confab::cluster::store
