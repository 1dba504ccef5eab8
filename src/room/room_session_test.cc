// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sessions from join to leave, publishing and subscribing, through RoomManager.
#include <doctest/doctest.h>

#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;
using testing::test_config;
using testing::test_join;
using R = livekit::SignalResponse;

std::vector<int> kinds(const std::vector<R>& frames) {
    std::vector<int> result;
    for (const R& frame : frames)
        if (frame.message_case() != R::kTrickle) result.push_back(frame.message_case());
    return result;
}

std::string first_track(Harness& h, SessionId publisher) {
    const auto published = h.of(publisher, R::kTrackPublished);
    return published.empty() ? "" : published.front().track_published().track().sid();
}

}  // namespace

TEST_CASE(
    "Join v0: join first, then token and offer; candidates follow, the last is final [SIG-80] "
    "[SIG-30] [SIG-32]") {
    Harness h;
    h.auto_answer = h.auto_connect = false;
    const SessionId alice = h.join(test_join("r", "alice"));
    const auto& frames = h.sent(alice);
    REQUIRE(kinds(frames) == std::vector<int>{R::kJoin, R::kRefreshToken, R::kOffer});
    const livekit::JoinResponse& join = frames[0].join();
    CHECK(join.participant().state() == livekit::ParticipantInfo::JOINING);
    CHECK(join.participant().version() == 0);
    CHECK(join.subscriber_primary());
    CHECK(join.fast_publish());
    CHECK(join.ping_interval() == 5);
    CHECK(join.ping_timeout() == 15);
    CHECK(join.room().sid().starts_with("RM_"));
    CHECK(join.room().enabled_codecs_size() == 10);
    CHECK(join.server_info().protocol() == 17);
    const auto trickles = h.of(alice, R::kTrickle);
    REQUIRE(trickles.size() == 2);
    CHECK(trickles[0].trickle().target() == livekit::SUBSCRIBER);
    CHECK_FALSE(trickles[0].trickle().final());
    CHECK(trickles[1].trickle().final());
    CHECK(h.commands_of<sfu::OpenDataChannels>().size() == 1);
    CHECK(h.commands_of<sfu::CreatePeer>().front().ice_controlling);
}

TEST_CASE(
    "Join v0: ACTIVE when the primary connection is up, others hear of it at the tick [SIG-131] "
    "[SIG-137] [HOOK-01]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    CHECK(h.sent(bob)[0].join().other_participants_size() == 1);
    CHECK(h.sent(bob)[0].join().other_participants(0).state() == livekit::ParticipantInfo::ACTIVE);
    CHECK(h.count(alice, R::kUpdate) == 0);
    h.advance(Duration::seconds(3));
    REQUIRE(h.count(alice, R::kUpdate) == 1);
    CHECK(h.of(alice, R::kUpdate)[0].update().participants_size() == 2);
    CHECK(h.webhook_names() ==
          std::vector<std::string>{"room_started", "participant_joined", "participant_joined"});
}

