// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// api::RoomServicePort on all control shards: a call goes to the shard of its room and its answer
// comes back; what concerns all rooms is gathered. In the first shard nothing is posted. Here the
// names that a tenant's caller uses become the keys of that tenant's rooms.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "api/ports.h"
#include "runtime/control/room_service.h"
#include "runtime/control/shards/control_node.h"

namespace confab::control {

class NodeRoomService final : public api::RoomServicePort {
  public:
    // `over_limit`: as LocalSignalBackend. Both must outlive this.
    NodeRoomService(ControlNode& node, std::function<bool()> over_limit)
        : node_(node), over_limit_(std::move(over_limit)) {}

    // Who changes something is answered once this has called back, when the others of a cluster can
    // see it, or `patience` is over; by the key of the room. Unset, at once.
    using WhenStored =
        std::function<void(const std::string& key, Duration patience, Callback<> done)>;
    void set_when_stored(WhenStored fn) { when_stored_ = std::move(fn); }

    void find_room(const std::string& key, Found found) override;
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
    void perform_rpc(const api::CallContext&, const livekit::PerformRpcRequest&,
                     api::Reply<livekit::PerformRpcResponse>) override;
    // By the key of the room: its tokens from before revoke_token_ts join no more (TOK-14).
    void revoke(const livekit::RoomParticipantIdentity& who);
    // Refused for a WHIP client, too: it has no signalling.
    void send_away(const SendAway& wanted, api::Reply<livekit::MoveParticipantResponse> reply);

  private:
    template <typename Request, typename Response>
    using Method = void (api::RoomServicePort::*)(const api::CallContext&, const Request&,
                                                  api::Reply<Response>);
    // Calls the method in the shard that has `room`; it and the request name rooms by their keys.
    template <typename Request, typename Response>
    void pass(const std::string& room, Method<Request, Response> method,
              const api::CallContext& context, const Request& request, api::Reply<Response> reply);
    // The same for a request that names the caller's rooms by their names.
    template <typename Request, typename Response>
    void pass_named(Method<Request, Response> method, const api::CallContext& context,
                    const Request& request, api::Reply<Response> reply);

    // The same of what others can see of the room.
    template <typename Request, typename Response>
    void pass_change(const std::string& room, Method<Request, Response> method,
                     const api::CallContext& context, const Request& request,
                     api::Reply<Response> reply);
    template <typename Request, typename Response>
    void pass_named_change(Method<Request, Response> method, const api::CallContext& context,
                           const Request& request, api::Reply<Response> reply);

    // Whether both rooms are in one shard.
    template <typename Request>
    bool together(const Request& request) const;
    // Between rooms of two shards, named by their keys.
    void move_apart(const livekit::MoveParticipantRequest& keyed,
                    api::Reply<livekit::MoveParticipantResponse> reply);
    void send_to_shard(const livekit::MoveParticipantRequest& keyed,
                       api::Reply<livekit::MoveParticipantResponse> reply);

    ControlNode& node_;
    std::function<bool()> over_limit_;
    WhenStored when_stored_;
};

// The rooms that the shards told of as one list: by name, or in the order of `request`.
livekit::ListRoomsResponse merge_rooms(const livekit::ListRoomsRequest& request,
                                       std::vector<livekit::ListRoomsResponse> lists);

}  // namespace confab::control
