// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A participant that is seen in a second room: what it says to everybody is heard there, too.
#include <doctest/doctest.h>

#include "sfu/data/data_router_testing.h"

namespace confab::sfu {
namespace {

using test::DataConnection;
using test::DataRouters;
using test::text_in;
using test::text_packet;
using test::Texts;

constexpr RoomId kHall{2};

// alice is in room 1 and seen in the hall, where bob is.
struct World : DataRouters {
    explicit World(std::size_t workers = 1, WorkerIndex bob_at = 0)
        : DataRouters(workers), alice(join("alice")), bob(join_hall("bob", bob_at)) {
        copy = alice;
        copy.room = kHall;
        copy.member = MemberId(++joined);
        copy.peer = copy.other = PeerId();
        copy.sid = "PA_copy";
        copy.elsewhere = DataPlace{RoomId(1), alice.member};
        tell_copy();
        spread_hall();
    }
    DataMember join_hall(const std::string& identity, WorkerIndex at = 0) {
        DataMember member;
        member.room = kHall;
        member.peer = next_peer();
        member.member = MemberId(++joined);
        member.identity = identity;
        member.sid = "PA_" + identity;
        member.may_publish = true;
        places[member.member] = at;
        tell(member);
        return member;
    }
    void spread_hall() {
        std::vector<WorkerIndex> all;
        all.reserve(routers.size());
        for (std::size_t i = 0; i < routers.size(); ++i)
            all.push_back(static_cast<WorkerIndex>(i));
        for (const WorkerIndex worker : all)
            command(worker, DataWorkers{kHall, all});
    }
    void tell_copy() {
        places[copy.member] = 0;
        tell(copy);
    }
    void end_copy() { command(0, DataMemberGone{kHall, copy.member}); }

    DataMember alice;
    DataMember bob;
    DataMember copy;
};

}  // namespace

TEST_CASE("DataRouter: what a forwarded participant says is heard in both rooms [API-11]") {
    for (const std::size_t workers : {1U, 2U}) {
        World w(workers, static_cast<WorkerIndex>(workers - 1));
        const DataMember carol = w.join("carol");
        (void)w.say(w.alice, text_packet("hello"));
        (void)w.say(w.alice, text_packet("lossy"), DataChannel::kLossy);
        w.exchange();
        CHECK(w.heard(carol) == Texts{"hello", "lossy"});
        CHECK(w.heard(w.bob) == Texts{"hello", "lossy"});
        // From whom it is, is said as each room knows it.
        const std::string& here = w.connection(carol).sent[0].bytes;
        const std::string& there = w.connection(w.bob).sent[0].bytes;
        CHECK(here.find("PA_alice") != std::string::npos);
        CHECK(there.find("PA_copy") != std::string::npos);
        CHECK(there.find("PA_alice") == std::string::npos);
        CHECK(w.router().dropped() == 0);
    }
}

TEST_CASE("DataRouter: what is for some, and what is said there, stays in its room [API-11]") {
    World w;
    const DataMember other_bob = w.join("bob");
    (void)w.say(w.alice, text_packet("for bob", 0, "bob"));
    CHECK(w.heard(other_bob) == Texts{"for bob"});
    CHECK(w.heard(w.bob).empty());
    // To the copy nothing goes, by name or with everybody.
    (void)w.say(w.bob, text_packet("to all"));
    (void)w.say(w.bob, text_packet("to alice", 0, "alice"));
    CHECK(w.heard(w.alice).empty());
    CHECK(w.heard(other_bob) == Texts{"for bob"});
    CHECK(w.router().dropped() == 0);
}

TEST_CASE(
    "DataRouter: frames of a data track flow where its publisher is seen [API-11] [SIG-125]") {
    World w;
    w.command(0, AddDataTrack{RoomId(1), w.alice.member, 7, DataTrackId(70)});
    w.command(0, AddDataTrack{kHall, w.copy.member, 7, DataTrackId(71)});
    w.command(0, FlowDataTrack{kHall, w.bob.member, DataTrackId(71), 9});
    Bytes frame(20, 0);
    frame[3] = 7;
    (void)w.say(w.alice, frame, DataChannel::kDataTrack);
    REQUIRE(w.connection(w.bob).sent.size() == 1);
    CHECK(w.connection(w.bob).sent[0].channel == DataChannel::kDataTrack);
    CHECK(w.connection(w.bob).sent[0].bytes[3] == 9);
    w.command(0, RemoveDataTrack{kHall, w.copy.member, 7});
    (void)w.say(w.alice, frame, DataChannel::kDataTrack);
    CHECK(w.connection(w.bob).sent.size() == 1);
}

TEST_CASE("DataRouter: who lags in the second room holds the sender back, too [API-11] [DC-20]") {
    World w;
    w.connection(w.bob).keeps = true;
    const std::size_t said = w.flood(w.alice, 1'000);
    CHECK(said > 10);
    CHECK(said < 100'000);
    CHECK_FALSE(w.may_send(w.alice));
    w.connection(w.bob).keeps = false;
    for (int i = 0; i < 1'000 && !w.may_send(w.alice); ++i)
        w.acknowledge(w.bob);
    CHECK(w.may_send(w.alice));
    CHECK(w.resumed() == std::vector<PeerId>{w.alice.peer});
    // Nobody waits for a room that does not see it any more.
    w.connection(w.bob).keeps = true;
    (void)w.flood(w.alice, 1'000);
    CHECK_FALSE(w.may_send(w.alice));
    w.end_copy();
    CHECK(w.may_send(w.alice));
}

TEST_CASE("DataRouter: a copy ends, or is left behind, without a trace [API-11]") {
    World w;
    SUBCASE("the copy ends") {
        w.end_copy();
        (void)w.say(w.alice, text_packet("alone"));
        CHECK(w.heard(w.bob).empty());
    }
    SUBCASE("the participant goes first") {
        w.leave(w.alice);
        (void)w.say(w.alice, text_packet("gone"));
        CHECK(w.heard(w.bob).empty());
        w.end_copy();
        w.command(0, DataMemberGone{kHall, w.bob.member});
        CHECK(w.router().rooms().size() == 0);
    }
    SUBCASE("what is told of it again changes nothing") {
        w.tell_copy();
        w.tell_copy();
        (void)w.say(w.alice, text_packet("once"));
        CHECK(w.heard(w.bob) == Texts{"once"});
    }
    SUBCASE("a copy of nobody, and a copy of a copy, hear and say nothing") {
        DataMember second = w.copy;
        second.room = RoomId(3);
        second.member = MemberId(100);
        second.elsewhere = DataPlace{kHall, w.copy.member};
        w.places[second.member] = 0;
        w.tell(second);
        second.member = MemberId(101);
        second.elsewhere = DataPlace{RoomId(9), MemberId(9)};
        w.places[second.member] = 0;
        w.tell(second);
        (void)w.say(w.alice, text_packet("hello"));
        CHECK(w.heard(w.bob) == Texts{"hello"});
        CHECK(w.router().dropped() == 0);
    }
}

}  // namespace confab::sfu