TEST_CASE(
    "Publish and subscribe: update, permission, offer with the track, subscribed [SIG-100] "
    "[SIG-110] [SIG-42] [SIG-49]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    h.advance(Duration::seconds(1));
    (void)h.take(bob);
    h.publish(alice, "cam-cid", true);
    h.advance(Duration::millis(20));
    const auto published = h.of(alice, R::kTrackPublished);
    REQUIRE(published.size() == 1);
    const std::string sid = published[0].track_published().track().sid();
    CHECK(sid.starts_with("TR_VC"));
    CHECK(h.of(alice, R::kAnswer).back().answer().id() == 1);

    REQUIRE(kinds(h.sent(bob)) ==
            std::vector<int>{R::kUpdate, R::kSubscriptionPermissionUpdate, R::kOffer});
    const livekit::TrackInfo& track = h.sent(bob)[0].update().participants(0).tracks(0);
    CHECK(track.mime_type() == "video/VP8");
    CHECK(track.codecs(0).mid() == "1");
    CHECK(track.layers(2).rid() == "f");
    CHECK(track.layers(2).spatial_layer() == 2);
    CHECK(track.version().unix_micro() > 0);
    CHECK(track.stream() == "camera");
    CHECK(track.simulcast());
    const auto offer = h.of(bob, R::kOffer).back().offer();
    CHECK(offer.mid_to_track_id().begin()->second == sid);
    CHECK(offer.sdp().find(sid) != std::string::npos);

    const auto receivers = h.commands_of<sfu::AddReceiver>();
    REQUIRE(receivers.size() == 1);
    CHECK(receivers[0].layers.size() == 3);
    CHECK(receivers[0].codecs[0].codec == sfu::Codec::kVp8);
    CHECK(receivers[0].extensions.rid == 10);
    const auto down = h.commands_of<sfu::AddDownTrack>();
    REQUIRE(down.size() == 1);
    CHECK(down[0].receiver == receivers[0].receiver);
    CHECK(down[0].settings.max_spatial == 2);
    CHECK(down[0].cname.find('|') != std::string::npos);
    CHECK(offer.sdp().find("a=ssrc:" + std::to_string(down[0].ssrc.value())) != std::string::npos);
    CHECK(h.count(alice, R::kTrackSubscribed) == 1);
    const auto quality = h.of(alice, R::kSubscribedQualityUpdate);
    REQUIRE(quality.size() == 1);
    CHECK(quality[0].subscribed_quality_update().subscribed_codecs(0).codec() == "vp8");
    CHECK(quality[0].subscribed_quality_update().subscribed_qualities(2).enabled());
}

TEST_CASE("Unpublish: a section that stopped ends the track for all [SIG-105] [SDP-07]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    h.publish(alice, "mic", false);
    h.advance(Duration::millis(200));
    (void)h.take(bob);
    std::string stopped = testing::make_offer({{"mic", false, {}}});
    stopped.replace(stopped.find("a=sendonly"), 10, "a=inactive");
    h.offer(alice, stopped, 2);
    const auto updates = h.of(bob, R::kUpdate);
    REQUIRE(updates.size() == 1);
    CHECK(updates[0].update().participants(0).tracks_size() == 0);
    CHECK(updates[0].update().participants(0).is_publisher());
    CHECK(h.commands_of<sfu::RemoveReceiver>().size() == 1);
    CHECK(h.commands_of<sfu::RemoveDownTrack>().size() == 1);
    CHECK(h.count(bob, R::kOffer) == 0);
    h.advance(Duration::millis(250));
    REQUIRE(h.count(bob, R::kOffer) == 1);
    CHECK(h.of(bob, R::kOffer)[0].offer().mid_to_track_id().empty());
    CHECK(h.webhook_names().back() == "track_unpublished");
}

TEST_CASE(
    "Single connection: join, answer, tracks bound in the answer, sections asked for [SIG-82] "
    "[SIG-84] [SDP-40]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    h.publish(alice, "cam", true);
    JoinParams params = test_join("r", "bob");
    params.single_connection = true;
    params.publisher_offer.emplace();
    params.publisher_offer->set_sdp(testing::make_offer({}, 1, 0));
    params.publisher_offer->set_id(0);
    const SessionId bob = h.join(params);
    CHECK(kinds(h.sent(bob)) == std::vector<int>{R::kJoin, R::kRefreshToken,
                                                 R::kSubscriptionPermissionUpdate,
                                                 R::kSubscriptionPermissionUpdate, R::kAnswer,
                                                 R::kMediaSectionsRequirement});
    CHECK_FALSE(h.sent(bob)[0].join().subscriber_primary());
    const auto answer = h.of(bob, R::kAnswer)[0].answer();
    CHECK(answer.id() == 0);
    CHECK(answer.mid_to_track_id().size() == 1);
    const auto need = h.of(bob, R::kMediaSectionsRequirement)[0].media_sections_requirement();
    CHECK(need.num_audios() == 0);
    CHECK(need.num_videos() == 1);
    (void)h.take(bob);
    h.offer(bob, testing::make_offer({}, 1, 1), 0);
    REQUIRE(h.count(bob, R::kAnswer) == 1);
    CHECK(h.of(bob, R::kAnswer)[0].answer().mid_to_track_id().size() == 2);
    CHECK(h.count(bob, R::kMediaSectionsRequirement) == 0);
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 2);
    // A track that fits no spare section is asked for after the debounce.
    h.publish(alice, "screen", true);
    h.advance(Duration::millis(200));
    REQUIRE(h.count(bob, R::kMediaSectionsRequirement) == 1);
    CHECK(h.of(bob, R::kMediaSectionsRequirement)[0].media_sections_requirement().num_videos() ==
          1);
    CHECK(h.count(bob, R::kOffer) == 0);

    // Where no offer follows it is repeated three times, without sections: those were asked for.
    (void)h.take(bob);
    h.advance(Duration::seconds(4));
    REQUIRE(h.count(bob, R::kMediaSectionsRequirement) == 1);
    CHECK(h.of(bob, R::kMediaSectionsRequirement)[0].media_sections_requirement().num_videos() ==
          0);
    h.advance(Duration::seconds(40));
    CHECK(h.count(bob, R::kMediaSectionsRequirement) == 3);
    (void)h.take(bob);
    h.publish(alice, "second screen", true);
    h.advance(Duration::millis(200));
    REQUIRE(h.count(bob, R::kMediaSectionsRequirement) == 1);
    h.offer(bob, testing::make_offer({}, 1, 3), 0);
    h.advance(Duration::seconds(40));
    CHECK(h.count(bob, R::kMediaSectionsRequirement) == 1);
}

