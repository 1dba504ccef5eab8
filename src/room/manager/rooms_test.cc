// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Rooms by themselves, and the events of the media plane that find them.
#include "room/manager/rooms.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "room/manager/media_events.h"
#include "room/roster/part_testing.h"

namespace confab::room {
namespace {

using testing::PartWorld;
using testing::test_join;

struct World : PartWorld {
    // A room that ends five seconds after it was made, unless somebody comes.
    Room& make(const std::string& name) {
        const auto made = rooms.make(name, [&] {
            RoomOrigin origin;
            origin.key = name;
            origin.info.set_name(name);
            origin.info.set_empty_timeout(5);
            origin.info.set_departure_timeout(5);
            return origin;
        });
        REQUIRE(made);
        return **made;
    }
    void idle(Room& room) {
        CHECK(rooms.in_room(room, [](Room&) {}));
    }
    static void fail(Room&) { throw std::runtime_error("injected"); }
    std::vector<std::string> webhooks() {
        std::vector<std::string> result;
        for (const Effect& effect : take())
            if (const auto* hook = std::get_if<WebhookEvent>(&effect))
                result.push_back(hook->event.event() + " " + hook->event.room().name());
        return result;
    }

    std::vector<std::string> failed;
    Rooms rooms{scope, [this](const std::string& room) {
                    CHECK(rooms.find(room) != nullptr);  // it goes after this
                    failed.push_back(room);
                }};
    WorkerMoves moves{scope, rooms};
    MediaEvents events{media, rooms, moves};
};

}  // namespace

TEST_CASE("Rooms: found by name and by id while they are there") {
    World w;
    Room& room = w.make("r");
    const sfu::RoomId id = room.id();
    CHECK(w.rooms.find("r") == &room);
    CHECK(w.rooms.find(id) == &room);
    CHECK(w.rooms.find("s") == nullptr);
    w.rooms.erase(room);
    CHECK(w.rooms.find("r") == nullptr);
    CHECK(w.rooms.find(id) == nullptr);
    CHECK(w.rooms.all().empty());
}

TEST_CASE("Rooms: those that had a turn are told once, those that ended, too [API-11]") {
    World w;
    Room& r = w.make("r");
    Room& s = w.make("s");
    CHECK(w.rooms.take_turned().empty());
    w.idle(r);
    w.idle(r);
    w.idle(s);
    CHECK(w.rooms.take_turned() == std::vector<sfu::RoomId>{r.id(), s.id()});
    CHECK(w.rooms.take_turned().empty());
    const sfu::RoomId id = s.id();
    w.rooms.erase(s);
    CHECK(w.rooms.take_turned() == std::vector<sfu::RoomId>{id});
    const sfu::RoomId failing = r.id();
    CHECK_FALSE(w.rooms.in_room(r, World::fail));
    CHECK(w.rooms.take_turned() == std::vector<sfu::RoomId>{failing});
}

TEST_CASE("Rooms: what throws while a room is made leaves nothing behind [ERR-04]") {
    World w;
    const auto made =
        w.rooms.make("r", []() -> RoomOrigin { throw std::runtime_error("no origin"); });
    REQUIRE_FALSE(made);
    CHECK(made.error().code == ServiceCode::kInternal);
    CHECK(w.rooms.all().empty());
    const auto failures = w.rooms.take_failures();
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].what == "no origin");
    CHECK(w.rooms.take_failures().empty());
}

