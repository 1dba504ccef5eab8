// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who is seen in a second room, as the shards know it: its data and its packets reach both rooms
// (01 API-11).
#include <doctest/doctest.h>

#include <algorithm>

#include "room/seam/data_seam_testing.h"
#include "room/seam/media_seam_testing.h"

namespace confab::room::testing {
namespace {

using R = livekit::SignalResponse;
using To = std::vector<sfu::PeerId>;

void forward(Harness& h, const std::string& identity, const std::string& from,
             const std::string& to) {
    livekit::ForwardParticipantRequest request;
    request.set_room(from);
    request.set_identity(identity);
    request.set_destination_room(to);
    REQUIRE(h.manager.relocations(h.clock()).forward(request));
    h.drain();
}
To receivers(const std::vector<DataRooms::Sent>& sent) {
    To result;
    for (const DataRooms::Sent& one : sent)
        result.push_back(one.to);
    std::sort(result.begin(), result.end());
    return result;
}

}  // namespace

TEST_CASE("Forward: data for everybody reaches both rooms, over all workers [API-11]") {
    for (const std::size_t workers : {1U, 3U}) {
        Config config = test_config(workers);
        config.participants_per_worker = 1;
        DataRooms d(std::move(config));
        (void)d.h.join_active("r", "alice");
        (void)d.h.join_active("r", "bob");
        const SessionId carol_at = d.h.join_active("s", "carol");
        (void)d.h.join_active("s", "dave");
        d.turn();
        const sfu::PeerId alice = d.peer(0), bob = d.peer(1), carol = d.peer(2), dave = d.peer(3);
        forward(d.h, "alice", "r", "s");
        d.turn();
        To everybody{bob, carol, dave};
        std::sort(everybody.begin(), everybody.end());
        const auto sent = d.receive(alice, user_packet("hello", 1));
        CHECK(receivers(sent) == everybody);
        std::string sid;
        for (const R& message : d.h.of(carol_at, R::kUpdate))
            for (const auto& info : message.update().participants())
                if (info.identity() == "alice") sid = info.sid();
        for (const DataRooms::Sent& one : sent) {
            CHECK(one.packet().participant_identity() == "alice");
            CHECK((one.packet().participant_sid() == sid) == (one.to != bob));
        }
        CHECK(receivers(d.receive(alice, user_packet("for carol", 2, "carol"))).empty());
        CHECK(receivers(d.receive(carol, user_packet("there", 1))) == To{dave});
        CHECK(receivers(d.receive(bob, user_packet("here", 1))) == To{alice});
        // Each was offered to all workers; those that do not have the connection refused it.
        CHECK(d.dropped() == 4 * (workers - 1));
        livekit::RoomParticipantIdentity who;
        who.set_room("s");
        who.set_identity("alice");
        REQUIRE(d.h.manager.remove_participant(d.h.clock(), who));
        d.turn();
        CHECK(receivers(d.receive(alice, user_packet("alone", 3))) == To{bob});
    }
}

TEST_CASE("Forward: its voice goes to both rooms and is heard of in both [API-11] [SIG-134]") {
    RoomAndShard w;
    const SessionId alice = w.room.join_active("r", "alice");
    const SessionId bob = w.room.join_active("r", "bob");
    const SessionId carol = w.room.join_active("s", "carol");
    w.room.publish(alice, "mic", false);
    w.run(Duration::seconds(1));
    forward(w.room, "alice", "r", "s");
    w.run(Duration::seconds(1));
    CHECK(w.room.commands_of<sfu::AddDownTrack>().size() == 2);
    const sfu::AddReceiver microphone = w.receiver(0);
    Stream source(microphone, 77);
    const auto talk = [&](std::int64_t ms) {
        static const Bytes kFrame(30, 0x55);
        for (std::int64_t at = 0; at < ms; at += 20) {
            w.send(microphone.peer, source.at_level(10).packet(kFrame, false));
            source.timestamp += 960;
            w.run(Duration::millis(20));
        }
    };
    const auto speaks = [&](SessionId listener) {
        bool active = false;
        for (const R& message : w.room.of(listener, R::kSpeakersChanged))
            for (const auto& speaker : message.speakers_changed().speakers())
                active = speaker.active();
        return active;
    };
    talk(1'200);
    CHECK(speaks(bob));
    CHECK(speaks(carol));
    livekit::SignalRequest leave;
    leave.mutable_leave();
    w.room.send(alice, leave);
    w.run(Duration::seconds(1));
    CHECK_FALSE(speaks(bob));
    CHECK_FALSE(speaks(carol));
}

}  // namespace confab::room::testing