TEST_CASE("Single connection: a Go client gets the answer when it is ready for it [SIG-82]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    JoinParams params = test_join("r", "egress");
    params.client.set_sdk(livekit::ClientInfo::GO);
    params.single_connection = true;
    params.publisher_offer.emplace();
    params.publisher_offer->set_sdp(testing::make_offer({}, 1, 0));
    params.publisher_offer->set_id(1);
    const SessionId first = h.join(params);
    CHECK(h.count(first, R::kJoin) == 1);
    CHECK(h.count(first, R::kAnswer) == 0);
    h.advance(Duration::millis(50));
    REQUIRE(h.count(first, R::kAnswer) == 1);
    CHECK(h.of(first, R::kAnswer)[0].answer().id() == 1);
    CHECK(h.of(first, R::kAnswer)[0].answer().mid_to_track_id().size() == 1);
    // What is missing is known with the answer.
    CHECK(h.count(first, R::kMediaSectionsRequirement) == 0);

    // An offer that comes meanwhile is answered after it.
    params.grants.identity = "ingress";
    const SessionId second = h.join(params);
    h.offer(second, testing::make_offer({}, 1, 0), 2);
    REQUIRE(h.count(second, R::kAnswer) == 2);
    CHECK(h.of(second, R::kAnswer)[0].answer().id() == 1);
    CHECK(h.of(second, R::kAnswer)[1].answer().id() == 2);
    h.advance(Duration::millis(50));
    CHECK(h.count(second, R::kAnswer) == 2);
}

TEST_CASE("Publisher-primary: no subscriber offer, ACTIVE with the publisher connection [SIG-81]") {
    Harness h;
    JoinParams params = test_join("r", "speaker");
    params.grants.video->can_subscribe = false;
    const SessionId session = h.join(params);
    CHECK_FALSE(h.sent(session)[0].join().subscriber_primary());
    CHECK(h.count(session, R::kOffer) == 0);
    h.offer(session, testing::make_offer({}));
    CHECK(h.webhook_names().back() == "participant_joined");
    CHECK(h.commands_of<sfu::OpenDataChannels>().empty());
}

TEST_CASE(
    "Leave: echoed, socket closed, others told with the reason [SIG-08] [SIG-133] [SIG-152]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    h.publish(alice, "mic", false);
    (void)h.take(bob);
    livekit::SignalRequest leave;
    leave.mutable_leave()->set_reason(livekit::USER_REJECTED);
    h.send(alice, leave);
    REQUIRE(h.sent(alice).back().has_leave());
    CHECK(h.sent(alice).back().leave().reason() == livekit::USER_REJECTED);
    CHECK(h.closed.at(alice) == 1000);
    const auto update = h.of(bob, R::kUpdate).back().update().participants(0);
    CHECK(update.state() == livekit::ParticipantInfo::DISCONNECTED);
    CHECK(update.disconnect_reason() == livekit::USER_REJECTED);
    CHECK(update.tracks_size() == 0);
    CHECK(update.is_publisher());
    const auto names = h.webhook_names();
    CHECK(names[names.size() - 2] == "track_unpublished");
    CHECK(names.back() == "participant_left");
    CHECK(h.commands_of<sfu::ClosePeer>().size() == 2);
}

