// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What was on its way when a signalling connection died, noticed or not, is said again to who
// resumes: through RoomManager's requests.
#include <doctest/doctest.h>

#include <algorithm>

#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;
using testing::make_answer;
using testing::make_offer;
using testing::test_join;
using R = livekit::SignalResponse;

SessionId resume(Harness& h, const std::string& identity) {
    JoinParams params = test_join("r", identity);
    params.reconnect = true;
    return h.join(params);
}

void let_subscribe(Harness& h, const std::string& identity) {
    livekit::UpdateParticipantRequest request;
    request.set_room("r");
    request.set_identity(identity);
    request.mutable_permission()->set_can_subscribe(true);
    request.mutable_permission()->set_can_publish(true);
    REQUIRE(h.manager.update_participant(h.clock(), request));
    h.advance(Duration::millis(300));
}

void answer(Harness& h, SessionId session, const livekit::SessionDescription& offer) {
    livekit::SignalRequest request;
    request.mutable_answer()->set_type("answer");
    request.mutable_answer()->set_id(offer.id());
    request.mutable_answer()->set_sdp(make_answer(offer.sdp()));
    h.send(session, request);
}

// The track of a publisher's first announcement.
std::string track_of(Harness& h, SessionId session) {
    return h.of(session, R::kTrackPublished).at(0).track_published().track().sid();
}

void mute(Harness& h, const std::string& sid, bool muted) {
    livekit::MuteRoomTrackRequest request;
    request.set_room("r");
    request.set_identity("alice");
    request.set_track_sid(sid);
    request.set_muted(muted);
    REQUIRE(h.manager.mute_published_track(h.clock(), request));
    h.drain();
}

// The mutes that a session was told before the first update, which a client answers with its own.
std::vector<bool> mutes_before_update(Harness& h, SessionId session) {
    std::vector<bool> result;
    for (const R& frame : h.sent(session)) {
        if (frame.has_update()) return result;
        if (frame.has_mute()) result.push_back(frame.mute().muted());
    }
    return {};
}

void ping_after(Harness& h, SessionId session, Duration wait) {
    livekit::SignalRequest ping;
    ping.mutable_ping_req()->set_timestamp(1);
    h.advance(wait);
    h.send(session, ping);
}

void report(Harness& h, sfu::PeerId peer, sfu::PeerState state,
            sfu::PeerFailure failure = sfu::PeerFailure::kNone) {
    h.event(sfu::PeerStateChanged{peer, state, failure, {}, {}});
}

void fail_ice(Harness& h, sfu::PeerId peer) {
    report(h, peer, sfu::PeerState::kFailed, sfu::PeerFailure::kIce);
}

}  // namespace

// Nothing else would ever offer again: an offer waits for its answer.
TEST_CASE("Resume: a first offer that nobody read is made again [ICE-14] [SIG-160] [SDP-03]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    JoinParams params = test_join("r", "bob");
    params.grants.video->can_subscribe = false;
    const SessionId bob = h.join(params);
    h.offer(bob, make_offer({}));
    h.close(bob);
    let_subscribe(h, "bob");
    REQUIRE(h.commands_of<sfu::AddDownTrack>().empty());
    const SessionId again = resume(h, "bob");
    REQUIRE(h.count(again, R::kReconnect) == 1);
    REQUIRE(h.count(again, R::kOffer) == 1);
    CHECK(h.of(again, R::kOffer)[0].offer().sdp().find("m=audio") != std::string::npos);
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 1);
    CHECK(h.commands_of<sfu::RestartIce>().empty());  // it has no peer yet
}

