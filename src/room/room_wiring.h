// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the parts of a room need of each other: each asks and tells its own host interface, and here
// stands which other part answers (docs/design/control-plane.md §1).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "room/agents/room_dispatches.h"
#include "room/data/data_plane.h"
#include "room/negotiate/negotiation.h"
#include "room/publish/publications.h"
#include "room/subscribe/subscriptions.h"

namespace confab::room {

class RoomWiring final : public DataHost,
                         public NegotiationHost,
                         public PublicationsHost,
                         public SubscriptionsHost,
                         public DispatchesHost {
  public:
    explicit RoomWiring(Room& room) : room_(&room) {}

    // ---- DataHost
    Peers data_peers(const Participant& p) const override;
    bool grants_access(const Participant& publisher, const Participant& to,
                       const std::string& track_sid) const override;
    void data_tracks_changed(Participant& publisher) override;

    // ---- NegotiationHost
    void link_added(const Participant& p) override;
    std::vector<sdp::PendingTrack> pending_tracks(const Participant& p) const override;
    bool publishes_on(const Participant& p, std::string_view mid) const override;
    void offer_answered(Participant& p, const sdp::Answer& answer) override;
    void senders_bound(Participant& p, const std::vector<sdp::BoundSender>& bound) override;
    void no_data_wanted(Participant& p) override;
    void negotiation_failed(Participant& p) override;

    // ---- PublicationsHost
    std::optional<Uplink> uplink(const Participant& p) const override;
    std::vector<sdp::PublishSection> late_sections(Participant& p) override;
    void track_announced(const Publication& track) override;
    void codec_added(const Publication& track) override;
    void codec_changed(const Publication& track) override;
    void sizes_changed(const Publication& track) override;
    void track_ending(const Publication& track) override;
    void track_unpublished(Participant& publisher, const livekit::TrackInfo& track) override;
    void tracks_changed(Participant& publisher) override;

    // ---- SubscriptionsHost
    Publication find_publication(const std::string& sid) const override;
    std::vector<Publication> publications() const override;
    std::vector<Publication> publications_of(const Participant& publisher) const override;
    void quality_wanted(const Publication& track, const QualityWish& wish) override;
    void quality_unwanted(const Publication& track, sfu::DownTrackId by) override;
    void track_subscribed(const Publication& track) override;
    void codec_regressed(const Publication& track) override;
    void hearing_changed(Participant& p, std::uint64_t publisher) override;
    std::optional<Downlink> downlink(const Participant& p) const override;
    void section_needed(Participant& p, sdp::Sender sender) override;
    void section_dropped(Participant& p, sfu::DownTrackId id, bool in_use) override;
    void subscriber_stuck(Participant& p) override;

    // ---- DispatchesHost
    const std::string& room_name() const override;
    const std::string& room_key() const override;
    livekit::Room job_room() const override;
    livekit::ParticipantInfo describe(const Participant& p) const override;
    void job_webhook(const char* event, const livekit::Job& job) override;
    void remove_agent(Participant& p) override;

  private:
    Room* room_;
};

}  // namespace confab::room
