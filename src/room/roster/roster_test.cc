// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Roster and RoomNews by themselves: no connections, no tracks.
#include "room/roster/roster.h"

#include <doctest/doctest.h>

#include "room/roster/part_testing.h"
#include "room/roster/room_news.h"

namespace confab::room {
namespace {

struct World : testing::PartWorld {
    World() {
        livekit::Room info;
        info.set_name("r");
        news.set_room(info, "r");
    }
    RoomNews news{scope, roster};
};

}  // namespace

TEST_CASE("Roster: found by identity, sid and number until it goes; stays until the turn ends") {
    World w;
    Participant& alice = w.join("alice", 1);
    const std::uint64_t number = alice.number;
    CHECK(w.roster.find("alice") == &alice);
    CHECK(w.roster.find_sid(alice.sid()) == &alice);
    CHECK(w.roster.find_number(number) == &alice);
    w.roster.remove(alice);
    CHECK(alice.identity() == "alice");
    CHECK(w.roster.find("alice") == nullptr);
    CHECK(w.roster.find_number(number) == nullptr);
    w.roster.finish_turn([](const Participant&) { return Timestamp::never(); });
    CHECK(w.roster.empty());
}

TEST_CASE("Roster: who is present keeps the room, by what each is now [ROOM-05] [SIG-138]") {
    World w;
    CHECK(w.roster.end_deadline() == Timestamp() + Duration::seconds(300));
    Participant& alice = w.join("alice", 1);
    CHECK(w.roster.end_deadline().is_never());
    CHECK(w.roster.heads().present() == 1);
    w.at(5'000);
    alice.info.mutable_permission()->set_recorder(true);
    w.roster.count(alice);
    CHECK(w.roster.heads().present() == 0);
    CHECK(w.roster.heads().recorders() == 1);
    CHECK(w.roster.end_deadline() == Timestamp() + Duration::seconds(25));
    w.at(9'000);
    w.roster.remove(alice);
    CHECK(w.roster.end_deadline() == Timestamp() + Duration::seconds(29));
    CHECK(w.roster.heads().recorders() == 0);
}

TEST_CASE("Roster: deadlines of those who were touched, of nobody who went") {
    World w;
    Participant& alice = w.join("alice", 1);
    Participant& bob = w.join("bob", 2);
    const auto in = [&](std::int64_t ms) {
        return [=](const Participant&) { return Timestamp() + Duration::millis(ms); };
    };
    w.roster.finish_turn(in(10));
    CHECK(w.roster.next_deadline() == Timestamp() + Duration::millis(10));
    w.roster.touch(bob);
    w.roster.touch(bob);
    w.roster.finish_turn(in(20));
    CHECK(w.roster.take_due(Timestamp() + Duration::millis(10)) ==
          std::vector<std::uint64_t>{alice.number});
    w.roster.touch(bob);
    w.roster.remove(bob);
    w.roster.finish_turn(in(30));
    CHECK(w.roster.next_deadline().is_never());
}

TEST_CASE("RoomNews: everybody hears of the room in one effect, who is away does not [SIG-136]") {
    World w;
    (void)w.join("alice", 1);
    (void)w.join("bob", 2);
    w.join("carol", 3).signal.lost();
    w.news.set_metadata("m");
    const auto effects = w.take();
    REQUIRE(effects.size() == 1);
    const auto& told = std::get<Broadcast>(effects[0]);
    CHECK(told.sessions == std::vector<SessionId>{SessionId(1), SessionId(2)});
    CHECK(told.response.room_update().room().metadata() == "m");
    CHECK(w.news.snapshot().num_participants() == 3);
    CHECK(w.news.info().num_participants() == 0);
}

TEST_CASE("RoomNews: counts at most every five seconds, and only changes [SIG-136] [ROOM-10]") {
    World w;
    (void)w.join("alice", 1);
    w.news.counts_changed();
    CHECK(w.take().empty());
    CHECK(w.news.next_deadline() == Timestamp() + Duration::seconds(5));
    w.at(5'000);
    w.news.handle_timeout(w.clock.now);
    CHECK(w.take().size() == 1);
    CHECK(w.news.told().num_participants() == 1);
    w.at(11'000);
    w.news.counts_changed();
    CHECK(w.take().empty());
    CHECK(w.news.next_deadline().is_never());
}

TEST_CASE(
    "RoomNews: a hidden participant is told to itself alone, at once or in a batch [SIG-132]") {
    World w;
    (void)w.join("alice", 1);
    Participant& ghost = w.join("ghost", 2);
    ghost.info.mutable_permission()->set_hidden(true);
    w.news.participant_changed(ghost.info, true);
    auto effects = w.take();
    REQUIRE(effects.size() == 1);
    CHECK(std::get<SendSignal>(effects[0]).session == SessionId(2));
    ghost.info.set_version(2);
    w.news.participant_changed(ghost.info, false);
    w.at(3'000);
    w.news.handle_timeout(w.clock.now);
    CHECK(w.take().empty());
}

TEST_CASE("Roster: who comes from a roster that ended in its turn has a deadline here [API-12]") {
    World w;
    Roster other(w.scope, 300, 20);
    Participant& alice = w.join("alice", 1);
    w.roster.touch(alice);
    auto taken = w.roster.take(alice);
    REQUIRE(taken->touched);  // the end of the turn never comes
    Participant& here = other.add(std::move(taken));
    other.finish_turn([](const Participant&) { return Timestamp() + Duration::seconds(7); });
    CHECK(other.next_deadline() == Timestamp() + Duration::seconds(7));
    other.remove(here);
    other.finish_turn([](const Participant&) { return Timestamp::never(); });
}

}  // namespace confab::room