TEST_CASE(
    "Duplicate identity: the old one leaves, the new one is told at once [SIG-142] [SID-05]") {
    Harness h;
    const SessionId first = h.join_active("r", "alice");
    const SessionId second = h.join_active("r", "alice");
    CHECK(h.of(first, R::kLeave).back().leave().reason() == livekit::DUPLICATE_IDENTITY);
    CHECK(h.closed.contains(first));
    CHECK(h.sent(second)[0].join().other_participants_size() == 0);
    REQUIRE(h.count(second, R::kUpdate) >= 1);
    CHECK(h.of(second, R::kUpdate)[0].update().participants(0).state() ==
          livekit::ParticipantInfo::JOINED);
    CHECK(h.manager.snapshot().participants == 1);
}

TEST_CASE(
    "Resume: reconnect, missed departures, everybody, room, token, restarted offer [SIG-160] "
    "[ICE-14]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    h.publish(alice, "mic", false);
    h.advance(Duration::millis(100));
    const std::uint32_t last_id = h.of(bob, R::kOffer).back().offer().id();
    h.close(bob);
    CHECK(h.manager.snapshot().participants == 2);
    livekit::SignalRequest leave;
    leave.mutable_leave();
    h.send(alice, leave);
    JoinParams params = test_join("r", "bob");
    params.reconnect = true;
    const SessionId again = h.join(params);
    REQUIRE(kinds(h.sent(again)) == std::vector<int>{R::kReconnect, R::kUpdate, R::kUpdate,
                                                     R::kRoomUpdate, R::kRefreshToken, R::kOffer});
    CHECK(h.of(again, R::kUpdate)[0].update().participants(0).identity() == "alice");
    CHECK(h.of(again, R::kUpdate)[0].update().participants(0).disconnect_reason() ==
          livekit::CLIENT_INITIATED);
    CHECK(h.of(again, R::kUpdate)[1].update().participants(0).identity() == "bob");
    CHECK(h.of(again, R::kOffer)[0].offer().id() == last_id + 1);
    const auto restarts = h.commands_of<sfu::RestartIce>();
    REQUIRE(restarts.size() == 1);
    CHECK(h.of(again, R::kOffer)[0].offer().sdp().find(restarts[0].local.ufrag) !=
          std::string::npos);
    CHECK(h.of(again, R::kTrickle).back().trickle().final());
}

TEST_CASE(
    "Resume: a late answer to the offer that died with the connection is not the new one's "
    "[SIG-85] [SIG-160]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    h.auto_answer = false;
    h.publish(alice, "mic", false);
    h.advance(Duration::millis(200));
    const livekit::SessionDescription before = h.of(bob, R::kOffer).back().offer();
    REQUIRE(before.sdp().find("m=audio") != std::string::npos);
    JoinParams params = test_join("r", "bob");
    params.reconnect = true;
    const SessionId again = h.join(params);
    const livekit::SessionDescription after = h.of(again, R::kOffer).at(0).offer();
    CHECK(after.id() == before.id() + 1);
    h.commands.clear();

    // livekit-client sends what it was about to answer over the new connection.
    const auto answer = [&](const livekit::SessionDescription& offer, const std::string& ufrag) {
        std::string sdp = testing::make_answer(offer.sdp());
        const std::string line = "a=ice-ufrag:";
        for (auto at = sdp.find(line); at != std::string::npos; at = sdp.find(line, at + 1))
            sdp.replace(at, sdp.find('\r', at) - at, line + ufrag);
        livekit::SignalRequest request;
        request.mutable_answer()->set_id(offer.id());
        request.mutable_answer()->set_sdp(std::move(sdp));
        h.send(again, request);
    };
    answer(before, "gone");
    CHECK(h.commands_of<sfu::SetRemote>().empty());
    answer(after, "here");
    const auto remotes = h.commands_of<sfu::SetRemote>();
    REQUIRE(remotes.size() == 1);
    CHECK(remotes[0].remote.ufrag == "here");
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 1);
}

