// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Session: the WebSocket dies at the worst moment, and messages that say too little.
#include <doctest/doctest.h>

#include "client/session/session_testing.h"

namespace confab::client {
namespace {

using Case = livekit::SignalRequest::MessageCase;

Timestamp at(int seconds) {
    return kStart + Duration::seconds(seconds);
}
livekit::SignalResponse named(const char* cid, const char* sid) {
    livekit::SignalResponse response;
    response.mutable_track_published()->set_cid(cid);
    response.mutable_track_published()->mutable_track()->set_sid(sid);
    return response;
}
std::size_t count(const std::vector<livekit::SignalRequest>& requests, Case kind) {
    std::size_t found = 0;
    for (const auto& request : requests)
        found += request.message_case() == kind ? 1U : 0U;
    return found;
}

}  // namespace

TEST_CASE("Session: gone before the first answer, its access list is told all the same [SIG-10]") {
    Fixture f(true);
    f.session.tracks().set_access({});
    (void)f.joined();
    const auto requests = f.resumed();  // the answer to the join was lost
    REQUIRE(count(requests, Case::kOffer) == 1);
    f.answer(requests.back().offer());
    const auto told = f.one(Case::kSubscriptionPermission).subscription_permission();
    CHECK_FALSE(told.all_participants());
    // And once only.
    f.session.tracks().publish(Fixture::microphone("a"));
    f.answer(f.one(Case::kOffer).offer());
    CHECK(count(f.requests(), Case::kSubscriptionPermission) == 0);
}

TEST_CASE("Session: a sync state has no description that there was not [SIG-146][SIG-161]") {
    for (const bool single : {true, false}) {
        CAPTURE(single);
        Fixture f(single);
        (void)f.joined();
        const auto requests = f.resumed();
        REQUIRE(count(requests, Case::kSyncState) == 1);
        const livekit::SyncState& state = requests.front().sync_state();
        CHECK(state.has_offer() == single);  // with its join
        CHECK_FALSE(state.has_answer());
    }
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    const auto requests = f.resumed();
    CHECK(requests.front().sync_state().answer().sdp().starts_with("v=0"));
    CHECK(requests.front().sync_state().offer().type() == "offer");
}

TEST_CASE("Session: a mute without a sid is of no track of ours [SIG-37]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    f.session.tracks().publish(Fixture::microphone("a"));  // has no sid yet
    (void)f.requests();
    livekit::SignalResponse mute;
    mute.mutable_mute()->set_muted(true);
    f.give(mute);
    f.give(named("a", "TR_a"));
    CHECK(count(f.requests(), Case::kMute) == 0);
}

TEST_CASE("Session: the sync state comes first, then what waited, the offer last [SIG-161]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    f.session.tracks().publish(Fixture::microphone("a"));
    f.give(named("a", "TR_a"));
    (void)f.requests();
    f.session.signal_closed();
    f.session.subscriptions().subscribe({"TR_x"}, false);
    f.session.tracks().set_muted("a", true);
    f.session.tracks().publish(Fixture::microphone("b"));
    (void)f.session.resume(kStart, livekit::RR_SIGNAL_DISCONNECTED);
    CHECK(f.requests().empty());  // nothing before the server has taken us back
    livekit::SignalResponse response;
    response.mutable_reconnect();
    f.give(response);
    std::vector<Case> order;
    for (const auto& request : f.requests())
        order.push_back(request.message_case());
    CHECK(order == std::vector<Case>{Case::kSyncState, Case::kAddTrack, Case::kSubscription,
                                     Case::kMute, Case::kSubscriptionPermission, Case::kOffer});
}

TEST_CASE("Session: of two resumes the first one's messages are gone with it [SIG-160]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    (void)f.requests();
    f.session.signal_closed();
    f.session.subscriptions().subscribe({"TR_x"}, false);
    const auto request = f.session.resume(kStart, livekit::RR_SIGNAL_DISCONNECTED);
    CHECK(request.reconnect_reason() == livekit::RR_SIGNAL_DISCONNECTED);
    livekit::SignalResponse response;
    response.mutable_reconnect();
    f.give(response);
    f.session.signal_closed();  // before anything of it was sent
    CHECK(f.requests().empty());
    (void)f.session.resume(kStart, livekit::RR_PUBLISHER_FAILED);
    f.give(response);
    const auto requests = f.requests();
    // The wish stands in the sync state, so nothing is lost with it.
    CHECK(count(requests, Case::kSubscription) == 0);
    REQUIRE(count(requests, Case::kSyncState) == 1);
    CHECK(requests.front().sync_state().subscription().track_sids(0) == "TR_x");
    CHECK(count(requests, Case::kOffer) == 1);
}

TEST_CASE("Session: an answer between two WebSockets changes nothing; there is one offer after") {
    Fixture f(true);
    const livekit::JoinRequest join = f.joined();
    const auto requests = f.resumed();
    REQUIRE(count(requests, Case::kOffer) == 1);
    CHECK(requests.back().offer().id() == 2);
    f.answer(join.publisher_offer());  // of the join, late
    CHECK(f.session.counters().stale_answers == 1);
    CHECK(f.session.upstream()->remote_credentials().ufrag.empty());
    f.answer(requests.back().offer());
    CHECK(f.session.upstream()->remote_credentials().ufrag == "srvr");
    // Without an id it is that of the newest (01 SIG-85).
    f.session.tracks().publish(Fixture::microphone("a"));
    livekit::SessionDescription third = f.one(Case::kOffer).offer();
    third.set_id(0);
    f.answer(third);
    f.session.tracks().publish(Fixture::microphone("b"));
    CHECK(f.one(Case::kOffer).offer().id() == 4);
}

TEST_CASE("Session: pings stop with the WebSocket and begin anew with the next [SIG-04]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    (void)f.requests();
    f.session.signal_closed();
    for (const int seconds : {5, 20, 60})
        f.session.handle_timeout(at(seconds));
    CHECK(f.requests().empty());
    CHECK_FALSE(f.event<SignalTimedOut>().has_value());
    (void)f.session.resume(at(60), livekit::RR_SIGNAL_DISCONNECTED);
    livekit::SignalResponse response;
    response.mutable_reconnect();
    f.give(response, at(61));
    (void)f.requests();
    f.session.handle_timeout(at(65));
    CHECK(f.requests().empty());
    f.session.handle_timeout(at(66));
    CHECK(count(f.requests(), Case::kPingReq) == 1);
}

TEST_CASE("Session: any message is a sign of life, and the end is told once [SIG-04]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    for (int seconds = 5; seconds <= 40; seconds += 5) {
        livekit::SignalResponse pong;
        pong.mutable_pong_resp();
        f.give(pong, at(seconds) - Duration::millis(1));
        f.session.handle_timeout(at(seconds));
    }
    CHECK_FALSE(f.event<SignalTimedOut>().has_value());
    for (int seconds = 45; seconds <= 100; seconds += 5)
        f.session.handle_timeout(at(seconds));
    CHECK(f.event<SignalTimedOut>().has_value());
    CHECK_FALSE(f.event<SignalTimedOut>().has_value());
    CHECK(count(f.requests(), Case::kPingReq) == 10);
}

