// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the two media workers are told when a participant goes from one to the other, and what
// becomes of it where one of them does not do as it should: through RoomManager's calls and events.
// With real workers: seam/worker_moves_seam_test.cc.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;
using testing::test_config;
using R = livekit::SignalResponse;
using Strings = std::vector<std::string>;

sfu::PeerBytes some_state() {
    return sfu::PeerBytes(Bytes(8, 1));
}

// alice publishes a microphone, bob listens; both are at worker 0.
struct Call {
    explicit Call(Config config = test_config(2))
        : h(std::move(config)), alice(h.join_active("r", "alice")), bob(h.join_active("r", "bob")) {
        h.publish(alice, "mic", false);
        h.advance(Duration::seconds(1));
        receiver = h.commands_of<sfu::AddReceiver>().at(0).receiver;
        h.commands.clear();
    }
    ServiceResult<void> move(const std::string& identity = "alice") {
        auto begun = h.manager.relocations(h.clock()).workers().begin("r", identity, 1);
        h.drain();
        peers.clear();
        for (const sfu::AwaitPeer& one : h.commands_of<sfu::AwaitPeer>())
            peers.push_back(one.peer);
        return begun;
    }
    bool moving() { return h.manager.relocations(h.clock()).workers().busy(); }
    void mute(bool muted) {
        livekit::SignalRequest request;
        request.mutable_mute()->set_sid(track());
        request.mutable_mute()->set_muted(muted);
        h.send(alice, request);
    }
    std::string track() {
        livekit::ListParticipantsRequest request;
        request.set_room("r");
        const auto list = h.manager.list_participants(request);
        for (const auto& info : list.participants())
            if (info.tracks_size() > 0) return info.tracks(0).sid();
        return {};
    }
    void awaited() {
        for (const sfu::PeerId peer : peers)
            h.event(sfu::PeerAwaited{peer});
    }
    void exported(const sfu::PeerBytes& state = some_state()) {
        for (const sfu::PeerId peer : peers)
            h.event(sfu::PeerExported{peer, state, h.now});
    }
    void imported(bool taken = true) {
        for (const sfu::PeerId peer : peers)
            h.event(sfu::PeerImported{peer, taken});
    }
    // The kinds that matter here, with their workers, since the last time.
    Strings told() {
        Strings result;
        for (const MediaCommand& one : h.commands) {
            const std::string at = " " + std::to_string(one.worker);
            if (std::holds_alternative<sfu::AwaitPeer>(one.command)) result.push_back("await" + at);
            if (std::holds_alternative<sfu::ExportPeer>(one.command))
                result.push_back("export" + at);
            if (std::holds_alternative<sfu::ImportPeer>(one.command))
                result.push_back("import" + at);
            if (std::holds_alternative<sfu::MuteReceiver>(one.command))
                result.push_back("mute" + at);
            if (std::holds_alternative<sfu::ClosePeer>(one.command)) result.push_back("close" + at);
            if (std::holds_alternative<sfu::EndAwait>(one.command)) result.push_back("stays" + at);
            if (std::holds_alternative<sfu::DataMember>(one.command))
                result.push_back("member" + at);
            if (std::holds_alternative<sfu::DataMemberGone>(one.command))
                result.push_back("gone" + at);
        }
        h.commands.clear();
        return result;
    }
    bool ended() {
        const auto leaves = h.of(alice, R::kLeave);
        return !leaves.empty() &&
               leaves.back().leave().action() == livekit::LeaveRequest::RECONNECT;
    }

    Harness h;
    SessionId alice;
    SessionId bob;
    std::vector<sfu::PeerId> peers;  // of who moves
    sfu::ReceiverId receiver;
};

}  // namespace

TEST_CASE("Worker move: none between workers that send from ports of their own [MC-20]") {
    Config config = test_config(2);
    config.media.workers[1].udp[0].port += 1;
    Call c(std::move(config));
    const auto begun = c.move();
    REQUIRE_FALSE(begun);
    CHECK(begun.error().code == ServiceCode::kFailedPrecondition);
    CHECK(begun.error().text.find("rtc.udp_port") != std::string::npos);
    CHECK(c.told().empty());
    CHECK_FALSE(c.moving());
}

TEST_CASE("Worker move: nobody goes to another room meanwhile [MC-20] [API-12]") {
    Call c;
    const auto to_room = [&](const std::string& identity) {
        livekit::MoveParticipantRequest request;
        request.set_room("r");
        request.set_identity(identity);
        request.set_destination_room("s");
        const auto moved = c.h.manager.relocations(c.h.clock()).move(request);
        c.h.drain();
        return moved ? std::string() : moved.error().text;
    };
    REQUIRE(c.move());
    c.awaited();
    CHECK(to_room("alice") == "the participant is on its way to another worker: try again");
    CHECK(to_room("bob").empty());  // no concern of its
    c.exported();
    c.imported();
    (void)c.told();
    CHECK(to_room("alice").empty());
    // Of the room that it left, and then of the next one.
    CHECK(c.told() == Strings{"gone 1", "member 1"});
    livekit::SignalRequest leave;
    leave.mutable_leave();
    c.h.send(c.alice, leave);
    CHECK(c.told().front() == "gone 1");
}

