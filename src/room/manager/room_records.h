// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a store is told of one room and of who is in it, when a store listens (03 RDS-02…04): each
// thing at most once in a turn, as it is at the end of it. What the outbox has no place for is told
// with the next turn.
#pragma once

#include <set>
#include <string>

#include "room/roster/room_news.h"
#include "room/roster/roster.h"
#include "room/scope/scope.h"

namespace confab::room {

class RoomRecords {
  public:
    // `internal`: as in StoreRoom.
    RoomRecords(const RoomScope& scope, const Roster& roster, const RoomNews& news,
                std::string internal);

    void room_changed() { room_changed_ = true; }
    // It came, changed, or is about to go.
    void participant_changed(const Participant& p);
    // `describe` shows a participant as others see it.
    template <typename Describe>
    void finish_turn(Describe&& describe);

  private:
    struct Counts {
        std::uint32_t present = 0;
        std::uint32_t publishers = 0;
        bool recording = false;
        bool operator==(const Counts&) const = default;
    };
    Counts counts() const;
    void store_room();

    const RoomScope* scope_;
    const Roster* roster_;
    const RoomNews* news_;
    std::string internal_;
    bool room_changed_ = true;
    Counts stored_;
    std::set<std::string> changed_;  // identities; of this turn, and what waits for room
};

template <typename Describe>
void RoomRecords::finish_turn(Describe&& describe) {
    if (!scope_->config.store_listens) return;
    if (room_changed_ || counts() != stored_) store_room();
    const std::string& room = news_->key();
    for (const std::string& identity : std::exchange(changed_, {})) {
        const Participant* p = roster_->find(identity);
        if (p == nullptr) {
            scope_->out.forget(RemoveParticipant{room, identity});
        } else if (!scope_->out.store(StoreParticipant{room, describe(*p)})) {
            changed_.insert(identity);
        }
    }
}

}  // namespace confab::room
