// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/data_rooms.h"

#include <doctest/doctest.h>

#include "sfu/data/data_progress.h"

namespace confab::sfu {
namespace {

DataMember member(std::uint64_t number, const std::string& identity, std::uint64_t peer,
                  std::uint64_t other = 0) {
    DataMember m;
    m.room = RoomId(1);
    m.member = MemberId(number);
    m.identity = identity;
    m.sid = "PA_" + std::to_string(number);
    m.peer = PeerId(peer);
    m.other = PeerId(other);
    return m;
}
DataRoomMember& put(DataRooms& rooms, DataMember m) {
    return rooms.put(m);
}

TEST_CASE("DataRooms: a member is found by its number, both connections and its names [SIG-122]") {
    DataRooms rooms;
    DataRoomMember& alice = put(rooms, member(1, "alice", 10, 11));
    CHECK(rooms.find(RoomId(1), MemberId(1)) == &alice);
    CHECK(rooms.find(PeerId(10)) == &alice);
    CHECK(rooms.find(PeerId(11)) == &alice);
    CHECK(rooms.find(PeerId()) == nullptr);
    const DataRoom& room = *rooms.find(RoomId(1));
    CHECK(room.by_identity.at("alice") == &alice);
    CHECK(room.by_sid.at("PA_1") == &alice);
    // Told again it is the same, on its new connections only.
    CHECK(&put(rooms, member(1, "alice", 12)) == &alice);
    CHECK(rooms.find(PeerId(10)) == nullptr);
    CHECK(rooms.find(PeerId(11)) == nullptr);
    CHECK(rooms.find(PeerId(12)) == &alice);
    CHECK(room.list.size() == 1);
}

TEST_CASE("DataRooms: who moves again and again takes along what is taken in [MC-20] [IMM-15]") {
    constexpr std::size_t kMost = DataMemory::kMaxSenders;
    for (const std::size_t before : {kMost, kMost + 1, 2 * kMost}) {
        DataRooms rooms;
        DataRoomMember& alice = put(rooms, member(1, "alice", 10));
        for (std::size_t i = 0; i < before; ++i)
            alice.receiver.had["A" + std::to_string(i)] = 7;
        for (std::size_t i = 0; i < kMost; ++i) {
            DataMessage message;
            message.sender_sid = "Z" + std::to_string(i);
            message.sequence = 9;
            alice.room->memory.remember(Timestamp(), message);
        }
        StateWriter out((Timestamp()));
        rooms.save(PeerId(10), out);
        DataRooms next;
        DataRoomMember& there = put(next, member(1, "alice", 10));
        StateReader in(out.view(), Timestamp());
        next.load(PeerId(10), Timestamp(), in);
        CHECK(in.finish());
        CHECK(there.receiver.had.size() == 2 * kMost);
        for (std::size_t i = 0; i < kMost; i += 111)
            CHECK(there.receiver.had.at("Z" + std::to_string(i)) == 9);
    }
}

TEST_CASE("DataRooms: who goes leaves nothing behind but what another took over [SIG-120]") {
    DataRooms rooms;
    DataRoomMember& first = put(rooms, member(1, "alice", 10));
    rooms.set_flow(first, DataTrackId(5), 1);
    DataRoomMember& second = put(rooms, member(2, "alice", 10));
    rooms.set_flow(second, DataTrackId(5), 2);
    const DataRoom& room = *rooms.find(RoomId(1));
    CHECK(rooms.take(first)->info.member == MemberId(1));
    CHECK(room.by_identity.at("alice") == &second);
    CHECK(rooms.find(PeerId(10)) == &second);
    CHECK_FALSE(room.by_sid.contains("PA_1"));
    REQUIRE(room.flows.at(DataTrackId(5)).size() == 1);
    CHECK(room.flows.at(DataTrackId(5))[0].to == &second);
    (void)rooms.take(second);
    CHECK(room.flows.empty());
    CHECK(room.by_identity.empty());
    rooms.erase(RoomId(1));
    CHECK(rooms.size() == 0);
    rooms.erase(RoomId(1));
}

TEST_CASE("DataRooms: a track flows to a member once, under its last handle [SIG-126]") {
    DataRooms rooms;
    DataRoomMember& bob = put(rooms, member(1, "bob", 10));
    const auto& flows = rooms.find(RoomId(1))->flows;
    rooms.set_flow(bob, DataTrackId(5), 1);
    rooms.set_flow(bob, DataTrackId(5), 2);
    REQUIRE(flows.at(DataTrackId(5)).size() == 1);
    CHECK(flows.at(DataTrackId(5))[0].handle == 2);
    rooms.set_flow(bob, DataTrackId(5), 0);
    CHECK(flows.empty());
}

TEST_CASE("MethodCalls: one acknowledgement and one response for each call [SIG-128]") {
    MethodCalls calls;
    RoutedPacket ack, response;
    ack.kind = DataKind::kRpcAck;
    response.kind = DataKind::kRpcResponse;
    ack.request_id = response.request_id = "one";
    CHECK(calls.take(ack) == MethodCalls::Answer::kNone);
    calls.begin("one");
    RoutedPacket other = ack;
    other.request_id = "two";
    CHECK(calls.take(other) == MethodCalls::Answer::kNone);
    other = ack;
    other.kind = DataKind::kUser;
    CHECK(calls.take(other) == MethodCalls::Answer::kNone);
    CHECK(calls.take(ack) == MethodCalls::Answer::kFirst);
    CHECK(calls.take(ack) == MethodCalls::Answer::kRepeat);
    CHECK(calls.take(response) == MethodCalls::Answer::kFirst);
    CHECK(calls.take(response) == MethodCalls::Answer::kNone);
    calls.begin("one");
    calls.end("one");
    CHECK(calls.take(response) == MethodCalls::Answer::kNone);
}

TEST_CASE("DataProgressList: each number once, told kDelay after the first untold [SIG-121]") {
    DataProgressList progress;
    DataRoomMember alice, bob;
    const Timestamp start = Timestamp::micros(1'000'000);
    const Timestamp due = start + DataProgressList::kDelay;
    CHECK(progress.take(start, alice, 5));
    CHECK_FALSE(progress.take(start, alice, 5));
    CHECK_FALSE(progress.take(start, alice, 4));
    CHECK(progress.take(start + Duration::millis(50), bob, 1));
    CHECK(progress.take(start + Duration::millis(60), alice, 6));
    CHECK(progress.next_deadline() == due);
    CHECK(progress.take_due(due - Duration::micros(1)).empty());
    CHECK(progress.take_due(due) == std::vector<DataRoomMember*>{&alice, &bob});
    CHECK(progress.next_deadline().is_never());
    CHECK(progress.take(due, alice, 7));
    CHECK(progress.take(due, bob, 2));
    progress.forget(alice);
    CHECK(progress.take_due(due + DataProgressList::kDelay) == std::vector<DataRoomMember*>{&bob});
}

}  // namespace
}  // namespace confab::sfu
