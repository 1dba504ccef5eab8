// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The stores of a cluster on a real Redis Cluster of three masters with a replica each.
#include "masters.h"

#include <algorithm>

#include "../redis_session/checks.h"
#include "../redis_session/connection.h"
#include "cluster/store/egress_store.h"
#include "cluster/store/egress_sweeper.h"
#include "cluster/store/ingress_store.h"
#include "cluster/store/keys.h"
#include "cluster/store/rooms/room_orphans.h"
#include "cluster/store/rooms/room_reader.h"
#include "cluster/store/rooms/room_records.h"
#include "livekit_egress.pb.h"
#include "livekit_ingress.pb.h"
#include "livekit_models.pb.h"

namespace confab::cluster::store {
namespace {

using redis::clock_now;
using redis::expect;
using Form = RoomScripts::Form;

constexpr int kRooms = 120;  // of several batches
constexpr const char* kHashes[] = {"rooms", "room_internal", "room_node_map"};

std::string name_of(int i) {
    return "room " + std::to_string(i);
}

// A node: its rooms, and those of dead nodes that it looks after.
struct Rooms {
    explicit Rooms(std::uint16_t port) : redis(port) {
        redis.on_up = [this](Timestamp at) {
            records.handle_up(at);
            orphans.handle_up(at);
        };
        redis.on_turn = [this](Timestamp at) {
            if (records.next_deadline() <= at) records.handle_timeout(at);
            if (orphans.next_deadline() <= at) orphans.handle_timeout(at);
        };
        for (const char* key : kHashes)
            redis.ask({"DEL", key});
    }
    ~Rooms() { redis.on_up = redis.on_turn = {}; }
    Rooms(const Rooms&) = delete;
    Rooms& operator=(const Rooms&) = delete;

    void make(const std::string& bytes) {
        for (int i = 0; i < kRooms; ++i) {
            records.set_room(clock_now(), name_of(i), bytes, "i");
            records.set_participant(clock_now(), name_of(i), "alice", bytes);
        }
        records.handle_up(clock_now());  // routes them too
        settle();
    }
    void settle() {
        redis.until("what waits", [this] { return records.snapshot().waiting == 0; });
    }
    void close_all() {
        for (int i = 0; i < kRooms; ++i)
            records.close(clock_now(), name_of(i));
        redis.until("the end", [this] { return records.snapshot().rooms == 0; });
    }
    void expect_all(const std::string& bytes) {
        for (const char* key : kHashes)
            expect(redis.ask({"HLEN", key}).integer == kRooms, std::string("not all of ") + key);
        for (int i = 0; i < kRooms; ++i) {
            expect(redis.ask({"HGET", "rooms", name_of(i)}).text == bytes, "another room");
            expect(redis.ask({"HGET", "room_node_map", name_of(i)}).text == "ND_a", "routing");
            const redis::Value all = redis.ask({"HGETALL", keys::participants(name_of(i))});
            expect(all.items.size() == 2 && all.items[1].text == bytes, "other participants");
        }
    }
    // Of one room.
    void expect_nothing(const std::string& name) {
        for (const char* key : kHashes)
            expect(redis.ask({"HEXISTS", key, name}).integer == 0, std::string(key) + " stays");
        for (const std::string& key :
             {keys::participants(name), keys::agent_dispatch(name), keys::agent_job(name)})
            expect(redis.ask({"EXISTS", key}).integer == 0, key + " stays");
    }
    void leave_behind(const std::string& name, const std::string& record) {
        redis.ask({"HSET", "rooms", name, record});
        redis.ask({"HSET", "room_internal", name, "i"});
        redis.ask({"HSET", "room_node_map", name, "ND_dead"});
        for (const std::string& key :
             {keys::participants(name), keys::agent_dispatch(name), keys::agent_job(name)})
            redis.ask({"HSET", key, "x", "y"});
    }

