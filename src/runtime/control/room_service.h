// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// api::RoomServicePort on the local RoomManager: every call is answered at once. Rooms are named by
// their keys (token/room_key.h); NodeRoomService makes them of names.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "api/ports.h"
#include "room/manager/room_manager.h"

namespace confab::control {

// As callers of the API are told it.
api::ServiceError to_api(const room::ServiceError& error);

// A participant whose other room is at another node, or of another shard (Relocations::send_away).
struct SendAway {
    std::string room;  // its key
    std::string identity;
    livekit::Room to;  // by its name
};

class LocalRoomService final : public api::RoomServicePort {
  public:
    // `wake` is called after each change, so that its effects go out; `carry_out` sends them out at
    // once.
    LocalRoomService(room::RoomManager& rooms, std::string node_id, std::function<void()> wake,
                     std::function<void()> carry_out);
    // A call of perform_rpc() has ended.
    void rpc_done(room::RpcDone done);

    void create_room(const api::CallContext&, const livekit::CreateRoomRequest&,
                     api::Reply<livekit::Room>) override;
    void list_rooms(const api::CallContext&, const livekit::ListRoomsRequest&,
                    api::Reply<livekit::ListRoomsResponse>) override;
    void delete_room(const api::CallContext&, const livekit::DeleteRoomRequest&,
                     api::Reply<livekit::DeleteRoomResponse>) override;
    void list_participants(const api::CallContext&, const livekit::ListParticipantsRequest&,
                           api::Reply<livekit::ListParticipantsResponse>) override;
    void get_participant(const api::CallContext&, const livekit::RoomParticipantIdentity&,
                         api::Reply<livekit::ParticipantInfo>) override;
    void remove_participant(const api::CallContext&, const livekit::RoomParticipantIdentity&,
                            api::Reply<livekit::RemoveParticipantResponse>) override;
    void update_participant(const api::CallContext&, const livekit::UpdateParticipantRequest&,
                            api::Reply<livekit::ParticipantInfo>) override;
    void mute_published_track(const api::CallContext&, const livekit::MuteRoomTrackRequest&,
                              api::Reply<livekit::MuteRoomTrackResponse>) override;
    void update_subscriptions(const api::CallContext&, const livekit::UpdateSubscriptionsRequest&,
                              api::Reply<livekit::UpdateSubscriptionsResponse>) override;
    void send_data(const api::CallContext&, const livekit::SendDataRequest&,
                   api::Reply<livekit::SendDataResponse>) override;
    void update_room_metadata(const api::CallContext&, const livekit::UpdateRoomMetadataRequest&,
                              api::Reply<livekit::Room>) override;
    void forward_participant(const api::CallContext&, const livekit::ForwardParticipantRequest&,
                             api::Reply<livekit::ForwardParticipantResponse>) override;
    void move_participant(const api::CallContext&, const livekit::MoveParticipantRequest&,
                          api::Reply<livekit::MoveParticipantResponse>) override;
    void move_to_worker(const api::CallContext&, const api::WorkerMove&,
                        api::Reply<livekit::ParticipantInfo>) override;
    void send_away(const SendAway& wanted, api::Reply<livekit::MoveParticipantResponse> reply);
    void perform_rpc(const api::CallContext&, const livekit::PerformRpcRequest&,
                     api::Reply<livekit::PerformRpcResponse>) override;
    void find_room(const std::string& key, Found found) override;

  private:
    room::RoomManager& rooms_;
    std::string node_id_;
    std::function<void()> wake_;
    std::function<void()> carry_out_;
    std::map<room::RpcCallId, api::Reply<livekit::PerformRpcResponse>> rpc_waiting_;
};

}  // namespace confab::control
