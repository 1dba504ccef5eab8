// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who is in a room: found by identity, sid and number, counted, told things, woken at their
// deadlines, and with them how long the room lives (01 ROOM-05). What a participant does is the
// business of other parts.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "room/manager/deadlines.h"
#include "room/participant/participant.h"
#include "room/roster/lifecycle.h"
#include "room/roster/roster_pages.h"
#include "room/scope/scope.h"

namespace confab::room {

class Roster {
  public:
    Roster(const RoomScope& scope, std::uint32_t empty_timeout_s,
           std::uint32_t departure_timeout_s);

    Participant* find(const std::string& identity) const;
    Participant* find_sid(const std::string& sid) const;
    std::size_t size() const { return participants_.size(); }
    bool empty() const { return participants_.empty(); }
    // By identity, to make lists of.
    const std::map<std::string, std::unique_ptr<Participant>>& participants() const {
        return participants_;
    }
    // By identity, to do something with each; the pointers stay valid while participants come and
    // go during a loop.
    std::vector<Participant*> everyone() const;

    Participant& add(std::unique_ptr<Participant> p);
    // It is nobody's any more, but stays until the turn ends, because callers still hold it.
    void remove(Participant& p);
    // It is here no more, and the caller's.
    std::unique_ptr<Participant> take(Participant& p);

    // After every change of what a participant is or may.
    void count(Participant& p) { set_standing(p, true); }
    const HeadCount& heads() const { return heads_; }
    bool expired() const { return lifecycle_.expired(scope_->now()); }
    Timestamp end_deadline() const { return lifecycle_.next_deadline(); }

    // After every change of what others see of it.
    void shown_otherwise(Participant& p) {
        if (by_number_.contains(p.number)) pages_.changed(p);
    }
    RosterPages& pages() { return pages_; }

    // One message, made once, to all for whom `wants` says so.
    template <typename Wants>
    void tell(livekit::SignalResponse response, Wants&& wants);

    // Its deadline may have moved; at the end of the turn `deadline_of` is asked for it.
    void touch(Participant& p);
    template <typename DeadlineOf>
    void finish_turn(DeadlineOf&& deadline_of);
    Timestamp next_deadline() const { return deadlines_.next(); }
    // Those whose deadline has come, by number: others may go meanwhile.
    std::vector<std::uint64_t> take_due(Timestamp now);
    Participant* find_number(std::uint64_t number) const;

  private:
    void set_standing(Participant& p, bool present);

    const RoomScope* scope_;
    std::map<std::string, std::unique_ptr<Participant>> participants_;  // by identity
    std::map<std::string, Participant*> by_sid_;
    std::map<std::uint64_t, Participant*> by_number_;
    std::vector<std::unique_ptr<Participant>> closed_;
    std::vector<Participant*> touched_;
    Deadlines<std::uint64_t> deadlines_;  // by number
    HeadCount heads_;
    Lifecycle lifecycle_;
    RosterPages pages_;
};

template <typename Wants>
void Roster::tell(livekit::SignalResponse response, Wants&& wants) {
    std::vector<SessionId> sessions;
    sessions.reserve(participants_.size());
    for (const auto& [identity, p] : participants_) {
        if (p->forwarded() || !wants(*p)) continue;
        if (const auto session = p->signal.session()) {
            sessions.push_back(*session);
        } else {
            p->signal.miss(response);
        }
    }
    scope_->out.broadcast(std::move(sessions), std::move(response));
}

template <typename DeadlineOf>
void Roster::finish_turn(DeadlineOf&& deadline_of) {
    for (Participant* p : touched_) {
        p->touched = false;
        if (by_number_.contains(p->number)) deadlines_.set(p->number, deadline_of(*p));
    }
    touched_.clear();
    for (const auto& gone : closed_)
        CONFAB_DCHECK(!scope_->media.names(*gone));  // events would find it after its end
    closed_.clear();
    (void)CONFAB_BUG_IF(
        by_number_.size() != participants_.size() || deadlines_.size() > participants_.size(),
        "roster_left_behind");
}

}  // namespace confab::room