TEST_CASE("Session: times of pings are the server's, or 5 and 15 seconds [SIG-04]") {
    struct Row {
        int interval;
        int timeout;
        std::size_t pings;  // until 30 s
        int end;            // first time looked at when it has timed out
    };
    for (const Row& row : {Row{0, 0, 2, 15}, Row{2, 7, 3, 8}, Row{10, 25, 2, 30}}) {
        CAPTURE(row.interval);
        Fixture f(true);
        (void)f.session.start(kStart);
        livekit::SignalResponse join;
        join.mutable_join()->set_ping_interval(row.interval);
        join.mutable_join()->set_ping_timeout(row.timeout);
        f.give(join);
        int end = 0;
        std::size_t pings = 0;
        for (int seconds = 1; seconds <= 30 && end == 0; ++seconds) {
            f.session.handle_timeout(at(seconds));
            pings += count(f.requests(), Case::kPingReq);
            if (f.event<SignalTimedOut>()) end = seconds;
        }
        CHECK(end == row.end);
        CHECK(pings == row.pings);
    }
}

TEST_CASE("Session: muted before it has a sid, it says so with its sid [SIG-04]") {
    for (const bool muted : {true, false}) {
        Fixture f(true);
        f.answer(f.joined().publisher_offer());
        f.session.tracks().publish(Fixture::microphone("a"));
        f.session.tracks().set_muted("a", true);
        f.session.tracks().set_muted("a", muted);
        f.session.tracks().set_muted("no such", true);
        (void)f.requests();
        f.give(named("a", "TR_a"));
        const auto requests = f.requests();
        CHECK(count(requests, Case::kMute) == (muted ? 1 : 0));
    }
}

