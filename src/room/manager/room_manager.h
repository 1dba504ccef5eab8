// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The control plane of one node: all rooms and sessions (07 §4.3 signal::Session, room::Room).
// Pure: the driver passes in both clocks, requests and media events, drains poll_effect() after
// every call and calls handle_timeout at next_deadline(). The first SendSignal of a session is its
// join or reconnect response; a RefuseSession instead means the upgrade is to be answered with that
// status.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "room/manager/media_events.h"
#include "room/manager/relocations.h"
#include "room/manager/rooms.h"
#include "room/room_end.h"
#include "room/scope/scope.h"
#include "room/scope/types.h"

namespace confab::room {

// Why somebody may not join now; `why` is a literal, for statistics.
struct JoinRefusal {
    int status = 500;
    std::string text;
    std::string_view why;
    std::string cause = {};  // for the log, where the text must not say it
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
    Timestamp next_deadline() const {
        return earlier(rooms_.next_deadline(), worker_moves_.next_deadline());
    }
    // The same by looking at everybody, for tests.
    Timestamp scan_deadlines() const {
        return earlier(rooms_.scan_deadlines(), worker_moves_.next_deadline());
    }
    std::optional<Effect> poll_effect();

    // ---- service calls; the caller has checked the token (01 §5.2). Rooms are named by their keys
    // (token/room_key.h), and shown by their names.
    ServiceResult<livekit::Room> create_room(Clock clock,
                                             const livekit::CreateRoomRequest& request);
    // Those of that tenant, or those that are named.
    livekit::ListRoomsResponse list_rooms(const livekit::ListRoomsRequest& request,
                                          std::string_view tenant = {}) const;
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
    // Of participants that go to another room, or are seen there too.
    Relocations& relocations(Clock clock) {
        clock_ = clock;
        return relocations_;
    }
    // Starts a call; the effect RpcDone with this id tells how it ended.
    ServiceResult<RpcCallId> perform_rpc(Clock clock, const livekit::PerformRpcRequest& request);

    // ---- agents; of a room that is not here: kUnavailable (RPC-05)
    ServiceResult<livekit::AgentDispatch> create_dispatch(Clock clock,
                                                          const livekit::AgentDispatch& wanted);
    ServiceResult<livekit::AgentDispatch> delete_dispatch(
        Clock clock, const livekit::DeleteAgentDispatchRequest& request);
    ServiceResult<livekit::ListAgentDispatchResponse> list_dispatch(
        Clock clock, const livekit::ListAgentDispatchRequest& request);
    // Which workers there are by now.
    void set_agents(Clock clock, AgentKinds kinds);
    // Of a job that was launched: it runs, or it is over. `lost`: its worker is gone, which says
    // nothing of the agent.
    void job_changed(Clock clock, const std::string& room_key, const livekit::Job& job, bool lost);

    // A room that another node, or an earlier run, left in a store is made with what is stored of
    // it instead of a new sid and new times (03 RDS-27); one of that name that is here already is
    // not touched. `internal`: as in StoreRoom. The room as it is now.
    ServiceResult<livekit::Room> adopt(Clock clock, livekit::Room stored, std::string internal = {},
                                       StoredAgents agents = {});

    // Another node has this room: the one here ends, its clients come back and find that one. No
    // room_finished is sent. `end`: kCopy or kMoves. False: there is none here.
    friend bool hand_over(RoomManager& rooms, Clock clock, const std::string& key, RoomEnd end);

    // Ends everything with SERVER_SHUTDOWN; clients come back by themselves (SIG-143).
    void shut_down(Clock clock);
    bool has_room(const std::string& key) const { return rooms_.find(key) != nullptr; }
    // The room that is named, or the one where who resumes was moved to from there.
    friend bool has_room_for(const RoomManager& rooms, const JoinParams& params) {
        return rooms.has_room(params.room) ||
               (params.reconnect && rooms.relocations_.moved_to(params) != nullptr);
    }

    // What threw inside a room, by whatever input, ended that room and no other (07 ERR-04).
    std::vector<RoomFailure> take_failures() { return rooms_.take_failures(); }

    struct Snapshot {
        std::size_t rooms = 0;
        std::size_t participants = 0;
        std::size_t sessions = 0;
        std::size_t effects_waiting = 0;
        std::uint64_t effects_dropped = 0;
        std::uint64_t moved = 0;  // participants that went on at another media worker
        Counters counters;
    };
    Snapshot snapshot() const;
    // To be told how busy the workers are.
    Placement& placement() { return placement_; }
    // What a reload of the configuration may change. Limits and ICE servers hold from the next
    // request or session on, defaults for rooms and participants that come.
    void reconfigure(Limits limits, RoomDefaults defaults, IceServers ice_servers);

    // Of who is there under that name; empty if nobody is.
    friend std::string participant_sid(const RoomManager& rooms, const std::string& room_key,
                                       const std::string& identity);
    // Those of `publisher` and what became of them for `subscriber`, which are identities; none of
    // who is not there.
    friend NamedTracks named_tracks(const RoomManager& rooms, const std::string& room_key,
                                    const std::string& subscriber, const std::string& publisher,
                                    std::string_view name);
    // For `subscriber`, so many of audio and of video at most.
    friend std::vector<std::string> other_tracks(const RoomManager& rooms,
                                                 const std::string& room_key,
                                                 const std::string& subscriber,
                                                 std::size_t of_each_kind);

    friend std::optional<RoomFigures> room_figures(const RoomManager& rooms,
                                                   const std::string& key);
    friend std::vector<RoomSummary> room_summaries(const RoomManager& rooms);
    friend std::optional<ParticipantFigures> participant_figures(const RoomManager& rooms,
                                                                 const std::string& key,
                                                                 const std::string& identity);

  private:
    struct SessionPlace {
        std::string room;
        std::string identity;
    };

    // The room of that key, made if there is none.
    ServiceResult<Room*> make_room(const livekit::CreateRoomRequest& request);
    void join(SessionId session, const JoinParams& params);
    void resume(SessionId session, const JoinParams& params);
    template <typename Input>
    void enter(Room& room, SessionId session, const JoinParams& params, Input&& input);

    // A service call within a turn; what it returns is a value, which survives the turn. `absent`:
    // the answer when there is no such room, or participant.
    template <typename T, typename Work>
    ServiceResult<T> call(const std::string& room, ServiceError absent, Work&& work);
    template <typename T, typename Work>
    ServiceResult<T> call(const std::string& room, const std::string& identity, ServiceError absent,
                          Work&& work);

    Config config_;
    Placement placement_;
    AgentKinds agents_;
    Clock clock_;
    Outbox out_;
    IdSource ids_;
    MediaRegistry media_;
    Counters counters_;
    RoomScope scope_;
    Rooms rooms_;
    WorkerMoves worker_moves_{scope_, rooms_};
    MediaEvents media_events_{media_, rooms_, worker_moves_};
    std::map<SessionId, SessionPlace> sessions_;
    Relocations relocations_;
};

}  // namespace confab::room