TEST_CASE("Resume: a first offer whose answer died is made again, once [ICE-14] [SIG-160]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    JoinParams params = test_join("r", "bob");
    params.grants.video->can_subscribe = false;
    const SessionId bob = h.join(params);
    h.offer(bob, make_offer({}));
    h.auto_answer = false;
    let_subscribe(h, "bob");
    REQUIRE(h.count(bob, R::kOffer) == 1);
    const livekit::SessionDescription lost = h.of(bob, R::kOffer)[0].offer();
    const SessionId again = resume(h, "bob");  // the old connection was dead and looked alive
    h.advance(Duration::seconds(1));
    REQUIRE(h.count(again, R::kOffer) == 1);
    const livekit::SessionDescription offer = h.of(again, R::kOffer)[0].offer();
    CHECK(offer.id() == lost.id() + 1);
    answer(h, again, lost);
    CHECK(h.commands_of<sfu::AddDownTrack>().empty());
    answer(h, again, offer);
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 1);
    CHECK(h.count(again, R::kOffer) == 1);
}

// A client that did not hear of the mute takes the update for a mistake and unmutes.
TEST_CASE("Resume: a mute by the API comes before what shows it [SIG-05] [API-06] [SIG-160]") {
    for (const bool noticed : {true, false}) {
        Harness h;
        SessionId alice = h.join_active("r", "alice");
        h.publish(alice, "mic", false);
        const std::string sid = track_of(h, alice);
        alice = resume(h, "alice");
        CHECK(h.count(alice, R::kMute) == 0);
        if (noticed) h.close(alice);
        mute(h, sid, true);
        alice = resume(h, "alice");
        CHECK(h.sent(alice)[0].has_reconnect());
        CHECK(mutes_before_update(h, alice) == std::vector{true});
        // What was surely heard is not said again.
        ping_after(h, alice, Duration::seconds(30));
        alice = resume(h, "alice");
        CHECK(h.count(alice, R::kMute) == 0);
    }
}

TEST_CASE("Resume: of a track that was muted and is not any more nothing is said [SIG-05]") {
    Config config = testing::test_config();
    config.room.enable_remote_unmute = true;
    Harness h(std::move(config));
    SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    const std::string sid = track_of(h, alice);
    mute(h, sid, true);
    livekit::SignalRequest unmute;
    unmute.mutable_mute()->set_sid(sid);
    h.send(alice, unmute);
    alice = resume(h, "alice");
    CHECK(h.count(alice, R::kMute) == 0);
    // The other way round is said as well.
    unmute.mutable_mute()->set_muted(true);
    h.send(alice, unmute);
    mute(h, sid, false);
    alice = resume(h, "alice");
    CHECK(mutes_before_update(h, alice) == std::vector{false});
}

TEST_CASE("Resume: a track that was muted before it had its section [SIG-05] [SIG-160]") {
    Harness h;
    SessionId alice = h.join_active("r", "alice");
    h.offer(alice, make_offer({}));
    h.add_track(alice, "mic", false);
    const std::string sid = track_of(h, alice);
    h.close(alice);
    mute(h, sid, true);
    mute(h, "TR_unknown", true);
    alice = resume(h, "alice");
    CHECK(mutes_before_update(h, alice) == std::vector{true});
}

