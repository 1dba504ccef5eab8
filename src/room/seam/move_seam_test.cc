// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who moved to another room, as the shards know it: its data, its data tracks and its voice are of
// the new room alone (01 API-12).
#include <doctest/doctest.h>

#include <algorithm>

#include "room/seam/data_seam_testing.h"
#include "room/seam/media_seam_testing.h"

namespace confab::room::testing {
namespace {

using R = livekit::SignalResponse;
using To = std::vector<sfu::PeerId>;

void move(Harness& h, const std::string& identity, const std::string& from, const std::string& to) {
    livekit::MoveParticipantRequest request;
    request.set_room(from);
    request.set_identity(identity);
    request.set_destination_room(to);
    REQUIRE(h.manager.relocations(h.clock()).move(request));
    h.drain();
}
To receivers(const std::vector<DataRooms::Sent>& sent) {
    To result;
    for (const DataRooms::Sent& one : sent)
        result.push_back(one.to);
    return result;
}

}  // namespace

TEST_CASE("Move: data reaches the new room and comes from it, over all workers [API-12]") {
    for (const std::size_t workers : {1U, 3U}) {
        Config config = test_config(workers);
        config.participants_per_worker = 1;
        DataRooms d(std::move(config));
        (void)d.h.join_active("r", "alice");
        (void)d.h.join_active("r", "bob");
        (void)d.h.join_active("s", "carol");
        d.turn();
        const sfu::PeerId alice = d.peer(0), bob = d.peer(1), carol = d.peer(2);
        CHECK(receivers(d.receive(alice, user_packet("before", 1))) == To{bob});
        move(d.h, "alice", "r", "s");
        d.turn();
        CHECK(receivers(d.receive(alice, user_packet("after", 2))) == To{carol});
        CHECK(receivers(d.receive(carol, user_packet("to alice", 1))) == To{alice});
        CHECK(d.receive(bob, user_packet("to nobody", 1)).empty());
        move(d.h, "alice", "s", "r");
        d.turn();
        const auto sent = d.receive(alice, user_packet("back", 3));
        CHECK(receivers(sent) == To{bob});
        CHECK(sent[0].packet().participant_identity() == "alice");
    }
}

TEST_CASE(
    "Move: what was said in one room is not said again in the next after a resume [API-12] "
    "[SIG-121]") {
    DataRooms d;
    const SessionId alice = d.h.join_active("r", "alice");
    (void)d.h.join_active("r", "bob");
    (void)d.h.join_active("s", "carol");
    d.turn();
    (void)d.receive(d.peer(0), user_packet("x", 1));
    d.h.advance(sfu::DataProgressList::kDelay);
    d.turn();
    (void)d.receive(d.peer(0), user_packet("ready", 2));
    move(d.h, "alice", "r", "s");
    d.turn();
    d.h.close(alice);
    JoinParams again = test_join("s", "alice");
    again.reconnect = true;
    const SessionId resumed = d.h.join(again);
    REQUIRE(d.h.count(resumed, R::kReconnect) == 1);
    CHECK(d.h.of(resumed, R::kReconnect)[0].reconnect().last_message_seq() == 2);
}

TEST_CASE("Move: a data track goes along, handles are told anew [API-12] [SIG-125] [SIG-126]") {
    DataRooms d;
    const SessionId alice = d.h.join_active("r", "alice");
    JoinParams eager = test_join("s", "carol");
    eager.auto_subscribe_data_track = true;
    const SessionId carol = d.h.join(eager);
    d.h.advance(Duration::millis(300));
    livekit::SignalRequest publish;
    publish.mutable_publish_data_track_request()->set_pub_handle(7);
    publish.mutable_publish_data_track_request()->set_name("track");
    d.h.send(alice, publish);
    const auto handles = [&] {
        std::vector<std::string> from;
        for (const R& message : d.h.of(carol, R::kDataTrackSubscriberHandles)) {
            from.clear();
            for (const auto& [handle, track] :
                 message.data_track_subscriber_handles().sub_handles())
                from.push_back(track.publisher_identity());
        }
        return from;
    };
    CHECK(handles().empty());
    move(d.h, "alice", "r", "s");
    CHECK(handles() == std::vector<std::string>{"alice"});
    move(d.h, "alice", "s", "r");
    CHECK(handles().empty());
    CHECK(d.h.count(carol, R::kDataTrackSubscriberHandles) == 2);
}

TEST_CASE("Move: its voice is heard of in the new room alone [API-12] [SIG-134]") {
    RoomAndShard w;
    const SessionId alice = w.room.join_active("r", "alice");
    const SessionId bob = w.room.join_active("r", "bob");
    const SessionId carol = w.room.join_active("s", "carol");
    w.room.publish(alice, "mic", false);
    w.run(Duration::seconds(1));
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
    const auto speaking = [&](SessionId listener) {
        std::size_t active = 0;
        for (const R& message : w.room.of(listener, R::kSpeakersChanged))
            for (const auto& speaker : message.speakers_changed().speakers())
                active = speaker.active() ? 1 : 0;
        return active;
    };
    talk(1'200);
    REQUIRE(speaking(bob) == 1);
    CHECK(w.room.count(carol, R::kSpeakersChanged) == 0);
    move(w.room, "alice", "r", "s");
    CHECK(speaking(bob) == 0);
    CHECK(speaking(alice) == 0);
    const std::size_t told = w.room.count(bob, R::kSpeakersChanged);
    talk(2'000);
    CHECK(speaking(carol) == 1);
    CHECK(speaking(alice) == 1);
    CHECK(w.room.count(bob, R::kSpeakersChanged) == told);
}

}  // namespace confab::room::testing
