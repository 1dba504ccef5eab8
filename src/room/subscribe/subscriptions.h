// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who gets which tracks: wishes and what became of them, the publishers' lists of who may
// subscribe, settings (01 §3.9; 02 §4.3). How one track is sent is for its TrackSender. Tracks,
// connections and dynacast belong to other parts; what it needs of them it asks its
// SubscriptionsHost.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "room/participant/permissions.h"
#include "room/publish/publication.h"
#include "room/roster/roster.h"
#include "room/subscribe/subscription_table.h"

namespace confab::room {

// The connection on which tracks come down to a participant.
struct Downlink {
    sfu::PeerId peer;
    bool connected = false;
    Timestamp connected_at;
};

// What a participant wants in whatever room it is, and whom it lets have what it publishes.
struct SubscriberSettings {
    SubscriptionAccess access;
    bool auto_subscribe = true;
    bool adaptive_stream = false;
};

// The tracks of a publisher that have one name, for one participant.
struct NamedTracks {
    std::vector<std::string> sids;
    bool subscribed = false;  // one of them is to be sent, as soon as there is a section for it
    bool bound = false;       // one of them has a section
};

class SubscriptionsHost {
  public:
    virtual ~SubscriptionsHost() = default;

    // ---- tracks: the announced ones
    virtual Publication find_publication(const std::string& sid) const = 0;
    virtual std::vector<Publication> publications() const = 0;
    virtual std::vector<Publication> publications_of(const Participant& publisher) const = 0;
    virtual void quality_wanted(const Publication& track, const QualityWish& wish) = 0;
    virtual void quality_unwanted(const Publication& track, sfu::DownTrackId by) = 0;
    // Somebody whom its publisher may know of has it, and can hear it.
    virtual void track_subscribed(const Publication& track) = 0;
    // Everybody who can takes a backup codec from now on.
    virtual void codec_regressed(const Publication& track) = 0;

    // It has something of that participant, of which it had nothing, or has nothing any more.
    virtual void hearing_changed(Participant& p, std::uint64_t publisher) = 0;

    // ---- connections
    virtual std::optional<Downlink> downlink(const Participant& p) const = 0;
    // Makes the connection when there is none; bind() follows when the section is negotiated.
    virtual void section_needed(Participant& p, sdp::Sender sender) = 0;
    // `in_use`: what ends the picture is on its way, the section is to stay for it (FWD-15).
    virtual void section_dropped(Participant& p, sfu::DownTrackId id, bool in_use) = 0;
    // Its connection is up and there is no section (SIG-111); it may be ended by this.
    virtual void subscriber_stuck(Participant& p) = 0;
};

class Subscriptions {
  public:
    static constexpr int kMaxSidsPerRequest = 2'000;

    // `room` is whose the down-tracks are in the registry.
    Subscriptions(const RoomScope& scope, Room* room, Roster& roster, SsrcPool& ssrcs,
                  SendSettings settings, SubscriptionsHost& host);

    void add(const Participant& p, SubscriberSettings settings);
    // After drop_all(): nobody asks for it any more. With what it was added.
    SubscriberSettings remove(const Participant& p);
    const SendSettings& settings() const { return sending_.settings; }

    // ---- what a client wants
    void update(Participant& p, const google::protobuf::RepeatedPtrField<std::string>& sids,
                const google::protobuf::RepeatedPtrField<livekit::ParticipantTracks>& by_publisher,
                bool subscribe);
    void update_settings(Participant& p, const livekit::UpdateTrackSettings& settings);
    void subscribe_existing(Participant& p);
    // Permission to subscribe, or being a recorder, changed.
    void rights_changed(Participant& p);
    void drop_all(Participant& p);

    // ---- what a publisher allows (SIG-112)
    // False, and nothing changed, when the list cannot be.
    bool set_access(Participant& publisher, const livekit::SubscriptionPermission& list);
    const SubscriptionAccess& access(const Participant& publisher) const {
        return member(publisher).settings.access;
    }
    bool grants_access(const Participant& publisher, const Participant& to,
                       std::string_view track_sid) const;

