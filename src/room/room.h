// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One room: its participants, the tracks among them, and everything that one participant's action
// means for the others (01 §3.8–§3.13). The pieces with rules of their own are separate machines
// (Sessions, Requests, Roster, RoomNews, Negotiation, Publications, Subscriptions, DataPlane,
// QualityReports, Speakers); this class connects them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "room/agents/room_dispatches.h"
#include "room/data/data_plane.h"
#include "room/egress/auto_egress.h"
#include "room/forward_wiring.h"
#include "room/manager/room_origin.h"
#include "room/manager/room_records.h"
#include "room/negotiate/negotiation.h"
#include "room/participant/participant.h"
#include "room/participant/sessions.h"
#include "room/publish/publications.h"
#include "room/quality/quality_reports.h"
#include "room/quality/speaker_news.h"
#include "room/request_wiring.h"
#include "room/room_end.h"
#include "room/room_wiring.h"
#include "room/roster/room_news.h"
#include "room/roster/roster.h"
#include "room/scope/scope.h"
#include "room/session_wiring.h"
#include "room/signal/requests.h"
#include "room/subscribe/subscriptions.h"
#include "room/transfer.h"

namespace confab::room {

struct RoomFigures;  // room/inspect/room_figures.h
struct ParticipantFigures;
struct RoomSummary;

class Room {
  public:
    Room(const RoomScope& scope, RoomOrigin origin);
    ~Room();
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;

    // ---- who comes and goes, and what they ask
    const Sessions& sessions() const { return sessions_; }
    Sessions& sessions() { return sessions_; }
    Requests& requests() { return requests_; }
    RoomDispatches& dispatches() { return dispatches_; }
    DataPlane& data() { return data_; }
    Subscriptions& subscriptions() { return subscriptions_; }

    // ---- media events (room_media.cc)
    void handle_peer_state(Participant& p, const sfu::PeerStateChanged& event);
    void handle_layer_started(Participant& p, const std::string& sid,
                              const sfu::LayerStarted& event) {
        publications_.layer_started(p, sid, event);
    }
    void handle_speaker_levels(const sfu::SpeakerLevels& event) { speakers_.handle_levels(event); }
    void handle_stream_state(Participant& p, const std::string& sid, sfu::StreamState state) {
        subscriptions_.stream_state(p, sid, state);
    }
    // Of a receiver or down-track of the participant, or of one stream of a receiver.
    template <typename Sample>
    void handle_quality(Participant& p, std::uint64_t track, const Sample& sample) {
        quality_.note(p, track, sample);
    }
    // How a connection is by then, without what is sent over it.
    void handle_path(Participant& p, const sfu::QualityBatch& report);
    void handle_channel_opened(Participant& p, const sfu::DataChannelOpened& event);
    void handle_channel_failed(Participant& p);

    // ---- service calls
    livekit::Room snapshot() const { return news_.snapshot(); }
    std::vector<livekit::ParticipantInfo> list() const;
    Participant* find(const std::string& identity) const { return roster_.find(identity); }
    // As others see it.
    livekit::ParticipantInfo describe(const Participant& p) const;
    // Null when there is no such track; the mute signal is sent all the same.
    const livekit::TrackInfo* mute_track(Participant& p, const std::string& sid, bool muted);
    void update_participant(Participant& p, const livekit::UpdateParticipantRequest& request);
    void set_metadata(const std::string& metadata) {
        news_.set_metadata(metadata);
        records_.room_changed();
    }

    // ---- moves (room_move.cc)
    // It goes to another room and takes along what is returned; it is still there until then.
    Transfer release(Participant& p);
    void admit(Transfer coming);

    // ---- participants that are seen in two rooms
    ForwardWiring& forwarding() { return forward_wiring_; }

    // ---- time and end
    void handle_timeout();
    Timestamp next_deadline() const;
    bool expired() const { return roster_.expired(); }
    // One that is not over is not told to be finished.
    void close(livekit::DisconnectReason reason, RoomEnd end = RoomEnd::kOver);
    // Call after every input, when no reference to a participant is held: frees who was closed and
    // notes the deadlines of those who changed.
    void finish_turn();
    // The slow way to next_deadline(), for tests: looks at everybody.
    Timestamp scan_deadlines() const;

    // CreateRoom for it (AutoEgress::asked).
    friend void ask_to_record(Room& room, const livekit::RoomEgress& wanted) {
        room.egress_.asked(wanted);
    }

    // By what it is found (token/room_key.h).
    const std::string& key() const { return news_.key(); }
    sfu::RoomId id() const { return id_; }
    std::size_t size() const { return roster_.size(); }

  private:
    friend class RoomWiring;
    friend class RequestWiring;
    friend class SessionWiring;
    friend class ForwardWiring;
    friend class WorkerMoves;
    friend RoomFigures figures_of(const Room& room);
    friend ParticipantFigures published_by(const Room& room, const Participant& p);
    friend std::optional<ParticipantFigures> participant_figures(const Room& room,
                                                                 const std::string& identity);
    friend RoomSummary summary_of(const Room& room);

    // What others see of it has changed, and everybody is told.
    void changed(Participant& p, bool immediate);
    const std::string& shown(Participant& p) const;
    void webhook(const char* event, const Participant* p, const livekit::TrackInfo* track);
    void job_webhook(const char* event, const livekit::Job& job);
    void set_permission(Participant& p, const livekit::ParticipantPermission& permission);
    Timestamp deadline_of(const Participant& p) const;
    Timestamp own_deadline() const;

    const RoomScope* scope_;
    sfu::RoomId id_;
    Timestamp created_;

    RoomWiring wiring_{*this};  // what the parts need of each other
    SessionWiring session_wiring_{*this};
    RequestWiring request_wiring_{*this};
    ForwardWiring forward_wiring_{*this};
    Roster roster_;
    RoomNews news_;
    RoomRecords records_;
    AutoEgress egress_;
    SsrcPool ssrcs_;  // of publishers and subscribers, which must differ
    Publications publications_;
    Subscriptions subscriptions_;
    Negotiation negotiation_;
    DataPlane data_;
    QualityReports quality_;
    SpeakerNews speakers_;
    Sessions sessions_;
    Requests requests_;
    RoomDispatches dispatches_;
};

}  // namespace confab::room
