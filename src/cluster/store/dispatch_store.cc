// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/dispatch_store.h"

#include <utility>

#include "cluster/store/keys.h"
#include "cluster/store/record.h"
#include "livekit_agent.pb.h"
#include "livekit_agent_dispatch.pb.h"
#include "livekit_models.pb.h"

namespace confab::cluster::store {
namespace {

using livekit::AgentDispatch;
using livekit::Job;

template <typename Message>
std::optional<Failure> fault_of(const std::string& record) {
    if (record.size() > kMaxRecord)
        return Failure{Failure::Code::kTooLarge,
                       "a dispatch or job of more than 1 MiB is not stored"};
    if (!Message().ParseFromString(record) || text_of(record, Message::kIdFieldNumber).empty())
        return Failure{Failure::Code::kInvalid, "no dispatch or job with an id"};
    return std::nullopt;
}

// A field that holds a message, as `change` makes of it; nothing if it is not there.
template <typename Change>
std::string with_changed(const std::string& record, std::uint32_t number, Change&& change) {
    std::string kept;
    FieldReader reader(record);
    while (const auto field = reader.next()) {
        if (field->number == number)
            append_field(kept, number, change(field->content));
        else
            kept.append(field->whole);
    }
    return kept;
}

std::string identity_alone(std::string_view participant) {
    std::string kept;
    append_field(kept, livekit::ParticipantInfo::kIdentityFieldNumber,
                 text_of(participant, livekit::ParticipantInfo::kIdentityFieldNumber));
    return kept;
}

}  // namespace

void DispatchStore::put_dispatch(Timestamp now, const std::string& room,
                                 const std::string& dispatch, Got<bool> done) {
    if (const auto fault = fault_of<AgentDispatch>(dispatch)) return done(now, fail(*fault));
    const std::string kept =
        with_changed(dispatch, AgentDispatch::kStateFieldNumber, [](std::string_view state) {
            return without(state, {livekit::AgentDispatchState::kJobsFieldNumber});
        });
    commands_.send(now,
                   {"HSET", keys::agent_dispatch(room),
                    text_of(dispatch, AgentDispatch::kIdFieldNumber), kept},
                   integer_to(std::move(done)));
}

void DispatchStore::put_job(Timestamp now, const std::string& room, const std::string& job,
                            Got<bool> done) {
    if (const auto fault = fault_of<Job>(job)) return done(now, fail(*fault));
    const std::string kept = with_changed(without(job, {Job::kRoomFieldNumber}),
                                          Job::kParticipantFieldNumber, identity_alone);
    commands_.send(now, {"HSET", keys::agent_job(room), text_of(job, Job::kIdFieldNumber), kept},
                   integer_to(std::move(done)));
}

void DispatchStore::remove_dispatch(Timestamp now, const std::string& room, const std::string& id,
                                    Got<bool> done) {
    commands_.send(now, {"HDEL", keys::agent_dispatch(room), id}, integer_to(std::move(done)));
}

void DispatchStore::remove_job(Timestamp now, const std::string& room, const std::string& id,
                               Got<bool> done) {
    commands_.send(now, {"HDEL", keys::agent_job(room), id}, integer_to(std::move(done)));
}

void DispatchStore::dispatches(Timestamp now, const std::string& room, Got<StoredList> done) {
    const std::string key = keys::agent_dispatch(room);
    commands_.send(now, {"HGETALL", key},
                   [this, key, done = std::move(done)](Timestamp at, Answer answer) mutable {
                       done(at,
                            all_of<AgentDispatch>(at, commands_.notices(), key, std::move(answer)));
                   });
}

void DispatchStore::jobs(Timestamp now, const std::string& room, Got<StoredList> done) {
    const std::string key = keys::agent_job(room);
    commands_.send(now, {"HGETALL", key},
                   [this, key, done = std::move(done)](Timestamp at, Answer answer) mutable {
                       done(at, all_of<Job>(at, commands_.notices(), key, std::move(answer)));
                   });
}

}  // namespace confab::cluster::store
