// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The control plane of one node: all rooms and sessions (07 §4.3 signal::Session, room::Room).
// Pure: the driver passes in both clocks, requests and media events, drains poll_effect() after
// every call and calls handle_timeout at next_deadline(). The first SendSignal of a session is its
// join or reconnect response; a RefuseSession instead means the upgrade is to be answered with that
// status.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "room/context.h"
#include "room/room.h"
#include "room/types.h"

namespace confab::room {

// Why somebody may not join now; `why` is a literal, for statistics.
struct JoinRefusal {
    int status = 500;
    std::string text;
    std::string_view why;
};

class RoomManager {
  public:
    RoomManager(Config config, std::uint64_t seed);
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

    struct Snapshot {
        std::size_t rooms = 0;
        std::size_t participants = 0;
        std::size_t sessions = 0;
        std::size_t effects_waiting = 0;
        Counters counters;
    };
    Snapshot snapshot() const;

  private:
    struct Entry {
        std::unique_ptr<Room> room;
        Timestamp deadline = Timestamp::never();
    };
    struct SessionPlace {
        std::string room;
        std::string identity;
    };

    Room* find(const std::string& name) const;
    Result<Room*, std::string> make_room(const livekit::CreateRoomRequest& request);
    // `why` is a literal, for statistics.
    void refuse(SessionId session, int status, std::string text, std::string_view why);
    Participant* find_participant(const std::string& room, const std::string& identity) const;
    // After every change of a room: frees what ended and notes its next deadline.
    void settle(const std::string& name);
    void dispatch(const sfu::PeerStateChanged& event);
    void dispatch(const sfu::LayerStarted& event);
    void dispatch(const sfu::LayersChanged& event);
    void dispatch(const sfu::SpeakerLevels& event);
    void dispatch(const sfu::StreamStateChanged& event);
    void dispatch(const sfu::QualityBatch& event);
    void dispatch(const sfu::DataChannelOpened& event);
    void dispatch(const sfu::DataReceived& event);
    void dispatch(const sfu::DataChannelFailed& event);
    template <typename F>
    void with_peer(sfu::PeerId peer, F&& f);

    Context context_;
    std::map<std::string, Entry> rooms_;
    std::map<std::uint64_t, std::string> room_names_;  // by RoomId
    std::map<SessionId, SessionPlace> sessions_;
    std::set<std::pair<Timestamp, std::string>> deadlines_;
};

}  // namespace confab::room
