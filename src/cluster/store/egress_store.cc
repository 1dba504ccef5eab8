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
    if (room.empty())
        return commands_.send(now, {"HSETNX", keys::kEgress, id, info},
                              integer_to(std::move(done)));
    // The set first: a member without a record is passed over by all. Added every time, since who
    // came first may have come no further.
    commands_.send(now, {"SADD", keys::room_egress(room), id}, {});
    commands_.send(now, {"HSETNX", keys::kEgress, id, info}, integer_to(std::move(done)));
}

void EgressStore::update(Timestamp now, const std::string& info, Got<bool> done) {
    if (const auto fault = fault_of(info)) return done(now, fail(*fault));
    const std::string_view id = text_of(info, EgressInfo::kEgressIdFieldNumber);
    // The note first: without it the record would stay for ever; without the record it does no
    // harm.
    if (const std::int64_t ended = signed_of(info, EgressInfo::kEndedAtFieldNumber); ended != 0) {
        std::string note(text_of(info, EgressInfo::kRoomNameFieldNumber));
        note.append("|").append(std::to_string(ended));
        commands_.send(now, {"HSET", keys::kEndedEgress, id, note}, {});
    }
    commands_.send(now, {"HSET", keys::kEgress, id, info}, integer_to(std::move(done)));
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

}  // namespace confab::cluster::store
