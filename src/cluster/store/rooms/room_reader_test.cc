// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/rooms/room_reader.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cluster/store/golden_testing.h"
#include "cluster/store/masters_testing.h"
#include "cluster/store/world_testing.h"
#include "livekit_internal.pb.h"
#include "livekit_models.pb.h"

namespace confab::cluster::store {
namespace {

using testing::golden;
using testing::Kept;
using testing::World;

struct Reading {
    Reading() : port(world.attach()), reader(*port, world.notices) {}
    World world;
    std::unique_ptr<redis::Port> port;
    RoomReader reader;
};

std::vector<std::string> names_of(const StoredList& records) {
    std::vector<std::string> names;
    for (const Stored& record : records)
        names.push_back(record.name);
    return names;
}

const std::string kRoom = "gold room-1";

}  // namespace

TEST_CASE("RoomReader: upstream's records, byte for byte with what is not known of them [RDS-25]") {
    Reading r;
    const std::string room = golden<livekit::Room>(testing::kRoomJson);
    const std::string internal = golden<livekit::RoomInternal>(testing::kInternalJson);
    const std::string alice = golden<livekit::ParticipantInfo>(testing::kParticipantJson);
    r.world.run({"HSET", "rooms", kRoom, room});
    r.world.run({"HSET", "room_internal", kRoom, internal});
    r.world.run({"HSET", "room_participants:" + kRoom, "alice", alice});
    Kept<std::string> one;
    Kept<StoredList> all;
    Kept<RoomReader::RoomWithInternal> both;
    Kept<StoredList> people;
    Kept<std::string> person;
    r.reader.room(r.world.now, kRoom, one.done());
    r.reader.rooms(r.world.now, all.done());
    r.reader.room_with_internal(r.world.now, kRoom, both.done());
    r.reader.participants(r.world.now, kRoom, people.done());
    r.reader.participant(r.world.now, kRoom, "alice", person.done());
    CHECK(one.waits());
    r.world.pass(Duration::millis(10));
    CHECK(one.value() == room);
    REQUIRE(all.value().size() == 1);
    CHECK(all.value()[0].bytes == room);
    CHECK(both.value().room == room);
    CHECK(both.value().internal == internal);
    REQUIRE(people.value().size() == 1);
    CHECK(people.value()[0].bytes == alice);
    CHECK(person.value() == alice);
    livekit::ParticipantInfo parsed;
    REQUIRE(parsed.ParseFromString(person.value()));
    CHECK(parsed.state() == livekit::ParticipantInfo::ACTIVE);
}

TEST_CASE("RoomReader: rooms by name, in the order asked; who is not there is left out") {
    Reading r;
    for (const char* name : {"a", "b", "c"})
        r.world.run({"HSET", "rooms", name, golden<livekit::Room>(testing::kRoomJson)});
    Kept<StoredList> some;
    Kept<StoredList> none;
    Kept<StoredList> many;
    Kept<StoredList> all;
    r.reader.rooms(r.world.now, {"c", "nobody", "a"}, some.done());
    r.reader.rooms(r.world.now, std::vector<std::string>(), none.done());
    r.reader.rooms(r.world.now, std::vector<std::string>(kMaxNames + 1, "a"), many.done());
    r.reader.rooms(r.world.now, all.done());
    r.world.pass(Duration::millis(10));
    CHECK(names_of(some.value()) == std::vector<std::string>{"c", "a"});
    CHECK(none.value().empty());
    CHECK(many.error() == Failure::Code::kInvalid);
    CHECK(names_of(all.value()) == std::vector<std::string>{"a", "b", "c"});
    Kept<StoredList> nobody;
    r.reader.participants(r.world.now, "nowhere", nobody.done());
    r.world.pass(Duration::millis(10));
    CHECK(nobody.value().empty());
}

TEST_CASE("RoomReader: garbage and what is too large are passed over, counted and named") {
    Reading r;
    const std::string room = golden<livekit::Room>(testing::kRoomJson);
    r.world.run(
        {"HSET", "rooms", "a", room, "bad", "\xff\xff", "huge", std::string(kMaxRecord + 1, 'x')});
    for (int i = 0; i < 3; ++i) {
        Kept<StoredList> all;
        Kept<StoredList> some;
        Kept<std::string> one;
        r.reader.rooms(r.world.now, all.done());
        r.reader.rooms(r.world.now, {"bad", "huge", "a"}, some.done());
        r.reader.room(r.world.now, "bad", one.done());
        r.world.pass(Duration::millis(10));
        CHECK(names_of(all.value()) == std::vector<std::string>{"a"});
        CHECK(names_of(some.value()) == std::vector<std::string>{"a"});
        CHECK(one.error() == Failure::Code::kInvalid);
    }
    CHECK(r.world.notices.count(Notice::Kind::kGarbage) == 9);
    CHECK(r.world.notices.count(Notice::Kind::kTooLarge) == 6);
    REQUIRE(r.world.log.size() == 2);
    CHECK(r.world.log[0].key == "rooms");
    CHECK(r.world.log[0].field == "bad");
}

TEST_CASE("RoomReader: what is not there has upstream's words [RPC-33]") {
    Reading r;
    Kept<std::string> room;
    Kept<std::string> person;
    Kept<RoomReader::RoomWithInternal> both;
    r.reader.room(r.world.now, "r", room.done());
    r.reader.participant(r.world.now, "r", "alice", person.done());
    r.reader.room_with_internal(r.world.now, "r", both.done());
    r.world.pass(Duration::millis(10));
    CHECK(room.error() == Failure::Code::kNotFound);
    CHECK(room.all->front().error().text == "requested room does not exist");
    CHECK(person.all->front().error().text == "participant does not exist");
    CHECK(both.error() == Failure::Code::kNotFound);
    r.world.run({"HSET", "rooms", "r", ""});  // a room without anything is one
    Kept<RoomReader::RoomWithInternal> alone;
    r.reader.room_with_internal(r.world.now, "r", alone.done());
    r.world.pass(Duration::millis(10));
    REQUIRE(alone.ok());
    CHECK_FALSE(alone.value().internal.has_value());
    r.world.run({"HSET", "room_internal", "r", "\xff"});
    Kept<RoomReader::RoomWithInternal> bad;
    r.reader.room_with_internal(r.world.now, "r", bad.done());
    r.world.pass(Duration::millis(10));
    CHECK(bad.error() == Failure::Code::kInvalid);
}

TEST_CASE("RoomReader: outages, silence and keys of another type are failures") {
    Reading r;
    r.world.run({"SET", "rooms", "text"});
    Kept<StoredList> wrong;
    r.reader.rooms(r.world.now, wrong.done());
    r.world.pass(Duration::millis(10));
    CHECK(wrong.error() == Failure::Code::kRefused);
    CHECK(r.world.told(Notice::Kind::kWrongType) == 1);
    Kept<StoredList> silent;
    Kept<RoomReader::RoomWithInternal> both;
    r.world.server.hang(r.world.now);
    r.reader.participants(r.world.now, "r", silent.done());
    r.reader.room_with_internal(r.world.now, "r", both.done());
    r.world.pass(Duration::seconds(6));
    CHECK(silent.error() == Failure::Code::kUnavailable);
    CHECK(both.error() == Failure::Code::kUnavailable);
    Kept<RoomReader::RoomWithInternal> down;
    r.reader.room_with_internal(r.world.now, "r", down.done());
    CHECK(down.error() == Failure::Code::kUnavailable);
}

TEST_CASE("RoomReader: both records of a room, whichever master answers first") {
    for (const bool slow_rooms : {false, true}) {
        World world;
        const auto port = testing::attach(world, RoomScripts::Form::kApart);
        auto& masters = dynamic_cast<testing::Masters&>(*port);
        if (slow_rooms) std::swap(masters.paces[0], masters.paces[1]);
        RoomReader reader(*port, world.notices);
        const std::string room = golden<livekit::Room>(testing::kRoomJson);
        const std::string internal = golden<livekit::RoomInternal>(testing::kInternalJson);
        world.run({"HSET", "rooms", kRoom, room});
        world.run({"HSET", "room_internal", kRoom, internal});
        Kept<RoomReader::RoomWithInternal> both;
        Kept<RoomReader::RoomWithInternal> none;
        reader.room_with_internal(world.now, kRoom, both.done());
        reader.room_with_internal(world.now, "nobody", none.done());
        world.pass(Duration::millis(10));
        CHECK(both.value().room == room);
        CHECK(both.value().internal == internal);
        CHECK(none.error() == Failure::Code::kNotFound);
        for (const std::uint64_t lost : {0U, 1U}) {
            Kept<RoomReader::RoomWithInternal> half;
            masters.fail_after(lost, testing::Masters::Fault::kLost);
            reader.room_with_internal(world.now, kRoom, half.done());
            world.pass(Duration::millis(10));
            CHECK(half.error() == Failure::Code::kUnavailable);
        }
    }
}

}  // namespace confab::cluster::store
