// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The client's half of signalling against hand-made answers of a server. Whole sessions against the
// real one are in sim/world.

#include "client/session/session.h"

#include <doctest/doctest.h>

#include "client/session/session_testing.h"

namespace confab::client {
namespace {

using Case = livekit::SignalRequest::MessageCase;

TEST_CASE("Session: one connection offers with its join, two wait for the server's [SIG-82]") {
    Fixture one(true);
    CHECK(one.joined().has_publisher_offer());
    CHECK(one.event<Joined>().has_value());
    Fixture two(false);
    CHECK_FALSE(two.joined().has_publisher_offer());
    CHECK(two.session.connection(Target::kSubscriber) == nullptr);
    OfferBuilder server(OfferSize::kLean, 0);
    livekit::SignalResponse response;
    response.mutable_offer()->set_sdp(server.offer({"srvr", "server-password", "CC"}));
    response.mutable_offer()->set_id(7);
    two.give(response);
    const auto requests = two.requests();
    REQUIRE(requests.size() == 4);
    CHECK(requests[0].answer().id() == 7);
    CHECK(requests[1].trickle().target() == livekit::SUBSCRIBER);
    CHECK(requests[2].has_offer());
    CHECK(requests[3].subscription_permission().all_participants());
    CHECK(two.session.downstream() == two.session.connection(Target::kSubscriber));
}

TEST_CASE("Session: one offer at a time, the next with all that was wanted since [SIG-86]") {
    Fixture f(true);
    const livekit::JoinRequest join = f.joined();
    f.session.tracks().publish(Fixture::microphone("a"));
    f.session.tracks().publish(Fixture::microphone("b"));
    for (const auto& request : f.requests())
        CHECK(request.has_add_track());
    f.answer(join.publisher_offer());
    const livekit::SignalRequest second = f.one(Case::kOffer);
    CHECK(second.offer().id() == 2);
    CHECK(sdp::parse(second.offer().sdp())->sections.size() == 9);
    f.answer(second.offer());
    CHECK(f.requests().empty());
}

TEST_CASE("Session: tracks get sids, are muted, refused and ended [SIG-04][SIG-95]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    f.session.tracks().publish(Fixture::microphone("a"));
    f.session.tracks().publish(Fixture::microphone("b"));
    f.session.tracks().set_muted("a", true);
    CHECK(f.requests().size() == 5);  // trickle, permission, 2 tracks, offer: no mute without a sid
    livekit::SignalResponse named;
    named.mutable_track_published()->set_cid("a");
    named.mutable_track_published()->mutable_track()->set_sid("TR_a");
    f.give(named);
    CHECK(f.one(Case::kMute).mute().sid() == "TR_a");
    CHECK(f.session.tracks().announced() == 1);
    livekit::SignalResponse refused;
    refused.mutable_request_response()->set_reason(livekit::RequestResponse::NOT_ALLOWED);
    refused.mutable_request_response()->mutable_add_track()->set_cid("b");
    f.give(refused);
    CHECK(f.session.tracks().cids() == std::vector<std::string>{"a"});
    livekit::SignalResponse ended;
    ended.mutable_track_unpublished()->set_track_sid("TR_a");
    f.give(ended);
    CHECK(f.session.tracks().cids().empty());
    CHECK(f.session.counters().unpublished == 2);
}

TEST_CASE("Session: a requirement adds sections, within kMaxSections [SIG-84]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    (void)f.requests();
    livekit::SignalResponse response;
    response.mutable_media_sections_requirement()->set_num_audios(2);
    f.give(response);
    CHECK(sdp::parse(f.one(Case::kOffer).offer().sdp())->sections.size() == 9);
    response.mutable_media_sections_requirement()->set_num_audios(4'000'000'000U);
    f.give(response);
    CHECK(f.requests().empty());
    CHECK(f.session.counters().bad_signals == 1);
}

TEST_CASE("Session: resuming says what is there, restarts ICE and sends what waited [SIG-146]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    f.session.tracks().publish(Fixture::microphone("a"));
    livekit::SignalResponse named;
    named.mutable_track_published()->set_cid("a");
    named.mutable_track_published()->mutable_track()->set_sid("TR_a");
    f.give(named);
    f.session.subscriptions().subscribe({"TR_x"}, false);
    (void)f.requests();
    const std::string before = f.session.upstream()->local().ufrag;
    f.session.signal_closed();
    f.session.tracks().set_muted("a", true);
    f.session.restart_ice(kStart);  // its offer dies with the connection
    CHECK(f.requests().empty());

    const livekit::JoinRequest request = f.session.resume(kStart, livekit::RR_SIGNAL_DISCONNECTED);
    CHECK(request.reconnect());
    CHECK(request.participant_sid() == "PA_me");
    CHECK_FALSE(request.has_publisher_offer());
    (void)f.event<Joined>();
    livekit::SignalResponse response;
    response.mutable_reconnect()->set_last_message_seq(0);
    f.give(response);
    const auto requests = f.requests();
    REQUIRE(requests.size() == 4);
    const livekit::SyncState& state = requests[0].sync_state();
    CHECK(state.publish_tracks(0).track().sid() == "TR_a");
    CHECK(state.subscription().track_sids(0) == "TR_x");
    CHECK_FALSE(state.subscription().subscribe());
    CHECK(requests[1].has_mute());
    CHECK(requests[2].subscription_permission().all_participants());
    REQUIRE(requests[3].has_offer());
    CHECK(sdp::parse(requests[3].offer().sdp())->sections[0].ufrag != before);
    CHECK(f.event<Joined>()->resumed);
}

// A session with one announced microphone whose WebSocket dies; `requests` are those after it.
std::vector<livekit::SignalRequest> resumed_with(Fixture& f, const char* last = nullptr) {
    f.answer(f.joined().publisher_offer());
    f.session.tracks().publish(Fixture::microphone("a"));
    if (last != nullptr) f.session.tracks().publish(Fixture::microphone(last));
    return f.resumed();
}

// What the server says of us: one microphone.
livekit::SignalResponse self_with(const char* cid, const char* sid, bool muted) {
    livekit::SignalResponse response;
    livekit::ParticipantInfo& self = *response.mutable_update()->add_participants();
    self.set_sid("PA_me");
    self.set_version(9);
    livekit::TrackInfo& track = *self.add_tracks();
    track.set_sid(sid);
    track.set_muted(muted);
    track.add_codecs()->set_cid(cid);
    return response;
}

TEST_CASE("Session: an announcement that died with its WebSocket is made again [SIG-100]") {
    Fixture f(true);
    const auto requests = resumed_with(f, "b");
    // Before the offer with its section.
    REQUIRE(requests.size() == 5);
    CHECK(requests[0].has_sync_state());
    CHECK(requests[1].add_track().cid() == "a");
    CHECK(requests[2].add_track().cid() == "b");
    CHECK(requests[3].has_subscription_permission());
    CHECK(requests[4].has_offer());
}

TEST_CASE("Session: a track published while there is no connection is announced with the next") {
    Fixture f(true);
    const livekit::JoinRequest join = f.session.start(kStart);
    f.session.tracks().publish(Fixture::microphone("early"));
    CHECK(f.requests().empty());
    livekit::SignalResponse response;
    response.mutable_join()->mutable_participant()->set_sid("PA_me");
    f.give(response);
    CHECK(f.one(Case::kAddTrack).add_track().cid() == "early");
}

TEST_CASE("Session: the answer to an announcement may be lost: what is there is ours [SIG-101]") {
    Fixture f(true);
    (void)resumed_with(f);
    livekit::SignalResponse queued;
    queued.mutable_request_response()->set_reason(livekit::RequestResponse::QUEUED);
    queued.mutable_request_response()->mutable_add_track()->set_cid("a");
    f.give(queued);
    CHECK(f.session.tracks().cids() == std::vector<std::string>{"a"});
    CHECK(f.session.tracks().announced() == 0);
    f.give(self_with("a", "TR_a", false));
    CHECK(f.session.tracks().sid("a") == "TR_a");
}

TEST_CASE("Session: a mute that was lost is said again, as livekit-client does") {
    Fixture f(true);
    (void)resumed_with(f);
    f.session.tracks().set_muted("a", true);
    CHECK(f.requests().empty());  // no sid to say it of
    f.give(self_with("a", "TR_a", false));
    const livekit::SignalRequest again = f.one(Case::kMute);
    CHECK(again.mute().sid() == "TR_a");
    CHECK(again.mute().muted());
    f.give(self_with("a", "TR_a", true));
    f.give(self_with("x", "TR_x", false));
    CHECK(f.requests().empty());
}

TEST_CASE("Session: who may subscribe is told with the first answer and after a resume [SIG-10]") {
    Fixture f(true);
    livekit::SubscriptionPermission nobody;
    f.session.tracks().set_access(nobody);
    const livekit::JoinRequest join = f.joined();
    CHECK(f.requests().empty());
    f.answer(join.publisher_offer());
    CHECK_FALSE(f.one(Case::kSubscriptionPermission).subscription_permission().all_participants());
    nobody.add_track_permissions()->set_participant_identity("friend");
    f.session.tracks().set_access(nobody);
    CHECK(f.one(Case::kSubscriptionPermission)
              .subscription_permission()
              .track_permissions(0)
              .participant_identity() == "friend");
}

TEST_CASE("Session: data tracks survive a lost WebSocket, also their answers [SIG-125][SIG-161]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    (void)f.requests();
    f.session.data().publish_track(1, "named");
    f.session.data().publish_track(2, "lost");
    livekit::SignalResponse named;
    named.mutable_publish_data_track_response()->mutable_info()->set_pub_handle(1);
    named.mutable_publish_data_track_response()->mutable_info()->set_sid("DTR_a");
    f.give(named);
    f.session.data().subscribe({"DTR_x"}, true);
    (void)f.requests();
    f.session.signal_closed();
    f.session.data().publish_track(3, "meanwhile");
    (void)f.session.resume(kStart, livekit::RR_SIGNAL_DISCONNECTED);
    livekit::SignalResponse response;
    response.mutable_reconnect();
    f.give(response);
    const auto requests = f.requests();
    REQUIRE(requests.size() == 6);
    const livekit::SyncState& state = requests[0].sync_state();
    REQUIRE(state.publish_data_tracks_size() == 1);
    CHECK(state.publish_data_tracks(0).info().sid() == "DTR_a");
    CHECK(requests[1].publish_data_track_request().name() == "lost");
    CHECK(requests[2].publish_data_track_request().name() == "meanwhile");
    CHECK(requests[3].update_data_subscription().updates(0).track_sid() == "DTR_x");
}

TEST_CASE("Session: the answer to an offer that died with its WebSocket is none [SIG-86]") {
    Fixture f(true);
    const livekit::SessionDescription first = f.joined().publisher_offer();
    f.answer(first);
    f.session.tracks().publish(Fixture::microphone("a"));
    (void)f.requests();  // with offer 2, whose answer is lost
    f.session.signal_closed();
    (void)f.session.resume(kStart, livekit::RR_SIGNAL_DISCONNECTED);
    livekit::SignalResponse response;
    response.mutable_reconnect();
    f.give(response);
    const livekit::SessionDescription newest = f.one(Case::kOffer).offer();
    CHECK(newest.id() == 3);
    const std::string remote = f.session.upstream()->remote_credentials().ufrag;
    livekit::SignalResponse stale;
    const auto parsed = sdp::parse(first.sdp());
    stale.mutable_answer()->set_id(2);
    stale.mutable_answer()->set_sdp(answer_to(*parsed, {"stal", "server-password", "CC"}));
    f.give(stale);
    CHECK(f.session.counters().stale_answers == 1);
    CHECK(f.session.upstream()->remote_credentials().ufrag == remote);
    f.session.tracks().publish(Fixture::microphone("b"));
    CHECK(f.one(Case::kAddTrack).add_track().cid() == "b");  // and no offer beside the newest
    f.answer(newest);
    CHECK(f.one(Case::kOffer).offer().id() == 4);
    // The server can not answer what was not offered.
    stale.mutable_answer()->set_id(9);
    f.give(stale);
    CHECK(f.session.counters().bad_signals == 1);
}

TEST_CASE("Session: each leave is handed on with its action [SIG-145]") {
    using Leave = livekit::LeaveRequest;
    for (const auto action : {Leave::DISCONNECT, Leave::RESUME, Leave::RECONNECT}) {
        Fixture f(true);
        (void)f.joined();
        livekit::SignalResponse response;
        response.mutable_leave()->set_action(action);
        response.mutable_leave()->set_reason(livekit::SERVER_SHUTDOWN);
        f.give(response);
        const auto left = f.event<Left>();
        REQUIRE(left.has_value());
        CHECK(left->leave.action() == action);
        CHECK(left->leave.reason() == livekit::SERVER_SHUTDOWN);
    }
}

TEST_CASE("Session: with two connections each offer is answered by its id [SIG-80][SIG-81]") {
    Fixture f(false);
    (void)f.joined();
    OfferBuilder server(OfferSize::kLean, 0);
    const auto offer = [&](std::uint32_t id, const char* ufrag) {
        livekit::SignalResponse response;
        response.mutable_offer()->set_sdp(server.offer({ufrag, "server-password", "CC"}));
        response.mutable_offer()->set_id(id);
        f.give(response);
        return f.one(Case::kAnswer).answer();
    };
    CHECK(offer(1, "srvr").id() == 1);
    const std::string before = f.session.downstream()->local().ufrag;
    CHECK(offer(2, "srvr").id() == 2);
    CHECK(f.session.downstream()->local().ufrag == before);
    // Other credentials are a restart, which takes both ends.
    const livekit::SessionDescription restarted = offer(3, "next");
    CHECK(f.session.downstream()->local().ufrag != before);
    CHECK(restarted.sdp().find(f.session.downstream()->local().ufrag) != std::string::npos);
    CHECK(f.session.downstream()->remote_credentials().ufrag == "next");
}

TEST_CASE("Session: with two connections the sync state has the server's offer [SIG-146]") {
    Fixture f(false);
    (void)f.joined();
    OfferBuilder server(OfferSize::kLean, 0);
    livekit::SignalResponse response;
    const std::string offered = server.offer({"srvr", "server-password", "CC"});
    response.mutable_offer()->set_sdp(offered);
    f.give(response);
    (void)f.requests();
    f.session.signal_closed();
    CHECK_FALSE(f.session.resume(kStart, livekit::RR_SIGNAL_DISCONNECTED).has_publisher_offer());
    response.mutable_reconnect();
    f.give(response);
    const livekit::SyncState state = f.one(Case::kSyncState).sync_state();
    CHECK(state.offer().sdp() == offered);
    CHECK(state.answer().type() == "answer");
    CHECK_FALSE(state.subscription().subscribe());
}

TEST_CASE("Session: the server mutes a track of ours; other tracks stay as they are [SIG-37]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    f.session.tracks().publish(Fixture::microphone("a"));
    f.give(self_with("a", "TR_a", false));
    (void)f.requests();
    livekit::SignalResponse response;
    response.mutable_mute()->set_sid("TR_a");
    response.mutable_mute()->set_muted(true);
    f.give(response);
    f.give(self_with("a", "TR_a", true));
    CHECK(f.requests().empty());  // it is known, nothing to say
    f.session.tracks().set_muted("a", false);
    CHECK_FALSE(f.one(Case::kMute).mute().muted());
}

TEST_CASE("Session: what waits for a connection is bounded, and goes with the next") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    (void)f.requests();
    f.session.signal_closed();
    for (std::size_t i = 0; i <= SignalLink::kMaxMessages; ++i)
        f.session.subscriptions().subscribe({"TR_" + std::to_string(i)}, false);
    CHECK(f.session.counters().dropped_signals == 1);
    CHECK(f.requests().empty());
}

TEST_CASE("Session: publishes kMaxPublished tracks, a cid once") {
    Fixture f(true);
    (void)f.joined();
    for (std::size_t i = 0; i <= PublishedTracks::kMaxTracks; ++i)
        f.session.tracks().publish(Fixture::microphone(("m" + std::to_string(i)).c_str()));
    f.session.tracks().publish(Fixture::microphone("m0"));
    CHECK(f.session.tracks().cids().size() == PublishedTracks::kMaxTracks);
    CHECK(f.requests().size() == PublishedTracks::kMaxTracks);
}

TEST_CASE("Session: an ended track gives its section back with the next offer [SDP-44]") {
    Fixture f(true);
    const livekit::JoinRequest join = f.joined();
    f.session.tracks().publish(Fixture::microphone("a"));
    f.answer(join.publisher_offer());
    const livekit::SessionDescription with = f.one(Case::kOffer).offer();
    f.answer(with);
    f.session.tracks().unpublish("a");
    f.session.tracks().unpublish("a");
    const auto without = sdp::parse(f.one(Case::kOffer).offer().sdp());
    REQUIRE(without.has_value());
    CHECK(without->sections.size() == sdp::parse(with.sdp())->sections.size());
    CHECK(without->sections.back().direction == sdp::Direction::kInactive);
    CHECK(f.session.tracks().cids().empty());
}

TEST_CASE("Session: pings, and says when nothing comes any more [SIG-04]") {
    Fixture f(true);
    (void)f.joined();
    const auto at = [](int seconds) { return kStart + Duration::seconds(seconds); };
    CHECK(f.session.next_deadline() <= at(5));
    for (const int seconds : {5, 10}) {
        f.session.handle_timeout(at(seconds));
        CHECK(f.one(Case::kPingReq).ping_req().timestamp() > 0);
    }
    CHECK_FALSE(f.event<SignalTimedOut>().has_value());
    f.session.handle_timeout(at(15));
    CHECK(f.event<SignalTimedOut>().has_value());
    CHECK(f.requests().empty());
}

TEST_CASE("Session: what it can not read, or did not wait for, changes nothing") {
    Fixture f(true);
    (void)f.joined();
    (void)f.event<Joined>();
    CHECK_FALSE(f.session.handle_signal(kStart, std::string_view("\xFF\xFF\xFF")));
    livekit::SignalResponse response;
    response.mutable_join()->mutable_participant()->set_sid("PA_other");
    f.give(response);
    CHECK(f.session.self().sid() == "PA_me");
    response.mutable_reconnect();
    f.give(response);
    response.mutable_answer()->set_sdp("v=0");
    f.give(response);
    response.mutable_offer()->set_sdp("v=0");
    f.give(response);
    CHECK(f.session.counters().bad_signals == 5);
    CHECK_FALSE(f.event<Joined>().has_value());
}

}  // namespace
}  // namespace confab::client
