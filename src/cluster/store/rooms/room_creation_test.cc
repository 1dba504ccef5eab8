// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/rooms/room_creation.h"

#include <doctest/doctest.h>

#include <deque>
#include <memory>
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
using Created = RoomCreation::Created;

const std::string kName = "gold room-1";

struct Making {
    explicit Making(RoomScripts::Form form = RoomScripts::Form::kTogether)
        : port(testing::attach(world, form)) {}
    void make(const livekit::CreateRoomRequest& request, Kept<Created>& kept) {
        rngs.emplace_back(rngs.size() + 1);
        makers.emplace_back(*port, world.notices, rngs.back(), request,
                            [this](Timestamp, const livekit::CreateRoomRequest& asked) {
                                ++built;
                                livekit::Room room;
                                room.set_sid("RM_" + std::to_string(built));
                                room.set_name(asked.name());
                                return RoomBytes{room.SerializeAsString(),
                                                 std::string("\x1a\0", 2)};
                            });
        world.drive(makers.back());
        makers.back().start(world.now, kept.done());
    }
    World world;
    std::unique_ptr<redis::Port> port;
    std::deque<Rng> rngs;
    std::deque<RoomCreation> makers;
    int built = 0;
};

livekit::CreateRoomRequest request() {
    livekit::CreateRoomRequest request;
    request.set_name(kName);
    return request;
}

}  // namespace

TEST_CASE("RoomCreation: a new room is built and stored with six commands [RDS-21]") {
    Making m;
    Kept<Created> kept;
    m.make(request(), kept);
    CHECK(kept.waits());
    m.world.pass(Duration::millis(10));
    REQUIRE(kept.ok());
    CHECK(kept.value().fresh);
    CHECK(m.world.field("rooms", kName) == kept.value().bytes.room);
    CHECK(m.world.field("room_internal", kName) == kept.value().bytes.internal);
    CHECK(m.world.server.store().string("room_lock:" + kName) == nullptr);
    CHECK(m.world.server.count("SET") + m.world.server.count("HGET") +
              m.world.server.count("HSET") + m.world.server.count("EVAL") +
              m.world.server.count("HDEL") ==
          6);
    CHECK(m.makers[0].next_deadline().is_never());
}

TEST_CASE(
    "RoomCreation: of a room that there is, only what the request says changes [RDS-21] [RDS-25]") {
    Making m;
    const std::string room = golden<livekit::Room>(testing::kRoomJson);
    const std::string internal = golden<livekit::RoomInternal>(testing::kInternalJson);
    m.world.run({"HSET", "rooms", kName, room});
    m.world.run({"HSET", "room_internal", kName, internal});
    Kept<Created> same;
    m.make(request(), same);
    m.world.pass(Duration::millis(10));
    REQUIRE(same.ok());
    CHECK_FALSE(same.value().fresh);
    CHECK(m.built == 0);
    CHECK(m.world.field("rooms", kName) == room);
    CHECK(m.world.field("room_internal", kName) == internal);

    livekit::CreateRoomRequest changes = request();
    changes.set_empty_timeout(7);
    changes.set_departure_timeout(8);
    changes.set_max_participants(9);
    changes.set_metadata("new");
    changes.set_max_playout_delay(200);
    changes.set_sync_streams(true);
    changes.set_replay_enabled(true);
    changes.add_agents()->set_agent_name("other");
    (*changes.mutable_tags())["k"] = "v";
    changes.mutable_egress()->mutable_tracks()->set_filepath("f");
    changes.mutable_egress()->mutable_participant();
    Kept<Created> changed;
    for (int i = 0; i < 3; ++i) {
        changed = {};
        m.make(changes, changed);
        m.world.pass(Duration::millis(10));
    }
    REQUIRE(changed.ok());
    livekit::Room stored;
    REQUIRE(stored.ParseFromString(m.world.field("rooms", kName)));
    livekit::Room expected;
    REQUIRE(expected.ParseFromString(room));
    expected.set_empty_timeout(7);
    expected.set_departure_timeout(8);
    expected.set_max_participants(9);
    expected.set_metadata("new");
    CHECK(stored.SerializeAsString() == expected.SerializeAsString());     // with the unknown field
    CHECK(m.world.field("rooms", kName).size() == stored.ByteSizeLong());  // nothing piles up
    CHECK(m.world.field("rooms", kName).find(testing::kUnknown) != std::string::npos);
    livekit::RoomInternal inside;
    REQUIRE(inside.ParseFromString(m.world.field("room_internal", kName)));
    CHECK(inside.playout_delay().enabled());
    CHECK(inside.playout_delay().max() == 200);
    CHECK(inside.sync_streams());
    CHECK(inside.replay_enabled());
    REQUIRE(inside.agent_dispatches().size() == 1);
    CHECK(inside.agent_dispatches(0).agent_name() == "other");
    CHECK(inside.tags().at("k") == "v");
    CHECK(inside.track_egress().filepath() == "f");
    CHECK(inside.has_participant_egress());
    CHECK(m.world.field("room_internal", kName).find(testing::kUnknown) != std::string::npos);
    CHECK(m.world.field("room_internal", kName).size() == inside.ByteSizeLong());
}

