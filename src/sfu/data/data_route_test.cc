// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One packet's way: from whom it is taken, and whom it reaches.
#include <doctest/doctest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "sfu/data/data_router_testing.h"

namespace confab::sfu {
namespace {

using test::DataConnection;
using test::DataRouters;
using test::ReadMessage;
using test::text_packet;
using test::Texts;
using test::WireMessage;

struct Three : DataRouters {
    explicit Three(std::size_t workers = 1, WorkerIndex of_carol = 0)
        : DataRouters(workers),
          alice(join("alice")),
          bob(join("bob")),
          carol(join("carol", of_carol)) {
        if (workers > 1) spread({0, 1});
    }
    DataMember alice, bob, carol;
};

TEST_CASE("Data route: from nobody, the silent and those not up yet nothing is taken [SIG-120]") {
    Three room;
    CHECK(room.router().handle_message(room.now, PeerId(99), DataChannel::kReliable,
                                       text_packet("x")) == 1);
    room.alice.may_publish = false;
    room.tell(room.alice);
    CHECK(room.say(room.alice, text_packet("x")) == 1);
    room.port().connections[room.next_peer()].connected = false;
    const DataMember dave = room.join("dave");
    CHECK(room.say(dave, text_packet("x")) == 1);
    CHECK(room.router().dropped() == 3);
    CHECK(room.heard(room.bob).empty());
    room.come_up(dave);
    CHECK(room.say(dave, text_packet("y")) == 4);
}

TEST_CASE("Data route: what is malformed is dropped, the sender goes on [SIG-120]") {
    Three room;
    CHECK(room.say(room.alice, Bytes{0x0B}) == 1);
    CHECK(room.say(room.alice, Bytes(kMaxDataPacketBytes + 1)) == 1);
    CHECK(room.router().dropped() == 2);
    CHECK(room.say(room.alice, text_packet("x", 1)) == 3);
    CHECK(room.heard(room.bob) == Texts{"x"});
}

TEST_CASE(
    "Data route: who is named by identity and by sid has it once, the sender never "
    "[SIG-120]") {
    Three room;
    WireMessage user;
    user.text(2, "[[[x]]]").text(3, "PA_bob").text(3, "PA_alice").text(3, "PA_carol");
    WireMessage packet;
    packet.message(2, user).text(5, "bob").text(5, "bob").text(5, "alice").text(5, "nobody");
    CHECK(room.say(room.alice, packet.encoded()) == 3);
    CHECK(room.heard(room.bob).size() == 1);
    CHECK(room.heard(room.carol).size() == 1);
    CHECK(room.heard(room.alice).empty());
    // Named again with the next packet.
    CHECK(room.say(room.alice, packet.encoded()) == 3);
    CHECK(room.heard(room.bob).size() == 2);
}

TEST_CASE(
    "Data route: metrics reach who hears them, their sender too, whoever is named "
    "[SIG-124]") {
    Three room;
    for (DataMember* member : {&room.alice, &room.carol}) {
        member->hears_metrics = true;
        room.tell(*member);
    }
    const Bytes packet =
        WireMessage().message(8, WireMessage().text(1, "[[[m]]]")).text(5, "bob").encoded();
    CHECK(room.say(room.alice, packet) == 3);
    CHECK(room.heard(room.alice) == Texts{"m"});
    CHECK(room.heard(room.bob).empty());
    CHECK(room.heard(room.carol) == Texts{"m"});
}

// {timestamp_ms, normalized_timestamp.seconds} of the batches that a member heard.
using BatchTimes = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
BatchTimes times_heard(Three& room, const DataMember& at) {
    BatchTimes times;
    for (const DataConnection::Sent& sent : room.connection(at).sent) {
        const ReadMessage batch = ReadMessage(as_bytes(sent.bytes)).message(8);
        times.emplace_back(batch.value(1), batch.message(2).value(1));
    }
    return times;
}
Bytes metrics_at(std::uint64_t ms) {
    return WireMessage().message(8, WireMessage().varint(1, ms)).encoded();
}

TEST_CASE("Data route: metrics have their times by our clock, each sender's apart [SIG-124]") {
    for (const std::size_t workers : {1U, 2U}) {
        CAPTURE(workers);
        Three room(workers, static_cast<WorkerIndex>(workers - 1));
        room.bob.hears_metrics = true;
        room.tell(room.bob);
        // At 1700000001 s by our clock; alice's is 100 s behind, carol's has just begun.
        room.say(room.alice, metrics_at(1'699'999'901'000));
        room.say(room.carol, metrics_at(7'000));
        room.now = room.now + Duration::seconds(4);
        room.say(room.alice, metrics_at(1'699'999'903'000));
        room.exchange();
        auto heard = times_heard(room, room.bob);
        std::sort(heard.begin(), heard.end());
        CHECK(heard == BatchTimes{{7'000, 1'700'000'001},
                                  {1'699'999'901'000, 1'700'000'001},
                                  {1'699'999'903'000, 1'700'000'003}});
    }
}

TEST_CASE("Data route: metrics that do not scan are refused [SIG-124]") {
    Three room;
    room.carol.hears_metrics = true;
    room.tell(room.carol);
    CHECK(room.say(room.alice, WireMessage().bytes(8, Bytes{0x0A, 0x05}).encoded()) == 1);
    CHECK(room.router().dropped() == 1);
    CHECK(room.heard(room.carol).empty());
}

TEST_CASE(
    "Data route: a number is taken once and upwards, unnumbered and lossy are not looked at "
    "[SIG-121]") {
    Three room;
    for (const std::uint32_t sequence : {3U, 3U, 2U, 4U, 9U, 0U, 0U, 8U})
        room.say(room.alice, text_packet(std::to_string(sequence), sequence));
    CHECK(room.heard(room.bob) == Texts{"3", "4", "9", "0", "0"});
    CHECK(room.router().dropped() == 3);
    for (const std::uint32_t sequence : {3U, 2U})
        room.say(room.alice, text_packet("lossy", sequence), DataChannel::kLossy);
    CHECK(room.heard(room.bob).size() == 7);
    // Of each sender by itself.
    room.say(room.carol, text_packet("carol", 1));
    CHECK(room.heard(room.bob).back() == "carol");
}

TEST_CASE("Data route: a nonce comes once, from whomever, the API or another worker [SIG-123]") {
    Three room(2, 1);
    const auto with_nonce = [](std::uint8_t nonce) {
        const Bytes bytes(16, nonce);
        return WireMessage()
            .message(2, WireMessage().text(2, "[[[n]]]").bytes(11, bytes))
            .encoded();
    };
    SendData send;
    send.room = RoomId(1);
    send.payload = text_packet("api");
    send.nonce = Bytes(16, 2);
    room.command(1, send);
    room.say(room.alice, with_nonce(1));
    room.say(room.bob, with_nonce(1));
    room.say(room.bob, with_nonce(2));
    room.exchange();
    CHECK(room.heard(room.bob) == Texts{"n"});
    CHECK(room.heard(room.alice) == Texts{"n"});
    CHECK(room.heard(room.carol) == Texts{"api", "n"});
}

TEST_CASE(
    "Data route: to a call of the API one acknowledgement and one answer [SIG-128] [API-14]") {
    Three room;
    const auto answer = [](unsigned number, const std::string& id) {
        return WireMessage().message(number, WireMessage().text(1, id)).encoded();
    };
    room.command(0, CallMethod{RoomId(1), room.alice.member, "call", text_packet("please")});
    CHECK(room.heard(room.alice) == Texts{"please"});
    CHECK(room.heard(room.bob).empty());
    room.say(room.bob, answer(12, "call"));     // it was not asked
    room.say(room.alice, answer(12, "other"));  // of a call among participants
    CHECK(room.port().events_of<CallAnswered>().empty());
    CHECK(room.heard(room.carol).size() == 2);
    room.say(room.alice, answer(11, "call"));
    room.say(room.alice, answer(11, "call"));
    CHECK(room.port().events_of<CallAnswered>().size() == 1);
    room.say(room.alice, answer(12, "call"));
    const auto answers = room.port().events_of<CallAnswered>();
    REQUIRE(answers.size() == 2);
    CHECK(answers[1].peer == room.alice.peer);
    CHECK(ReadMessage(answers[1].payload).message(12).text(1) == "call");
    // None of it reached others; what comes after it is an ordinary packet.
    CHECK(room.heard(room.carol).size() == 2);
    room.say(room.alice, answer(12, "call"));
    CHECK(room.heard(room.carol).size() == 3);
}

TEST_CASE("Data route: an answer after the call's end goes where it says [SIG-128]") {
    Three room;
    room.command(0, CallMethod{RoomId(1), room.alice.member, "call", text_packet("please")});
    room.command(0, EndCall{RoomId(1), room.alice.member, "call"});
    room.say(room.alice,
             WireMessage().message(12, WireMessage().text(1, "call")).text(5, "bob").encoded());
    CHECK(room.port().events_of<CallAnswered>().empty());
    CHECK(room.heard(room.bob).size() == 1);
    CHECK(room.heard(room.carol).empty());
}

TEST_CASE(
    "Data route: the API sends to all, to those named, reliable or lossy [API-05] [SIG-123]") {
    Three room;
    const auto send = [&](const char* text, std::vector<std::string> identities,
                          std::vector<std::string> sids, bool lossy) {
        room.command(
            0,
            SendData{
                RoomId(1), lossy, text_packet(text), std::move(identities), std::move(sids), {}});
    };
    send("all", {}, {}, false);
    send("bob", {"bob"}, {}, true);
    send("alice", {}, {"PA_alice"}, false);
    CHECK(room.heard(room.alice) == Texts{"all", "alice"});
    CHECK(room.heard(room.bob) == Texts{"all", "bob"});
    CHECK(room.heard(room.carol) == Texts{"all"});
    const auto& sent = room.connection(room.bob).sent;
    CHECK(sent[0].channel == DataChannel::kReliable);
    CHECK(sent[1].channel == DataChannel::kLossy);
    // As it came: what stands in it is control's.
    CHECK(sent[0].bytes == as_text(text_packet("all")));
}

TEST_CASE("Data route: bytes of any other channel go to all as a user packet, reliable [DC-12]") {
    Three room;
    CHECK(room.say(room.alice, as_bytes("[[[raw]]]"), DataChannel::kOther) == 3);
    CHECK(room.heard(room.bob) == Texts{"raw"});
    CHECK(room.connection(room.bob).sent[0].channel == DataChannel::kReliable);
    CHECK(ReadMessage(as_bytes(room.connection(room.bob).sent[0].bytes)).text(4) == "alice");
}

TEST_CASE("Data route: a channel that is closed loses the message, which is counted [DC-25]") {
    Three room;
    room.connection(room.bob).answer = sctp::SendStatus::kClosed;
    room.say(room.alice, text_packet("one", 1));
    room.say(room.alice, text_packet("two"), DataChannel::kLossy);
    CHECK(room.router().dropped() == 2);
    CHECK_FALSE(room.router().lagging());
    room.connection(room.bob).answer = sctp::SendStatus::kOk;
    room.say(room.alice, text_packet("three", 2));
    CHECK(room.heard(room.bob) == Texts{"three"});
}

// ---------------------------------------------------------------- frames of data tracks

Bytes frame_of(std::uint16_t handle, std::size_t size = 20) {
    Bytes frame(size, 0x55);
    store_be16(&frame[2], handle);
    return frame;
}

struct Track : Three {
    Track() : Three(2, 1) {
        command(0, AddDataTrack{RoomId(1), alice.member, 5, track});
        command(0, FlowDataTrack{RoomId(1), bob.member, track, 100});
        command(1, FlowDataTrack{RoomId(1), carol.member, track, 200});
    }
    std::size_t send(const Bytes& frame) { return say(alice, frame, DataChannel::kDataTrack); }
    const DataTrackId track{7};
};

TEST_CASE("Data route: only the handle of a frame changes, on every worker [DT-01] [SIG-126]") {
    Track room;
    CHECK(room.send(frame_of(5)) == 2);
    room.exchange();
    REQUIRE(room.connection(room.bob).sent.size() == 1);
    CHECK(room.connection(room.bob).sent[0].bytes == as_text(frame_of(100)));
    CHECK(room.connection(room.bob).sent[0].channel == DataChannel::kDataTrack);
    REQUIRE(room.connection(room.carol).sent.size() == 1);
    CHECK(room.connection(room.carol).sent[0].bytes == as_text(frame_of(200)));
}

TEST_CASE("Data route: frames without a whole header, too large or of no track [DT-01] [DC-05]") {
    Track room;
    CHECK(room.send(frame_of(5, 11)) == 1);
    CHECK(room.send(frame_of(5, kMaxDataPacketBytes + 1)) == 1);
    CHECK(room.send(frame_of(6)) == 1);
    CHECK(room.say(room.bob, frame_of(5), DataChannel::kDataTrack) == 1);  // not its handle
    CHECK(room.router().dropped() == 4);
    CHECK(room.send(frame_of(5, 12)) == 2);
    CHECK(room.send(frame_of(5, kMaxDataPacketBytes)) == 2);
    CHECK(room.connection(room.bob).sent.size() == 2);
}

TEST_CASE(
    "Data route: a flow has one handle, ends with handle 0, its member or its track "
    "[SIG-126] [DT-06]") {
    Track room;
    room.command(0, FlowDataTrack{RoomId(1), room.bob.member, room.track, 101});
    CHECK(room.send(frame_of(5)) == 2);
    CHECK(room.connection(room.bob).sent[0].bytes == as_text(frame_of(101)));
    room.command(0, FlowDataTrack{RoomId(1), room.bob.member, room.track, 0});
    CHECK(room.send(frame_of(5)) == 1);
    room.command(0, FlowDataTrack{RoomId(1), room.bob.member, room.track, 102});
    CHECK(room.send(frame_of(5)) == 2);
    room.leave(room.bob);
    CHECK(room.send(frame_of(5)) == 1);
    room.exchange();
    CHECK(room.connection(room.carol).sent.size() == 4);
    room.command(0, RemoveDataTrack{RoomId(1), room.alice.member, 5});
    CHECK(room.send(frame_of(5)) == 1);
    room.exchange();
    CHECK(room.connection(room.carol).sent.size() == 4);
}

TEST_CASE("Data route: a subscriber whose connection is not up gets no frames [SIG-137] [DT-03]") {
    Track room;
    room.port().connections[room.next_peer()].connected = false;
    const DataMember dave = room.join("dave");
    room.command(0, FlowDataTrack{RoomId(1), dave.member, room.track, 300});
    CHECK(room.send(frame_of(5)) == 3);
    CHECK(room.connection(dave).sent.empty());
    room.connection(dave).connected = true;
    room.router().connected(room.now, dave.peer);
    CHECK(room.send(frame_of(5)) == 3);
    CHECK(room.connection(dave).sent.size() == 1);  // nothing of before
}

TEST_CASE("Data route: frames for a ring that is far behind are dropped and counted [DES-41]") {
    Track room;
    room.port(0).ring_room = 0;
    const Bytes frame = frame_of(5, 1'000);
    std::size_t sent = 0;
    while (room.router().dropped() == 0 && sent < 1'000) {
        (void)room.send(frame);
        ++sent;
    }
    // Up to kMaxLossy, by one frame more at most.
    CHECK((sent - 1) * frame.size() <= DataLinks::kMaxLossy);
    CHECK((sent + 1) * frame.size() > DataLinks::kMaxLossy - 30 * sent);
    CHECK(room.connection(room.bob).sent.size() == sent);  // here all of them
    room.port(0).ring_room = 1'000'000;
    room.exchange();
    CHECK(room.connection(room.carol).sent.size() == sent - 1);
}

}  // namespace
}  // namespace confab::sfu
