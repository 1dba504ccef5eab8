// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/pressure/data_receivers.h"

#include <algorithm>

#include "sfu/data/data_rooms.h"
#include "sfu/data/data_router_testing.h"

namespace confab::sfu {
namespace {

using test::DataConnection;
using test::Texts;

constexpr std::size_t kFull = DataReceivers::kMaxUnacknowledged;

// Members of one room whose connections are counters.
struct Hall {
    DataRoomMember& join(const std::string& identity) {
        DataMember info;
        info.room = RoomId(1);
        info.member = MemberId(++joined);
        info.peer = PeerId(joined);
        info.identity = identity;
        info.sid = "PA_" + identity;
        DataRoomMember& m = rooms.put(info);
        if (!m.room->own) m.room->own = windows.add(m.room->id, {});
        m.window = windows.add(m.room->id, m.info.member);
        return m;
    }
    DataRoomMember& join_ready(const std::string& identity) {
        DataRoomMember& m = join(identity);
        receivers.note_state(now, m);
        return m;
    }
    DataConnection& connection(const DataRoomMember& m) { return port.connections[m.info.peer]; }
    DataMessage message(const DataRoomMember& from, const std::string& text,
                        std::uint32_t sequence = 0) {
        DataMessage message;
        message.sender = from.info.member;
        message.sender_sid = from.info.sid;
        message.kind = DataKind::kUser;
        message.sequence = sequence;
        message.payload = sctp::SharedBytes(to_vector(as_bytes(text)));
        if (sequence > 0) from.room->memory.remember(now, message);
        return message;
    }
    void give(DataRoomMember& to, const DataMessage& message, WindowId window) {
        PendingId pending;
        receivers.give(now, to, message, window, pending);
    }
    void give(DataRoomMember& to, DataRoomMember& from, const std::string& text,
              std::uint32_t sequence = 0) {
        give(to, message(from, text, sequence), from.window);
    }
    // Of `octets`, with what a message costs beside them.
    void give_octets(DataRoomMember& to, DataRoomMember& from, std::size_t octets) {
        give(to, from, std::string(octets - DataMessage::kOverhead, '.'));
    }
    Texts heard(const DataRoomMember& m) {
        Texts texts;
        for (const DataConnection::Sent& sent : connection(m).sent)
            texts.push_back(sent.bytes);
        return texts;
    }
    void acknowledge(DataRoomMember& m) {
        connection(m).buffered = 0;
        receivers.made_room(now, m);
    }
    std::size_t waiting(WindowId window) { return windows.at(window).waiting; }