// Without that a client names the tracks that it believes to publish, and has to join anew.
TEST_CASE(
    "Resume: what ended with a right that was taken meanwhile is told [SIG-44] [TOK-13] "
    "[SIG-125] [SIG-160] [SIG-161]") {
    for (const bool noticed : {true, false}) {
        CAPTURE(noticed);
        Harness h;
        SessionId alice = h.join_active("r", "alice");
        h.publish(alice, "mic", false);
        h.add_track(alice, "cam", true);  // without its section
        livekit::SignalRequest data;
        data.mutable_publish_data_track_request()->set_pub_handle(5);
        data.mutable_publish_data_track_request()->set_name("pose");
        h.send(alice, data);
        livekit::SignalRequest state;
        for (const R& told : h.of(alice, R::kTrackPublished))
            *state.mutable_sync_state()->add_publish_tracks() = told.track_published();
        for (const R& told : h.of(alice, R::kPublishDataTrackResponse))
            *state.mutable_sync_state()->add_publish_data_tracks() =
                told.publish_data_track_response();
        REQUIRE(state.sync_state().publish_tracks_size() == 2);
        REQUIRE(state.sync_state().publish_data_tracks_size() == 1);
        if (noticed) h.close(alice);
        livekit::UpdateParticipantRequest request;
        request.set_room("r");
        request.set_identity("alice");
        request.mutable_permission()->set_can_subscribe(true);
        REQUIRE(h.manager.update_participant(h.clock(), request));
        h.drain();
        alice = resume(h, "alice");
        CHECK(h.sent(alice)[0].has_reconnect());
        CHECK_FALSE(h.of(alice, R::kUpdate)[0].update().participants(0).permission().can_publish());
        REQUIRE(h.count(alice, R::kTrackUnpublished) == 2);
        REQUIRE(h.count(alice, R::kUnpublishDataTrackResponse) == 1);
        const auto& ended = state.sync_state().publish_data_tracks(0).info();
        CHECK(h.of(alice, R::kUnpublishDataTrackResponse)[0]
                  .unpublish_data_track_response()
                  .info()
                  .SerializeAsString() == ended.SerializeAsString());
        // It says what it believed before it read that.
        h.send(alice, state);
        CHECK(h.count(alice, R::kLeave) == 0);
        // What was surely heard is not said again, nor believed.
        ping_after(h, alice, Duration::seconds(30));
        alice = resume(h, "alice");
        CHECK(h.count(alice, R::kTrackUnpublished) == 0);
        CHECK(h.count(alice, R::kUnpublishDataTrackResponse) == 0);
        h.send(alice, state);
        CHECK(h.count(alice, R::kLeave) == 1);
    }
}

TEST_CASE("Resume: subscriptions that ended with the right are in no offer any more [TOK-13]") {
    Harness h;
    SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    SessionId bob = h.join_active("r", "bob");
    REQUIRE(h.commands_of<sfu::AddDownTrack>().size() == 1);
    const auto flowing = [&h](SessionId session) {
        const std::string sdp = h.of(session, R::kOffer).back().offer().sdp();
        return sdp.find("a=recvonly") == std::string::npos;
    };
    REQUIRE(flowing(bob));
    h.close(bob);
    livekit::UpdateParticipantRequest request;
    request.set_room("r");
    request.set_identity("bob");
    request.mutable_permission()->set_can_publish(true);
    REQUIRE(h.manager.update_participant(h.clock(), request));
    h.drain();
    bob = resume(h, "bob");
    REQUIRE(h.count(bob, R::kOffer) > 0);
    CHECK_FALSE(flowing(bob));
    livekit::SignalRequest state;
    state.mutable_sync_state()->mutable_subscription()->set_subscribe(true);
    h.send(bob, state);
    CHECK(h.count(bob, R::kLeave) == 0);
}

TEST_CASE("Resume: the end of a data track that it asked for is told again [SIG-125] [SIG-160]") {
    Harness h;
    SessionId alice = h.join_active("r", "alice");
    livekit::SignalRequest request;
    request.mutable_publish_data_track_request()->set_pub_handle(5);
    request.mutable_publish_data_track_request()->set_name("pose");
    h.send(alice, request);
    request.mutable_unpublish_data_track_request()->set_pub_handle(5);
    h.send(alice, request);
    alice = resume(h, "alice");
    CHECK(h.count(alice, R::kUnpublishDataTrackResponse) == 1);
}

// Agents wait for it before they speak.
TEST_CASE("Resume: that somebody has the track is told again if it was lost [SIG-49] [SIG-160]") {
    for (const bool noticed : {true, false}) {
        Harness h;
        SessionId alice = h.join_active("r", "alice");
        h.publish(alice, "mic", false);
        if (noticed) h.close(alice);
        (void)h.join_active("r", "bob");
        REQUIRE(h.commands_of<sfu::AddDownTrack>().size() == 1);
        alice = resume(h, "alice");
        CHECK(h.count(alice, R::kTrackSubscribed) == 1);
        ping_after(h, alice, Duration::seconds(30));
        alice = resume(h, "alice");
        CHECK(h.count(alice, R::kTrackSubscribed) == 0);
    }
}

