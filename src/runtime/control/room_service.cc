// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/room_service.h"

#include "runtime/net/event_loop.h"

namespace confab::control {
namespace {

api::ErrorCode to_code(room::ServiceCode code) {
    switch (code) {
        case room::ServiceCode::kInvalidArgument:
            return api::ErrorCode::kInvalidArgument;
        case room::ServiceCode::kNotFound:
            return api::ErrorCode::kNotFound;
        case room::ServiceCode::kFailedPrecondition:
            return api::ErrorCode::kFailedPrecondition;
        case room::ServiceCode::kUnavailable:
            return api::ErrorCode::kUnavailable;
        case room::ServiceCode::kInternal:
            return api::ErrorCode::kInternal;
    }
    return api::ErrorCode::kUnknown;
}

template <typename T>
void answer(api::Reply<T>& reply, room::ServiceResult<T> result) {
    if (result) return reply(std::move(*result));
    reply(tl::make_unexpected(to_api(result.error())));
}

room::Clock clock() {
    return {net::EventLoop::now(), net::EventLoop::wall()};
}

}  // namespace

api::ServiceError to_api(const room::ServiceError& error) {
    return api::service_error(to_code(error.code), error.text);
}

LocalRoomService::LocalRoomService(room::RoomManager& rooms, std::string node_id,
                                   std::function<void()> wake, std::function<void()> carry_out)
    : rooms_(rooms),
      node_id_(std::move(node_id)),
      wake_(std::move(wake)),
      carry_out_(std::move(carry_out)) {}

void LocalRoomService::create_room(const api::CallContext&,
                                   const livekit::CreateRoomRequest& request,
                                   api::Reply<livekit::Room> reply) {
    auto made = rooms_.create_room(clock(), request);
    wake_();
    carry_out_();  // whoever has the answer may ask the room for its dispatches
    answer(reply, std::move(made));
}
void LocalRoomService::list_rooms(const api::CallContext& context,
                                  const livekit::ListRoomsRequest& request,
                                  api::Reply<livekit::ListRoomsResponse> reply) {
    reply(rooms_.list_rooms(request, context.tenant));
}
void LocalRoomService::delete_room(const api::CallContext&,
                                   const livekit::DeleteRoomRequest& request,
                                   api::Reply<livekit::DeleteRoomResponse> reply) {
    auto deleted = rooms_.delete_room(clock(), request);
    wake_();
    carry_out_();  // nor its dispatches any more
    answer(reply, std::move(deleted));
}
void LocalRoomService::list_participants(const api::CallContext&,
                                         const livekit::ListParticipantsRequest& request,
                                         api::Reply<livekit::ListParticipantsResponse> reply) {
    reply(rooms_.list_participants(request));
}
void LocalRoomService::get_participant(const api::CallContext&,
                                       const livekit::RoomParticipantIdentity& request,
                                       api::Reply<livekit::ParticipantInfo> reply) {
    answer(reply, rooms_.get_participant(request));
}
void LocalRoomService::remove_participant(const api::CallContext&,
                                          const livekit::RoomParticipantIdentity& request,
                                          api::Reply<livekit::RemoveParticipantResponse> reply) {
    answer(reply, rooms_.remove_participant(clock(), request));
    wake_();
}
void LocalRoomService::update_participant(const api::CallContext&,
                                          const livekit::UpdateParticipantRequest& request,
                                          api::Reply<livekit::ParticipantInfo> reply) {
    answer(reply, rooms_.update_participant(clock(), request));
    wake_();
}
void LocalRoomService::mute_published_track(const api::CallContext&,
                                            const livekit::MuteRoomTrackRequest& request,
                                            api::Reply<livekit::MuteRoomTrackResponse> reply) {
    answer(reply, rooms_.mute_published_track(clock(), request));
    wake_();
}
void LocalRoomService::update_subscriptions(
    const api::CallContext&, const livekit::UpdateSubscriptionsRequest& request,
    api::Reply<livekit::UpdateSubscriptionsResponse> reply) {
    answer(reply, rooms_.update_subscriptions(clock(), request));
    wake_();
}
void LocalRoomService::send_data(const api::CallContext&, const livekit::SendDataRequest& request,
                                 api::Reply<livekit::SendDataResponse> reply) {
    answer(reply, rooms_.send_data(clock(), request));
    wake_();
}
void LocalRoomService::update_room_metadata(const api::CallContext&,
                                            const livekit::UpdateRoomMetadataRequest& request,
                                            api::Reply<livekit::Room> reply) {
    answer(reply, rooms_.update_room_metadata(clock(), request));
    wake_();
}
void LocalRoomService::forward_participant(const api::CallContext&,
                                           const livekit::ForwardParticipantRequest& request,
                                           api::Reply<livekit::ForwardParticipantResponse> reply) {
    answer(reply, rooms_.relocations(clock()).forward(request));
    wake_();
}
void LocalRoomService::move_participant(const api::CallContext&,
                                        const livekit::MoveParticipantRequest& request,
                                        api::Reply<livekit::MoveParticipantResponse> reply) {
    answer(reply, rooms_.relocations(clock()).move(request));
    wake_();
}
void LocalRoomService::send_away(const SendAway& wanted,
                                 api::Reply<livekit::MoveParticipantResponse> reply) {
    answer(reply, rooms_.relocations(clock()).send_away(wanted.room, wanted.identity, wanted.to));
    wake_();
}
void LocalRoomService::move_to_worker(const api::CallContext&, const api::WorkerMove& wanted,
                                      api::Reply<livekit::ParticipantInfo> reply) {
    const auto begun =
        rooms_.relocations(clock()).workers().begin(wanted.room, wanted.identity, wanted.worker);
    if (begun) {
        livekit::RoomParticipantIdentity who;
        who.set_room(wanted.room);
        who.set_identity(wanted.identity);
        answer(reply, rooms_.get_participant(who));
    } else {
        // Read by people.
        reply(tl::make_unexpected(
            api::ServiceError{to_code(begun.error().code), begun.error().text, {}}));
    }
    wake_();
}
void LocalRoomService::perform_rpc(const api::CallContext&,
                                   const livekit::PerformRpcRequest& request,
                                   api::Reply<livekit::PerformRpcResponse> reply) {
    const auto call = rooms_.perform_rpc(clock(), request);
    if (call) {
        rpc_waiting_.emplace(*call, std::move(reply));
    } else {
        answer(reply, room::ServiceResult<livekit::PerformRpcResponse>(
                          tl::unexpected<room::ServiceError>(call.error())));
    }
    wake_();
}

void LocalRoomService::rpc_done(room::RpcDone done) {
    const auto waiting = rpc_waiting_.find(done.call);
    if (waiting == rpc_waiting_.end()) return;
    api::Reply<livekit::PerformRpcResponse> reply = std::move(waiting->second);
    rpc_waiting_.erase(waiting);
    if (auto* response = std::get_if<livekit::PerformRpcResponse>(&done.outcome))
        return reply(std::move(*response));
    if (const auto* error = std::get_if<livekit::RpcError>(&done.outcome))
        return reply(tl::make_unexpected(api::rpc_error(*error)));
    const auto& error = std::get<room::ServiceError>(done.outcome);
    reply(tl::make_unexpected(api::service_error(to_code(error.code), error.text)));
}

void LocalRoomService::find_room(const std::string& key, Found found) {
    found(rooms_.has_room(key) ? std::optional(node_id_) : std::nullopt);
}

}  // namespace confab::control
