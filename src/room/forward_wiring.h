// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a room tells another one of a participant that is seen there too, and what it makes of one
// that is seen here while it is elsewhere (01 API-11; docs/design/moving.md). Forwards carries
// between the two.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "room/forwarded.h"
#include "room/participant/participant.h"

namespace confab::room {

class Room;

class ForwardWiring {
  public:
    explicit ForwardWiring(Room& room) : room_(&room) {}

    // ---- of a participant that is here
    Forwarded view(const Participant& p) const;
    ForwardedVersion version(const Participant& p) const;
    // It is here no more: why it ends where it is seen.
    livekit::DisconnectReason end_reason(const std::string& identity, const std::string& sid) const;
    // What is wanted of it in the other room.
    void carry_out(const ForwardedWish& wish);

    // ---- of one that is elsewhere
    // It is seen here from now on; under this sid.
    std::string add(Forwarded from);
    void follow(Participant& p, Forwarded from);
    // It left where it was.
    void end(Participant& p, livekit::DisconnectReason reason);
    // Of its microphones.
    void handle_levels(const Participant& p, const std::vector<sfu::SpeakerLevel>& levels);
    // What is wanted here of its tracks, for the room where it is; asked for after each turn.
    void note(ForwardedWish wish);
    std::vector<ForwardedWish> take_wishes(const std::string& publisher_sid);

  private:
    void follow_info(Participant& p, const token::Grants& now);

    Room* room_;
    std::map<std::string, std::vector<ForwardedWish>> wishes_;  // by the sid of the copy
};

}  // namespace confab::room
