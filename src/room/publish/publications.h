// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The tracks of a room: from add_track to a receiver in the shard and the news of it, until it is
// unpublished (01 §3.8). What others may see is in AnnouncedTracks. Connections and subscribers
// belong to other parts; what it needs of them it asks its PublicationsHost.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "room/publish/announced_tracks.h"
#include "room/publish/publication.h"
#include "room/publish/publish_flow.h"
#include "room/roster/roster.h"
#include "room/scope/room_codecs.h"

namespace confab::room {

// The connection on which a participant's media comes.
struct Uplink {
    sfu::PeerId peer;
    bool ever_connected = false;
    Timestamp connected_at;  // if it ever was
};

class PublicationsHost {
  public:
    virtual ~PublicationsHost() = default;
    virtual std::optional<Uplink> uplink(const Participant& p) const = 0;
    // Sections of its last offer that belong to what it announced after it (SIG-04, SDP-30).
    virtual std::vector<sdp::PublishSection> late_sections(Participant& p) = 0;
    // Others may see and have it from now on.
    virtual void track_announced(const Publication& track) = 0;
    // One more codec of an announced track has a receiver.
    virtual void codec_added(const Publication& track) = 0;
    // An announced track's codec is another one than before.
    virtual void codec_changed(const Publication& track) = 0;
    // Of an announced track a size is known that was not, or is another one (SUB-02).
    virtual void sizes_changed(const Publication& track) = 0;
    // It and its receivers go after this call, announced or not.
    virtual void track_ending(const Publication& track) = 0;
    // It is gone, and others knew it.
    virtual void track_unpublished(Participant& publisher, const livekit::TrackInfo& track) = 0;
    // What others see of its tracks.
    virtual void tracks_changed(Participant& publisher) = 0;
};

// Go's libraries send the codec of their track, wherever it stands in the answer: which one it is
// nobody is told before the first packet (SIG-100).
bool awaits_codec(const Participant& p, const PublishedTrack& track);

class Publications {
  public:
    // SIG-107: how long what was announced may be without its section, while it is not muted and
    // the connection for it is up.
    static constexpr Duration kSectionTimeout = Duration::seconds(30);
    static constexpr Duration kLayersGather = Duration::millis(100);

    // `room` is whose the receivers are in the registry.
    Publications(const RoomScope& scope, Room* room, sfu::RoomId id, Roster& roster,
                 SsrcPool& ssrcs, PublicationsHost& host);

    // What it brings along from another room; others are told and get it with announce_all().
    void add(Participant& p, PublishFlow published = {});
    // After unpublish_all(): nobody asks for it any more.
    void remove(const Participant& p) { members_.erase(p.number); }
    // It moves to another room: what it publishes ends here and goes along with its receivers.
    PublishFlow take(Participant& p);
    void announce_all(Participant& p);
    // As its worker was told of them.
    friend std::vector<sfu::AddReceiver> receivers_of(const Publications& all,
                                                      const Participant& p);
    // A participant that is elsewhere publishes these, and nothing else (API-11).
    void mirror(Participant& p, std::vector<PublishedTrack> tracks);
    // Of the room (ROOM-08).
    const CodecList& codecs() const { return *codecs_; }

    // ---- what a client does
    void add_track(Participant& p, const livekit::AddTrackRequest& request);
    // Sections of its offer that ended and began.
    void take_sections(Participant& p, const sdp::Answer& answer);
    // Its connection is up: its tracks can be announced.
    void connected(Participant& p);
    void update_audio(Participant& p, const livekit::UpdateLocalAudioTrack& update);
    void update_video(Participant& p, const livekit::UpdateLocalVideoTrack& update);
    // Pending or published; null when there is no such track.
    const livekit::TrackInfo* mute(Participant& p, const std::string& sid, bool muted);
    // The same by the API: it is told, whether there is such a track or not.
    const livekit::TrackInfo* ask_mute(Participant& p, const std::string& sid, bool muted);
    // What it was asked since then and may not have heard.
    void repeat_mutes(Participant& p, Timestamp since);
    // Tracks that its permission does not allow any more go (TOK-13): these, of which it is not
    // told here.
    std::vector<std::string> rights_changed(Participant& p);
    void unpublish_all(Participant& p);

    // Everybody who can takes a backup codec from now on (DYN-05).
    void regressed(const Publication& track);

    // ---- what there is
    AnnouncedTracks& announced() { return announced_; }
    const AnnouncedTracks& announced() const { return announced_; }
    // Of this participant, announced or not.
    const PublishedTrack* find(const Participant& p, const std::string& sid) const;
    bool knows(const Participant& p, const std::string& sid) const;
    std::vector<sdp::PendingTrack> pending_sections(const Participant& p) const;
    bool publishes_on(const Participant& p, std::string_view mid) const;
    void describe(const Participant& p, livekit::ParticipantInfo& info) const;

    // ---- the media plane and time
    void layer_started(Participant& p, const std::string& sid, const sfu::LayerStarted& event);
    // Others are told of this participant for another reason.
    void told(const Participant& p) { member(p).update_at = Timestamp::never(); }
    // What it announced got no section in time.
    bool overdue(const Participant& p) const;
    void handle_timeout(Participant& p, Timestamp now);
    Timestamp next_deadline(const Participant& p) const;

  private:
    struct Member {
        PublishFlow flow;
        Timestamp update_at = Timestamp::never();  // learned layers, told together
    };
    Member& member(const Participant& p) { return members_.at(p.number); }
    const Member& member(const Participant& p) const { return members_.at(p.number); }
    PublishFlow& flow(const Participant& p) { return member(p).flow; }

    // publications.cc
    void take_begun(Participant& p, const std::vector<sdp::PublishSection>& sections);
    void add_receiver(Participant& p, PublishedTrack& track, std::size_t codec,
                      const sdp::PublishSection& section);
    // A section that a track has already, in another answer.
    void agreed_anew(Participant& p, PublishedTrack& track, const sdp::PublishSection& section);
    void announce(Participant& p, PublishedTrack& track);
    void unpublish(Participant& p, const std::string& sid, bool tell_publisher);
    void cancel_pending(Participant& p, const std::string& sid, bool tell_publisher);
    enum class Receivers : std::uint8_t { kEnd, kLiveOn };
    void release(Participant& p, const PublishedTrack& track, Receivers receivers);

    // publications_live.cc
    void set_muted(Participant& p, PublishedTrack& track, bool muted);

    const RoomScope* scope_;
    Room* room_;
    sfu::RoomId id_;
    Roster* roster_;
    SsrcPool* ssrcs_;
    const CodecList* codecs_;  // the room's
    PublicationsHost* host_;
    std::map<std::uint64_t, Member> members_;  // by participant number
    AnnouncedTracks announced_;
};

}  // namespace confab::room
