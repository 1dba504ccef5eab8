// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/manager/relocations.h"

#include <utility>

namespace confab::room {
namespace {

ServiceError refused(std::string text) {
    return {ServiceCode::kFailedPrecondition, std::move(text)};
}
tl::unexpected<ServiceError> failed() {
    return service_error(ServiceCode::kInternal, "the room failed and was ended");
}
tl::unexpected<ServiceError> nobody() {
    return service_error(ServiceCode::kNotFound, "participant does not exist");
}
tl::unexpected<ServiceError> same_room() {
    return service_error(ServiceCode::kInvalidArgument,
                         "destination room cannot be the same as source room");
}
ServiceError full(const livekit::Room& room) {
    return refused("the room is full (max_participants is " +
                   std::to_string(room.max_participants()) + ")");
}
ServiceError only_seen() {
    return refused("the participant is in another room and only forwarded to this one");
}

std::optional<ServiceError> refusal_of_move(const Participant& p) {
    if (p.forwarded()) return only_seen();
    if (!p.traits.gates.room_moved)
        return refused("the client (protocol " + std::to_string(p.client.protocol()) +
                       ") can not be moved, only from protocol 16 on: remove the participant and "
                       "have it join the other room");
    if (!p.active() || !p.signal.is_open())
        return refused("the participant is connecting or reconnecting: try again");
    return std::nullopt;
}

}  // namespace

std::optional<ServiceError> Relocations::refusal_of_destination(const std::string& key) const {
    const Config& config = scope_->config;
    const std::string_view name = token::split_room_key(key).name;
    if (name.empty())
        return ServiceError{ServiceCode::kInvalidArgument, "destination room is required"};
    if (token::exceeds(name.size(), config.limits.room_name))
        return ServiceError{
            ServiceCode::kInvalidArgument,
            "room name exceeds length limit " + std::to_string(config.limits.room_name)};
    if (rooms_->find(key) == nullptr && !config.room.auto_create)
        return ServiceError{ServiceCode::kNotFound, "requested room does not exist"};
    return std::nullopt;
}

// The room to go to, made if there is none, when it takes the participant.
ServiceResult<Room*> Relocations::destination(const std::string& key, const Participant& p) const {
    rooms_->fail_if_broken(key, p.identity());
    if (auto refusal = refusal_of_destination(key)) return tl::unexpected<ServiceError>(*refusal);
    if (const Room* room = rooms_->find(key)) {
        JoinParams params;
        params.grants = p.grants;
        if (room->sessions().is_full_for(params))
            return tl::unexpected<ServiceError>(full(room->snapshot()));
    }
    return make_(key);
}

ServiceResult<livekit::Room> Relocations::prepare(const std::string& room_key) {
    if (auto refusal = refusal_of_destination(room_key))
        return tl::unexpected<ServiceError>(*refusal);
    const auto room = make_(room_key);
    if (!room) return tl::unexpected<ServiceError>(room.error());
    livekit::Room told;
    if (!rooms_->in_room(**room, [&](const Room& entered) { told = entered.snapshot(); }))
        return failed();
    return told;
}

// ---------------------------------------------------------------- moves

ServiceResult<livekit::MoveParticipantResponse> Relocations::move(
    const livekit::MoveParticipantRequest& request) {
    follow();  // inputs of the same loop turn
    if (request.room() == request.destination_room()) return same_room();
    Room* from = rooms_->find(request.room());
    const Participant* p = from == nullptr ? nullptr : from->find(request.identity());
    if (p == nullptr) return nobody();
    if (auto refusal = refusal_of_move(*p)) return tl::unexpected<ServiceError>(*refusal);
    // Two workers have it as a member of this room.
    if (workers_->moves(*p))
        return tl::unexpected<ServiceError>(
            refused("the participant is on its way to another worker: try again"));
    const auto to = destination(request.destination_room(), *p);
    if (!to) return tl::unexpected<ServiceError>(to.error());
    const SessionId session = *p->signal.session();
    std::vector<std::string> sids = p->earlier_sids;  // it may resume by any of them
    sids.push_back(p->sid());
    Transfer transfer;
    if (!rooms_->in_room(
            *from, [&](Room& room) { transfer = room.release(*room.find(request.identity())); })) {
        (void)rooms_->in_room(**to, [](Room&) {});  // it may be new: its time to end is noted
        return failed();
    }
    // Before it is there: should that fail, its session ends with the room.
    rehome_(session, request.destination_room());
    for (const std::string& sid : sids)
        moves_.note(scope_->now(), sid, request.destination_room());
    if (!rooms_->in_room(**to, [&](Room& room) { room.admit(std::move(transfer)); }))
        return failed();
    return livekit::MoveParticipantResponse{};
}

ServiceResult<livekit::MoveParticipantResponse> Relocations::send_away(const std::string& room_key,
                                                                       const std::string& identity,
                                                                       const livekit::Room& to) {
    follow();
    Room* from = rooms_->find(room_key);
    const Participant* p = from == nullptr ? nullptr : from->find(identity);
    if (p == nullptr) return nobody();
    if (auto refusal = refusal_of_move(*p)) return tl::unexpected<ServiceError>(*refusal);
    if (to.max_participants() > 0 && to.num_participants() >= to.max_participants() &&
        !p->dependent())
        return tl::unexpected<ServiceError>(full(to));
    bool sent = false;
    if (!rooms_->in_room(
            *from, [&](Room& room) { sent = room.sessions().send_away(*room.find(identity), to); }))
        return failed();
    if (!sent)
        return tl::unexpected<ServiceError>(
            refused("there is no key for its token of the other room: have it join that one"));
    return livekit::MoveParticipantResponse{};
}

// It says where it was before; who it is, its sid of then says. A sid is no secret: with it nobody
// comes to another tenant.
Room* Relocations::moved_to(const JoinParams& resume) const {
    const std::string* key = moves_.find(scope_->now(), resume.participant_sid);
    Room* room = key == nullptr ? nullptr : rooms_->find(*key);
    if (room == nullptr || token::tenant_in(*key) != token::tenant_in(resume.room)) return nullptr;
    const Participant* p = room->find(resume.grants.identity);
    return p == nullptr || !p->answers_to(resume.participant_sid) ? nullptr : room;
}

// ---------------------------------------------------------------- seen in a second room

std::optional<ServiceError> Relocations::refusal_of_forward(const Participant& p,
                                                            const Room* to) const {
    if (p.forwarded()) return only_seen();
    if (!p.active()) return refused("the participant is connecting: try again");
    if (forwards_.full())
        return refused("as many participants are forwarded as can be: " +
                       std::to_string(Forwards::kMaxForwards));
    if (to != nullptr && to->find(p.identity()) != nullptr)
        return refused("a participant of that identity is in the destination room");
    return std::nullopt;
}

ServiceResult<livekit::ForwardParticipantResponse> Relocations::forward(
    const livekit::ForwardParticipantRequest& request) {
    follow();
    if (request.room() == request.destination_room()) return same_room();
    Room* from = rooms_->find(request.room());
    const Participant* p = from == nullptr ? nullptr : from->find(request.identity());
    if (p == nullptr) return nobody();
    const Room* known = rooms_->find(request.destination_room());
    if (known != nullptr && forwards_.knows(p->sid(), known->id()))
        return livekit::ForwardParticipantResponse{};
    if (auto refusal = refusal_of_forward(*p, known)) return tl::unexpected<ServiceError>(*refusal);
    const auto to = destination(request.destination_room(), *p);
    if (!to) return tl::unexpected<ServiceError>(to.error());
    const Forwards::Place source{from->id(), p->identity(), p->sid()};
    Forwards::Place copy{(*to)->id(), p->identity(), {}};
    Forwarded now = from->forwarding().view(*p);
    if (!rooms_->in_room(**to,
                         [&](Room& room) { copy.sid = room.forwarding().add(std::move(now)); }))
        return failed();
    forwards_.add(source, std::move(copy), from->forwarding().version(*p));
    return livekit::ForwardParticipantResponse{};
}

}  // namespace confab::room
