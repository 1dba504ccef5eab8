// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a room and its parts are given by the control shard they live in: settings, the moment,
// where effects go, where ids come from. All of it belongs to RoomManager and outlives the rooms.
#pragma once

#include <algorithm>
#include <string>
#include <unordered_map>

#include "room/manager/placement.h"
#include "room/scope/config.h"
#include "room/scope/ids.h"
#include "room/scope/outbox.h"
#include "room/scope/types.h"

namespace confab::room {

class Room;
struct Participant;

// Refused or dropped input, for metrics and for tests against hostile clients.
struct Counters {
    std::uint64_t requests = 0;
    std::uint64_t bad_requests = 0;
    std::uint64_t dropped_candidates = 0;
    std::uint64_t dropped_signals = 0;
    std::uint64_t negotiation_errors = 0;
    std::uint64_t sessions_refused = 0;
    // Participants looked at for the sake of another, telling everybody something left out: what an
    // input costs beyond its own.
    std::uint64_t participants_visited = 0;
    // Forwarded participants looked at because one of their rooms had a turn.
    std::uint64_t forwards_visited = 0;
};

// To whom an id of the media plane belongs.
struct MediaOwner {
    Room* room = nullptr;
    Participant* participant = nullptr;
    std::string track_sid;  // of receivers and down-tracks
};
// What is there now; events about other ids belong to what was closed meanwhile.
struct MediaRegistry {
    std::unordered_map<sfu::PeerId, MediaOwner> peers;
    std::unordered_map<sfu::ReceiverId, MediaOwner> receivers;
    std::unordered_map<sfu::DownTrackId, MediaOwner> down_tracks;

    // Looks at everything: for asserts.
    bool names(const Room& room) const {
        return any([&](const auto& entry) { return entry.second.room == &room; });
    }
    bool names(const Participant& p) const {
        return any([&](const auto& entry) { return entry.second.participant == &p; });
    }
    // A room that ended without giving its own back.
    void forget(const Room& room) {
        const auto of_room = [&](const auto& entry) { return entry.second.room == &room; };
        std::erase_if(peers, of_room);
        std::erase_if(receivers, of_room);
        std::erase_if(down_tracks, of_room);
    }

  private:
    template <typename Is>
    bool any(Is&& is) const {
        return std::any_of(peers.begin(), peers.end(), is) ||
               std::any_of(receivers.begin(), receivers.end(), is) ||
               std::any_of(down_tracks.begin(), down_tracks.end(), is);
    }
};

struct RoomScope {
    const Config& config;
    const Clock& clock;
    Outbox& out;
    IdSource& ids;
    MediaRegistry& media;
    Counters& counters;
    Placement& placement;
    const AgentKinds& agents;  // that there are

    Timestamp now() const { return clock.now; }
};

}  // namespace confab::room
