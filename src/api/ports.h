// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the server APIs need from the control plane, as interfaces it implements.
// The router has already checked grants, argument limits and the form of the request; a port
// decides by the state of rooms. It answers each Reply exactly once, now or later, on the thread
// it was called on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/twirp/service_error.h"
#include "base/callback.h"
#include "base/result.h"
#include "base/time.h"
#include "livekit_models.pb.h"
#include "livekit_room.pb.h"

namespace confab::api {

template <typename T>
using Reply = Callback<Result<T, ServiceError>>;

struct CallContext {
    Timestamp now;
    // X-Twirp-Timeout-Ms (API-W6): the driver answers timeout_response() when it has passed.
    std::optional<Duration> timeout;
    std::string tenant = {};  // of whoever calls: the rooms that are meant are its own
};

// Which node has a room: the one that is asked, or any that shares a store with it. Answers later,
// as such a store does.
class RoomDirectory {
  public:
    using Found = Reply<std::optional<std::string>>;
    virtual ~RoomDirectory() = default;
    // The id of the node where the room of that key (token::room_key) is live; nothing if it is
    // not. An error when that cannot be known.
    virtual void find_room(const std::string& key, Found found) = 0;
};

struct WorkerMove {
    std::string room;
    std::string identity;
    std::uint16_t worker = 0;
};

// RoomService, 01 section 5.2. The comments name what is left to the port.
class RoomServicePort : public RoomDirectory {
  public:
    // API-01, ROOM-02, ROOM-03: returns a live room unchanged; an unknown preset is service_error
    // invalid_argument "unknown room configuration in create room request".
    virtual void create_room(const CallContext&, const livekit::CreateRoomRequest&,
                             Reply<livekit::Room>) = 0;
    virtual void list_rooms(const CallContext&, const livekit::ListRoomsRequest&,
                            Reply<livekit::ListRoomsResponse>) = 0;
    // not_found "requested room does not exist".
    virtual void delete_room(const CallContext&, const livekit::DeleteRoomRequest&,
                             Reply<livekit::DeleteRoomResponse>) = 0;
    // An unknown room lists empty.
    virtual void list_participants(const CallContext&, const livekit::ListParticipantsRequest&,
                                   Reply<livekit::ListParticipantsResponse>) = 0;
    // not_found "participant does not exist", for an unknown room too; so the next ones.
    virtual void get_participant(const CallContext&, const livekit::RoomParticipantIdentity&,
                                 Reply<livekit::ParticipantInfo>) = 0;
    virtual void remove_participant(const CallContext&, const livekit::RoomParticipantIdentity&,
                                    Reply<livekit::RemoveParticipantResponse>) = 0;
    virtual void update_participant(const CallContext&, const livekit::UpdateParticipantRequest&,
                                    Reply<livekit::ParticipantInfo>) = 0;
    // Nobody there: unavailable "no response from servers" (API-W7). An unknown track answers
    // without `track`.
    virtual void mute_published_track(const CallContext&, const livekit::MuteRoomTrackRequest&,
                                      Reply<livekit::MuteRoomTrackResponse>) = 0;
    virtual void update_subscriptions(const CallContext&,
                                      const livekit::UpdateSubscriptionsRequest&,
                                      Reply<livekit::UpdateSubscriptionsResponse>) = 0;
    virtual void send_data(const CallContext&, const livekit::SendDataRequest&,
                           Reply<livekit::SendDataResponse>) = 0;
    // not_found "requested room does not exist".
    virtual void update_room_metadata(const CallContext&, const livekit::UpdateRoomMetadataRequest&,
                                      Reply<livekit::Room>) = 0;
    virtual void forward_participant(const CallContext&, const livekit::ForwardParticipantRequest&,
                                     Reply<livekit::ForwardParticipantResponse>) = 0;
    virtual void move_participant(const CallContext&, const livekit::MoveParticipantRequest&,
                                  Reply<livekit::MoveParticipantResponse>) = 0;
    // Not of the API: for the operator. It goes on at another media worker (MC-20); the answer does
    // not wait until it is there.
    virtual void move_to_worker(const CallContext&, const WorkerMove&,
                                Reply<livekit::ParticipantInfo>) = 0;
    // API-14: use rpc_error() for what comes back from the participant.
    virtual void perform_rpc(const CallContext&, const livekit::PerformRpcRequest&,
                             Reply<livekit::PerformRpcResponse>) = 0;
};

// The Twirp form of an error a participant answered to an RPC: code by the table of API-14, text
// "RpcError <code>: <message>[: <data>]".
ServiceError rpc_error(const livekit::RpcError& error);

}  // namespace confab::api
