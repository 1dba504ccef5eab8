// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/rooms/room_orphans.h"

#include <algorithm>
#include <utility>

#include "cluster/store/keys.h"
#include "cluster/store/record.h"
#include "livekit_models.pb.h"

namespace confab::cluster::store {
namespace {

Duration departure_of(const std::string& room) {
    const std::uint64_t seconds = number_of(room, livekit::Room::kDepartureTimeoutFieldNumber);
    const auto longest = static_cast<std::uint64_t>(RoomOrphans::kLongestDeparture.ms() / 1000);
    return seconds == 0 || seconds > longest
               ? RoomOrphans::kDeparture
               : Duration::seconds(static_cast<std::int64_t>(seconds));
}

}  // namespace

RoomOrphans::RoomOrphans(redis::Port& port, Notices& notices, Finished finished,
                         RoomScripts::Form form)
    : finished_(std::move(finished)),
      reader_(port, notices),
      commands_(port, notices),
      scripts_(port, notices, form) {}

void RoomOrphans::schedule(const std::string& name, Orphan& orphan, Timestamp at) {
    due_.erase({orphan.due, name});
    orphan.due = at;
    due_.emplace(at, name);
}

void RoomOrphans::orphaned(Timestamp now, const std::string& room, const std::string& dead_node) {
    if (!orphans_.contains(room) && orphans_.size() >= kMaxWaiting)
        return commands_.notices().tell(now, {Notice::Kind::kTooMany, std::string(keys::kRooms), "",
                                              "more rooms of dead nodes than are looked after"});
    const auto [it, fresh] = orphans_.try_emplace(room);
    it->second.node = dead_node;
    if (fresh) schedule(room, it->second, now);
}

void RoomOrphans::handle_up(Timestamp now) {
    for (auto& [name, orphan] : orphans_)
        if (!orphan.asked && orphan.due < now + kRetry) schedule(name, orphan, now);
}

void RoomOrphans::handle_timeout(Timestamp now) {
    while (commands_.is_up() && on_the_way_ < kMaxOnTheWay && !due_.empty() &&
           due_.begin()->first <= now) {
        const auto it = orphans_.find(due_.begin()->second);
        due_.erase(due_.begin());
        it->second.asked = true;
        ++on_the_way_;
        if (it->second.read)
            remove(now, it->first, it->second);
        else
            read(now, it->first, it->second);
    }
}

Timestamp RoomOrphans::next_deadline() const {
    const bool can = commands_.is_up() && on_the_way_ < kMaxOnTheWay && !due_.empty();
    return can ? due_.begin()->first : Timestamp::never();
}

// ---------------------------------------------------------------- how long it waits

void RoomOrphans::read(Timestamp now, const std::string& name, Orphan&) {
    reader_.room(now, name, [this, name](Timestamp at, const Result<std::string, Failure>& room) {
        --on_the_way_;
        known(at, name, room);
    });
}

void RoomOrphans::known(Timestamp now, const std::string& name,
                        const Result<std::string, Failure>& room) {
    Orphan& orphan = orphans_[name];
    orphan.asked = false;
    const bool none = !room && (room.error().code == Failure::Code::kNotFound ||
                                room.error().code == Failure::Code::kInvalid);
    if (!room && !none) return schedule(name, orphan, now + kRetry);
    orphan.read = true;
    // What cannot be read is deleted all the same.
    if (room) orphan.room = *room;
    schedule(name, orphan, now + departure_of(orphan.room));
}

// ---------------------------------------------------------------- deleted

void RoomOrphans::remove(Timestamp now, const std::string& name, Orphan& orphan) {
    scripts_.remove(now, RoomScripts::Owner::kGone, name, orphan.node,
                    [this, name](Timestamp at, const Result<Outcome, Failure>& outcome) {
                        --on_the_way_;
                        removed(at, name, outcome);
                    });
}

void RoomOrphans::removed(Timestamp now, const std::string& name,
                          const Result<Outcome, Failure>& outcome) {
    const auto it = orphans_.find(name);
    it->second.asked = false;
    if (!outcome) {
        it->second.unsure |= outcome.error().code == Failure::Code::kUnavailable;
        return schedule(name, it->second, now + kRetry);
    }
    const Orphan orphan = std::move(it->second);
    orphans_.erase(it);
    if (!outcome->deleted) return;
    // Gone: by this one's first try, whose reply was lost, or by another node that reports it.
    const std::string& last = outcome->room.empty() && orphan.unsure ? orphan.room : outcome->room;
    if (!last.empty() && finished_) finished_(now, name, last);
}

void RoomOrphans::delete_now(Timestamp now, const std::string& room, const std::string& dead_node,
                             Got<Outcome> done) {
    scripts_.remove(now, RoomScripts::Owner::kGone, room, dead_node,
                    [this, room, done = std::move(done)](Timestamp at,
                                                         Result<Outcome, Failure> outcome) mutable {
                        if (outcome && !outcome->room.empty() && finished_)
                            finished_(at, room, outcome->room);
                        done(at, std::move(outcome));
                    });
}

}  // namespace confab::cluster::store