TEST_CASE("Resume of what is not there: leave RECONNECT and close, no room is made [SIG-147]") {
    Harness h;
    JoinParams params = test_join("nowhere", "bob");
    params.reconnect = true;
    const SessionId session = h.join(params);
    REQUIRE(h.sent(session).size() == 1);
    CHECK(h.sent(session)[0].leave().action() == livekit::LeaveRequest::RECONNECT);
    CHECK(h.closed.contains(session));
    CHECK_FALSE(h.manager.has_room("nowhere"));
}

TEST_CASE("Socket lost before the connection was up ends the session [SIG-149] [HOOK-01]") {
    Harness h;
    h.auto_connect = false;
    const SessionId session = h.join(test_join("r", "alice"));
    h.close(session);
    CHECK(h.manager.snapshot().participants == 0);
    CHECK(h.webhook_names().back() == "participant_connection_aborted");
}

TEST_CASE(
    "Socket lost while one of two connections is up, not the primary: it may resume [SIG-149]") {
    Harness h;
    h.auto_connect = false;
    const SessionId session = h.join(test_join("r", "alice"));
    h.offer(session, testing::make_offer({}));
    const auto peers = h.commands_of<sfu::CreatePeer>();
    REQUIRE(peers.size() == 2);
    h.event(sfu::PeerStateChanged{
        peers[1].peer, sfu::PeerState::kConnected, sfu::PeerFailure::kNone, {}, {}});
    h.close(session);
    REQUIRE(h.manager.snapshot().participants == 1);
    JoinParams again = test_join("r", "alice");
    again.reconnect = true;
    CHECK(h.count(h.join(again), R::kReconnect) == 1);
    // It has the time that a join has.
    h.advance(Duration::seconds(61));
    CHECK(h.manager.snapshot().participants == 0);
}

