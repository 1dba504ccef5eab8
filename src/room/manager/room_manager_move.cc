// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RoomManager: a participant moves to another room with its session, connections and tracks
// (01 API-12, SIG-50; docs/design/moving.md).
#include <utility>

#include "room/manager/room_manager.h"

namespace confab::room {

std::optional<ServiceError> RoomManager::refusal_of_move(const Participant& p) const {
    const auto refused = [](std::string text) {
        return ServiceError{ServiceCode::kFailedPrecondition, std::move(text)};
    };
    if (!p.traits.gates.room_moved)
        return refused("the client (protocol " + std::to_string(p.client.protocol()) +
                       ") can not be moved, only from protocol 16 on: remove the participant and "
                       "have it join the other room");
    if (!p.active() || !p.signal.is_open())
        return refused("the participant is connecting or reconnecting: try again");
    return std::nullopt;
}

// The room to go to, made if there is none, when it takes the participant.
ServiceResult<Room*> RoomManager::destination(const std::string& name, const Participant& p) {
    if (name.empty())
        return service_error(ServiceCode::kInvalidArgument, "destination room is required");
    if (token::exceeds(name.size(), config_.limits.room_name))
        return service_error(
            ServiceCode::kInvalidArgument,
            "room name exceeds length limit " + std::to_string(config_.limits.room_name));
    rooms_.fail_if_broken(name, p.identity());
    if (const Room* room = rooms_.find(name)) {
        JoinParams params;
        params.grants = p.grants;
        if (room->sessions().is_full_for(params))
            return service_error(ServiceCode::kFailedPrecondition,
                                 "the room is full (max_participants is " +
                                     std::to_string(room->snapshot().max_participants()) + ")");
    } else if (!config_.room.auto_create) {
        return service_error(ServiceCode::kNotFound, "requested room does not exist");
    }
    livekit::CreateRoomRequest request;
    request.set_name(name);
    return make_room(request);
}

ServiceResult<livekit::MoveParticipantResponse> RoomManager::move_participant(
    Clock clock, const livekit::MoveParticipantRequest& request) {
    clock_ = clock;
    if (request.room() == request.destination_room())
        return service_error(ServiceCode::kInvalidArgument,
                             "destination room cannot be the same as source room");
    Room* from = rooms_.find(request.room());
    const Participant* p = from == nullptr ? nullptr : from->find(request.identity());
    if (p == nullptr) return service_error(ServiceCode::kNotFound, "participant does not exist");
    if (auto refusal = refusal_of_move(*p)) return tl::unexpected<ServiceError>(*refusal);
    const auto to = destination(request.destination_room(), *p);
    if (!to) return tl::unexpected<ServiceError>(to.error());
    const SessionId session = *p->signal.session();
    const std::string sid = p->sid();
    Transfer transfer;
    const auto failed = [] {
        return service_error(ServiceCode::kInternal, "the room failed and was ended");
    };
    if (!rooms_.in_room(
            *from, [&](Room& room) { transfer = room.release(*room.find(request.identity())); })) {
        (void)rooms_.in_room(**to, [](Room&) {});  // it may be new: its time to end is noted
        return failed();
    }
    // Before it is there: should that fail, its session ends with the room.
    sessions_[session].room = request.destination_room();
    moves_.note(clock_.now, sid, request.destination_room());
    if (!rooms_.in_room(**to, [&](Room& room) { room.admit(std::move(transfer)); }))
        return failed();
    return livekit::MoveParticipantResponse{};
}

}  // namespace confab::room