TEST_CASE("Session: what is announced says what it is [SIG-04][SIG-100]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    (void)f.requests();
    PublishOptions camera;
    camera.cid = "cam";
    camera.plan.kind = MediaKind::kVideo;
    camera.plan.layers = {
        {"q", 1, 2, 320, 180, 1}, {"h", 3, 4, 640, 360, 1}, {"f", 5, 6, 1280, 720, 1}};
    f.session.tracks().publish(camera);
    const livekit::AddTrackRequest add = f.one(Case::kAddTrack).add_track();
    CHECK(add.type() == livekit::VIDEO);
    CHECK(add.source() == livekit::CAMERA);
    CHECK(add.width() == 1280);
    CHECK(add.height() == 720);
    REQUIRE(add.layers_size() == 3);
    const livekit::VideoQuality kQualities[] = {livekit::LOW, livekit::MEDIUM, livekit::HIGH};
    for (int i = 0; i < 3; ++i) {
        CHECK(add.layers(i).quality() == kQualities[i]);
        if (i > 0) CHECK(add.layers(i).bitrate() > add.layers(i - 1).bitrate());
    }
    CHECK(add.layers(0).width() == 320);
    CHECK(add.simulcast_codecs(0).cid() == "cam");

    camera.cid = "screen";
    camera.source = livekit::SCREEN_SHARE;
    camera.plan.layers = {{"", 7, 8, 1920, 1080, 1}};
    f.session.tracks().publish(camera);
    const livekit::AddTrackRequest screen = f.one(Case::kAddTrack).add_track();
    REQUIRE(screen.layers_size() == 1);
    CHECK(screen.layers(0).quality() == livekit::HIGH);  // the only one is the best

    f.session.tracks().publish(Fixture::microphone("mic"));
    const livekit::AddTrackRequest microphone = f.one(Case::kAddTrack).add_track();
    CHECK(microphone.type() == livekit::AUDIO);
    CHECK(microphone.layers_size() == 0);
    CHECK(microphone.simulcast_codecs_size() == 0);
}

TEST_CASE("Session: nothing but its own kind of offer is answered [SIG-80][SIG-82]") {
    OfferBuilder server(OfferSize::kLean, 0);
    livekit::SignalResponse offered;
    offered.mutable_offer()->set_sdp(server.offer({"srvr", "server-password", "CC"}));
    Fixture one(true);
    one.answer(one.joined().publisher_offer());
    (void)one.requests();
    one.give(offered);
    CHECK(one.requests().empty());
    CHECK(one.session.counters().bad_signals == 1);
    CHECK(one.session.connection(Target::kSubscriber) == nullptr);
    Fixture two(false);
    (void)two.joined();
    livekit::SignalResponse empty;
    empty.mutable_offer()->set_sdp("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n");
    two.give(empty);  // no section
    CHECK(two.session.counters().bad_signals == 1);
    CHECK(two.requests().empty());
    // Packets for a connection that is not there are nobody's.
    Bytes datagram(20);
    const auto media = two.session.handle_packet(kStart, Target::kSubscriber, {}, datagram);
    CHECK(media.kind == peer::Transport::Media::Kind::kNone);
}