TEST_CASE("Connection lost: leave RESUME, five seconds to come back [SIG-145] [ICE-15]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const sfu::PeerId peer = h.commands_of<sfu::CreatePeer>()[0].peer;
    h.event(sfu::PeerStateChanged{peer, sfu::PeerState::kFailed, sfu::PeerFailure::kIce, {}, {}});
    CHECK(h.of(alice, R::kLeave)[0].leave().action() == livekit::LeaveRequest::RESUME);
    CHECK(h.closed.contains(alice));
    h.advance(Duration::millis(4'900));
    CHECK(h.manager.snapshot().participants == 1);
    h.advance(Duration::millis(200));
    CHECK(h.manager.snapshot().participants == 0);
    // The next session of this identity starts on TCP.
    const SessionId again = h.join(test_join("r", "alice"));
    CHECK_FALSE(h.sent(again)[0].join().fast_publish());
    CHECK(h.commands_of<sfu::CreatePeer>().back().tcp_only);
}

TEST_CASE("Never active: JOIN_FAILURE after a minute [SIG-148]") {
    Harness h;
    h.auto_connect = false;
    const SessionId session = h.join(test_join("r", "alice"));
    h.advance(Duration::seconds(61));
    CHECK(h.of(session, R::kLeave)[0].leave().reason() == livekit::JOIN_FAILURE);
}

TEST_CASE(
    "No answer in 15 s on a connected peer, or a broken one: full reconnect [SIG-86] [SIG-146]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    h.auto_answer = false;
    h.publish(alice, "mic", false);
    h.advance(Duration::millis(14'900));
    CHECK(h.count(bob, R::kLeave) == 0);
    h.advance(Duration::millis(300));
    CHECK(h.of(bob, R::kLeave)[0].leave().action() == livekit::LeaveRequest::RECONNECT);
    h.offer(alice, "not sdp at all");
    CHECK(h.count(alice, R::kLeave) == 0);
    h.offer(alice,
            "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF "
            "0\r\na=mid:0\r\n");
    CHECK(h.of(alice, R::kLeave)[0].leave().reason() == livekit::STATE_MISMATCH);
}

TEST_CASE(
    "Mute: told to all including the sender, repeated says nothing, unknown refused [SIG-05] "
    "[FWD-15]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    const std::string sid = first_track(h, alice);
    (void)h.take(alice);
    livekit::SignalRequest mute;
    mute.mutable_mute()->set_sid(sid);
    mute.mutable_mute()->set_muted(true);
    h.send(alice, mute);
    h.send(alice, mute);
    REQUIRE(h.count(alice, R::kUpdate) == 1);
    CHECK(h.of(alice, R::kUpdate)[0].update().participants(0).tracks(0).muted());
    CHECK(h.commands_of<sfu::MuteReceiver>().size() == 1);
    mute.mutable_mute()->set_sid("TR_unknown");
    h.send(alice, mute);
    CHECK(h.of(alice, R::kRequestResponse)[0].request_response().reason() ==
          livekit::RequestResponse::NOT_FOUND);
}

TEST_CASE(
    "Subscription: unsubscribe stays, subscribe again asks and offers again [SIG-06] [SIG-42] "
    "[SUB-07]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    h.publish(alice, "cam", true);
    h.advance(Duration::millis(300));
    const std::string sid = first_track(h, alice);
    (void)h.take(bob);
    livekit::SignalRequest request;
    request.mutable_subscription()->add_track_sids(sid);
    h.send(bob, request);
    h.advance(Duration::seconds(10));
    CHECK(h.count(bob, R::kOffer) == 1);
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 1);
    request.mutable_subscription()->set_subscribe(true);
    h.send(bob, request);
    h.advance(Duration::millis(200));
    CHECK(h.count(bob, R::kSubscriptionPermissionUpdate) == 1);
    const auto down = h.commands_of<sfu::AddDownTrack>();
    REQUIRE(down.size() == 2);
    CHECK(down[0].ssrc != down[1].ssrc);
    request.mutable_subscription()->set_track_sids(0, "TR_never");
    h.send(bob, request);
    h.advance(Duration::seconds(64));
    const auto errors = h.of(bob, R::kSubscriptionResponse);
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].subscription_response().err() == livekit::SE_TRACK_NOTFOUND);
}

TEST_CASE(
    "Settings: debounced 100 ms, enabling at once, kept before the subscription [SUB-01] "
    "[SIG-07]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    h.publish(alice, "cam", true);
    h.advance(Duration::millis(300));
    livekit::SignalRequest request;
    auto& settings = *request.mutable_track_setting();
    settings.add_track_sids(first_track(h, alice));
    settings.set_disabled(true);
    h.send(bob, request);
    h.advance(Duration::millis(99));
    CHECK(h.commands_of<sfu::UpdateDownTrack>().empty());
    h.advance(Duration::millis(2));
    REQUIRE(h.commands_of<sfu::UpdateDownTrack>().size() == 1);
    CHECK_FALSE(h.commands_of<sfu::UpdateDownTrack>()[0].settings.enabled);
    settings.set_disabled(false);
    settings.set_quality(livekit::MEDIUM);
    h.send(bob, request);
    REQUIRE(h.commands_of<sfu::UpdateDownTrack>().size() == 2);
    CHECK(h.commands_of<sfu::UpdateDownTrack>()[1].settings.max_spatial == 1);
    // Less is wanted: the publisher is told five seconds later.
    (void)h.take(alice);
    h.advance(Duration::millis(5'200));
    const auto updates = h.of(alice, R::kSubscribedQualityUpdate);
    REQUIRE(updates.size() == 1);
    CHECK_FALSE(updates[0].subscribed_quality_update().subscribed_qualities(2).enabled());
}

TEST_CASE("Subscription permission: taken away and given back [SIG-10] [SIG-112]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    h.publish(alice, "mic", false);
    h.advance(Duration::millis(300));
    (void)h.take(bob);
    livekit::SignalRequest request;
    request.mutable_subscription_permission();
    h.send(alice, request);
    CHECK_FALSE(
        h.of(bob, R::kSubscriptionPermissionUpdate)[0].subscription_permission_update().allowed());
    CHECK(h.commands_of<sfu::RemoveDownTrack>().size() == 1);
    request.mutable_subscription_permission()->set_all_participants(true);
    h.send(alice, request);
    h.advance(Duration::millis(300));
    CHECK(
        h.of(bob, R::kSubscriptionPermissionUpdate)[1].subscription_permission_update().allowed());
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 2);
}

TEST_CASE(
    "A subscriber that cannot decode the track is told so and keeps its connection [SIG-111]") {
    Harness h;
    h.refused_codecs = {"VP8", "VP9", "H264", "H265", "AV1"};
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    h.publish(alice, "mic", false);
    h.refused_codecs = {"VP8"};
    h.publish(alice, "cam", true);
    h.advance(Duration::millis(300));
    const auto errors = h.of(bob, R::kSubscriptionResponse);
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].subscription_response().err() == livekit::SE_CODEC_UNSUPPORTED);
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 1);
    CHECK(h.count(bob, R::kLeave) == 0);
}

