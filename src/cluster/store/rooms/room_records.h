// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The rooms that live at this node, as others read them in Redis (RDS-02…04), written behind: this
// is told how things are, and brings Redis to it. Changes of 100 ms are one write; who comes and
// goes is written at once. After an outage every room is compared and mended as a whole (RDS-32),
// and now and then all are looked for, since another node's close may have taken one
// (livekit#4316). A room that is routed to another node is neither written nor deleted (NODE-16).
//
// What waits is how things are, never a list of changes: an outage of any length costs no memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/time.h"
#include "cluster/store/commands.h"
#include "cluster/store/rooms/room_scripts.h"
#include "cluster/store/rooms/waiters.h"
#include "redis/port.h"

namespace confab::cluster::store {

class RoomRecords {
  public:
    // Between two writes of one record, unless somebody comes or goes.
    static constexpr Duration kPace = Duration::millis(100);
    // What Redis refuses is tried again after that long, twice as long each time.
    static constexpr Duration kFirstRetry = Duration::seconds(1);
    static constexpr Duration kLongestRetry = Duration::seconds(60);
    // Each room is looked for that often, so many at once, at most once a second.
    static constexpr Duration kAudit = Duration::seconds(10);
    static constexpr std::size_t kAuditRooms = 256;
    // A server that hung may still do what was sent before the connection was given up: so long
    // after it is back, all is compared once more.
    static constexpr Duration kSecondLook = Duration::seconds(5);
    // Of one command; more make another one. A single room or record beyond has its own.
    static constexpr std::size_t kBatchBytes = 256 * 1024;
    static constexpr std::size_t kBatchRooms = 32;
    // Without an answer; what is due meanwhile waits.
    static constexpr std::size_t kMaxOnTheWay = std::size_t{8} << 20;  // bytes
    static constexpr std::size_t kCommandBytes = 1024;                 // as which each counts too
    // Who wants to know when Redis has what there is of a room is told after that long, too.
    static constexpr Duration kPatience = Duration::seconds(2);
    // What is beyond these is not kept and not written, which is told.
    static constexpr std::size_t kMaxRooms = 100'000;        // with those that are being deleted
    static constexpr std::size_t kMaxParticipants = 20'000;  // of a room
    static constexpr std::size_t kMaxHeld = std::size_t{1} << 30;  // bytes of all records

    // A room that Redis says another node has; told once, until it is this one's again.
    using Displaced =
        std::function<void(Timestamp now, const std::string& room, const std::string& node)>;

    // Port and notices outlive it.
    RoomRecords(redis::Port& port, Notices& notices, std::string node, Displaced displaced,
                RoomScripts::Form form = RoomScripts::Form::kTogether);

    // ---- how things are. Rooms by their keys (token/room_key.h); serialised Room, RoomInternal,
    // ParticipantInfo of at most kMaxRecord.
    void set_room(Timestamp now, const std::string& name, std::string room,
                  std::optional<std::string> internal);
    // Of a room that was set.
    void set_participant(Timestamp now, const std::string& room, const std::string& identity,
                         std::string info);
    void remove_participant(Timestamp now, const std::string& room, const std::string& identity);
    // With its participants, dispatches and jobs, and its routing.
    void close(Timestamp now, const std::string& room);

    // Calls `done`, never within the call, once Redis has all that was told of the room so far, or
    // nothing of one that was closed; after `patience` anyway, and at once where Redis is away,
    // refuses it, or says that the room is another node's. What waits for kPace is written at once.
    void when_stored(Timestamp now, const std::string& room, Duration patience, Callback<> done);

    // ---- the driver. handle_up(): the line of commands is up (redis::Events::on_up).
    void handle_up(Timestamp now);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;

    struct Snapshot {
        std::size_t rooms = 0;    // with those that are being deleted
        std::size_t waiting = 0;  // have something that Redis has not
        std::size_t held = 0;     // bytes
    };
    Snapshot snapshot() const;