    // ---- what becomes of a track
    void track_announced(const Publication& track);
    // One more of its codecs has a receiver.
    void codec_added(const Publication& track);
    // Sizes of it are known anew: what a tile asks for may be another layer now (SUB-02).
    friend void apply_sizes(Subscriptions& all, const Publication& track);
    // Those who have it, all of them or those who did not agree to a codec that it has by now, get
    // it in a new section.
    enum class Renewed : std::uint8_t { kAll, kWithoutItsCodec };
    void renew(const Publication& track, Renewed which);
    // It is still to be found during this call.
    void track_ended(const std::string& sid);

    // ---- what becomes of a subscription
    void bind(Participant& p, const std::vector<sdp::BoundSender>& bound);
    // Its packets are of this codec, which the client does not take: another one of the track, or
    // an end.
    void codec_unsupported(Participant& p, const std::string& sid, sfu::Codec codec);
    void stream_state(Participant& p, const std::string& sid, sfu::StreamState state);
    // The connection on which they come down is up.
    friend void downlink_connected(Subscriptions& all, const Participant& p);
    // Permissions and stream states that it was told since then may not have been heard.
    void repeat_news(Participant& p, Timestamp since);

    // Those that its worker sends, as they would be made now; nothing while one changes its codec.
    friend std::optional<std::vector<sfu::AddDownTrack>> down_tracks_of(const Subscriptions& all,
                                                                        const Participant& p);
    bool subscribes_to(const Participant& p, const Participant& publisher) const;
    // The sid of each track that somebody has, once for each who has it, until `visit` gives false;
    // whether it was all.
    template <typename Visit>
    friend bool visit_bound(const Subscriptions& all, Visit&& visit) {
        for (const auto& [number, member] : all.members_)
            for (const auto& [sid, subscription] : member.table.entries())
                if (subscription.state == SubscriptionState::kBound && !visit(sid)) return false;
        return true;
    }
    friend NamedTracks named_tracks(const Subscriptions& all, const Participant& p,
                                    const Participant& publisher, std::string_view name);
    // Those of others that it did not ask for yet, so many of audio and of video at most.
    friend std::vector<std::string> other_tracks(const Subscriptions& all, const Participant& p,
                                                 std::size_t of_each_kind);
    void handle_timeout(Participant& p, Timestamp now);
    Timestamp next_deadline(const Participant& p) const;

  private:
    struct Member {
        SubscriptionTable table;
        SubscriberSettings settings;
        std::map<std::uint64_t, std::uint32_t> hears;  // publisher → subscriptions to it
        Timestamp retry_at = Timestamp::never();
        bool stuck = false;  // to be told to the host
    };
    Member& member(const Participant& p) { return members_.at(p.number); }
    const Member& member(const Participant& p) const { return members_.at(p.number); }
    Subscription* find(const Participant& p, const std::string& sid) {
        return member(p).table.find(sid);
    }

    // subscriptions.cc: wishes and rights
    bool may_subscribe(const Participant& p, const Participant& publisher,
                       const std::string& sid) const;
    void withdraw(Participant& p, const std::string& sid, Subscription& s,
                  const Participant& publisher);
    void tell_allowed(Participant& p, const std::string& sid, Subscription& s,
                      const Participant& publisher);

    void reconcile(Participant& p, const std::string& sid);
    void reconcile_existing(Participant& p);
    void check_stuck(Participant& p, const std::string& sid, Subscription& s,
                     const Publication& track);
    void report_stuck();

    // subscriptions_bound.cc: from a sender to a down-track
    void subscribe(Participant& p, const std::string& sid, Subscription& s,
                   const Publication& track);
    void drop(Participant& p, const std::string& sid, Subscription& s, bool blank_frames);
    void note_step(Subscription& s, TrackStep step,
                   livekit::SubscriptionError error = livekit::SE_UNKNOWN);
    void bind_one(Participant& p, const std::string& sid, Subscription& s,
                  const sdp::BoundSender& bound);
    void give_up_codec(Participant& p, const std::string& sid, Subscription& s);
    void regress(const Publication& track, std::size_t codec);
    void apply_settings(Participant& p, const std::string& sid, Subscription& s);
    void want_quality(const Subscription& s, const Publication& track,
                      std::optional<std::size_t> instead_of = {});

    const RoomScope* scope_;
    SendScope sending_;
    Roster* roster_;
    SubscriptionsHost* host_;
    std::map<std::uint64_t, Member> members_;  // by participant number
    std::vector<std::uint64_t> stuck_;         // participants to tell the host of
};

}  // namespace confab::room