TEST_CASE(
    "RoomCreation: a room without internal record keeps none, unless something is to be in it") {
    Making m;
    m.world.run({"HSET", "rooms", kName, golden<livekit::Room>(testing::kRoomJson)});
    Kept<Created> same;
    m.make(request(), same);
    m.world.pass(Duration::millis(10));
    CHECK(m.world.field("room_internal", kName) == "-");
    livekit::CreateRoomRequest changes = request();
    changes.set_sync_streams(true);
    Kept<Created> changed;
    m.make(changes, changed);
    m.world.pass(Duration::millis(10));
    livekit::RoomInternal inside;
    REQUIRE(inside.ParseFromString(m.world.field("room_internal", kName)));
    CHECK(inside.sync_streams());
}

TEST_CASE("RoomCreation: of two at once, one builds the room") {
    Making m;
    Kept<Created> first;
    Kept<Created> second;
    m.make(request(), first);
    m.make(request(), second);
    m.world.pass(Duration::seconds(1));
    REQUIRE(first.ok());
    REQUIRE(second.ok());
    CHECK(m.built == 1);
    CHECK(first.value().bytes == second.value().bytes);
    CHECK(first.value().fresh != second.value().fresh);
}

TEST_CASE("RoomCreation: what does not decode is left as it is") {
    Making m;
    m.world.run({"HSET", "rooms", kName, "\xff"});
    Kept<Created> kept;
    m.make(request(), kept);
    m.world.pass(Duration::millis(10));
    CHECK(kept.error() == Failure::Code::kInvalid);
    CHECK(m.world.field("rooms", kName) == "\xff");
    CHECK(m.world.server.store().string("room_lock:" + kName) == nullptr);
}

TEST_CASE("RoomCreation: outages in the middle of each step end once and in time") {
    for (const bool hang : {false, true})
        for (int at = 0; at < 24; ++at) {
            CAPTURE(at);
            Making m;
            Kept<Created> kept;
            m.make(request(), kept);
            m.world.pass(Duration::micros(at * 100));
            hang ? m.world.server.hang(m.world.now) : m.world.server.stop(m.world.now);
            m.world.pass(Duration::seconds(3));
            hang ? m.world.server.go_on(m.world.now) : m.world.server.start(m.world.now);
            m.world.pass(Duration::seconds(10));
            CHECK(kept.all->size() == 1);
            CHECK(m.world.run({"EXISTS", "room_lock:" + kName}).integer == 0);
            if (kept.ok()) CHECK(m.world.field("rooms", kName) == kept.value().bytes.room);
        }
}

TEST_CASE("RoomCreation: with a lock that has ended nothing is written") {
    Making m;
    Kept<Created> kept;
    m.make(request(), kept);
    m.world.pass(Duration::micros(450));  // the lock is there, the room is being read
    m.world.server.hang(m.world.now);
    m.world.machines.clear();  // nobody drives it
    m.world.pass(Duration::micros(4'999'650));
    m.world.server.go_on(m.world.now);
    m.world.pass(Duration::millis(10));
    CHECK(kept.error() == Failure::Code::kBusy);
    CHECK(m.world.field("rooms", kName) == "-");
}

TEST_CASE("RoomCreation: what one master has not written is a failure, whoever answers first") {
    for (const bool slow_rooms : {false, true})
        for (const std::uint64_t lost : {3U, 4U}) {
            Making m(RoomScripts::Form::kApart);
            auto& masters = dynamic_cast<testing::Masters&>(*m.port);
            if (slow_rooms) std::swap(masters.paces[0], masters.paces[1]);
            masters.fail_after(lost, testing::Masters::Fault::kLost);  // lock, two reads, writes
            Kept<Created> kept;
            m.make(request(), kept);
            m.world.pass(Duration::millis(50));
            CHECK(kept.error() == Failure::Code::kUnavailable);
            CHECK((m.world.field("rooms", kName) == "-") == (lost == 3));
            Kept<Created> again;
            m.make(request(), again);
            m.world.pass(Duration::millis(50));
            CHECK(again.ok());
            CHECK(masters.crossed == 0);
        }
}

}  // namespace confab::cluster::store