  private:
    struct Record {
        std::string bytes;
        bool changed = false;
        Timestamp next;  // no write before
    };
    struct Room {
        Record record;
        std::optional<std::string> internal;
        bool internal_changed = false;
        std::map<std::string, Record> participants;
        std::set<std::string> changed;  // of them
        std::set<std::string> gone;     // and those to delete
        bool set = false;
        bool whole = false;   // what Redis has of it is not known
        bool stored = false;  // Redis has had it
        bool asked = false;   // compared, or being deleted; no other write meanwhile
        bool alone = false;   // not with others: one of them was refused
        bool displaced = false;
        std::string displaced_by;  // who was told of last
        bool closing = false;
        Duration retry = Duration::zero();
        Timestamp due = Timestamp::never();  // as in due_

        // Something that no command has taken along.
        bool has_news() const {
            return (!asked && (whole || closing)) || record.changed || internal_changed ||
                   !changed.empty() || !gone.empty();
        }
    };
    struct Batch {  // a command that is being made
        std::vector<std::string_view> words;
        std::vector<std::string> rooms;
        std::size_t bytes = 0;
    };
    struct Turn {
        Batch rooms;
        Batch internal;
        Batch no_internal;
        std::vector<std::string> compared;
        std::size_t compared_bytes = 0;
    };
    using Rooms = std::map<std::string, Room>;

    Rooms::iterator open(Timestamp now, const std::string& name);
    bool replace(Timestamp now, std::string& held, std::string&& bytes, std::string_view key,
                 const std::string& field);
    void schedule(const std::string& name, Room& room, Timestamp at);
    void unschedule(const std::string& name, Room& room);
    static bool is_held_up(const Room& room) {
        return room.asked || room.displaced || room.retry > Duration::zero();
    }
    void touch(const std::string& name, Room& room, Timestamp at);
    void reschedule(Timestamp now, const std::string& name, Room& room);
    void forget(Rooms::iterator it);
    static std::size_t size_of(const Room& room);

    // ---- writing
    bool is_full() const { return on_the_way_ >= kMaxOnTheWay; }
    void write(Timestamp now);
    void write_room(Timestamp now, const std::string& name, Room& room, Turn& turn);
    void write_participants(Timestamp now, const std::string& name, Room& room);
    void add(Timestamp now, Batch& batch, std::string_view command, std::string_view key,
             const std::string& room, std::initializer_list<std::string_view> words);
    void send(Timestamp now, Batch& batch);
    void written(Timestamp now, const std::vector<std::string>& rooms, const Answer& answer);
    void failed(Timestamp now, const std::string& name, const Failure& failure, bool with_others);

    // ---- as a whole (room_records_whole.cc)
    void compare(Timestamp now, Turn& turn, const std::string& name, Room& room);
    void send_compared(Timestamp now, Turn& turn);
    RoomScripts::Room take_whole(Timestamp now, const std::string& name);
    void compared(Timestamp now, const std::vector<std::string>& rooms,
                  const Result<std::vector<RoomScripts::Synced>, Failure>& synced);
    void found(Timestamp now, const std::string& name, const RoomScripts::Synced& state);
    void displace(Timestamp now, const std::string& name, Room& room, const std::string& node);
    void remove(Timestamp now, const std::string& name, Room& room);
    void removed(Timestamp now, const std::string& name,
                 const Result<RoomScripts::Removed, Failure>& removed);
    void look_again(Timestamp now);
    void audit(Timestamp now);
    void audited(Timestamp now, const std::vector<std::string>& names, const redis::Value& nodes,
                 const redis::Value& records);

    std::string node_;
    Displaced displaced_;
    Rooms rooms_;
    std::set<std::pair<Timestamp, std::string>> due_;
    std::size_t held_ = 0;
    std::size_t on_the_way_ = 0;
    Waiters waiters_;
    Timestamp audit_due_;
    std::string audited_;      // up to that room
    bool unanswered_ = false;  // something was, when the connection ended
    Timestamp second_look_ = Timestamp::never();
    Commands commands_;  // the last, with the scripts: their replies go first
    RoomScripts scripts_;
};

}  // namespace confab::cluster::store
