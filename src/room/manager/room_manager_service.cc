// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RoomManager: the RoomService calls (01 §5.2). Texts are the tails of what users of the SDKs match
// on; the caller adds the prefix of API-W5.
#include <type_traits>
#include <utility>

#include "room/manager/room_manager.h"

namespace confab::room {
namespace {

using token::exceeds;

constexpr const char* kNoParticipant = "participant does not exist";
constexpr const char* kNoRoom = "requested room does not exist";
constexpr const char* kNoServers = "no response from servers";

// Of who is only seen in a room: what it is and does is its own room's (API-11).
tl::unexpected<ServiceError> only_seen() {
    return service_error(ServiceCode::kFailedPrecondition,
                         "the participant is in another room and only forwarded to this one: ask "
                         "for it in its own");
}

ServiceError not_found(const char* text) {
    return {ServiceCode::kNotFound, text};
}

// As upstream, where the call goes to the node of the participant and nobody answers it.
ServiceError nobody_there() {
    return {ServiceCode::kUnavailable, kNoServers};
}

}  // namespace

template <typename T, typename Work>
ServiceResult<T> RoomManager::call(const std::string& name, ServiceError absent, Work&& work) {
    static_assert(!std::is_pointer_v<T> && !std::is_reference_v<T>);
    Room* room = rooms_.find(name);
    if (room == nullptr) return tl::unexpected<ServiceError>(std::move(absent));
    ServiceResult<T> result;
    if (rooms_.in_room(*room, [&](Room& entered) { result = work(entered); })) return result;
    return service_error(ServiceCode::kInternal, "the room failed and was ended");
}

template <typename T, typename Work>
ServiceResult<T> RoomManager::call(const std::string& name, const std::string& identity,
                                   ServiceError absent, Work&& work) {
    return call<T>(name, absent, [&](Room& room) -> ServiceResult<T> {
        Participant* p = room.find(identity);
        if (p == nullptr) return tl::unexpected<ServiceError>(std::move(absent));
        return work(room, *p);
    });
}

ServiceResult<livekit::Room> RoomManager::create_room(Clock clock,
                                                      const livekit::CreateRoomRequest& request) {
    clock_ = clock;
    const Limits& limits = config_.limits;
    if (exceeds(token::split_room_key(request.name()).name.size(), limits.room_name))
        return service_error(ServiceCode::kInvalidArgument,
                             "room name exceeds length limit " + std::to_string(limits.room_name));
    if (exceeds(request.metadata().size(), limits.metadata))
        return service_error(ServiceCode::kInvalidArgument,
                             "metadata size exceeds limits " + std::to_string(limits.metadata));
    const auto room = make_room(request);
    if (!room) return tl::unexpected<ServiceError>(room.error());
    return call<livekit::Room>(request.name(), not_found(kNoRoom),
                               [](const Room& made) { return made.snapshot(); });
}

livekit::ListRoomsResponse RoomManager::list_rooms(const livekit::ListRoomsRequest& request,
                                                   std::string_view tenant) const {
    livekit::ListRoomsResponse response;
    if (request.names().empty()) {
        for (const auto& [key, room] : rooms_.all())
            if (token::tenant_in(key) == tenant) *response.add_rooms() = room->snapshot();
        return response;
    }
    for (const std::string& name : request.names())
        if (const Room* room = rooms_.find(name)) *response.add_rooms() = room->snapshot();
    return response;
}

ServiceResult<livekit::DeleteRoomResponse> RoomManager::delete_room(
    Clock clock, const livekit::DeleteRoomRequest& request) {
    clock_ = clock;
    Room* room = rooms_.find(request.room());
    if (room == nullptr) return service_error(ServiceCode::kNotFound, kNoRoom);
    // Closing it half would end it all the same.
    if (rooms_.guarded(*room, [](Room& entered) { entered.close(livekit::ROOM_DELETED); }))
        rooms_.erase(*room);
    return livekit::DeleteRoomResponse{};
}

livekit::ListParticipantsResponse RoomManager::list_participants(
    const livekit::ListParticipantsRequest& request) const {
    livekit::ListParticipantsResponse response;
    if (const Room* room = rooms_.find(request.room()))
        for (livekit::ParticipantInfo& info : room->list())
            *response.add_participants() = std::move(info);
    return response;
}

ServiceResult<livekit::ParticipantInfo> RoomManager::get_participant(
    const livekit::RoomParticipantIdentity& request) const {
    const Room* room = rooms_.find(request.room());
    const Participant* p = room == nullptr ? nullptr : room->find(request.identity());
    if (p == nullptr) return service_error(ServiceCode::kNotFound, kNoParticipant);
    return room->describe(*p);
}

std::string participant_sid(const RoomManager& rooms, const std::string& room_key,
                            const std::string& identity) {
    const Room* room = rooms.rooms_.find(room_key);
    const Participant* p = room == nullptr ? nullptr : room->find(identity);
    return p == nullptr ? std::string() : p->info.sid();
}

NamedTracks named_tracks(const RoomManager& rooms, const std::string& room_key,
                         const std::string& subscriber, const std::string& publisher,
                         std::string_view name) {
    Room* const room = rooms.rooms_.find(room_key);
    if (room == nullptr) return {};
    const Participant* const to = room->find(subscriber);
    const Participant* const from = room->find(publisher);
    if (to == nullptr || from == nullptr || to == from) return {};
    return named_tracks(room->subscriptions(), *to, *from, name);
}

std::vector<std::string> other_tracks(const RoomManager& rooms, const std::string& room_key,
                                      const std::string& subscriber, std::size_t of_each_kind) {
    Room* const room = rooms.rooms_.find(room_key);
    const Participant* const to = room == nullptr ? nullptr : room->find(subscriber);
    if (to == nullptr) return {};
    return other_tracks(room->subscriptions(), *to, of_each_kind);
}

ServiceResult<livekit::RemoveParticipantResponse> RoomManager::remove_participant(
    Clock clock, const livekit::RoomParticipantIdentity& request) {
    clock_ = clock;
    return call<livekit::RemoveParticipantResponse>(
        request.room(), request.identity(), not_found(kNoParticipant),
        [](Room& room, Participant& p) {
            room.sessions().end(p, {livekit::PARTICIPANT_REMOVED});
            return livekit::RemoveParticipantResponse{};
        });
}

ServiceResult<livekit::MuteRoomTrackResponse> RoomManager::mute_published_track(
    Clock clock, const livekit::MuteRoomTrackRequest& request) {
    clock_ = clock;
    using Response = livekit::MuteRoomTrackResponse;
    const auto mute = [&](Room& room, Participant& p) -> ServiceResult<Response> {
        if (!request.muted() && !config_.room.enable_remote_unmute)
            return service_error(ServiceCode::kFailedPrecondition, "remote unmute not enabled");
        if (p.forwarded()) return only_seen();
        Response response;
        const livekit::TrackInfo* track = room.mute_track(p, request.track_sid(), request.muted());
        if (track != nullptr) *response.mutable_track() = *track;
        return response;
    };
    return call<Response>(request.room(), request.identity(), nobody_there(), mute);
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
    using Info = livekit::ParticipantInfo;
    const auto update = [&](Room& room, Participant& p) -> ServiceResult<Info> {
        if (p.forwarded()) return only_seen();
        // They all go into its next token, which would not be taken.
        const auto size = token::attributes_size_after(p.info.attributes(), request.attributes());
        if (exceeds(size, limits.attributes)) return too_long("attribute size", limits.attributes);
        room.update_participant(p, request);
        return room.describe(p);
    };
    return call<Info>(request.room(), request.identity(), not_found(kNoParticipant), update);
}

ServiceResult<livekit::UpdateSubscriptionsResponse> RoomManager::update_subscriptions(
    Clock clock, const livekit::UpdateSubscriptionsRequest& request) {
    clock_ = clock;
    using Response = livekit::UpdateSubscriptionsResponse;
    const auto update = [&](Room& room, Participant& p) -> ServiceResult<Response> {
        if (p.forwarded()) return only_seen();
        room.subscriptions().update(p, request.track_sids(), request.participant_tracks(),
                                    request.subscribe());
        return Response{};
    };
    return call<Response>(request.room(), request.identity(), nobody_there(), update);
}

ServiceResult<livekit::SendDataResponse> RoomManager::send_data(
    Clock clock, const livekit::SendDataRequest& request) {
    clock_ = clock;
    constexpr std::size_t kNonceBytes = 16;
    if (!request.nonce().empty() && request.nonce().size() != kNonceBytes)
        return service_error(ServiceCode::kInvalidArgument, "nonce should be 16-bytes or empty");
    return call<livekit::SendDataResponse>(request.room(), nobody_there(), [&](Room& room) {
        room.data().send_data(request);
        return livekit::SendDataResponse{};
    });
}

ServiceResult<livekit::Room> RoomManager::update_room_metadata(
    Clock clock, const livekit::UpdateRoomMetadataRequest& request) {
    clock_ = clock;
    const std::size_t limit = config_.limits.metadata;
    if (exceeds(request.metadata().size(), limit))
        return service_error(ServiceCode::kInvalidArgument,
                             "metadata size exceeds limits " + std::to_string(limit));
    return call<livekit::Room>(request.room(), not_found(kNoRoom), [&](Room& room) {
        room.set_metadata(request.metadata());
        return room.snapshot();
    });
}

ServiceResult<livekit::AgentDispatch> RoomManager::create_dispatch(
    Clock clock, const livekit::AgentDispatch& wanted) {
    clock_ = clock;
    return call<livekit::AgentDispatch>(wanted.room(), nobody_there(), [&](Room& room) {
        return room.dispatches().create(wanted);
    });
}

ServiceResult<livekit::AgentDispatch> RoomManager::delete_dispatch(
    Clock clock, const livekit::DeleteAgentDispatchRequest& request) {
    clock_ = clock;
    return call<livekit::AgentDispatch>(request.room(), nobody_there(), [&](Room& room) {
        return room.dispatches().remove(request.dispatch_id());
    });
}

ServiceResult<livekit::ListAgentDispatchResponse> RoomManager::list_dispatch(
    Clock clock, const livekit::ListAgentDispatchRequest& request) {
    clock_ = clock;
    return call<livekit::ListAgentDispatchResponse>(
        request.room(), nobody_there(),
        [&](Room& room) { return room.dispatches().list(request.dispatch_id()); });
}

ServiceResult<RpcCallId> RoomManager::perform_rpc(Clock clock,
                                                  const livekit::PerformRpcRequest& request) {
    clock_ = clock;
    const auto start = [&](Room& room, Participant& p) -> ServiceResult<RpcCallId> {
        if (p.forwarded()) return only_seen();
        const RpcCallId id(ids_.next());
        const auto started = room.data().call_rpc(id, p, request);
        if (!started) return tl::unexpected<ServiceError>(started.error());
        return id;
    };
    return call<RpcCallId>(request.room(), request.destination_identity(), nobody_there(), start);
}

}  // namespace confab::room