TEST_CASE("Session: the requests of two connections wait for each other [SIG-80][SIG-86]") {
    Fixture f(false);
    (void)f.joined();
    f.session.tracks().publish(Fixture::microphone("a"));
    // A publisher needs no subscriber to offer.
    const auto first = f.requests();
    REQUIRE(count(first, Case::kOffer) == 1);
    OfferBuilder server(OfferSize::kLean, 0);
    livekit::SignalResponse response;
    response.mutable_offer()->set_sdp(server.offer({"srvr", "server-password", "CC"}));
    response.mutable_offer()->set_id(200);
    f.give(response);
    const auto second = f.requests();
    CHECK(count(second, Case::kAnswer) == 1);
    CHECK(count(second, Case::kOffer) == 0);  // the first one has no answer yet
    f.answer(first.back().offer());
    CHECK(f.one(Case::kOffer).offer().id() == 2);
    // An update of the same offer is no new connection and tells no candidate again.
    response.mutable_offer()->set_id(201);
    f.give(response);
    const auto third = f.requests();
    REQUIRE(third.size() == 1);
    CHECK(third[0].answer().id() == 201);
}

TEST_CASE("Session: a join request names a client that servers know [CON-36][CON-40]") {
    for (const bool data : {true, false}) {
        srtp::Engine engine;
        SessionConfig config;
        config.crypto = {&engine, nullptr, true};
        config.auto_subscribe_data = data;
        Session session(config, Rng(1));
        const livekit::JoinRequest join = session.start(kStart);
        CHECK(join.client_info().sdk() == livekit::ClientInfo::JS);
        CHECK(!join.client_info().version().empty());
        CHECK(join.connection_settings().has_auto_subscribe_data_track() == data);
        CHECK(join.publisher_offer().type() == "offer");
    }
}

TEST_CASE(
    "Session: an access list is said once it counts, and while there is a WebSocket [SIG-10]") {
    Fixture f(true);
    const livekit::JoinRequest join = f.joined();
    f.session.tracks().set_access({});  // before the first answer: with it
    CHECK(f.requests().empty());
    f.answer(join.publisher_offer());
    CHECK(count(f.requests(), Case::kSubscriptionPermission) == 1);
    f.session.signal_closed();
    livekit::SubscriptionPermission everybody;
    everybody.set_all_participants(true);
    f.session.tracks().set_access(everybody);
    (void)f.session.resume(kStart, livekit::RR_SIGNAL_DISCONNECTED);
    livekit::SignalResponse response;
    response.mutable_reconnect();
    f.give(response);
    const auto told = f.one(Case::kSubscriptionPermission).subscription_permission();
    CHECK(told.all_participants());
}

TEST_CASE("Session: what is sent after a resume are requests, each of them [SIG-161]") {
    Fixture f(true);
    (void)f.session.start(kStart);
    f.session.subscriptions().update_settings({});
    f.session.data().publish_track(1, "a");
    livekit::SignalResponse join;
    join.mutable_join()->mutable_participant()->set_sid("PA_me");
    f.give(join);
    const auto first = f.requests();
    CHECK(count(first, Case::kTrackSetting) == 1);
    CHECK(count(first, Case::kPublishDataTrackRequest) == 1);
    for (int i = 0; i < 2; ++i) {
        f.session.signal_closed();
        f.session.subscriptions().update_settings({});
        f.session.data().subscribe({"DTR_x"}, true);
        f.session.data().unpublish_track(1);
        const auto requests = f.resumed();
        CHECK(count(requests, Case::MESSAGE_NOT_SET) == 0);
        CHECK(count(requests, Case::kTrackSetting) == 1);
        CHECK(count(requests, Case::kUpdateDataSubscription) == 1);
        CHECK(count(requests, Case::kUnpublishDataTrackRequest) == 1);
    }
}

TEST_CASE("Session: a server that is slow to take us back is no dead WebSocket [SIG-04]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    f.session.signal_closed();
    (void)f.session.resume(at(100), livekit::RR_SIGNAL_DISCONNECTED);
    f.session.handle_timeout(at(110));
    livekit::SignalResponse response;
    response.mutable_reconnect();
    f.give(response, at(110));
    f.session.handle_timeout(at(115));
    CHECK_FALSE(f.event<SignalTimedOut>().has_value());
    const livekit::SyncState state = f.one(Case::kSyncState).sync_state();
    CHECK(state.publish_tracks_size() == 0);  // nothing has a sid
}

}  // namespace confab::client
