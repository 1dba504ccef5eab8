// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The tracks of a room that others may see and have, and what is wanted of each: their publisher
// and its worker are told the largest quality that anybody wants (01 SIG-115; 02 DYN-01). How a
// track comes to be announced is for Publications, which adds and ends them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "room/publish/dynacast.h"
#include "room/publish/publication.h"
#include "room/roster/roster.h"

namespace confab::room {

class AnnouncedTracks {
  public:
    AnnouncedTracks(const RoomScope& scope, Roster& roster) : scope_(&scope), roster_(&roster) {}

    // The track stays where it is until it ended. Once each.
    void add(Participant& publisher, const PublishedTrack& track);
    // A track that was added got a receiver for one more codec.
    void codec_added(const PublishedTrack& track);
    // Harmless for one that was not announced.
    void end(const PublishedTrack& track);
    // It was muted, or is not any more.
    void mute_changed(const PublishedTrack& track);

    // ---- what there is
    bool empty() const { return tracks_.empty(); }
    std::size_t size() const { return tracks_.size(); }
    Publication find(const std::string& sid) const;
    std::vector<Publication> all() const;
    std::vector<Publication> of(const Participant& publisher) const;
    // Who has announced tracks, by identity.
    std::vector<Participant*> publishers() const;

    // ---- what subscribers want
    void want_quality(const Publication& track, const QualityWish& wish);
    void unwant_quality(const Publication& track, sfu::DownTrackId by);
    // All who can take its backup codec from now on.
    void regressed(const Publication& track);
    // What the publisher was told since then may have died with a connection; of the quality that
    // is wanted only the last word counts, whenever that was (DYN-01).
    void repeat_wishes(const Participant& publisher, Timestamp since);
    // Somebody whom its publisher may know of has it.
    void subscribed(const Publication& track);

    // ---- time, of the tracks of one publisher
    void handle_timeout(const Participant& publisher, Timestamp now);
    Timestamp next_deadline(const Participant& publisher) const;

  private:
    struct Entry {
        Participant* publisher = nullptr;
        const PublishedTrack* track = nullptr;
        Dynacast dynacast;
        std::optional<Timestamp> subscribed_at;  // when track_subscribed was sent last
    };
    struct Publisher {
        Participant* participant = nullptr;
        std::map<std::string, Entry*> tracks;  // by sid
    };
    Entry* entry(const Publication& track);
    // Null for one of the same identity that has none.
    const Publisher* publisher(const Participant& p) const;
    void report(Entry& entry);
    void tell_subscribed(Entry& entry);
    void want_layers(const Entry& entry, const std::vector<Dynacast::Report>& reports);

    const RoomScope* scope_;
    Roster* roster_;
    std::map<std::string, Entry> tracks_;          // by sid
    std::map<std::string, Publisher> publishers_;  // by identity, while it has announced tracks
};

}  // namespace confab::room