TEST_CASE("One outage that both connections notice is one switch of the transport [ICE-15]") {
    Harness h;
    SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    const auto peers = h.commands_of<sfu::CreatePeer>();
    REQUIRE(peers.size() == 2);
    for (const auto& peer : peers)
        report(h, peer.peer, sfu::PeerState::kDisconnected);
    fail_ice(h, peers[0].peer);
    h.advance(Duration::millis(500));
    alice = resume(h, "alice");
    report(h, peers[0].peer, sfu::PeerState::kReconnected);
    h.advance(Duration::millis(500));
    fail_ice(h, peers[1].peer);
    CHECK(h.of(alice, R::kLeave).back().leave().action() == livekit::LeaveRequest::RESUME);
    alice = resume(h, "alice");
    const auto restarts = h.commands_of<sfu::RestartIce>();
    REQUIRE(restarts.size() == 2);
    for (const sfu::RestartIce& restart : restarts)
        CHECK(restart.tcp_only);

    // Once both are up, what fails is news.
    report(h, peers[1].peer, sfu::PeerState::kReconnected);
    fail_ice(h, peers[1].peer);
    alice = resume(h, "alice");
    REQUIRE(h.commands_of<sfu::RestartIce>().size() == 3);
    CHECK_FALSE(h.commands_of<sfu::RestartIce>().back().tcp_only);
}

TEST_CASE("A transport that does not come up either is left after 15 s [ICE-15]") {
    Harness h;
    SessionId alice = h.join_active("r", "alice");
    const sfu::PeerId peer = h.commands_of<sfu::CreatePeer>()[0].peer;
    fail_ice(h, peer);
    alice = resume(h, "alice");
    ping_after(h, alice, Duration::millis(15'100));
    fail_ice(h, peer);
    alice = resume(h, "alice");
    const auto restarts = h.commands_of<sfu::RestartIce>();
    REQUIRE(restarts.size() == 2);
    CHECK(restarts[0].tcp_only);
    CHECK_FALSE(restarts[1].tcp_only);
}

TEST_CASE("After two failures a client is told to relay over TLS, now and next time [SIG-89]") {
    for (const bool allowed : {true, false}) {
        Config config = testing::test_config();
        config.allow_tcp_fallback = allowed;
        config.ice_servers = [](const IceUser& user) {
            livekit::ICEServer server;
            if (!user.tls_only) server.add_urls("turn:192.0.2.1:3478?transport=udp");
            server.add_urls("turns:turn.example.org:443?transport=tcp");
            return std::vector<livekit::ICEServer>{server};
        };
        Harness h(std::move(config));
        SessionId alice = h.join_active("r", "alice");
        (void)h.join_active("r", "bob");
        const sfu::PeerId peer = h.commands_of<sfu::CreatePeer>()[0].peer;
        fail_ice(h, peer);
        alice = resume(h, "alice");
        CHECK(h.sent(alice)[0].reconnect().client_configuration().force_relay() == livekit::UNSET);
        ping_after(h, alice, Duration::millis(15'100));
        fail_ice(h, peer);
        alice = resume(h, "alice");
        const auto wanted = allowed ? livekit::ENABLED : livekit::UNSET;
        const livekit::ReconnectResponse& told = h.sent(alice)[0].reconnect();
        CHECK(told.client_configuration().force_relay() == wanted);
        CHECK(told.ice_servers(0).urls_size() == (allowed ? 1 : 2));
        // Its next session, too; nobody else's.
        const SessionId next = h.join(test_join("r", "alice"));
        CHECK(h.sent(next)[0].join().client_configuration().force_relay() == wanted);
        const SessionId carol = h.join(test_join("r", "carol"));
        CHECK(h.sent(carol)[0].join().client_configuration().force_relay() == livekit::UNSET);
    }
}

}  // namespace confab::room