TEST_CASE("Rooms: one that fails goes alone, and whoever is in it is told of first [ERR-04]") {
    World w;
    w.make("good");
    Room& bad = w.make("bad");
    w.idle(bad);
    CHECK_FALSE(w.rooms.in_room(bad, World::fail));
    CHECK(w.failed == std::vector<std::string>{"bad"});
    CHECK(w.rooms.find("bad") == nullptr);
    CHECK(w.rooms.find("good") != nullptr);
    Room& again = w.make("bad");
    CHECK_FALSE(w.rooms.guarded(again, World::fail));
    CHECK(w.rooms.find("bad") == nullptr);
    CHECK(w.rooms.take_failures().size() == 2);
    w.at(60'000);
    w.rooms.handle_timeout();  // nothing of it is left to wake
}

TEST_CASE("Rooms: so many failures are kept and no more [ERR-04]") {
    World w;
    for (std::size_t i = 0; i <= Rooms::kMaxFailures; ++i)
        CHECK_FALSE(w.rooms.in_room(w.make("r" + std::to_string(i)), World::fail));
    const auto failures = w.rooms.take_failures();
    REQUIRE(failures.size() == Rooms::kMaxFailures);
    CHECK(failures.front().room == "r0");
    CHECK(w.failed.size() == Rooms::kMaxFailures + 1);
}

TEST_CASE("Rooms: an empty one ends at its deadline, which each turn notes [ROOM-05]") {
    World w;
    Room& early = w.make("early");
    w.at(1'000);
    Room& late = w.make("late");
    CHECK(w.rooms.next_deadline().is_never());
    w.idle(early);
    w.idle(late);
    CHECK(w.rooms.next_deadline() == Timestamp() + Duration::seconds(5));
    CHECK(w.rooms.next_deadline() == w.rooms.scan_deadlines());
    (void)w.take();
    w.at(4'999);
    w.rooms.handle_timeout();
    CHECK(w.rooms.all().size() == 2);
    w.at(5'000);
    w.rooms.handle_timeout();
    CHECK(w.rooms.find("early") == nullptr);
    CHECK(w.webhooks() == std::vector<std::string>{"room_finished early"});
    CHECK(w.rooms.next_deadline() == Timestamp() + Duration::seconds(6));
}

TEST_CASE("Rooms: a store that listens is told of each room that goes [RDS-02]") {
    World w;
    const auto removed = [&] {
        std::size_t count = 0;
        for (const Effect& effect : w.take())
            if (std::holds_alternative<RemoveRoom>(effect)) ++count;
        return count;
    };
    w.rooms.erase(w.make("r"));
    CHECK(removed() == 0);
    w.config.store_listens = true;
    w.rooms.erase(w.make("r"));
    CHECK(removed() == 1);
}

TEST_CASE("Rooms: who ended half way does not stay for the next join to meet [ERR-04]") {
    World w;
    Room& room = w.make("r");
    CHECK(w.rooms.in_room(room, [](Room& entered) {
        entered.sessions().join(SessionId(1), test_join("r", "alice"));
    }));
    w.rooms.fail_if_broken("r", "alice");
    w.rooms.fail_if_broken("r", "bob");
    w.rooms.fail_if_broken("s", "alice");
    CHECK(w.failed.empty());
    room.find("alice")->closing = true;
    w.rooms.fail_if_broken("r", "alice");
    CHECK(w.failed == std::vector<std::string>{"r"});
    CHECK(w.rooms.find("r") == nullptr);
    CHECK(w.media.peers.empty());
}

TEST_CASE("MediaEvents: an event has a turn in the room whose it is, and in no other") {
    World w;
    Room& room = w.make("r");
    CHECK(w.rooms.in_room(room, [](Room& entered) {
        entered.sessions().join(SessionId(1), test_join("r", "alice"));
    }));
    REQUIRE(w.media.peers.size() == 1);
    const sfu::PeerId peer = w.media.peers.begin()->first;
    sfu::PeerStateChanged connected;
    connected.state = sfu::PeerState::kConnected;
    connected.peer = sfu::PeerId(peer.value() + 1);
    w.events.handle(connected);  // of nobody
    CHECK_FALSE(room.find("alice")->active());
    connected.peer = peer;
    w.events.handle(connected);
    CHECK(room.find("alice")->active());
    CHECK(w.rooms.next_deadline() == w.rooms.scan_deadlines());
    sfu::SpeakerLevels levels;
    levels.room = sfu::RoomId(room.id().value() + 1);
    w.events.handle(levels);
    CHECK(w.failed.empty());
}

// Of whom the room knows nothing it cannot find anything either.
TEST_CASE("MediaEvents: what throws in an event ends its room and no other [ERR-04]") {
    World w;
    w.make("good");
    Participant stranger(w.scope, test_join("bad", "stranger"), w.placement.take("bad"));
    stranger.number = 1'000;
    sfu::PeerStateChanged state;
    state.peer = sfu::PeerId(1'001);
    state.state = sfu::PeerState::kConnected;
    sfu::QualityBatch batch;
    batch.peer = state.peer;
    for (const sfu::Event& event : {sfu::Event(state), sfu::Event(batch)}) {
        Room& bad = w.make("bad");
        w.media.peers[state.peer] = {&bad, &stranger, {}};
        CHECK_NOTHROW(w.events.handle(event));
        CHECK(w.rooms.find("bad") == nullptr);
        CHECK(w.media.peers.empty());
        CHECK_NOTHROW(w.events.handle(event));  // of nobody by now
    }
    CHECK(w.failed == std::vector<std::string>{"bad", "bad"});
    CHECK(w.rooms.take_failures().size() == 2);
    CHECK(w.rooms.find("good") != nullptr);
}

}  // namespace confab::room
