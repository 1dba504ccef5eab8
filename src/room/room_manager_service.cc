// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RoomManager: the RoomService calls (01 §5.2). Texts are the tails of what users of the SDKs match
// on; the caller adds the prefix of API-W5.
#include "room/room_manager.h"

namespace confab::room {
namespace {

using token::exceeds;

constexpr const char* kNoParticipant = "participant does not exist";
constexpr const char* kNoRoom = "requested room does not exist";
constexpr const char* kNoServers = "no response from servers";

}  // namespace

ServiceResult<livekit::Room> RoomManager::create_room(Clock clock,
                                                      const livekit::CreateRoomRequest& request) {
    context_.clock = clock;
    const Limits& limits = context_.config.limits;
    if (exceeds(request.name().size(), limits.room_name))
        return service_error(ServiceCode::kInvalidArgument,
                             "room name exceeds length limit " + std::to_string(limits.room_name));
    if (exceeds(request.metadata().size(), limits.metadata))
        return service_error(ServiceCode::kInvalidArgument,
                             "metadata size exceeds limits " + std::to_string(limits.metadata));
    const auto room = make_room(request);
    if (!room) return service_error(ServiceCode::kInvalidArgument, room.error());
    livekit::Room result = (*room)->snapshot();
    settle(request.name());
    return result;
}

livekit::ListRoomsResponse RoomManager::list_rooms(const livekit::ListRoomsRequest& request) const {
    livekit::ListRoomsResponse response;
    if (request.names().empty()) {
        for (const auto& [name, entry] : rooms_)
            *response.add_rooms() = entry.room->snapshot();
        return response;
    }
    for (const std::string& name : request.names())
        if (const Room* room = find(name)) *response.add_rooms() = room->snapshot();
    return response;
}

ServiceResult<livekit::DeleteRoomResponse> RoomManager::delete_room(
    Clock clock, const livekit::DeleteRoomRequest& request) {
    context_.clock = clock;
    const auto it = rooms_.find(request.room());
    if (it == rooms_.end()) return service_error(ServiceCode::kNotFound, kNoRoom);
    it->second.room->close(livekit::ROOM_DELETED);
    deadlines_.erase({it->second.deadline, request.room()});
    room_names_.erase(it->second.room->id().value());
    rooms_.erase(it);
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
    const Participant* p = find_participant(request.room(), request.identity());
    if (p == nullptr) return service_error(ServiceCode::kNotFound, kNoParticipant);
    return p->to_proto();
}

ServiceResult<livekit::RemoveParticipantResponse> RoomManager::remove_participant(
    Clock clock, const livekit::RoomParticipantIdentity& request) {
    context_.clock = clock;
    Participant* p = find_participant(request.room(), request.identity());
    if (p == nullptr) return service_error(ServiceCode::kNotFound, kNoParticipant);
    find(request.room())->remove(*p, livekit::PARTICIPANT_REMOVED);
    settle(request.room());
    return livekit::RemoveParticipantResponse{};
}

ServiceResult<livekit::MuteRoomTrackResponse> RoomManager::mute_published_track(
    Clock clock, const livekit::MuteRoomTrackRequest& request) {
    context_.clock = clock;
    Participant* p = find_participant(request.room(), request.identity());
    if (p == nullptr) return service_error(ServiceCode::kUnavailable, kNoServers);
    if (!request.muted() && !context_.config.room.enable_remote_unmute)
        return service_error(ServiceCode::kFailedPrecondition, "remote unmute not enabled");
    livekit::MuteRoomTrackResponse response;
    const livekit::TrackInfo* track =
        find(request.room())->mute_track(*p, request.track_sid(), request.muted());
    if (track != nullptr) *response.mutable_track() = *track;
    settle(request.room());
    return response;
}

ServiceResult<livekit::ParticipantInfo> RoomManager::update_participant(
    Clock clock, const livekit::UpdateParticipantRequest& request) {
    context_.clock = clock;
    const Limits& limits = context_.config.limits;
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
    Participant* p = find_participant(request.room(), request.identity());
    if (p == nullptr) return service_error(ServiceCode::kNotFound, kNoParticipant);
    find(request.room())->update_participant(*p, request);
    livekit::ParticipantInfo result = p->to_proto();
    settle(request.room());
    return result;
}

ServiceResult<livekit::UpdateSubscriptionsResponse> RoomManager::update_subscriptions(
    Clock clock, const livekit::UpdateSubscriptionsRequest& request) {
    context_.clock = clock;
    Participant* p = find_participant(request.room(), request.identity());
    if (p == nullptr) return service_error(ServiceCode::kUnavailable, kNoServers);
    find(request.room())
        ->update_subscriptions(*p, request.track_sids(), request.participant_tracks(),
                               request.subscribe());
    settle(request.room());
    return livekit::UpdateSubscriptionsResponse{};
}

ServiceResult<livekit::SendDataResponse> RoomManager::send_data(
    Clock clock, const livekit::SendDataRequest& request) {
    context_.clock = clock;
    constexpr std::size_t kNonceBytes = 16;
    if (!request.nonce().empty() && request.nonce().size() != kNonceBytes)
        return service_error(ServiceCode::kInvalidArgument, "nonce should be 16-bytes or empty");
    Room* room = find(request.room());
    if (room == nullptr) return service_error(ServiceCode::kUnavailable, kNoServers);
    room->send_data(request);
    settle(request.room());
    return livekit::SendDataResponse{};
}

ServiceResult<livekit::Room> RoomManager::update_room_metadata(
    Clock clock, const livekit::UpdateRoomMetadataRequest& request) {
    context_.clock = clock;
    const std::size_t limit = context_.config.limits.metadata;
    if (exceeds(request.metadata().size(), limit))
        return service_error(ServiceCode::kInvalidArgument,
                             "metadata size exceeds limits " + std::to_string(limit));
    Room* room = find(request.room());
    if (room == nullptr) return service_error(ServiceCode::kNotFound, kNoRoom);
    room->set_metadata(request.metadata());
    livekit::Room result = room->snapshot();
    settle(request.room());
    return result;
}

ServiceResult<RpcCallId> RoomManager::perform_rpc(Clock clock,
                                                  const livekit::PerformRpcRequest& request) {
    context_.clock = clock;
    Participant* p = find_participant(request.room(), request.destination_identity());
    if (p == nullptr) return service_error(ServiceCode::kUnavailable, kNoServers);
    const RpcCallId id(context_.next_id());
    const auto started = find(request.room())->call_rpc(id, *p, request);
    settle(request.room());
    if (!started) return tl::unexpected<ServiceError>(started.error());
    return id;
}

}  // namespace confab::room