    Timestamp now = Timestamp::micros(1'000'000);
    std::uint64_t joined = 0;
    test::DataPortTwin port;
    DataLinks links{1};
    DataWindows windows{links};
    DataReceivers receivers{port, windows};
    DataRooms rooms;
};

// ---------------------------------------------------------------- channels that open

TEST_CASE(
    "DataReceivers: ready with a connection and the reliable channel, then once "
    "[DC-09] [SIG-137]") {
    Hall hall;
    DataRoomMember& ann = hall.join_ready("ann");
    DataRoomMember& bob = hall.join("bob");
    DataConnection& connection = hall.connection(bob);
    connection.connected = false;
    connection.channels.clear();
    const auto look = [&] {
        hall.receivers.note_state(hall.now, bob);
        return std::pair(bob.active, bob.receiver.ready);
    };
    hall.give(bob, ann, "one", 1);
    hall.give(bob, ann, "x");
    hall.give(bob, ann, "two", 2);
    CHECK(look() == std::pair(false, false));
    connection.channels = {DataChannel::kReliable, DataChannel::kLossy};
    CHECK(look() == std::pair(false, false));
    connection.connected = true;
    connection.channels = {DataChannel::kLossy};
    CHECK(look() == std::pair(true, false));
    CHECK(hall.heard(bob).empty());
    connection.channels = {DataChannel::kReliable};
    CHECK(look() == std::pair(true, true));
    CHECK(hall.heard(bob) == Texts{"one", "two", "x"});
    CHECK(look() == std::pair(true, true));
    CHECK(hall.heard(bob).size() == 3);
    CHECK(hall.receivers.dropped() == 0);
}

TEST_CASE("DataReceivers: what is missed and does not fit is dropped and counted [SIG-121]") {
    Hall hall;
    DataRoomMember& ann = hall.join_ready("ann");
    DataRoomMember& bob = hall.join("bob");
    for (std::size_t i = 0; i < HeldData::kMaxMessages + 3; ++i)
        hall.give(bob, ann, "x");
    CHECK(hall.receivers.dropped() == 3);
    hall.receivers.note_state(hall.now, bob);
    CHECK(hall.heard(bob).size() == HeldData::kMaxMessages);
}

TEST_CASE("DataReceivers: lossy messages never wait, for nobody and nothing [SIG-120] [DC-02]") {
    Hall hall;
    DataRoomMember& ann = hall.join_ready("ann");
    DataRoomMember& bob = hall.join("bob");
    DataMessage lossy = hall.message(ann, "lossy");
    lossy.lossy = true;
    hall.give(bob, lossy, ann.window);  // not there yet: no loss that counts
    CHECK(hall.receivers.dropped() == 0);
    hall.receivers.note_state(hall.now, bob);
    CHECK(hall.heard(bob).empty());
    hall.connection(bob).buffered = kFull;
    hall.give(bob, ann, "waits");
    hall.give(bob, lossy, ann.window);  // overtakes what waits
    CHECK(hall.heard(bob) == Texts{"lossy"});
    hall.connection(bob).answer = sctp::SendStatus::kQueueFull;
    hall.give(bob, lossy, ann.window);
    CHECK(hall.receivers.dropped() == 1);
}

// ---------------------------------------------------------------- receivers that lag

TEST_CASE("DataReceivers: with kMaxUnacknowledged on its way the next one waits [DC-20]") {
    for (const std::size_t buffered : {kFull - 1, kFull, kFull + 1}) {
        Hall hall;
        DataRoomMember& ann = hall.join_ready("ann");
        DataRoomMember& bob = hall.join_ready("bob");
        hall.connection(bob).buffered = buffered;
        hall.give_octets(bob, ann, 1'000);
        CHECK(hall.receivers.lagging() == (buffered >= kFull));
        CHECK(hall.waiting(ann.window) == (buffered >= kFull ? 1'000 : 0));
        // What waits is tried against the same limit.
        hall.receivers.made_room(hall.now, bob);
        CHECK(hall.receivers.lagging() == (buffered >= kFull));
    }
}

TEST_CASE("DataReceivers: what can not be sent at all is dropped, what has no room is not") {
    Hall hall;
    DataRoomMember& ann = hall.join_ready("ann");
    DataRoomMember& bob = hall.join_ready("bob");
    hall.connection(bob).answer = sctp::SendStatus::kClosed;
    hall.give(bob, ann, "lost");
    CHECK(hall.receivers.dropped() == 1);
    hall.connection(bob).answer = sctp::SendStatus::kQueueFull;
    hall.give(bob, ann, "kept");
    hall.give(bob, ann, "kept too");
    CHECK(hall.receivers.dropped() == 1);
    hall.connection(bob).answer = sctp::SendStatus::kClosed;
    hall.receivers.made_room(hall.now, bob);
    CHECK(hall.receivers.dropped() == 3);
    CHECK(bob.receiver.taken == 0);  // nothing of it was taken
    CHECK_FALSE(hall.receivers.lagging());
    CHECK(hall.waiting(ann.window) == 0);
}

TEST_CASE("DataReceivers: who lags is looked at each kTick, nobody when nobody does [DC-25]") {
    Hall hall;
    DataRoomMember& ann = hall.join_ready("ann");
    DataRoomMember& bob = hall.join_ready("bob");
    DataRoomMember& eve = hall.join_ready("eve");
    CHECK(hall.receivers.next_deadline().is_never());
    hall.connection(bob).buffered = kFull;
    hall.give(bob, ann, "waits");
    const Timestamp tick = hall.now + DataReceivers::kTick;
    CHECK(hall.receivers.next_deadline() == tick);
    hall.now = hall.now + Duration::millis(100);
    hall.connection(eve).buffered = kFull;
    hall.give(eve, ann, "waits too");  // does not put it off
    CHECK(hall.receivers.next_deadline() == tick);
    CHECK(hall.receivers.take_due(tick - Duration::micros(1)).empty());
    CHECK(hall.receivers.take_due(tick) == std::vector<DataRoomMember*>{&bob, &eve});
    CHECK(hall.receivers.take_due(tick).empty());
    CHECK(hall.receivers.next_deadline() == tick + DataReceivers::kTick);
    hall.acknowledge(bob);
    hall.acknowledge(eve);
    CHECK(hall.receivers.take_due(tick + DataReceivers::kTick).empty());
    CHECK(hall.receivers.next_deadline().is_never());
}

// Whether ann is held back by bob, who took `octets` in `time`.
bool held_back(Duration time, std::size_t octets) {
    Hall hall;
    DataRoomMember& ann = hall.join_ready("ann");
    DataRoomMember& bob = hall.join_ready("bob");
    hall.connection(bob).buffered = kFull;
    if (octets > 0) hall.give_octets(bob, ann, octets);
    hall.give_octets(bob, ann, 1'000);
    hall.connection(bob).keeps = true;
    hall.connection(bob).buffered = kFull - 1;  // for one message
    if (octets > 0) hall.receivers.made_room(hall.now, bob);
    hall.connection(bob).buffered = kFull;
    hall.now = hall.now + time;
    hall.receivers.judge(hall.now, bob);
    CHECK(hall.receivers.lagging());
    CHECK(hall.waiting(bob.room->own) + hall.waiting(ann.window) == 1'000);
    return hall.waiting(ann.window) > 0;
}

TEST_CASE("DataReceivers: kMinTaken in kPatience keeps its senders held back, less not [DC-25]") {
    constexpr Duration kSoon = DataReceivers::kPatience - Duration::micros(1);
    constexpr std::size_t kEnough = DataReceivers::kMinTaken;
    CHECK(held_back(kSoon, 0));
    CHECK_FALSE(held_back(DataReceivers::kPatience, 0));
    CHECK_FALSE(held_back(DataReceivers::kPatience, kEnough - 1));
    CHECK(held_back(DataReceivers::kPatience, kEnough));
}

TEST_CASE("DataReceivers: what one set aside holds counts for the room, in its order [DC-25]") {
    Hall hall;
    DataRoomMember& ann = hall.join_ready("ann");
    DataRoomMember& bob = hall.join_ready("bob");
    DataRoomMember& eve = hall.join_ready("eve");
    hall.connection(bob).buffered = kFull;
    for (int i = 0; i < 3; ++i)
        hall.give(bob, ann, "a" + std::to_string(i));
    hall.give(bob, eve, "e0");
    hall.now = hall.now + DataReceivers::kPatience;
    hall.receivers.judge(hall.now, bob);
    CHECK(hall.waiting(ann.window) == 0);
    CHECK(hall.waiting(eve.window) == 0);
    CHECK(hall.waiting(bob.room->own) > 0);
    CHECK(hall.receivers.dropped() == 0);
    hall.give(bob, ann, "a3");
    CHECK(hall.waiting(ann.window) == 0);
    // Judged again it stays where it is.
    hall.now = hall.now + DataReceivers::kPatience;
    hall.receivers.judge(hall.now, bob);
    hall.acknowledge(bob);
    CHECK(hall.heard(bob) == Texts{"a0", "e0", "a1", "a2", "a3"});
    CHECK(hall.waiting(bob.room->own) == 0);
}

TEST_CASE("DataReceivers: for the room kMaxOwnBytes wait, and one message [DC-25] [IMM-15]") {
    Hall hall;
    DataRoomMember& bob = hall.join_ready("bob");
    hall.connection(bob).buffered = kFull;
    const WindowId own = bob.room->own;
    constexpr std::size_t kEach = 64 * 1024;
    constexpr std::size_t kFit = DataReceivers::kMaxOwnBytes / kEach;
    const DataMessage message = hall.message(bob, std::string(kEach - DataMessage::kOverhead, '.'));
    for (std::size_t i = 0; i < kFit; ++i)
        hall.give(bob, message, own);
    CHECK(hall.waiting(own) == DataReceivers::kMaxOwnBytes);
    CHECK(hall.receivers.dropped() == 0);
    hall.give(bob, message, own);
    CHECK(hall.receivers.dropped() == 0);
    hall.give(bob, message, own);
    CHECK(hall.receivers.dropped() == 1);
    hall.acknowledge(bob);
    CHECK(hall.heard(bob).size() == kFit + 1);
}

// ---------------------------------------------------------------- ends

TEST_CASE("DataReceivers: a receiver that goes drops what waits, each counted [IMM-15]") {
    Hall hall;
    DataRoomMember& ann = hall.join_ready("ann");
    DataRoomMember& bob = hall.join_ready("bob");
    hall.connection(bob).buffered = kFull;
    for (int i = 0; i < 5; ++i)
        hall.give(bob, ann, "x");
    hall.receivers.drop_backlog(bob);
    CHECK(hall.receivers.dropped() == 5);
    CHECK_FALSE(hall.receivers.lagging());
    CHECK(hall.waiting(ann.window) == 0);
    hall.receivers.drop_backlog(bob);
    CHECK(hall.receivers.dropped() == 5);
}

TEST_CASE("DataReceivers: too much of senders who went: that sender's is dropped [SIG-122]") {
    Hall hall;
    DataRoomMember& ann = hall.join_ready("ann");
    DataRoomMember& eve = hall.join_ready("eve");
    DataRoomMember& bob = hall.join_ready("bob");
    DataRoomMember& cat = hall.join_ready("cat");
    for (DataRoomMember* m : {&bob, &cat})
        hall.connection(*m).buffered = kFull;
    const std::size_t most = DataWindows::kMaxLeftBytes;
    hall.give_octets(bob, ann, most);
    hall.give_octets(cat, eve, 1'000);
    hall.give(bob, eve, "of eve");
    const WindowId anns = ann.window;
    hall.receivers.leave_behind(*bob.room, anns);  // the most that may wait
    CHECK(hall.receivers.dropped() == 0);
    CHECK(hall.waiting(anns) == most);
    hall.receivers.leave_behind(*bob.room, eve.window);
    CHECK(hall.receivers.dropped() == 2);
    hall.acknowledge(bob);
    hall.acknowledge(cat);
    CHECK_FALSE(hall.receivers.lagging());
    CHECK(hall.heard(bob).size() == 1);
    CHECK(hall.heard(cat).empty());
}

}  // namespace
}  // namespace confab::sfu
