// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One room: its participants, the tracks among them, and everything that one participant's action
// means for the others (01 §3.8–§3.13). The pieces with rules of their own are separate machines
// (Roster, RoomNews, Negotiation, Subscriptions, DataPlane, QualityReports, Speakers, PublishFlow);
// this class connects them. Its methods are spread over room_*.cc by subject.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "room/data/data_plane.h"
#include "room/manager/room_origin.h"
#include "room/manager/room_records.h"
#include "room/negotiate/negotiation.h"
#include "room/participant/participant.h"
#include "room/quality/quality_reports.h"
#include "room/quality/speaker_news.h"
#include "room/roster/room_news.h"
#include "room/roster/roster.h"
#include "room/scope/scope.h"
#include "room/subscribe/subscriptions.h"

namespace confab::room {

class Room : private DataHost, private SubscriptionsHost, private NegotiationHost {
  public:
    static constexpr Duration kRefreshInterval = Duration::seconds(300);

    Room(const RoomScope& scope, RoomOrigin origin);
    ~Room() override;
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;

    // ---- sessions (room_join.cc, room_resume.cc)
    // Why a join is refused, empty when it is not (CON-33, ROOM-06).
    bool is_full_for(const JoinParams& params) const;
    void join(SessionId session, const JoinParams& params);
    void resume(SessionId session, const JoinParams& params);
    // For a resume of what is not there (SIG-147).
    static void refuse_resume(Outbox& out, SessionId session, const JoinParams& params);
    void handle_request(SessionId session, const std::string& identity,
                        const livekit::SignalRequest& request);
    void signal_closed(SessionId session, const std::string& identity);

    // ---- media events (room_media.cc)
    void handle_peer_state(Participant& p, const sfu::PeerStateChanged& event);
    void handle_layer_started(Participant& p, const std::string& sid,
                              const sfu::LayerStarted& event);
    void handle_speaker_levels(const sfu::SpeakerLevels& event) { speakers_.handle_levels(event); }
    void handle_stream_state(Participant& p, const std::string& sid, sfu::StreamState state) {
        subscriptions_.stream_state(p, sid, state);
    }
    void handle_quality(Participant& p, std::uint64_t track, const sfu::QualitySample& sample,
                        const std::string& sid);
    void handle_channel_opened(Participant& p, const sfu::DataChannelOpened& event);
    void handle_channel_failed(Participant& p);
    void handle_data(Participant& p, const sfu::DataReceived& event);

    // ---- service calls (room_service.cc)
    livekit::Room snapshot() const { return news_.snapshot(); }
    std::vector<livekit::ParticipantInfo> list() const;
    Participant* find(const std::string& identity) const { return roster_.find(identity); }
    // As others see it.
    livekit::ParticipantInfo describe(const Participant& p) const;
    void remove(Participant& p, livekit::DisconnectReason reason);
    // Null when there is no such track; the mute signal is sent all the same.
    const livekit::TrackInfo* mute_track(Participant& p, const std::string& sid, bool muted);
    void update_participant(Participant& p, const livekit::UpdateParticipantRequest& request);
    void update_subscriptions(
        Participant& p, const google::protobuf::RepeatedPtrField<std::string>& sids,
        const google::protobuf::RepeatedPtrField<livekit::ParticipantTracks>& by_participant,
        bool subscribe) {
        subscriptions_.update(p, sids, by_participant, subscribe);
    }
    void send_data(const livekit::SendDataRequest& request) { data_.send_data(request); }
    void set_metadata(const std::string& metadata) {
        news_.set_metadata(metadata);
        records_.room_changed();
    }
    // Its end follows as RpcDone; an error means that there will be none.
    Result<void, ServiceError> call_rpc(RpcCallId id, Participant& p,
                                        const livekit::PerformRpcRequest& request) {
        return data_.call_rpc(id, p, request);
    }

    // ---- time and end (room_timers.cc)
    void handle_timeout();
    Timestamp next_deadline() const;
    bool expired() const { return roster_.expired(); }
    void close(livekit::DisconnectReason reason);
    // Call after every input, when no reference to a participant is held: frees who was closed and
    // notes the deadlines of those who changed.
    void finish_turn();
    // The slow way to next_deadline(), for tests: looks at everybody.
    Timestamp scan_deadlines() const;

    const std::string& name() const { return news_.info().name(); }
    sfu::RoomId id() const { return id_; }
    std::size_t size() const { return roster_.size(); }

  private:
    struct TrackRef {
        Participant* publisher = nullptr;
        PublishedTrack* track = nullptr;
        explicit operator bool() const { return track != nullptr; }
    };
    enum class Ending : std::uint8_t { kWithLeave, kSilent };

    // DataHost
    std::optional<sfu::PeerId> data_peer(const Participant& p) const override;
    bool grants_access(const Participant& publisher, const Participant& to,
                       const std::string& track_sid) const override;
    void data_tracks_changed(Participant& publisher) override { changed(publisher, true); }

    // NegotiationHost
    std::vector<sdp::PendingTrack> pending_tracks(const Participant& p) const override {
        return p.publish.pending_sections();
    }
    bool publishes_on(const Participant& p, std::string_view mid) const override {
        return p.publish.has_mid(mid);
    }
    void offer_answered(Participant& p, const sdp::Answer& answer) override {
        take_sections(p, answer);
    }
    void senders_bound(Participant& p, const std::vector<sdp::BoundSender>& bound) override {
        subscriptions_.bind(p, bound);
    }
    void no_data_wanted(Participant& p) override { data_.expect_no_channels(p); }
    void negotiation_failed(Participant& p) override { full_reconnect(p); }

