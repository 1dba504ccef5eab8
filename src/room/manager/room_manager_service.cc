// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RoomManager: the RoomService calls (01 §5.2). Texts are the tails of what users of the SDKs match
// on; the caller adds the prefix of API-W5.
#include "room/manager/room_manager.h"

namespace confab::room {
namespace {

using token::exceeds;

constexpr const char* kNoParticipant = "participant does not exist";
constexpr const char* kNoRoom = "requested room does not exist";
constexpr const char* kNoServers = "no response from servers";

}  // namespace

ServiceResult<livekit::Room> RoomManager::create_room(Clock clock,
                                                      const livekit::CreateRoomRequest& request) {
    clock_ = clock;
    const Limits& limits = config_.limits;
    if (exceeds(request.name().size(), limits.room_name))
        return service_error(ServiceCode::kInvalidArgument,
                             "room name exceeds length limit " + std::to_string(limits.room_name));
    if (exceeds(request.metadata().size(), limits.metadata))
        return service_error(ServiceCode::kInvalidArgument,
                             "metadata size exceeds limits " + std::to_string(limits.metadata));
    const auto room = make_room(request);
    if (!room) return service_error(ServiceCode::kInvalidArgument, room.error());
    return (*room)->snapshot();
}

livekit::ListRoomsResponse RoomManager::list_rooms(const livekit::ListRoomsRequest& request) const {
    livekit::ListRoomsResponse response;
    if (request.names().empty()) {
        for (const auto& [name, room] : rooms_)
            *response.add_rooms() = room->snapshot();
        return response;
    }
    for (const std::string& name : request.names())
        if (const Room* room = find(name)) *response.add_rooms() = room->snapshot();
    return response;
}

ServiceResult<livekit::DeleteRoomResponse> RoomManager::delete_room(
    Clock clock, const livekit::DeleteRoomRequest& request) {
    clock_ = clock;
    const auto it = rooms_.find(request.room());
    if (it == rooms_.end()) return service_error(ServiceCode::kNotFound, kNoRoom);
    it->second->close(livekit::ROOM_DELETED);
    erase(*it->second);
    return livekit::DeleteRoomResponse{};
}

livekit::ListParticipantsResponse RoomManager::list_participants(
    const livekit::ListParticipantsRequest& request) const {
    livekit::ListParticipantsResponse response;
    if (const Room* room = find(request.room()))
        for (livekit::ParticipantInfo& info : room->list())
            *response.add_participants() = std::move(info);
    return response;
}

ServiceResult<livekit::ParticipantInfo> RoomManager::get_participant(
    const livekit::RoomParticipantIdentity& request) const {
    const Room* room = find(request.room());
    const Participant* p = room == nullptr ? nullptr : room->find(request.identity());
    if (p == nullptr) return service_error(ServiceCode::kNotFound, kNoParticipant);
    return room->describe(*p);
}

ServiceResult<livekit::RemoveParticipantResponse> RoomManager::remove_participant(
    Clock clock, const livekit::RoomParticipantIdentity& request) {
    clock_ = clock;
    const RoomTurn room = enter(request.room());
    Participant* p = room.find(request.identity());
    if (p == nullptr) return service_error(ServiceCode::kNotFound, kNoParticipant);
    room->remove(*p, livekit::PARTICIPANT_REMOVED);
    return livekit::RemoveParticipantResponse{};
}

ServiceResult<livekit::MuteRoomTrackResponse> RoomManager::mute_published_track(
    Clock clock, const livekit::MuteRoomTrackRequest& request) {
    clock_ = clock;
    const RoomTurn room = enter(request.room());
    Participant* p = room.find(request.identity());
    if (p == nullptr) return service_error(ServiceCode::kUnavailable, kNoServers);
    if (!request.muted() && !config_.room.enable_remote_unmute)
        return service_error(ServiceCode::kFailedPrecondition, "remote unmute not enabled");
    livekit::MuteRoomTrackResponse response;
    const livekit::TrackInfo* track = room->mute_track(*p, request.track_sid(), request.muted());
    if (track != nullptr) *response.mutable_track() = *track;
    return response;
}

ServiceResult<livekit::ParticipantInfo> RoomManager::update_participant(
    Clock clock, const livekit::UpdateParticipantRequest& request) {
    clock_ = clock;
    const Limits& limits = config_.limits;
    const auto too_long = [](const char* what, std::size_t limit) {
        return service_error(ServiceCode::kInvalidArgument,
                             std::string(what) + " exceeds limits " + std::to_string(limit));
    };
    if (exceeds(request.name().size(), limits.participant_name))
        return too_long("name length", limits.participant_name);
    if (exceeds(request.metadata().size(), limits.metadata))
        return too_long("metadata size", limits.metadata);
    if (exceeds(token::attributes_size(request.attributes()), limits.attributes))
        return too_long("attribute size", limits.attributes);
    const RoomTurn room = enter(request.room());
    Participant* p = room.find(request.identity());
    if (p == nullptr) return service_error(ServiceCode::kNotFound, kNoParticipant);
    room->update_participant(*p, request);
    return room->describe(*p);
}

ServiceResult<livekit::UpdateSubscriptionsResponse> RoomManager::update_subscriptions(
    Clock clock, const livekit::UpdateSubscriptionsRequest& request) {
    clock_ = clock;
    const RoomTurn room = enter(request.room());
    Participant* p = room.find(request.identity());
    if (p == nullptr) return service_error(ServiceCode::kUnavailable, kNoServers);
    room->update_subscriptions(*p, request.track_sids(), request.participant_tracks(),
                               request.subscribe());
    return livekit::UpdateSubscriptionsResponse{};
}

ServiceResult<livekit::SendDataResponse> RoomManager::send_data(
    Clock clock, const livekit::SendDataRequest& request) {
    clock_ = clock;
    constexpr std::size_t kNonceBytes = 16;
    if (!request.nonce().empty() && request.nonce().size() != kNonceBytes)
        return service_error(ServiceCode::kInvalidArgument, "nonce should be 16-bytes or empty");
    const RoomTurn room = enter(request.room());
    if (!room) return service_error(ServiceCode::kUnavailable, kNoServers);
    room->send_data(request);
    return livekit::SendDataResponse{};
}

ServiceResult<livekit::Room> RoomManager::update_room_metadata(
    Clock clock, const livekit::UpdateRoomMetadataRequest& request) {
    clock_ = clock;
    const std::size_t limit = config_.limits.metadata;
    if (exceeds(request.metadata().size(), limit))
        return service_error(ServiceCode::kInvalidArgument,
                             "metadata size exceeds limits " + std::to_string(limit));
    const RoomTurn room = enter(request.room());
    if (!room) return service_error(ServiceCode::kNotFound, kNoRoom);
    room->set_metadata(request.metadata());
    return room->snapshot();
}

ServiceResult<RpcCallId> RoomManager::perform_rpc(Clock clock,
                                                  const livekit::PerformRpcRequest& request) {
    clock_ = clock;
    const RoomTurn room = enter(request.room());
    Participant* p = room.find(request.destination_identity());
    if (p == nullptr) return service_error(ServiceCode::kUnavailable, kNoServers);
    const RpcCallId id(ids_.next());
    const auto started = room->call_rpc(id, *p, request);
    if (!started) return tl::unexpected<ServiceError>(started.error());
    return id;
}

}  // namespace confab::room
