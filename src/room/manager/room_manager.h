// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The control plane of one node: all rooms and sessions (07 §4.3 signal::Session, room::Room).
// Pure: the driver passes in both clocks, requests and media events, drains poll_effect() after
// every call and calls handle_timeout at next_deadline(). The first SendSignal of a session is its
// join or reconnect response; a RefuseSession instead means the upgrade is to be answered with that
// status.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "room/manager/deadlines.h"
#include "room/room.h"
#include "room/scope/scope.h"
#include "room/scope/types.h"

namespace confab::room {

// A room that was ended because something in it threw.
struct RoomFailure {
    std::string room;
    std::string what;
};

// Why somebody may not join now; `why` is a literal, for statistics.
struct JoinRefusal {
    int status = 500;
    std::string text;
    std::string_view why;
};

class RoomManager {
  public:
    // `secrets`: where passwords come from, apart from what clients see of `seed`.
    RoomManager(Config config, std::uint64_t seed, SecretSource secrets);
    ~RoomManager();
    RoomManager(const RoomManager&) = delete;
    RoomManager& operator=(const RoomManager&) = delete;

    // ---- sessions
    SessionId start_session(Clock clock, const JoinParams& params);
    // What start_session would refuse a new session for, without starting it (CON-22).
    std::optional<JoinRefusal> admission(const JoinParams& params) const;
    void handle_request(Clock clock, SessionId session, const livekit::SignalRequest& request);
    // The connection ended, whoever closed it; harmless for a session already gone.
    void signal_closed(Clock clock, SessionId session);
    void handle_media_event(Clock clock, sfu::WorkerIndex worker, const sfu::Event& event);
    void handle_timeout(Clock clock);
    Timestamp next_deadline() const;
    // The same by looking at everybody, for tests.
    Timestamp scan_deadlines() const;
    std::optional<Effect> poll_effect();

    // ---- service calls; the caller has checked the token (01 §5.2)
    ServiceResult<livekit::Room> create_room(Clock clock,
                                             const livekit::CreateRoomRequest& request);
    livekit::ListRoomsResponse list_rooms(const livekit::ListRoomsRequest& request) const;
    ServiceResult<livekit::DeleteRoomResponse> delete_room(
        Clock clock, const livekit::DeleteRoomRequest& request);
    livekit::ListParticipantsResponse list_participants(
        const livekit::ListParticipantsRequest& request) const;
    ServiceResult<livekit::ParticipantInfo> get_participant(
        const livekit::RoomParticipantIdentity& request) const;
    ServiceResult<livekit::RemoveParticipantResponse> remove_participant(
        Clock clock, const livekit::RoomParticipantIdentity& request);
    ServiceResult<livekit::MuteRoomTrackResponse> mute_published_track(
        Clock clock, const livekit::MuteRoomTrackRequest& request);
    ServiceResult<livekit::ParticipantInfo> update_participant(
        Clock clock, const livekit::UpdateParticipantRequest& request);
    ServiceResult<livekit::UpdateSubscriptionsResponse> update_subscriptions(
        Clock clock, const livekit::UpdateSubscriptionsRequest& request);
    ServiceResult<livekit::SendDataResponse> send_data(Clock clock,
                                                       const livekit::SendDataRequest& request);
    ServiceResult<livekit::Room> update_room_metadata(
        Clock clock, const livekit::UpdateRoomMetadataRequest& request);
    // Starts a call; the effect RpcDone with this id tells how it ended.
    ServiceResult<RpcCallId> perform_rpc(Clock clock, const livekit::PerformRpcRequest& request);

    // Ends everything with SERVER_SHUTDOWN; clients come back by themselves (SIG-143).
    void shut_down(Clock clock);
    bool has_room(const std::string& name) const { return rooms_.contains(name); }

    // What threw inside a timer or media event of a room ended that room, no other (07 ERR-04). At
    // most kMaxFailures since the last call are told.
    static constexpr std::size_t kMaxFailures = 16;
    std::vector<RoomFailure> take_failures() { return std::exchange(failures_, {}); }

    struct Snapshot {
        std::size_t rooms = 0;
        std::size_t participants = 0;
        std::size_t sessions = 0;
        std::size_t effects_waiting = 0;
        std::uint64_t effects_dropped = 0;
        Counters counters;
    };
    Snapshot snapshot() const;
    // To be told how busy the workers are.
    Placement& placement() { return placement_; }

  private:
    // The only way to a room that may change. Its end settles the room, which may erase it, so that
    // whatever a call returns is a value made within the turn; one turn at a time.
    class RoomTurn {
      public:
        RoomTurn(RoomManager& manager, Room* room) : manager_(&manager), room_(room) {}
        ~RoomTurn();
        RoomTurn(RoomTurn&& other) noexcept
            : manager_(other.manager_), room_(std::exchange(other.room_, nullptr)) {}
        RoomTurn(const RoomTurn&) = delete;
        RoomTurn& operator=(const RoomTurn&) = delete;
        RoomTurn& operator=(RoomTurn&&) = delete;
        explicit operator bool() const { return room_ != nullptr; }
        Room* operator->() const { return room_; }
        Participant* find(const std::string& identity) const;

      private:
        RoomManager* manager_;
        Room* room_;
    };
    struct SessionPlace {
        std::string room;
        std::string identity;
    };

    const Room* find(const std::string& name) const;
    RoomTurn enter(const std::string& name);
    Result<RoomTurn, std::string> make_room(const livekit::CreateRoomRequest& request);
    // `why` is a literal, for statistics.
    void refuse(SessionId session, int status, std::string text, std::string_view why);
    // The end of a turn: frees what ended and notes the next deadline.
    void settle(Room& room);
    void erase(Room& room);
    void dispatch(const sfu::PeerStateChanged& event);
    void dispatch(const sfu::LayerStarted& event);
    // Which layers flow is the shards' own business; TrackInfo lists what was declared.
    void dispatch(const sfu::LayersChanged&) {}
    void dispatch(const sfu::SpeakerLevels& event);
    void dispatch(const sfu::StreamStateChanged& event);
    void dispatch(const sfu::QualityBatch& event);
    void dispatch(const sfu::DataChannelOpened& event);
    void dispatch(const sfu::DataReceived& event);
    void dispatch(const sfu::DataChannelFailed& event);
    // Calls `turn`, which is the room's; ends the room if it throws.
    void contain(Room& room, const std::function<void()>& turn);
    void fail_room(Room& room, std::string what);
    void fail_if_broken(const std::string& name, const std::string& identity);
    template <typename F>
    void with_peer(sfu::PeerId peer, F&& f);

    Config config_;
    Placement placement_;
    Clock clock_;
    Outbox out_;
    IdSource ids_;
    MediaRegistry media_;
    Counters counters_;
    std::vector<RoomFailure> failures_;
    RoomScope scope_;
    std::map<std::string, std::unique_ptr<Room>> rooms_;  // by name
    std::map<sfu::RoomId, Room*> room_by_id_;
    std::map<SessionId, SessionPlace> sessions_;
    Deadlines<sfu::RoomId> deadlines_;
};

}  // namespace confab::room
