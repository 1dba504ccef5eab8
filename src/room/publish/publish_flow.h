// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What one participant publishes: announcements waiting for their section, and tracks that have one
// (01 SIG-76, SIG-77, SIG-100…105; 02 SDP-27, SDP-30, SDP-31).
//   add_track → pending → (matched in an offer) published → announced (peer connected) → gone
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/rng.h"
#include "room/publish/publication.h"
#include "room/scope/room_codecs.h"
#include "room/scope/types.h"
#include "rtc/sdp/negotiator.h"

namespace confab::room {

struct AddTrackRefusal {
    livekit::RequestResponse::Reason reason = livekit::RequestResponse::UNCLASSIFIED_ERROR;
    std::string message;
};

class PublishFlow {
  public:
    static constexpr std::size_t kMaxPending = 20;
    static constexpr std::size_t kMaxQueuedPerCid = 3;
    static constexpr std::size_t kMaxTracks = 256;
    static constexpr std::size_t kMaxRequestBytes = 16 * 1024;

    struct Rules {
        const CodecList* codecs = nullptr;
        bool permitted = true;  // for the source of the request
        bool obs = false;       // ClientInfo.browser names OBS (SDP-29)
        Timestamp now;
    };
    // The TrackInfo for track_published, or why not.
    Result<livekit::TrackInfo, AddTrackRefusal> add_track(const livekit::AddTrackRequest& request,
                                                          const Rules& rules, Rng& rng);

    // All that waits for a section, oldest first.
    std::vector<sdp::PendingTrack> pending_sections() const;

    struct Match {
        PublishedTrack* track = nullptr;
        std::size_t codec = 0;
    };
    // Takes a section of an answer. Known mids give nothing; a new one turns its pending track into
    // a published one and fills TrackInfo.
    std::optional<Match> take_section(const sdp::PublishSection& section, UnixTime wall);
    // The track whose section ended, when that ends the track.
    PublishedTrack* find_by_mid(std::string_view mid);
    bool has_mid(std::string_view mid) const;
    PublishedTrack* find(const std::string& sid);
    // Requests queued behind the cid of the track come back to be tried again.
    std::vector<livekit::AddTrackRequest> remove(const std::string& sid);
    bool is_pending(const std::string& sid) const;
    // One that waits for its section; null when there is none.
    const livekit::TrackInfo* mute_pending(Timestamp now, const std::string& sid, bool muted);
    std::map<std::string, PublishedTrack>& tracks() { return tracks_; }
    const std::map<std::string, PublishedTrack>& tracks() const { return tracks_; }
    // A pending or published track's info, to change what the client reports about it.
    livekit::TrackInfo* info_of(const std::string& sid);
    // Pending and published tracks with a source that this does not allow.
    std::vector<std::string> refused_by(const livekit::ParticipantPermission& permission) const;
    void drop_pending();
    // The publisher is asked to mute a track, or not to.
    void mute_asked(Timestamp now, const std::string& sid, bool muted);
    // Tracks that are as it was asked to have them since then, which it may not have heard; it is
    // asked again now.
    std::map<std::string, bool> repeat_mutes(Timestamp now, Timestamp since);
    std::vector<livekit::TrackType> pending_types() const;
    // Since when the first of those that should send by now is to: announced, and not muted.
    // never() without one.
    Timestamp oldest_pending() const;

  private:
    struct Pending {
        std::string cid;
        livekit::TrackInfo info;
        Timestamp since;
        Timestamp unmuted_at;
    };
    struct Backup {
        std::string cid;
        std::string sid;
        std::size_t codec = 0;
    };
    struct Mute {
        bool muted = false;
        Timestamp at;
    };
    Result<livekit::TrackInfo, AddTrackRefusal> add_backup(const livekit::AddTrackRequest& request,
                                                           const Rules& rules);
    Result<livekit::TrackInfo, AddTrackRefusal> queue(const livekit::AddTrackRequest& request);
    bool cid_in_use(std::string_view cid) const;
    std::optional<Match> match(const sdp::PublishSection& section);
    std::optional<Match> match_backup(const sdp::PublishSection& section);
    static void fill(PublishedTrack& track, std::size_t codec, const sdp::PublishSection& section);

    std::vector<Pending> pending_;
    std::vector<Backup> backups_;
    std::deque<livekit::AddTrackRequest> queued_;
    std::map<std::string, PublishedTrack> tracks_;  // by sid
    std::map<std::string, Mute> mutes_;             // asked for last, by sid
};

// The type of one of the codecs of a track is this from now on; false when it was already.
bool take_codec(PublishedTrack& track, std::size_t codec, const std::string& mime);

// Kinds of packet trailers a track may have; three are defined (02 IN-42).
inline constexpr int kMaxTrailerFeatures = 16;

// TrackInfo as add_track announces it (SIG-103).
livekit::TrackInfo track_info_of(const livekit::AddTrackRequest& request,
                                 const PublishFlow::Rules& rules, Rng& rng);

}  // namespace confab::room
