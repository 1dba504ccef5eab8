// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a session publishes, from its announcement to its end (01 §3.8), and who may subscribe to
// it. An announcement can die with its WebSocket, and so can the answer to it: after a resume what
// has no sid yet is announced again, and what the server says of ourselves names it and is held
// against what we know.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "client/media/publisher.h"
#include "client/session/negotiation.h"
#include "client/session/signal_link.h"
#include "livekit_rtc.pb.h"
#include "rtc/sdp/description/description.h"

namespace confab::client {

struct PublishOptions {
    TrackPlan plan;   // mid is filled in
    std::string cid;  // names the track until it has a sid, unique in the session
    livekit::TrackSource source = livekit::CAMERA;
    bool encode = true;  // false: media waits for start_media()
};

class PublishedTracks {
  public:
    static constexpr std::size_t kMaxTracks = 64;  // others are not published

    // All of them outlive it.
    PublishedTracks(SignalLink& link, Negotiation& negotiation, Publisher& media);

    // ---- what a person does
    void publish(PublishOptions options);
    void start_media(Timestamp now);
    void unpublish(const std::string& cid);
    void set_muted(const std::string& cid, bool muted);
    // Who may subscribe to what we publish (SIG-10): everybody at first.
    void set_access(const livekit::SubscriptionPermission& access);

    // ---- what has to be said
    // With each WebSocket: what has no sid.
    void announce();
    // Once the server has answered an offer, or made one.
    void tell_access();
    // After a resume: it may have died with the WebSocket before (as livekit-client does).
    void renew_access();

    // ---- what the server says
    void take_answer(Timestamp now, const sdp::Description& answer);
    void take_published(const livekit::TrackPublishedResponse& published);
    void take_unpublished(const std::string& sid);
    void take_refused(const livekit::RequestResponse& response);
    void take_mute(const livekit::MuteTrackRequest& mute);
    void take_self(const livekit::ParticipantInfo& self);
    void take_qualities(const livekit::SubscribedQualityUpdate& update);

    // ---- what it knows
    // Empty until the server has told it.
    std::string sid(const std::string& cid) const;
    std::vector<std::string> cids() const;
    std::size_t announced() const;                  // of those that the server has named
    std::uint64_t ended() const { return ended_; }  // by the server, refusals included
    void describe(livekit::SyncState& state) const;

  private:
    struct Track {
        PublishOptions options;
        livekit::AddTrackRequest request;
        std::string sid;
        bool accepted = false;  // an answer had its section
        bool sending = false;
        bool muted = false;
    };
    void send_announcement(const Track& track);
    void send_mute(const Track& track);
    void send_access();
    void begin_media(Timestamp now);
    void drop(const std::string& cid);

    SignalLink& link_;
    Negotiation& negotiation_;
    Publisher& media_;
    std::map<std::string, Track> tracks_;  // by cid
    livekit::SubscriptionPermission access_;
    bool access_told_ = false;
    std::uint64_t ended_ = 0;
};

}  // namespace confab::client