TEST_CASE("Worker move: what is said meanwhile comes behind the state [MC-20]") {
    Call c;
    REQUIRE(c.move());
    CHECK(c.told() == Strings{"member 1", "await 1", "await 1"});
    c.mute(true);
    CHECK(c.told() == Strings{"mute 0"});
    c.awaited();
    CHECK(c.told() == Strings{"export 0"});
    c.mute(false);
    CHECK(c.told().empty());
    c.exported();
    CHECK(c.told() == Strings{"import 1", "import 1", "mute 1"});
    CHECK(c.moving());
    c.mute(true);
    CHECK(c.told() == Strings{"mute 1"});
    c.imported();
    CHECK(c.told() == Strings{"gone 0"});
    CHECK_FALSE(c.moving());
    // The old worker passes packets on until then, too.
    livekit::SignalRequest leave;
    leave.mutable_leave();
    c.h.send(c.alice, leave);
    CHECK(c.told() == Strings{"gone 1", "close 1", "close 0", "close 1", "close 0"});
}

TEST_CASE("Worker move: one connection that can not go keeps all where they are [MC-20]") {
    Call c;
    REQUIRE(c.move());
    c.awaited();
    c.mute(true);
    (void)c.told();
    c.exported(sfu::PeerBytes());
    // Who subscribed meanwhile was sent to the new worker, which sends them on.
    std::vector<sfu::ReceiverId> told_of;
    for (const sfu::EndAwait& end : c.h.commands_of<sfu::EndAwait>())
        told_of.insert(told_of.end(), end.receivers.begin(), end.receivers.end());
    CHECK(told_of == std::vector{c.receiver});
    // No ClosePeer: the new worker may be one that it came from, and knows it by its names.
    CHECK(c.told() == Strings{"mute 0", "stays 1", "stays 1", "gone 1"});
    CHECK_FALSE(c.moving());
    CHECK_FALSE(c.ended());
    c.mute(false);
    CHECK(c.told() == Strings{"mute 0"});
    CHECK(c.move());
}

TEST_CASE(
    "Worker move: a worker that does not answer costs the session, and holds nobody [MC-20]") {
    for (const bool exports : {false, true}) {
        CAPTURE(exports);
        Call c;
        REQUIRE(c.move());
        if (exports) {
            c.awaited();
            c.exported();
        }
        (void)c.told();
        c.h.advance(WorkerMoves::kPatience);
        if (!exports) {
            // What the new one lacks costs a key frame, no session.
            CHECK(c.told() == Strings{"export 0"});
            CHECK_FALSE(c.ended());
            c.h.advance(WorkerMoves::kPatience);
        }
        CHECK(c.ended());
        CHECK_FALSE(c.moving());
        c.h.advance(Duration::seconds(30));
        REQUIRE(c.move("bob"));
        CHECK(c.told().back() == "await 1");
    }
}

TEST_CASE("Worker move: who restarts ICE while it is refused is found by its new name [MC-20]") {
    Call c;
    REQUIRE(c.move());
    c.awaited();
    (void)c.told();
    c.h.offer(c.alice, testing::make_offer({{"mic", false, {}}}, 0, 0, "anew"), 2);
    c.exported(sfu::PeerBytes());
    CHECK_FALSE(c.ended());
    bool found = false;
    for (const MediaCommand& one : c.h.commands)
        if (const auto* restart = std::get_if<sfu::RestartIce>(&one.command)) {
            found = true;
            CHECK(one.worker == 0);
            // Its checks go to the worker whose letter this is, which was told.
            CHECK(restart->local.ufrag[0] == 'b');
            for (const sfu::EndAwait& end : c.h.commands_of<sfu::EndAwait>()) {
                CHECK(end.at == 0);
                CHECK(end.names.size() == (end.peer == restart->peer ? 1 : 0));
                if (!end.names.empty()) CHECK(end.names.front() == restart->local.ufrag);
            }
        }
    CHECK(found);
    CHECK(c.h.commands_of<sfu::EndAwait>().size() == c.peers.size());
}

TEST_CASE("Worker move: a state that is refused costs the session [MC-20]") {
    Call c;
    REQUIRE(c.move());
    c.awaited();
    c.exported();
    c.imported(false);
    CHECK(c.ended());
    CHECK_FALSE(c.moving());
}

TEST_CASE("Worker move: the copy in a second room goes along [MC-20] [API-11]") {
    Call c;
    const SessionId carol = c.h.join_active("s", "carol");
    livekit::ForwardParticipantRequest request;
    request.set_room("r");
    request.set_identity("alice");
    request.set_destination_room("s");
    REQUIRE(c.h.manager.relocations(c.h.clock()).forward(request));
    c.h.drain();
    c.h.advance(Duration::seconds(1));
    REQUIRE(c.move());
    c.awaited();
    c.exported();
    c.imported();
    c.h.advance(Duration::seconds(1));
    c.h.commands.clear();
    (void)c.h.join_active("s", "dave");
    c.h.advance(Duration::seconds(1));
    const auto added = c.h.commands_of<sfu::AddDownTrack>();
    REQUIRE(added.size() == 1);
    CHECK(added[0].receiver == c.receiver);
    CHECK(added[0].home == 1);
    CHECK(c.h.count(carol, R::kLeave) == 0);
    // It has no connection that could go.
    auto copy = c.h.manager.relocations(c.h.clock()).workers().begin("s", "alice", 0);
    CHECK(copy.error().text == "the participant is only forwarded to this room");
}

}  // namespace confab::room
