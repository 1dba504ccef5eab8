// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The server API of a node in a cluster (03 RPC-33): what concerns a room of this node is done
// here, the rest by the node that has it; lists are what all nodes have written.
#pragma once

#include <string>
#include <utility>

#include "api/ports.h"
#include "cluster/psrpc/retry.h"
#include "cluster/store/rooms/room_orphans.h"
#include "cluster/store/rooms/room_reader.h"
#include "runtime/control/cluster/rooms/room_placement.h"
#include "runtime/control/cluster/rooms/room_servers.h"
#include "runtime/control/room_service.h"

namespace confab::control {

class ClusterRoomService final : public api::RoomServicePort {
  public:
    // All must outlive it.
    struct Parts {
        api::RoomServicePort& local;
        RoomPlacement& placement;
        const RoomServers& here;
        cluster::store::RoomReader& reader;
        cluster::store::RoomOrphans& orphans;
        cluster::psrpc::Retrier& bus;
        cluster::psrpc::RetryPlan plan;
        std::string own_id;
        // Whether a node is known to be dead; an empty id is nobody's.
        std::function<bool(const std::string&)> is_dead;
        std::function<void(const std::string& room, Callback<Result<std::string, rpc::Error>>)>
            routed_to;  // what room_node_map says, empty if nothing
        // Of the rooms of this node.
        std::function<void(const SendAway&, api::Reply<livekit::MoveParticipantResponse>)>
            send_away;
        // By the key of the room, for all nodes.
        std::function<void(const livekit::RoomParticipantIdentity&)> revoke;
    };
    explicit ClusterRoomService(Parts parts) : p_(std::move(parts)) {}

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

  private:
    template <typename Request, typename Response>
    using Method = void (api::RoomServicePort::*)(const api::CallContext&, const Request&,
                                                  api::Reply<Response>);
    bool is_here(const api::CallContext& context, const std::string& name) const;
    // Asks the node that serves it.
    template <typename Request, typename Response>
    void ask(const rpc::Method& method, rpc::Topic topic, const api::CallContext& context,
             const Request& request, const cluster::psrpc::RetryPlan& plan,
             api::Reply<Response> reply);
    // Of a room, or of a participant: done here if the room is, else by whoever has it.
    template <typename Request, typename Response>
    void of_room(const rpc::Method& method, Method<Request, Response> local,
                 const api::CallContext& context, const Request& request,
                 api::Reply<Response> reply);
    template <typename Request, typename Response>
    void of_participant(const rpc::Method& method, Method<Request, Response> local,
                        const api::CallContext& context, const Request& request,
                        const std::string& identity, const cluster::psrpc::RetryPlan& plan,
                        api::Reply<Response> reply);
    // The same once Redis has said that there is such a participant (RPC-33).
    template <typename Request, typename Response>
    void of_known_participant(const rpc::Method& method, Method<Request, Response> local,
                              const api::CallContext& context, const Request& request,
                              api::Reply<Response> reply);
    // From a room elsewhere to another room: by the node of the first (RPC-04).
    template <typename Request, typename Response>
    void relocate_elsewhere(const rpc::Method& method, const api::CallContext& context,
                            const Request& request, api::Reply<Response> reply);
    // The node of the room to go to; this one, where it is new.
    void find_destination(const api::CallContext& context, const std::string& name,
                          api::Reply<std::string> reply);
    void move_to_other_node(const api::CallContext& context,
                            const livekit::MoveParticipantRequest& request,
                            api::Reply<livekit::MoveParticipantResponse> reply);
    void delete_elsewhere(const api::CallContext& context, const std::string& key,
                          api::Reply<livekit::DeleteRoomResponse> reply);
    void delete_stored(const std::string& key, const std::string& node,
                       const api::ServiceError& error,
                       api::Reply<livekit::DeleteRoomResponse> reply);

    Parts p_;
};

}  // namespace confab::control
