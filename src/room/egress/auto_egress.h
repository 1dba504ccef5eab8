// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a room has recorded of itself, as whoever made it asked (01 ROOM-09, 04 EGR-19): the room
// from its beginning, each participant from its first published track on, each track. Who records
// is none of its business: requests go out as effects, and whatever becomes of them changes nothing
// here.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "livekit_egress.pb.h"
#include "livekit_room.pb.h"
#include "room/participant/participant.h"
#include "room/roster/room_news.h"
#include "room/scope/scope.h"

namespace confab::room {

class AutoEgress {
  public:
    AutoEgress(const RoomScope& scope, const RoomNews& news) : scope_(&scope), news_(&news) {}

    // A room that was stored that short a time ago was stored by the node that placed it, and is to
    // be made here with what this one is asked next.
    static constexpr Duration kJustStored = Duration::seconds(10);

    // With the room. `age`: of one that a store had. It was another node's before, and recorders of
    // it may be at work still: that of the room as a whole comes here as its other participants do.
    void start(livekit::RoomEgress wanted, std::optional<Duration> age = std::nullopt);
    // CreateRoom for a room that is there: as a rule nothing is asked of it any more (ROOM-02).
    void asked(const livekit::RoomEgress& wanted);
    void published(const Participant& p, const livekit::TrackInfo& track);
    // Who comes again is recorded again, unless it has been here all the time: a new session of the
    // same identity goes on in the same recording (EGR-11).
    void left(const Participant& p);

  private:
    template <typename Request>
    void ask(Request request);
    void record_room(const livekit::RoomCompositeEgressRequest& wanted);

    const RoomScope* scope_;
    const RoomNews* news_;
    livekit::RoomEgress wanted_;
    bool adopted_ = false;
    bool just_stored_ = false;
    std::set<std::string> recorded_;  // identities, of those who are here
};

// Where a track goes, of what was asked for all: what names no track would be one file for all of
// them. So `-{track_id}` stands before the first dot of the name, unless the placeholder is in the
// path or the worker names the file itself.
std::string track_path(const std::string& path);

}  // namespace confab::room