    std::vector<std::string> refused;
    std::vector<std::string> finished;
    std::vector<std::string> displaced;
    MastersNode redis;
    Notices notices{[this](Timestamp, const Notice& notice) {
        if (notice.kind == Notice::Kind::kRefused) refused.push_back(notice.text);
    }};
    RoomRecords records{redis.client, notices, "ND_a",
                        [this](Timestamp, const std::string& room, const std::string&) {
                            displaced.push_back(room);
                        },
                        Form::kApart};
    RoomOrphans orphans{redis.client, notices,
                        [this](Timestamp, const std::string& name, const std::string&) {
                            finished.push_back(name);
                        },
                        Form::kApart};
};

void together(std::uint16_t port) {
    MastersNode redis(port);
    Notices notices({});
    RoomScripts scripts(redis.client, notices, Form::kTogether);
    std::optional<Failure> failure;
    scripts.remove(clock_now(), RoomScripts::Owner::kHere, "r", "ND_a",
                   [&](Timestamp, const Result<RoomScripts::Removed, Failure>& removed) {
                       failure = removed.error();
                   });
    redis.until("a refusal", [&] { return failure.has_value(); });
    expect(failure->text.find("slot") != std::string::npos, failure->text);
}

void rooms(std::uint16_t port) {
    Rooms node(port);
    node.make("first");
    node.expect_all("first");
    // Something else has been at them: as after an outage all are compared and mended.
    node.redis.ask({"HSET", "rooms", name_of(3), "other"});
    node.redis.ask({"HDEL", "rooms", name_of(4)});
    node.redis.ask({"HSET", keys::participants(name_of(5)), "bob", "left"});
    node.redis.ask({"DEL", "room_node_map"});
    node.records.handle_up(clock_now());
    node.settle();
    node.expect_all("first");
    node.redis.ask({"HSET", "room_node_map", name_of(7), "ND_b"});
    node.records.handle_up(clock_now());
    node.redis.until("another's", [&] { return node.records.snapshot().waiting == 1; });
    expect(node.displaced == std::vector<std::string>{name_of(7)}, "not displaced");
    node.close_all();
    for (int i = 0; i < kRooms; ++i)
        if (i != 7) node.expect_nothing(name_of(i));
    expect(node.redis.ask({"HGET", "rooms", name_of(7)}).text == "first", "another's is gone");
    expect(node.refused.empty(), node.refused.empty() ? "" : node.refused.front());
}

void orphans(std::uint16_t port) {
    Rooms node(port);
    livekit::Room record;
    record.set_sid("RM_1");
    record.set_departure_timeout(1);
    for (int i = 0; i < 20; ++i)
        node.leave_behind(name_of(i), record.SerializeAsString());
    node.redis.ask({"HSET", "room_node_map", name_of(0), "ND_new"});
    for (int i = 0; i < 20; ++i)
        node.orphans.orphaned(clock_now(), name_of(i), "ND_dead");
    std::optional<RoomOrphans::Outcome> outcome;
    node.orphans.delete_now(clock_now(), name_of(1), "ND_dead",
                            [&](Timestamp, Result<RoomOrphans::Outcome, Failure> result) {
                                expect(result.has_value(), "no outcome");
                                outcome = std::move(*result);
                            });
    node.redis.until("a deletion", [&] { return outcome.has_value(); });
    expect(outcome->deleted && outcome->room == record.SerializeAsString(), "another outcome");
    node.redis.until("the orphans", [&] { return node.orphans.waiting() == 0; });
    for (int i = 1; i < 20; ++i)
        node.expect_nothing(name_of(i));
    expect(node.redis.ask({"HGET", "rooms", name_of(0)}).text == record.SerializeAsString(),
           "a room that somebody has again is gone");
    expect(node.finished.size() == 19, "told " + std::to_string(node.finished.size()));
}

void others(std::uint16_t port) {
    Rooms node(port);
    int done = 0;
    const auto well = [&](Timestamp, const auto& result) {
        expect(result.has_value(), result ? "" : result.error().text);
        ++done;
    };
    livekit::IngressInfo ingress;
    ingress.set_ingress_id("IN_1");
    ingress.set_stream_key("key");
    ingress.set_room_name("r");
    IngressStore ingresses(node.redis.client, node.notices);
    ingresses.store(clock_now(), ingress.SerializeAsString(), well);
    node.redis.until("an ingress", [&] { return done == 1; });
    livekit::IngressState state;
    state.set_started_at(1);
    ingresses.set_state(clock_now(), "IN_1", state.SerializeAsString(), well);
    livekit::EgressInfo egress;
    egress.set_egress_id("EG_1");
    egress.set_room_name("r");
    EgressStore egresses(node.redis.client, node.notices);
    egresses.create(clock_now(), egress.SerializeAsString(), well);
    node.redis.until("a state, an egress", [&] { return done == 3; });
    egress.set_ended_at(1);
    egresses.update(clock_now(), egress.SerializeAsString(), well);
    ingresses.list(clock_now(), "r", [&](Timestamp at, const auto& all) {
        expect(all && all->size() == 1, "no ingress of the room");
        well(at, all);
    });
    node.redis.until("its end", [&] { return done == 5; });
    egresses.list(clock_now(), "r", [&](Timestamp at, const auto& all) {
        expect(all && all->size() == 1, "no egress of the room");
        well(at, all);
    });
    ingresses.remove(clock_now(), "IN_1", well);
    node.redis.until("no ingress", [&] { return done == 7; });
    EgressSweeper sweeper(node.redis.client, node.notices, clock_now() - EgressSweeper::kFirst);
    sweeper.handle_timeout(clock_now(), UnixTime::seconds(1'795'162'000));
    node.redis.until("a sweep", [&] { return sweeper.counts().swept == 1; });
    for (const char* key : {"ingress", "{ingress}_stream_key", "room_{ingress}:r",
                            "{ingress}_state:IN_1", "egress", "egress:room:r", "ended_egress"})
        expect(node.redis.ask({"EXISTS", key}).integer == 0, std::string(key) + " stays");
    expect(node.refused.empty(), node.refused.empty() ? "" : node.refused.front());
}

// The port of the master of a key.
std::uint16_t master_of(redis::Connection& any, std::uint16_t port, std::string_view key) {
    const std::uint16_t slot = redis::slot_of(key);
    for (const redis::SlotRange& range :
         redis::read_slots(any.answer({"CLUSTER", "SLOTS"}), {"127.0.0.1", port}))
        if (range.first <= slot && slot <= range.last) return range.master.port;
    redis::expect(false, "no master of " + std::string(key));
    return 0;
}

// The master of `key` goes while all rooms are being written, deleted and looked after; what it had
// is with its replica, or lost.
void death(std::uint16_t port, const std::string& key) {
    Rooms node(port);
    node.make("first");
    livekit::Room record;
    record.set_sid("RM_1");
    record.set_departure_timeout(1);
    node.leave_behind("orphan", record.SerializeAsString());
    node.orphans.orphaned(clock_now(), "orphan", "ND_dead");
    node.records.set_room(clock_now(), "short", "x", "i");
    node.settle();
    redis::Connection any(port, {});
    redis::Connection victim(master_of(any, port, key), {});
    const int ups = node.redis.ups;
    int turns = 0;
    for (int i = 0; i < kRooms; ++i) {
        node.records.set_room(clock_now(), name_of(i), "second", "i");
        node.records.set_participant(clock_now(), name_of(i), "alice", "second");
    }
    node.records.handle_up(clock_now());  // all are compared
    node.records.close(clock_now(), "short");
    node.redis.until("a few turns", [&] { return ++turns > 3; });
    (void)victim.ask({"SHUTDOWN", "NOSAVE", "NOW", "FORCE"});
    node.redis.until("the next master", [&] { return node.redis.ups > ups; });
    node.settle();
    node.redis.until("the orphan", [&] { return node.orphans.waiting() == 0; });
    node.expect_nothing("orphan");
    node.expect_nothing("short");
    node.expect_all("second");
    expect(node.finished == std::vector<std::string>{"orphan"}, "not told once");
    expect(node.refused.empty(), node.refused.empty() ? "" : node.refused.front());
    node.close_all();
}

void death_of_rooms(std::uint16_t port) {
    death(port, "rooms");  // and of the routing
}

void death_of_internal(std::uint16_t port) {
    death(port, "room_internal");
}

}  // namespace

int run_masters(int argc, char** argv) {
    return redis::run_checks(
        argc, argv,
        {{"a script of all keys of a room is refused", together},
         {"rooms are written, mended and deleted, another's are left [RDS-32] [NODE-16]", rooms},
         {"rooms of a dead node go, once, with all there is of them [RDS-27]", orphans},
         {"a lock, an ingress, an egress from their making to their end", others},
         {"a master dies in the middle: all is done again [RDS-28] [RDS-30]", death_of_rooms},
         {"and another one [RDS-28] [RDS-30]", death_of_internal}});
}

}  // namespace confab::cluster::store
