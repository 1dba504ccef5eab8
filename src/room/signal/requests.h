// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a participant's requests come to (01 §3.1): whose they are, what is refused and with which
// answer, what a client may say of itself, what it believes after a resume, and the failures it
// asks for to test itself (01 §3.14). Tracks, connections, subscriptions and data belong to other
// parts; what is wanted of them goes to its RequestsHost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "room/data/data_tracks.h"
#include "room/negotiate/links.h"
#include "room/participant/ending.h"
#include "room/roster/roster.h"

namespace confab::room {

class RequestsHost {
  public:
    virtual ~RequestsHost() = default;

    // ---- connections
    virtual void take_offer(Participant& p, const livekit::SessionDescription& offer) = 0;
    virtual void take_answer(Participant& p, const livekit::SessionDescription& answer) = 0;
    // The error text is for the client.
    virtual Result<void, std::string> take_candidate(Participant& p,
                                                     const livekit::TrickleRequest& trickle) = 0;
    virtual void prefer_transport(Participant& p, IcePreference preference) = 0;
    // It measured how long its messages take to us and back.
    virtual void signal_measured(Participant& p, Duration rtt) = 0;
    virtual void limit_downlink(Participant& p, std::uint64_t bits_per_second) = 0;

    // ---- tracks
    virtual void add_track(Participant& p, const livekit::AddTrackRequest& request) = 0;
    // False when it has no such track.
    virtual bool mute(Participant& p, const std::string& sid, bool muted) = 0;
    virtual void update_audio(Participant& p, const livekit::UpdateLocalAudioTrack& update) = 0;
    virtual void update_video(Participant& p, const livekit::UpdateLocalVideoTrack& update) = 0;
    virtual bool has_track(const Participant& p, const std::string& sid) const = 0;

    // ---- subscriptions
    virtual void subscribe(Participant& p, const livekit::UpdateSubscription& wish) = 0;
    virtual void update_settings(Participant& p, const livekit::UpdateTrackSettings& settings) = 0;
    // False, and nothing changed, when the list cannot be.
    virtual bool set_access(Participant& p, const livekit::SubscriptionPermission& list) = 0;

    // ---- data
    using DataRefusal = PublishedDataTracks::Refusal;
    virtual std::optional<DataRefusal> publish_data_track(
        Participant& p, const livekit::PublishDataTrackRequest& request) = 0;
    // False when there is none with that handle.
    virtual bool unpublish_data_track(Participant& p, std::uint32_t handle) = 0;
    virtual void subscribe_data(Participant& p, const livekit::UpdateDataSubscription& update) = 0;
    virtual bool has_data_track(const Participant& p, const std::string& sid) const = 0;

    // ---- the participant itself
    // What others see of it.
    virtual void described_anew(Participant& p) = 0;
    virtual void send_token(Participant& p) = 0;
    virtual void seem_to_speak(Participant& p, Duration time) = 0;
    virtual void end(Participant& p, const Ending& ending) = 0;
};

class Requests {
  public:
    static constexpr std::int32_t kMaxSpeakerSeconds = 3'600;

    Requests(const RoomScope& scope, Roster& roster, RequestsHost& host)
        : scope_(&scope), roster_(&roster), host_(&host) {}

    // Of a session that the participant does not have any more, nothing is taken.
    void handle(SessionId session, const std::string& identity,
                const livekit::SignalRequest& request);
    // Name, metadata and attributes, whoever asked and had it allowed.
    void apply_metadata(Participant& p, const livekit::UpdateParticipantMetadata& update);

  private:
    void dispatch(Participant& p, const livekit::SignalRequest& request);
    void trickle(Participant& p, const livekit::TrickleRequest& trickle);
    void update_metadata(Participant& p, const livekit::UpdateParticipantMetadata& update);
    void mute(Participant& p, const livekit::MuteTrackRequest& request);
    void set_access(Participant& p, const livekit::SubscriptionPermission& list);
    void sync_state(Participant& p, const livekit::SyncState& state);
    void leave(Participant& p, const livekit::LeaveRequest& leave);
    void ping(Participant& p, const livekit::SignalRequest& request);
    void publish_data_track(Participant& p, const livekit::PublishDataTrackRequest& request);
    void unpublish_data_track(Participant& p, const livekit::UnpublishDataTrackRequest& request);

    // requests_blobs.cc
    void store_data_blob(Participant& p, const livekit::StoreDataBlobRequest& request);
    void get_data_blob(Participant& p, const livekit::GetDataBlobRequest& request);

    // requests_simulate.cc
    void simulate(Participant& p, const livekit::SimulateScenario& scenario);

    const RoomScope* scope_;
    Roster* roster_;
    RequestsHost* host_;
};

}  // namespace confab::room
