// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Receivers that lag, senders that are held back by them, and the way to other workers.
#include <doctest/doctest.h>

#include <algorithm>

#include "sfu/data/data_router_testing.h"

namespace confab::sfu {
namespace {

using test::DataRouters;
using test::text_packet;
using test::Texts;

constexpr std::size_t kMaxWindow = DataWindow::kMaxBytes;

struct Lagging : DataRouters {
    explicit Lagging(std::size_t workers = 1, WorkerIndex of_bob = 0)
        : DataRouters(workers),
          alice(join("alice")),
          bob(join("bob", of_bob)),
          carol(join("carol")) {
        if (workers > 1) spread({0, 1});
    }
    // Nothing more fits the connection.
    void fill(const DataMember& member) {
        connection(member).buffered = DataReceivers::kMaxUnacknowledged;
    }
    DataMember alice, bob, carol;
};

TEST_CASE("Data pressure: with kMaxUnacknowledged on the way a message waits [DC-20]") {
    Lagging room;
    room.connection(room.bob).buffered = DataReceivers::kMaxUnacknowledged - 1;
    room.say(room.alice, text_packet("one", 1));
    CHECK(room.heard(room.bob) == Texts{"one"});
    CHECK_FALSE(room.router().lagging());
    room.fill(room.bob);
    room.say(room.alice, text_packet("two", 2));
    CHECK(room.router().lagging());
    CHECK(room.heard(room.bob) == Texts{"one"});
    // Room alone does not let the next one overtake.
    room.connection(room.bob).buffered = 0;
    room.say(room.alice, text_packet("three", 3));
    CHECK(room.heard(room.bob) == Texts{"one"});
    room.acknowledge(room.bob);
    CHECK(room.heard(room.bob) == Texts{"one", "two", "three"});
    CHECK_FALSE(room.router().lagging());
    CHECK(room.heard(room.carol).size() == 3);
}

TEST_CASE("Data pressure: a queue that is full keeps the message, in both directions [DC-25]") {
    Lagging room;
    room.connection(room.bob).answer = sctp::SendStatus::kQueueFull;
    room.say(room.alice, text_packet("one", 1));
    room.acknowledge(room.bob);
    CHECK(room.router().lagging());
    CHECK(room.router().dropped() == 0);
    room.connection(room.bob).answer = sctp::SendStatus::kOk;
    room.acknowledge(room.bob);
    CHECK(room.heard(room.bob) == Texts{"one"});
    // One that can not be sent at all does not stop those behind it.
    room.fill(room.bob);
    room.say(room.alice, text_packet("two", 2));
    room.connection(room.bob).answer = sctp::SendStatus::kTooLarge;
    room.acknowledge(room.bob);
    CHECK(room.router().dropped() == 1);
    CHECK_FALSE(room.router().lagging());
}

TEST_CASE("Data pressure: a full window holds its sender back, and nobody else [SIG-122] [DC-20]") {
    Lagging room;
    room.fill(room.bob);
    std::size_t waiting = 0;
    while (room.may_send(room.alice)) {
        const Bytes packet = text_packet(std::string(1'000, '.'));
        room.say(room.alice, packet);
        waiting = room.connection(room.carol).sent.size() *
                  (room.connection(room.carol).sent[0].bytes.size() + DataMessage::kOverhead);
    }
    // By one message at most.
    CHECK(waiting >= kMaxWindow);
    CHECK(waiting < kMaxWindow + 1'200);
    CHECK(room.may_send(room.bob));
    CHECK(room.may_send(room.carol));
    CHECK(room.resumed().empty());
    room.acknowledge(room.bob);
    CHECK(room.resumed() == std::vector<PeerId>{room.alice.peer});
    CHECK(room.may_send(room.alice));
    CHECK(room.resumed().empty());  // told once
    CHECK(room.heard(room.bob) == room.heard(room.carol));
}

TEST_CASE("Data pressure: tiny messages cost memory too, so many fill a window [IMM-15]") {
    Lagging room;
    room.fill(room.bob);
    const std::size_t said = room.flood(room.alice, 0);
    CHECK(said <= kMaxWindow / DataMessage::kOverhead);
    CHECK(said > kMaxWindow / (DataMessage::kOverhead + 100));
}

TEST_CASE(
    "Data pressure: a message that waits for many counts once, until the last has it "
    "[SIG-122]") {
    Lagging room;
    room.fill(room.bob);
    const std::size_t alone = room.flood(room.alice, 1'000);
    room.acknowledge(room.bob);
    CHECK(room.resumed().size() == 1);
    room.fill(room.bob);
    room.fill(room.carol);
    CHECK(room.flood(room.alice, 1'000) == alone);
    room.acknowledge(room.bob);
    CHECK(room.resumed().empty());
    CHECK_FALSE(room.may_send(room.alice));
    room.acknowledge(room.carol);
    CHECK(room.resumed() == std::vector<PeerId>{room.alice.peer});
}

TEST_CASE("Data pressure: senders to one who lags take turns [DC-20]") {
    Lagging room;
    room.fill(room.bob);
    for (int i = 0; i < 5; ++i)
        room.say(room.alice, text_packet("a" + std::to_string(i)));
    for (int i = 0; i < 2; ++i)
        room.say(room.carol, text_packet("c" + std::to_string(i)));
    room.acknowledge(room.bob);
    CHECK(room.heard(room.bob) == Texts{"a0", "c0", "a1", "c1", "a2", "a3", "a4"});
}

TEST_CASE("Data pressure: as much as fits goes, the rest waits on [DC-20]") {
    Lagging room;
    room.connection(room.bob).keeps = true;
    room.fill(room.bob);
    const std::size_t said = room.flood(room.alice, 1'000);
    room.connection(room.bob).buffered = DataReceivers::kMaxUnacknowledged - 2'000;
    room.router().made_room(room.now, room.bob.peer);
    CHECK(room.heard(room.bob).size() == 2);
    CHECK(room.router().lagging());
    room.connection(room.bob).keeps = false;
    room.acknowledge(room.bob);
    CHECK(room.heard(room.bob).size() == said);
    // Its other connection has nothing to do with it.
    room.fill(room.bob);
    room.say(room.alice, text_packet("x"));
    room.connection(room.bob).buffered = 0;
    room.router().made_room(room.now, room.carol.peer);
    CHECK(room.heard(room.bob).size() == said);
}

// ---------------------------------------------------------------- laggards

// Bob, who stands still but for `octets` each `every`, while alice waits for him.
bool held_back_after(Duration time, std::size_t octets) {
    Lagging room;
    room.connection(room.bob).keeps = true;
    room.fill(room.bob);
    (void)room.flood(room.alice, 1'000);
    CHECK_FALSE(room.may_send(room.alice));
    // Messages of some 1 100 octets and what they cost beside: so many are taken early.
    room.connection(room.bob).buffered = DataReceivers::kMaxUnacknowledged - octets;
    room.run(time);
    room.fill(room.bob);
    (void)room.flood(room.alice, 1'000, 1'000);
    return !room.may_send(room.alice);
}

TEST_CASE(
    "Data pressure: next to nothing in kPatience holds nobody back any more [SIG-122] "
    "[DC-25]") {
    const Duration early = DataReceivers::kPatience - Duration::millis(1);
    CHECK(held_back_after(early, 0));
    CHECK_FALSE(held_back_after(DataReceivers::kPatience, 0));
    CHECK_FALSE(held_back_after(DataReceivers::kPatience, DataReceivers::kMinTaken / 2));
    CHECK(held_back_after(DataReceivers::kPatience, DataReceivers::kMinTaken));
}

TEST_CASE(
    "Data pressure: what waits for one who stands still is kept up to kMaxOwnBytes "
    "[DC-25] [IMM-15]") {
    Lagging room;
    room.fill(room.bob);
    (void)room.flood(room.alice, 1'000);
    room.run(DataReceivers::kPatience);
    CHECK(room.resumed() == std::vector<PeerId>{room.alice.peer});
    CHECK(room.router().dropped() == 0);  // what waited waits on
    constexpr std::size_t kMessages = 6'000;
    CHECK(room.flood(room.alice, 1'000, kMessages) == kMessages);
    CHECK(room.router().dropped() > 0);
    const std::size_t dropped = room.router().dropped();
    room.acknowledge(room.bob);
    const std::size_t got = room.heard(room.bob).size();
    CHECK(got + dropped == room.heard(room.carol).size());
    const std::size_t each = room.connection(room.carol).sent.back().bytes.size();
    CHECK(got * (each + DataMessage::kOverhead) > DataReceivers::kMaxOwnBytes - 2'000);
    CHECK(got * each < DataReceivers::kMaxOwnBytes + kMaxWindow);
    // The newest are lost, and none overtakes another.
    const Texts of_bob = room.heard(room.bob), of_carol = room.heard(room.carol);
    CHECK(std::equal(of_bob.begin(), of_bob.end(), of_carol.begin()));
}

constexpr std::size_t kMore = 2 * kMaxWindow / 1'000;  // messages, more than a window

TEST_CASE("Data pressure: who was slow holds nobody back for kPenalty, then again [DC-25]") {
    Lagging room;
    room.fill(room.bob);
    (void)room.flood(room.alice, 1'000);
    room.run(DataReceivers::kPatience);
    room.acknowledge(room.bob);
    CHECK_FALSE(room.router().lagging());
    room.run(DataReceivers::kPenalty - Duration::millis(1));
    room.fill(room.bob);
    CHECK(room.flood(room.alice, 1'000, kMore) == kMore);
    room.acknowledge(room.bob);
    room.run(Duration::millis(1));
    room.fill(room.bob);
    CHECK(room.flood(room.alice, 1'000, kMore) < kMore);
}

TEST_CASE(
    "Data pressure: who was slow stays so while anything waits, so nothing is overtaken "
    "[DC-25] [SIG-121]") {
    Lagging room;
    room.fill(room.bob);
    (void)room.flood(room.alice, 1'000);
    room.run(DataReceivers::kPatience);
    (void)room.resumed();
    (void)room.flood(room.alice, 1'000, 4 * kMore);
    // It takes enough not to be slow anew, and never all.
    room.connection(room.bob).keeps = true;
    for (Duration passed; passed <= DataReceivers::kPenalty;
         passed = passed + DataReceivers::kPatience) {
        room.connection(room.bob).buffered =
            DataReceivers::kMaxUnacknowledged - DataReceivers::kMinTaken * 5 / 4;
        room.router().made_room(room.now, room.bob.peer);
        room.run(DataReceivers::kPatience);
    }
    REQUIRE(room.router().lagging());
    CHECK(room.flood(room.alice, 1'000, kMore) == kMore);
    room.connection(room.bob).keeps = false;
    room.acknowledge(room.bob);
    CHECK(room.heard(room.bob) == room.heard(room.carol));
}

TEST_CASE(
    "Data pressure: the API can not be held back: kMaxOwnBytes wait, more is dropped "
    "[SIG-123] [IMM-15]") {
    Lagging room;
    room.fill(room.bob);
    const std::size_t each = text_packet(std::string(10'000, 'x')).size() + DataMessage::kOverhead;
    const std::size_t fit = DataReceivers::kMaxOwnBytes / each + 1;
    for (std::size_t i = 0; i < fit + 3; ++i)
        room.command(0,
                     SendData{RoomId(1), false, text_packet(std::string(10'000, 'x')), {}, {}, {}});
    CHECK(room.router().dropped() == 3);
    CHECK(room.heard(room.carol).size() == fit + 3);
    CHECK(room.may_send(room.alice));
    room.acknowledge(room.bob);
    CHECK(room.heard(room.bob).size() == fit);
}

// ---------------------------------------------------------------- ends

TEST_CASE("Data pressure: a receiver that goes lets its senders go on [SIG-122] [IMM-15]") {
    for (const bool only_connection : {true, false}) {
        Lagging room;
        room.fill(room.bob);
        const std::size_t said = room.flood(room.alice, 1'000);
        if (only_connection)
            room.router().closed(room.bob.peer);
        else
            room.leave(room.bob);
        CHECK(room.router().dropped() == said);
        CHECK_FALSE(room.router().lagging());
        CHECK(room.resumed() == std::vector<PeerId>{room.alice.peer});
    }
}

TEST_CASE("Data pressure: what a sender said before it left still comes [IMM-15] [SIG-121]") {
    Lagging room;
    room.fill(room.bob);
    const std::size_t said = room.flood(room.alice, 1'000);
    room.leave(room.alice);
    room.router().closed(room.alice.peer);
    CHECK(room.heard(room.bob).empty());
    room.acknowledge(room.bob);
    CHECK(room.heard(room.bob).size() == said);
    CHECK(room.resumed().empty());
    // The others leave with something waiting for each other.
    room.fill(room.bob);
    room.say(room.carol, text_packet("x"));
    room.leave(room.carol);
    room.leave(room.bob);
    CHECK(room.router().rooms().size() == 0);
    CHECK_FALSE(room.router().lagging());
}

// ---------------------------------------------------------------- other workers

TEST_CASE(
    "Data pressure: what another worker has not taken fills the window too [DES-41] "
    "[DC-20]") {
    Lagging room(2, 1);
    room.fill(room.bob);
    (void)room.flood(room.alice, 1'000);
    room.exchange();
    CHECK_FALSE(room.may_send(room.alice));
    CHECK(room.may_send(room.carol));
    CHECK(room.resumed().empty());
    room.acknowledge(room.bob);
    room.exchange();
    CHECK(room.resumed() == std::vector<PeerId>{room.alice.peer});
    CHECK(room.heard(room.bob) == room.heard(room.carol));
}

TEST_CASE(
    "Data pressure: a message that nobody there is to have opens the window again "
    "[DES-41]") {
    Lagging room(2, 1);
    for (int i = 0; i < 2'000; ++i) {
        REQUIRE(room.may_send(room.alice));
        room.say(room.alice, text_packet(std::string(1'000, '.'), 0, "carol"));
        room.exchange();
        (void)room.resumed();
    }
    CHECK(room.heard(room.bob).empty());
    CHECK(room.heard(room.carol).size() == 2'000);
}

TEST_CASE("Data pressure: messages for a room that is gone there come back as taken [DES-41]") {
    Lagging room(2, 1);
    (void)room.flood(room.alice, 1'000);
    CHECK_FALSE(room.may_send(room.alice));
    room.leave(room.bob);
    room.exchange();
    CHECK(room.resumed() == std::vector<PeerId>{room.alice.peer});
    // Lossy ones never counted.
    room.say(room.alice, text_packet("x"), DataChannel::kLossy);
    room.exchange();
    CHECK(room.may_send(room.alice));
}

TEST_CASE("Data pressure: a worker that has nobody any more holds nobody back [DES-41]") {
    Lagging room(2, 1);
    room.port(0).ring_room = 0;
    (void)room.flood(room.alice, 1'000);
    CHECK_FALSE(room.may_send(room.alice));
    room.command(0, DataWorkers{RoomId(1), {0}});
    CHECK(room.resumed() == std::vector<PeerId>{room.alice.peer});
    CHECK(room.say(room.alice, text_packet("x")) == 2);
}

TEST_CASE(
    "Data pressure: a ring far behind holds back who sends there, not other rooms "
    "[DES-41] [IMM-15]") {
    Lagging room(2, 1);
    room.port(0).ring_room = 0;
    // Eight senders, of whom none fills its own window.
    const std::string large(60'000, '.');
    std::vector<DataMember> others;
    others.reserve(8);
    for (int i = 0; i < 8; ++i)
        others.push_back(room.join("s" + std::to_string(i)));
    std::size_t said = 0;
    for (const DataMember& other : others)
        for (int i = 0; i < 3 && room.may_send(other); ++i, ++said)
            room.say(other, text_packet(large));
    CHECK(said * 60'000 >= DataLinks::kMaxBytes);
    CHECK((said - 1) * 60'000 < DataLinks::kMaxBytes);
    CHECK_FALSE(room.may_send(room.alice));
    // Lossy packets are not kept there.
    CHECK(room.router().dropped() == 0);
    room.say(room.alice, text_packet("x"), DataChannel::kLossy);
    CHECK(room.router().dropped() == 1);
    DataMember elsewhere;
    elsewhere.room = RoomId(2);
    elsewhere.member = MemberId(500);
    elsewhere.peer = PeerId(500);
    elsewhere.may_publish = true;
    room.places[elsewhere.member] = 0;
    room.tell(elsewhere);
    CHECK(room.may_send(elsewhere));
    room.port(0).ring_room = 1'000'000;
    room.exchange();
    const auto resumed = room.resumed();
    CHECK(std::find(resumed.begin(), resumed.end(), room.alice.peer) != resumed.end());
    CHECK(room.heard(room.bob).size() == said);
}

TEST_CASE(
    "Data pressure: senders elsewhere that are idle are forgotten, and told what was taken "
    "[DES-41] [IMM-15]") {
    Lagging room(2, 1);
    for (std::size_t i = 0; i <= RemoteSenders::kMaxIdle; ++i) {
        const DataMember other = room.join("s" + std::to_string(i));
        room.say(other, text_packet("x"));
    }
    room.say(room.alice, text_packet("last"));
    (void)room.router(0).flush_links();
    for (const Bytes& piece : std::exchange(room.port(0).pieces[1], {}))
        room.router(1).handle_link(room.now, 0, piece);
    CHECK(room.heard(room.bob).size() == RemoteSenders::kMaxIdle + 2);
    // Nobody had taken a quarter of a window.
    (void)room.router(1).flush_links();
    LinkStream back;
    for (const Bytes& piece : room.port(1).pieces[0])
        back.receive(piece);
    std::size_t told = 0;
    while (const auto record = back.next_record())
        told += std::holds_alternative<LinkedTaken>(parse_link_record(*record).value()) ? 1U : 0U;
    CHECK(told == RemoteSenders::kMaxIdle);
}

}  // namespace
}  // namespace confab::sfu
