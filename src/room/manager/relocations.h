// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Participants that go from one room to another with their session, connections and tracks, and
// those that are seen in a second one besides (01 API-11, API-12, SIG-50; docs/design/moving.md).
// Both rooms are of this control shard.
#pragma once

#include <functional>
#include <string>

#include "room/manager/forwards.h"
#include "room/manager/moves.h"
#include "room/manager/rooms.h"
#include "room/manager/worker_moves.h"

namespace confab::room {

class Relocations {
  public:
    // The room of that key, made if there is none.
    using Make = std::function<ServiceResult<Room*>(const std::string& key)>;
    // What the session asks goes to that room from now on.
    using Rehome = std::function<void(SessionId session, const std::string& room_key)>;

    // All that is named outlives this.
    Relocations(Rooms& rooms, const RoomScope& scope, WorkerMoves& workers, Make make,
                Rehome rehome)
        : rooms_(&rooms),
          scope_(&scope),
          workers_(&workers),
          make_(std::move(make)),
          rehome_(std::move(rehome)),
          forwards_(rooms, scope) {}

    // Both name the rooms by their keys.
    ServiceResult<livekit::MoveParticipantResponse> move(
        const livekit::MoveParticipantRequest& request);
    ServiceResult<livekit::ForwardParticipantResponse> forward(
        const livekit::ForwardParticipantRequest& request);

    // The same where the other room is at another node or of another control shard, as that tells
    // of it: the client connects anew, with its name and its rights.
    ServiceResult<livekit::MoveParticipantResponse> send_away(const std::string& room_key,
                                                              const std::string& identity,
                                                              const livekit::Room& to);

    // For somebody who comes from another control shard: the room of that key, made if there is
    // none.
    ServiceResult<livekit::Room> prepare(const std::string& room_key);

    // Those that stay in their room and go on at another media worker.
    WorkerMoves& workers() { return *workers_; }

    // Where the participant is by now that a client resumes, as it was there last; null where
    // nothing is known of it.
    Room* moved_to(const JoinParams& resume) const;

    // Before effects are taken and before a move: the second rooms see what became of who is seen
    // there.
    void follow() { forwards_.run(); }
    void handle_levels(const sfu::SpeakerLevels& event) { forwards_.handle_levels(event); }

  private:
    std::optional<ServiceError> refusal_of_forward(const Participant& p, const Room* to) const;
    std::optional<ServiceError> refusal_of_destination(const std::string& key) const;
    ServiceResult<Room*> destination(const std::string& key, const Participant& p) const;

    Rooms* rooms_;
    const RoomScope* scope_;
    WorkerMoves* workers_;
    Make make_;
    Rehome rehome_;
    Moves moves_;
    Forwards forwards_;
};

}  // namespace confab::room
