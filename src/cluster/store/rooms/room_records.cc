// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/rooms/room_records.h"

#include <algorithm>

#include "cluster/store/keys.h"

namespace confab::cluster::store {

RoomRecords::RoomRecords(redis::Port& port, Notices& notices, std::string node, Displaced displaced,
                         RoomScripts::Form form)
    : node_(std::move(node)),
      displaced_(std::move(displaced)),
      commands_(port, notices),
      scripts_(port, notices, form) {}

// ---------------------------------------------------------------- how things are

RoomRecords::Rooms::iterator RoomRecords::open(Timestamp now, const std::string& name) {
    auto it = rooms_.find(name);
    if (it == rooms_.end() && rooms_.size() >= kMaxRooms) {
        commands_.notices().tell(now, {Notice::Kind::kTooMany, std::string(keys::kRooms), "",
                                       "more rooms than the store of a node holds"});
        return rooms_.end();
    }
    if (rooms_.empty()) audit_due_ = now + kAudit;
    if (it == rooms_.end()) it = rooms_.try_emplace(name).first;
    if (it->second
            .closing) {  // made again before it was deleted: then nothing of the old one stays
        it->second.closing = false;
        it->second.whole = true;
    }
    return it;
}

bool RoomRecords::replace(Timestamp now, std::string& held, std::string&& bytes,
                          std::string_view key, const std::string& field) {
    if (bytes.size() > kMaxRecord || held_ - held.size() + bytes.size() > kMaxHeld) {
        const bool large = bytes.size() > kMaxRecord;
        commands_.notices().tell(
            now,
            {large ? Notice::Kind::kTooLarge : Notice::Kind::kTooMany, std::string(key), field,
             "a record of " + std::to_string(bytes.size()) + " bytes is not written: more than " +
                 (large ? "one may have" : "the store of a node holds")});
        return false;
    }
    held_ = held_ - held.size() + bytes.size();
    held = std::move(bytes);
    return true;
}

void RoomRecords::set_room(Timestamp now, const std::string& name, std::string room,
                           std::optional<std::string> internal) {
    const auto it = open(now, name);
    if (it == rooms_.end()) return;
    Room& known = it->second;
    const bool first = !std::exchange(known.set, true);
    if (first || known.record.bytes != room) {
        const bool kept = replace(now, known.record.bytes, std::move(room), keys::kRooms, name);
        if (first && !kept) return forget(it);
        known.record.changed |= kept;
    }
    if (first || known.internal != internal) {
        held_ -= known.internal.value_or("").size();
        known.internal = std::string();
        if (!internal ||
            !replace(now, *known.internal, std::move(*internal), keys::kRoomInternal, name))
            known.internal.reset();
        known.internal_changed = true;
    }
    if (known.record.changed || known.internal_changed)
        touch(name, known, std::max(now, known.record.next));
    if (known.whole) touch(name, known, now);
}

void RoomRecords::set_participant(Timestamp now, const std::string& room,
                                  const std::string& identity, std::string info) {
    const auto it = rooms_.find(room);
    if (it == rooms_.end() || it->second.closing) return;
    Room& known = it->second;
    const auto place = known.participants.find(identity);
    if (place == known.participants.end() && known.participants.size() >= kMaxParticipants)
        return commands_.notices().tell(now, {Notice::Kind::kTooMany, keys::participants(room), "",
                                              "more participants than the store of a node holds"});
    if (place != known.participants.end() && place->second.bytes == info) return;
    Record fresh;
    Record& record = place == known.participants.end() ? fresh : place->second;
    if (!replace(now, record.bytes, std::move(info), keys::participants(room), identity)) return;
    const Timestamp at = std::max(now, record.next);
    if (&record == &fresh) known.participants.emplace(identity, std::move(fresh));
    known.gone.erase(identity);
    known.changed.insert(identity);
    touch(room, known, at);
}

void RoomRecords::remove_participant(Timestamp now, const std::string& room,
                                     const std::string& identity) {
    const auto it = rooms_.find(room);
    if (it == rooms_.end() || it->second.closing) return;
    const auto place = it->second.participants.find(identity);
    if (place == it->second.participants.end()) return;
    held_ -= place->second.bytes.size();
    it->second.participants.erase(place);
    it->second.changed.erase(identity);
    it->second.gone.insert(identity);
    touch(room, it->second, now);
}

void RoomRecords::close(Timestamp now, const std::string& room) {
    const auto it = open(now, room);
    if (it == rooms_.end()) return;
    Room& known = it->second;
    held_ -= size_of(known);
    const bool asked = known.asked;
    unschedule(room, known);
    known = Room();
    known.closing = true;
    known.asked = asked;
    schedule(room, known, now);
}

std::size_t RoomRecords::size_of(const Room& room) {
    std::size_t size = room.record.bytes.size() + room.internal.value_or("").size();
    for (const auto& [identity, record] : room.participants)
        size += record.bytes.size();
    return size;
}

// ---------------------------------------------------------------- when

void RoomRecords::schedule(const std::string& name, Room& room, Timestamp at) {
    if (at >= room.due) return;
    unschedule(name, room);
    room.due = at;
    due_.emplace(at, name);
}

void RoomRecords::unschedule(const std::string& name, Room& room) {
    if (!room.due.is_never()) due_.erase({room.due, name});
    room.due = Timestamp::never();
}

// Something of it changed. What is asked of Redis comes back first, and a retry waits for its time.
void RoomRecords::touch(const std::string& name, Room& room, Timestamp at) {
    if (!is_held_up(room)) schedule(name, room, at);
}

void RoomRecords::reschedule(Timestamp now, const std::string& name, Room& room) {
    if (is_held_up(room)) return;
    unschedule(name, room);
    if (room.whole || room.closing || !room.gone.empty()) return touch(name, room, now);
    if (room.record.changed || room.internal_changed)
        touch(name, room, std::max(now, room.record.next));
    for (const std::string& identity : room.changed)
        touch(name, room, std::max(now, room.participants[identity].next));
}

void RoomRecords::forget(Rooms::iterator it) {
    held_ -= size_of(it->second);
    unschedule(it->first, it->second);
    rooms_.erase(it);
}

void RoomRecords::handle_up(Timestamp now) {
    for (auto& [name, room] : rooms_) {
        room.whole = !room.closing;
        // What is asked stays so: other masters of a Redis Cluster may still answer.
        room.displaced = room.alone = false;
        room.retry = Duration::zero();
        unschedule(name, room);
        reschedule(now, name, room);
    }
    audit_due_ = now + kAudit;
    if (std::exchange(unanswered_, false)) second_look_ = now + kSecondLook;
}

void RoomRecords::handle_timeout(Timestamp now) {
    if (commands_.is_up()) {
        if (second_look_ <= now) look_again(now);
        write(now);
        if (!rooms_.empty() && audit_due_ <= now) audit(now);
    }
    if (!commands_.is_up()) waiters_.release_all();
    waiters_.tell(now);
}

Timestamp RoomRecords::next_deadline() const {
    if (!commands_.is_up() || rooms_.empty()) return waiters_.next();
    const Timestamp looks = earlier(earlier(audit_due_, second_look_), waiters_.next());
    return due_.empty() || is_full() ? looks : earlier(due_.begin()->first, looks);
}

RoomRecords::Snapshot RoomRecords::snapshot() const {
    Snapshot all{rooms_.size(), 0, held_};
    for (const auto& [name, room] : rooms_)
        all.waiting += room.asked || room.has_news() ? 1U : 0U;
    return all;
}

// ---------------------------------------------------------------- who waits

// What somebody waits for is written at once: calls are rarer than what rooms tell by themselves.
void RoomRecords::when_stored(Timestamp now, const std::string& room, Duration patience,
                              Callback<> done) {
    const auto it = rooms_.find(room);
    const bool is_known = it != rooms_.end();
    waiters_.add(room, now + std::min(patience, kPatience), !is_known || !it->second.has_news(),
                 std::move(done));
    if (!commands_.is_up()) return waiters_.release_all();
    if (!is_known) return;
    Room& known = it->second;
    if (known.displaced || known.retry > Duration::zero()) return waiters_.release(room);
    known.record.next = std::min(known.record.next, now);
    for (const std::string& identity : known.changed) {
        Record& record = known.participants[identity];
        record.next = std::min(record.next, now);
    }
    reschedule(now, room, known);
}

// ---------------------------------------------------------------- writing

void RoomRecords::write(Timestamp now) {
    Turn turn;
    std::vector<std::string> written;
    while (!due_.empty() && due_.begin()->first <= now && !is_full()) {
        const auto it = rooms_.find(due_.begin()->second);
        unschedule(it->first, it->second);
        if (it->second.asked) continue;
        written.push_back(it->first);
        write_room(now, it->first, it->second, turn);
    }
    send_compared(now, turn);
    for (Batch* batch : {&turn.rooms, &turn.internal, &turn.no_internal})
        send(now, *batch);
    // when_stored() has made all of it due.
    for (const std::string& name : written)
        waiters_.cover(name);
}

void RoomRecords::write_room(Timestamp now, const std::string& name, Room& room, Turn& turn) {
    if (room.closing) return remove(now, name, room);
    if (room.displaced) return;
    if (room.whole) return compare(now, turn, name, room);
    write_participants(now, name, room);
    if ((room.record.changed || room.internal_changed) && room.record.next <= now) {
        if (room.record.changed)
            add(now, turn.rooms, "HSET", keys::kRooms, name, {name, room.record.bytes});
        if (room.internal_changed && room.internal)
            add(now, turn.internal, "HSET", keys::kRoomInternal, name, {name, *room.internal});
        else if (room.internal_changed)
            add(now, turn.no_internal, "HDEL", keys::kRoomInternal, name, {name});
        room.record.changed = room.internal_changed = false;
        room.record.next = now + kPace;
    }
    reschedule(now, name, room);
}

void RoomRecords::write_participants(Timestamp now, const std::string& name, Room& room) {
    if (room.changed.empty() && room.gone.empty()) return;
    const std::string key = keys::participants(name);
    Batch set;
    for (auto it = room.changed.begin(); it != room.changed.end();) {
        Record& record = room.participants[*it];
        if (record.next > now) {
            ++it;
            continue;
        }
        add(now, set, "HSET", key, name, {room.participants.find(*it)->first, record.bytes});
        record.next = now + kPace;
        it = room.changed.erase(it);
    }
    send(now, set);
    Batch gone;
    const std::set<std::string> identities = std::exchange(room.gone, {});
    for (const std::string& identity : identities)
        add(now, gone, "HDEL", key, name, {identity});
    send(now, gone);
}

// The words are views of what stays where it is until the batch has been sent.
void RoomRecords::add(Timestamp now, Batch& batch, std::string_view command, std::string_view key,
                      const std::string& room, std::initializer_list<std::string_view> words) {
    std::size_t bytes = 0;
    for (const std::string_view word : words)
        bytes += word.size();
    if (batch.bytes + bytes > kBatchBytes) send(now, batch);
    if (batch.words.empty()) batch.words = {command, key};
    batch.words.insert(batch.words.end(), words);
    if (batch.rooms.empty() || batch.rooms.back() != room) batch.rooms.push_back(room);
    batch.bytes += bytes;
}

void RoomRecords::send(Timestamp now, Batch& batch) {
    const Batch sent = std::exchange(batch, {});
    if (sent.words.empty()) return;
    const std::size_t bytes = sent.bytes + kCommandBytes;
    on_the_way_ += bytes;
    const std::uint64_t number = waiters_.begin(sent.rooms);
    commands_.send(now, sent.words,
                   [this, number, rooms = sent.rooms, bytes](Timestamp at, const Answer& answer) {
                       on_the_way_ -= bytes;
                       written(at, rooms, answer);
                       waiters_.end(number, rooms);
                   });
}

void RoomRecords::written(Timestamp now, const std::vector<std::string>& rooms,
                          const Answer& answer) {
    for (const std::string& name : rooms) {
        const auto it = rooms_.find(name);
        if (it == rooms_.end() || it->second.closing) continue;
        if (answer)
            it->second.stored = true;
        else
            failed(now, name, answer.error(), rooms.size() > 1);
    }
}

// What Redis has of it is not known any more. `with_others`: one of several was refused, perhaps
// not this one; each is tried by itself, at once.
void RoomRecords::failed(Timestamp now, const std::string& name, const Failure& failure,
                         bool with_others) {
    const auto it = rooms_.find(name);
    if (it == rooms_.end()) return;
    Room& room = it->second;
    unanswered_ |= failure.code == Failure::Code::kUnavailable;
    room.whole = !room.closing;
    unschedule(name, room);
    if (with_others && failure.code == Failure::Code::kRefused) {
        room.alone = true;
        return schedule(name, room, now);
    }
    waiters_.release(name);
    room.retry = std::clamp(room.retry * 2, kFirstRetry, kLongestRetry);
    schedule(name, room, now + room.retry);
}

}  // namespace confab::cluster::store