    // room_state.cc
    void changed(Participant& p, bool immediate);
    void hide(Participant& p);
    void webhook(const char* event, const Participant* p, const livekit::TrackInfo* track);
    void observe(const Observation& value) { scope_->out.observe(value); }
    void send_refresh(Participant& p);
    std::vector<livekit::ICEServer> ice_servers(const Participant& p) const;
    livekit::ServerInfo server_info() const;
    TrackRef find_track(const std::string& sid) const;
    std::vector<const Participant*> heard_by(const Participant& p) const;

    // room_join.cc
    void send_join(Participant& p);
    void start_links(Participant& p, const JoinParams& params);
    void set_active(Participant& p);
    void end(Participant& p, livekit::DisconnectReason reason, Ending ending,
             livekit::LeaveRequest::Action action = livekit::LeaveRequest::DISCONNECT);
    void drop_media_of(Participant& p);
    void full_reconnect(Participant& p);
    void connection_failed(Participant& p);
    void tell_departures(Participant& p, Timestamp last_heard);

    // room_publish.cc
    void add_track(Participant& p, const livekit::AddTrackRequest& request);
    void trickle(Participant& p, const livekit::TrickleRequest& trickle);
    void take_sections(Participant& p, const sdp::Answer& answer);
    void take_publish_sections(Participant& p, const std::vector<sdp::PublishSection>& sections);
    void add_receiver(Participant& p, PublishedTrack& track, std::size_t codec,
                      const sdp::PublishSection& section);
    void announce(Participant& p, PublishedTrack& track);
    void note_media_started(const Participant& p, PublishedTrack& track);
    void announce_all(Participant& p);
    void unpublish(Participant& p, const std::string& sid, bool tell_publisher);
    void cancel_pending(Participant& p, const std::string& sid, bool tell_publisher);
    static void tell_unpublished(Participant& p, const std::string& sid);
    void set_muted(Participant& p, PublishedTrack& track, bool muted);
    void want_layers(const Participant& p, const PublishedTrack& track,
                     const std::vector<Dynacast::Report>& reports);
    void poll_dynacast(Participant& p, PublishedTrack& track);

    // room_parts.cc: SubscriptionsHost
    Publication find_publication(const std::string& sid) const override;
    std::vector<Publication> publications() const override;
    std::vector<Publication> publications_of(const Participant& publisher) const override;
    void quality_wanted(const Publication& track, const QualityWish& wish) override;
    void quality_unwanted(const Publication& track, sfu::DownTrackId by) override;
    void track_subscribed(const Publication& track) override;
    void codec_regressed(const Publication& track) override;
    std::optional<Downlink> downlink(const Participant& p) const override;
    void section_needed(Participant& p, sdp::Sender sender) override;
    void section_dropped(Participant& p, sfu::DownTrackId id, bool in_use) override;
    void subscriber_stuck(Participant& p) override;

    void subscribe_existing(Participant& p);
    void set_access(Participant& p, const livekit::SubscriptionPermission& list);

    // room_requests.cc
    void update_metadata(Participant& p, const livekit::UpdateParticipantMetadata& update);
    void apply_metadata(Participant& p, const livekit::UpdateParticipantMetadata& update);
    void mute_request(Participant& p, const livekit::MuteTrackRequest& request);
    void update_audio(Participant& p, const livekit::UpdateLocalAudioTrack& update);
    void update_video(Participant& p, const livekit::UpdateLocalVideoTrack& update);
    void sync_state(Participant& p, const livekit::SyncState& state);
    void leave_request(Participant& p, const livekit::LeaveRequest& leave);
    void ping(Participant& p, const livekit::SignalRequest& request);
    void simulate(Participant& p, const livekit::SimulateScenario& scenario);
    void set_permission(Participant& p, const livekit::ParticipantPermission& permission);
    void publish_data_track(Participant& p, const livekit::PublishDataTrackRequest& request);
    void unpublish_data_track(Participant& p, const livekit::UnpublishDataTrackRequest& request);
    template <typename Fill>
    void respond(Participant& p, livekit::RequestResponse::Reason reason, std::string message,
                 Fill&& fill);

    // room_timers.cc
    void participant_timers(Participant& p);
    Timestamp publish_deadline(const Participant& p) const;

    void touch(Participant& p) { roster_.touch(p); }
    Timestamp deadline_of(const Participant& p) const;
    Timestamp own_deadline() const;
    const std::string& shown(Participant& p) const;
    std::vector<Participant*> publishers() const;
    void note_ssrc(PublishedTrack& track, Ssrc ssrc);

    const RoomScope* scope_;
    sfu::RoomId id_;
    Timestamp created_;
    std::vector<sdp::EnabledCodec> codecs_;

    Roster roster_;
    RoomNews news_;
    RoomRecords records_;
    SsrcPool ssrcs_;  // of publishers and subscribers, which must differ
    Subscriptions subscriptions_;
    Negotiation negotiation_;
    DataPlane data_;
    QualityReports quality_;
    SpeakerNews speakers_;
    std::map<std::string, std::string> publisher_of_track_;  // announced track sid → identity
    std::map<std::string, std::size_t> announced_;           // identity → tracks announced, if any
};

template <typename Fill>
void Room::respond(Participant& p, livekit::RequestResponse::Reason reason, std::string message,
                   Fill&& fill) {
    if (reason == livekit::RequestResponse::OK && !p.traits.gates.request_response_ok) return;
    livekit::SignalResponse response;
    livekit::RequestResponse& answer = *response.mutable_request_response();
    answer.set_reason(reason);
    answer.set_message(std::move(message));
    fill(answer);
    p.signal.send(std::move(response));
}

}  // namespace confab::room
