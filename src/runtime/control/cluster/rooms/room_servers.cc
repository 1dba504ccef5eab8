// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/rooms/room_servers.h"

#include <utility>

#include "cluster/methods.h"
#include "rpc/typed.h"
#include "runtime/net/event_loop.h"
#include "token/room_key.h"

namespace confab::control {

using Port = api::RoomServicePort;

namespace {

api::CallContext context_of(const rpc::Request& call, std::string_view tenant) {
    return {call.now, call.deadline - call.now, std::string(tenant)};
}

template <typename Response>
api::Reply<Response> to_bus(Callback<Result<Response, rpc::Error>> reply) {
    return [reply = std::move(reply)](Result<Response, api::ServiceError> result) mutable {
        if (result) return reply(*std::move(result));
        reply(tl::make_unexpected(api::bus_error(result.error())));
    };
}

}  // namespace

// Another node may serve the same topic (RPC-30): whoever has the room is to take the request. What
// cannot be read is taken, to say so.
template <typename Request>
rpc::Affinity RoomServers::of_rooms_here() const {
    return [this](const rpc::Request& call) {
        Request request;
        return !request.ParseFromString(call.payload) || has(request.room()) ? 1.0 : -1.0;
    };
}

// The request names the room by its key; the port by tenant and name.
template <auto kCall, typename Request, typename Response>
void RoomServers::serve(const rpc::Method& method, rpc::Topic topic, Kept& kept) {
    auto registration = rpc::serve<Request, Response>(
        bus_, method, std::move(topic),
        [this](Request request, const rpc::Request& call,
               Callback<Result<Response, rpc::Error>> reply) {
            const std::string key = request.room();
            const token::RoomName name = token::split_room_key(key);
            request.set_room(std::string(name.name));
            (rooms_.*kCall)(context_of(call, name.tenant), request, to_bus(std::move(reply)));
        },
        of_rooms_here<Request>());
    if (registration) kept.push_back(std::move(*registration));
}

// Both rooms are of one tenant, and the first is here still.
template <auto kCall, typename Request, typename Response>
void RoomServers::serve_relocation(const rpc::Method& method, rpc::Topic topic, Kept& kept) {
    auto registration = rpc::serve<Request, Response>(
        bus_, method, std::move(topic),
        [this](Request request, const rpc::Request& call,
               Callback<Result<Response, rpc::Error>> reply) {
            const std::string from = request.room();
            const std::string to = request.destination_room();
            const token::RoomName name = token::split_room_key(from);
            const token::RoomName destination = token::split_room_key(to);
            if (relocations_ == nullptr || !has(from))
                return reply(tl::make_unexpected(
                    rpc::Error{rpc::Code::kNotFound, "participant does not exist", {}}));
            if (name.tenant != destination.tenant)
                return reply(tl::make_unexpected(rpc::Error{
                    rpc::Code::kInvalidArgument, "the rooms are of different tenants", {}}));
            request.set_room(std::string(name.name));
            request.set_destination_room(std::string(destination.name));
            (relocations_->*kCall)(context_of(call, name.tenant), request,
                                   to_bus(std::move(reply)));
        });
    if (registration) kept.push_back(std::move(*registration));
}

RoomServers::RoomServers(rpc::Bus& bus, api::RoomServicePort& rooms, const std::string& node,
                         CreateRoom create)
    : bus_(bus), rooms_(rooms) {
    auto registration = rpc::serve<livekit::CreateRoomRequest, livekit::Room>(
        bus_, cluster::kCreateRoom, {node},
        [create = std::move(create)](livekit::CreateRoomRequest request, const rpc::Request& call,
                                     Callback<Result<livekit::Room, rpc::Error>> reply) {
            const std::string key = request.name();
            const token::RoomName name = token::split_room_key(key);
            request.set_name(std::string(name.name));
            create(context_of(call, name.tenant), std::move(request), to_bus(std::move(reply)));
        });
    if (registration) node_.push_back(std::move(*registration));
}

void RoomServers::add_room(const std::string& room) {
    const auto [entry, is_new] = rooms_here_.try_emplace(room);
    if (!is_new) return;
    Kept& kept = entry->second.kept;
    kept.reserve(5);
    serve<&Port::delete_room, livekit::DeleteRoomRequest, livekit::DeleteRoomResponse>(
        cluster::kDeleteRoom, {room}, kept);
    serve<&Port::send_data, livekit::SendDataRequest, livekit::SendDataResponse>(cluster::kSendData,
                                                                                 {room}, kept);
    serve<&Port::update_room_metadata, livekit::UpdateRoomMetadataRequest, livekit::Room>(
        cluster::kUpdateRoomMetadata, {room}, kept);
    serve<&Port::list_participants, livekit::ListParticipantsRequest,
          livekit::ListParticipantsResponse>(cluster::kListParticipants, {room}, kept);
    serve<&Port::get_participant, livekit::RoomParticipantIdentity, livekit::ParticipantInfo>(
        cluster::kGetParticipant, {room}, kept);
}

void RoomServers::remove_room(const std::string& room) {
    const auto found = rooms_here_.find(room);
    if (found == rooms_here_.end()) return;
    for (const std::string& identity : found->second.identities)
        release(cluster::participant_topic(room, identity).front());
    rooms_here_.erase(found);
}

std::deque<RoomMover::Room> RoomServers::list() const {
    std::deque<RoomMover::Room> all;
    for (const auto& [key, room] : rooms_here_)
        all.push_back({key, room.identities.size()});
    return all;
}

void RoomServers::add_participant(const std::string& room, const std::string& identity) {
    const auto found = rooms_here_.find(room);
    if (found == rooms_here_.end() || !found->second.identities.insert(identity).second) return;
    const rpc::Topic topic = cluster::participant_topic(room, identity);
    Shared& shared = participants_[topic.front()];
    if (shared.participants++ > 0) return;
    Kept& kept = shared.kept;
    kept.reserve(7);
    serve<&Port::remove_participant, livekit::RoomParticipantIdentity,
          livekit::RemoveParticipantResponse>(cluster::kRemoveParticipant, topic, kept);
    serve<&Port::mute_published_track, livekit::MuteRoomTrackRequest,
          livekit::MuteRoomTrackResponse>(cluster::kMutePublishedTrack, topic, kept);
    serve<&Port::update_participant, livekit::UpdateParticipantRequest, livekit::ParticipantInfo>(
        cluster::kUpdateParticipant, topic, kept);
    serve<&Port::update_subscriptions, livekit::UpdateSubscriptionsRequest,
          livekit::UpdateSubscriptionsResponse>(cluster::kUpdateSubscriptions, topic, kept);
    serve<&Port::perform_rpc, livekit::PerformRpcRequest, livekit::PerformRpcResponse>(
        cluster::kPerformRpc, topic, kept);
    serve_relocation<&Port::forward_participant, livekit::ForwardParticipantRequest,
                     livekit::ForwardParticipantResponse>(cluster::kForwardParticipant, topic,
                                                          kept);
    serve_relocation<&Port::move_participant, livekit::MoveParticipantRequest,
                     livekit::MoveParticipantResponse>(cluster::kMoveParticipant, topic, kept);
}

void RoomServers::remove_participant(const std::string& room, const std::string& identity) {
    const auto found = rooms_here_.find(room);
    if (found == rooms_here_.end() || found->second.identities.erase(identity) == 0) return;
    release(cluster::participant_topic(room, identity).front());
}

void RoomServers::release(const std::string& topic) {
    const auto shared = participants_.find(topic);
    if (shared != participants_.end() && --shared->second.participants == 0)
        participants_.erase(shared);
}

}  // namespace confab::control