TEST_CASE("Single connection: who can not decode the track is told so, once [SIG-111] [SDP-40]") {
    Config config = test_config();
    config.room.enabled_codecs = {{"audio/opus", ""}, {"video/vp8", ""}};
    Harness h(std::move(config));
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    JoinParams params = test_join("r", "bob");
    params.single_connection = true;
    params.publisher_offer.emplace();
    params.publisher_offer->set_sdp(testing::make_offer({}, 1));
    const SessionId bob = h.join(params);
    h.publish(alice, "cam", true);
    std::size_t asked = 0;
    for (int i = 0; i < 20; ++i) {  // as a client does, as often as it is asked to
        h.advance(Duration::millis(200));
        if (h.count(bob, R::kMediaSectionsRequirement) == asked) continue;
        ++asked;
        h.offer(bob, testing::with_h264_alone(testing::make_offer({}, 1, 1)));
    }
    CHECK(asked == 1);
    const auto errors = h.of(bob, R::kSubscriptionResponse);
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].subscription_response().err() == livekit::SE_CODEC_UNSUPPORTED);
    CHECK(h.of(bob, R::kAnswer).back().answer().mid_to_track_id().size() == 1);
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 1);
    CHECK(h.count(bob, R::kLeave) == 0);
}

TEST_CASE("Hidden: unseen by others, its tracks are heard, it sees all [SIG-132]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    JoinParams params = test_join("r", "ghost");
    params.grants.video->hidden = true;
    const SessionId ghost = h.join(params);
    const SessionId bob = h.join_active("r", "bob");
    CHECK(h.sent(bob)[0].join().other_participants_size() == 1);
    CHECK(h.sent(ghost)[0].join().other_participants_size() == 1);
    h.publish(ghost, "mic", false);
    h.advance(Duration::seconds(4));
    for (const auto& update : h.of(alice, R::kUpdate))
        for (const auto& info : update.update().participants())
            CHECK(info.identity() != "ghost");
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 2);
    CHECK(h.count(ghost, R::kUpdate) >= 1);
}

TEST_CASE(
    "Two workers: down-tracks name the home of their receiver, ufrag names the worker [SDP-06]") {
    Config config = test_config(2);
    config.participants_per_worker = 1;
    Harness h(std::move(config));
    const SessionId alice = h.join_active("r", "alice");
    (void)h.join_active("r", "bob");
    h.publish(alice, "mic", false);
    h.advance(Duration::millis(200));
    for (const MediaCommand& command : h.commands) {
        if (const auto* create = std::get_if<sfu::CreatePeer>(&command.command))
            CHECK(create->local.ufrag[0] == 'a' + command.worker);
        if (const auto* add = std::get_if<sfu::AddDownTrack>(&command.command)) {
            CHECK(command.worker == 1);
            CHECK(add->home == 0);
        }
    }
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 1);
}

TEST_CASE("Same inputs, same outputs [SIG-80]") {
    const auto run = [] {
        Harness h;
        const SessionId alice = h.join_active("r", "alice");
        (void)h.join_active("r", "bob");
        h.publish(alice, "cam", true);
        h.advance(Duration::seconds(20));
        std::string all;
        for (const auto& [session, frames] : h.signals)
            for (const R& frame : frames)
                all += frame.ShortDebugString();
        return all;
    };
    CHECK(run() == run());
}

}  // namespace confab::room
