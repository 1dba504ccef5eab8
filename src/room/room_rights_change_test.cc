// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Rights that change during a session, and who a session is: through RoomManager's requests.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;
using testing::make_offer;
using testing::test_join;
using R = livekit::SignalResponse;

livekit::UpdateParticipantRequest rights(const std::string& identity) {
    livekit::UpdateParticipantRequest request;
    request.set_room("r");
    request.set_identity(identity);
    request.mutable_permission()->set_can_publish(true);
    request.mutable_permission()->set_can_subscribe(true);
    request.mutable_permission()->set_can_publish_data(true);
    return request;
}

SessionId join_active(Harness& h, const JoinParams& params) {
    const SessionId session = h.join(params);
    h.advance(Duration::millis(300));
    return session;
}

SessionId join_hidden(Harness& h, const std::string& identity) {
    JoinParams params = test_join("r", identity);
    params.grants.video->hidden = true;
    return join_active(h, params);
}

std::string sid_of(Harness& h, SessionId session) {
    return h.sent(session).at(0).join().participant().sid();
}

// The states that a session was told for a participant, oldest first.
std::vector<livekit::ParticipantInfo::State> states_told(Harness& h, SessionId session,
                                                         const std::string& sid) {
    std::vector<livekit::ParticipantInfo::State> result;
    for (const R& frame : h.of(session, R::kUpdate))
        for (const auto& info : frame.update().participants())
            if (info.sid() == sid) result.push_back(info.state());
    return result;
}

bool told_gone(Harness& h, SessionId session, const std::string& sid) {
    const auto states = states_told(h, session, sid);
    return !states.empty() && states.back() == livekit::ParticipantInfo::DISCONNECTED;
}

}  // namespace

TEST_CASE("A revoked publisher's announced track takes no section any more [TOK-13] [SIG-10]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    (void)h.join_active("r", "bob");
    h.add_track(alice, "cam", true);
    const std::string sid = h.of(alice, R::kTrackPublished).at(0).track_published().track().sid();
    h.add_track(alice, "cam", true);  // queued behind it
    auto request = rights("alice");
    request.mutable_permission()->add_can_publish_sources(livekit::MICROPHONE);
    REQUIRE(h.manager.update_participant(h.clock(), request));
    h.drain();
    REQUIRE(h.count(alice, R::kTrackUnpublished) == 1);
    CHECK(h.of(alice, R::kTrackUnpublished)[0].track_unpublished().track_sid() == sid);
    CHECK(h.of(alice, R::kRequestResponse).back().request_response().reason() ==
          livekit::RequestResponse::NOT_ALLOWED);
    h.offer(alice, make_offer({{"cam", true, {}}}));
    h.advance(Duration::seconds(1));
    CHECK(h.commands_of<sfu::AddReceiver>().empty());
    CHECK(h.commands_of<sfu::AddDownTrack>().empty());
}

TEST_CASE("A permission as it was is told to nobody and makes no token [TOK-13] [TOK-12]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    auto request = rights("alice");
    request.mutable_permission()->set_can_subscribe_metrics(true);
    REQUIRE(h.manager.update_participant(h.clock(), request));
    h.advance(Duration::seconds(5));
    REQUIRE(h.count(bob, R::kUpdate) > 0);
    for (const SessionId session : {alice, bob})
        (void)h.take(session);
    REQUIRE(h.manager.update_participant(h.clock(), request));
    h.advance(Duration::seconds(5));
    CHECK(h.sent(alice).empty());
    CHECK(h.sent(bob).empty());
}

TEST_CASE("A list of who may subscribe, said once more, changes nothing [SIG-10] [SIG-112]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    const SessionId bob = h.join_active("r", "bob");
    livekit::SignalRequest list;
    list.mutable_subscription_permission()->add_track_permissions()->set_participant_identity(
        "bob");
    for (const bool all : {false, true}) {
        list.mutable_subscription_permission()->mutable_track_permissions(0)->set_all_tracks(all);
        for (const bool first : {true, false}) {
            CAPTURE(all);
            h.advance(Duration::seconds(10));
            (void)h.take(bob);
            h.send(alice, list);
            h.advance(Duration::millis(500));
            CHECK(h.sent(bob).empty() != first);
        }
    }
}

// Upstream's are recorders by their kind, whatever their token says.
TEST_CASE("An egress without the grant of a recorder is one [SIG-10] [SIG-132] [SIG-138]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    livekit::SignalRequest nobody;
    nobody.mutable_subscription_permission()->set_all_participants(false);
    h.send(alice, nobody);
    livekit::SignalRequest data;
    data.mutable_publish_data_track_request()->set_pub_handle(1);
    data.mutable_publish_data_track_request()->set_name("pose");
    h.send(alice, data);
    (void)h.take(alice);
    JoinParams params = test_join("r", "egress");
    params.grants.kind = livekit::ParticipantInfo::EGRESS;
    params.auto_subscribe_data_track = true;
    const SessionId egress = join_active(h, params);
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 1);
    CHECK(h.count(egress, R::kDataTrackSubscriberHandles) == 1);
    const auto told = h.of(alice, R::kRoomUpdate);
    REQUIRE_FALSE(told.empty());
    CHECK(told.front().room_update().room().active_recording());
    // Others see it: hidden is another grant.
    h.advance(Duration::seconds(4));
    CHECK_FALSE(states_told(h, alice, sid_of(h, egress)).empty());
    h.close(egress);
    JoinParams guest = test_join("r", "guest");
    guest.auto_subscribe_data_track = true;
    CHECK(h.count(join_active(h, guest), R::kDataTrackSubscriberHandles) == 0);
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 1);
}

TEST_CASE("Who loses rights knows them before it hears what ended by them [TOK-13] [SIG-125]") {
    for (const bool announced : {true, false}) {
        CAPTURE(announced);
        Harness h;
        const SessionId alice = h.join_active("r", "alice");
        if (announced) h.publish(alice, "mic", false);
        h.add_track(alice, "cam", true);  // without its section
        for (const std::uint32_t handle : {5U, 9U}) {
            livekit::SignalRequest data;
            data.mutable_publish_data_track_request()->set_pub_handle(handle);
            data.mutable_publish_data_track_request()->set_name(std::to_string(handle));
            h.send(alice, data);
        }
        h.advance(Duration::seconds(1));
        std::set<std::string> expected;
        for (const R& told : h.of(alice, R::kTrackPublished))
            expected.insert(told.track_published().track().sid());
        for (const R& told : h.of(alice, R::kPublishDataTrackResponse))
            expected.insert(told.publish_data_track_response().info().sid());
        REQUIRE(expected.size() == (announced ? 4 : 3));
        (void)h.take(alice);
        auto request = rights("alice");
        request.mutable_permission()->set_can_publish(false);
        request.mutable_permission()->set_can_publish_data(false);
        REQUIRE(h.manager.update_participant(h.clock(), request));
        h.drain();
        bool knows = false;
        std::set<std::string> ended;
        for (const R& told : h.sent(alice)) {
            if (told.has_update())
                knows = !told.update().participants(0).permission().can_publish();
            const std::string mark = knows ? "" : "early ";
            if (told.has_track_unpublished())
                ended.insert(mark + told.track_unpublished().track_sid());
            if (told.has_unpublish_data_track_response())
                ended.insert(mark + told.unpublish_data_track_response().info().sid());
        }
        CHECK(ended == expected);
        (void)h.take(alice);  // what ended is not told again
        REQUIRE(h.manager.update_participant(h.clock(), rights("alice")));
        REQUIRE(h.manager.update_participant(h.clock(), request));
        h.drain();
        CHECK(h.count(alice, R::kTrackUnpublished) == 0);
        CHECK(h.count(alice, R::kUnpublishDataTrackResponse) == 0);
    }
}

TEST_CASE("Who leaves is told nothing of its data tracks any more [SIG-125]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    livekit::SignalRequest data;
    data.mutable_publish_data_track_request()->set_pub_handle(5);
    data.mutable_publish_data_track_request()->set_name("d");
    h.send(alice, data);
    livekit::SignalRequest leave;
    leave.mutable_leave();
    h.send(alice, leave);
    CHECK(h.count(alice, R::kPublishDataTrackResponse) == 1);
    CHECK(h.count(alice, R::kUnpublishDataTrackResponse) == 0);
}

TEST_CASE("A resume with another session's sid is refused and leaves that one alone [SIG-147]") {
    Harness h;
    const SessionId first = h.join_active("r", "alice");
    const std::string old_sid = sid_of(h, first);
    const SessionId second = h.join_active("r", "alice");
    JoinParams params = test_join("r", "alice");
    params.reconnect = true;
    params.participant_sid = old_sid;
    const SessionId late = h.join(params);
    REQUIRE(h.count(late, R::kLeave) == 1);
    CHECK(h.sent(late)[0].leave().reason() == livekit::STATE_MISMATCH);
    CHECK(h.sent(late)[0].leave().action() == livekit::LeaveRequest::RECONNECT);
    CHECK(h.closed.contains(late));
    CHECK_FALSE(h.closed.contains(second));

    params.participant_sid = sid_of(h, second);
    const SessionId own = h.join(params);
    CHECK(h.count(own, R::kReconnect) == 1);
    CHECK(h.count(own, R::kLeave) == 0);
}

TEST_CASE("Who comes back hidden is gone for the others [SIG-132] [SIG-133]") {
    Harness h;
    const SessionId bob = h.join_active("r", "bob");
    const SessionId alice = h.join_active("r", "alice");
    h.advance(Duration::seconds(4));
    const std::string seen = sid_of(h, alice);
    REQUIRE_FALSE(told_gone(h, bob, seen));
    const SessionId hidden = join_hidden(h, "alice");
    h.advance(Duration::seconds(4));
    CHECK(told_gone(h, bob, seen));
    CHECK(states_told(h, bob, sid_of(h, hidden)).empty());
}

TEST_CASE("Hidden or shown at run time: the others are told [SIG-132]") {
    Harness h;
    const SessionId bob = h.join_active("r", "bob");
    const SessionId alice = h.join_active("r", "alice");
    h.advance(Duration::seconds(4));
    const std::string sid = sid_of(h, alice);
    auto request = rights("alice");
    request.mutable_permission()->set_hidden(true);
    REQUIRE(h.manager.update_participant(h.clock(), request));
    h.advance(Duration::seconds(4));
    CHECK(told_gone(h, bob, sid));
    CHECK_FALSE(told_gone(h, alice, sid));
    const std::size_t before = states_told(h, bob, sid).size();
    REQUIRE(h.manager.update_participant(h.clock(), request));  // once is enough
    h.advance(Duration::seconds(4));
    CHECK(states_told(h, bob, sid).size() == before);

    request.mutable_permission()->set_hidden(false);
    REQUIRE(h.manager.update_participant(h.clock(), request));
    h.drain();
    REQUIRE(states_told(h, bob, sid).size() == before + 1);
    CHECK(states_told(h, bob, sid).back() == livekit::ParticipantInfo::ACTIVE);
}

// Clients let go of the tracks with their publisher: without new sections they never hear it again.
TEST_CASE("Shown again at run time: what it publishes comes anew [SIG-132] [SIG-42]") {
    Harness h;
    JoinParams params = test_join("r", "bob");
    params.auto_subscribe_data_track = true;
    const SessionId bob = join_active(h, params);
    const SessionId carol = h.join_active("r", "carol");
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    h.publish(carol, "mic", false);
    livekit::SignalRequest data;
    data.mutable_publish_data_track_request()->set_pub_handle(5);
    data.mutable_publish_data_track_request()->set_name("d");
    h.send(alice, data);
    h.advance(Duration::seconds(1));
    livekit::SignalRequest without;
    without.mutable_subscription()->add_track_sids(
        h.of(alice, R::kTrackPublished).at(0).track_published().track().sid());
    h.send(carol, without);
    h.advance(Duration::seconds(1));
    REQUIRE(h.commands_of<sfu::AddDownTrack>().size() == 4);
    REQUIRE(h.commands_of<sfu::RemoveDownTrack>().size() == 1);
    REQUIRE(h.count(bob, R::kDataTrackSubscriberHandles) == 1);

    auto request = rights("alice");
    request.mutable_permission()->set_hidden(true);
    REQUIRE(h.manager.update_participant(h.clock(), request));
    h.advance(Duration::seconds(1));
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 4);
    request.mutable_permission()->set_hidden(false);
    for (int i = 0; i < 2; ++i) {  // once is enough
        REQUIRE(h.manager.update_participant(h.clock(), request));
        h.advance(Duration::seconds(1));
    }
    const auto down = h.commands_of<sfu::AddDownTrack>();
    REQUIRE(down.size() == 5);  // bob's of alice: carol wants none
    CHECK(h.commands_of<sfu::RemoveDownTrack>().size() == 2);
    const auto handles = h.of(bob, R::kDataTrackSubscriberHandles);
    REQUIRE(handles.size() == 2);
    const auto handle = [&](std::size_t i) {
        return handles[i].data_track_subscriber_handles().sub_handles().begin()->first;
    };
    CHECK(handle(0) != handle(1));
    CHECK(h.commands_of<sfu::FlowDataTrack>().back().handle == handle(1));
    // The section that was heard before ends, the new one is another.
    const std::string offer = h.of(bob, R::kOffer).back().offer().sdp();
    CHECK(offer.find("a=recvonly") != std::string::npos);
    CHECK(offer.find("a=ssrc:" + std::to_string(down[4].ssrc.value())) != std::string::npos);
    CHECK(h.count(bob, R::kLeave) == 0);
}

// Under a name that it saw in a section last, a client does not notice a new track.
TEST_CASE(
    "One connection: what goes and comes back at once has another section [SIG-132] [SIG-84] "
    "[SDP-07] [TRAP-17]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    JoinParams params = test_join("r", "bob");
    params.single_connection = true;
    params.publisher_offer.emplace();
    params.publisher_offer->set_sdp(make_offer({}, 1));
    const SessionId bob = h.join(params);
    int sections = 1;
    const auto play = [&] {  // the client adds what it is asked for, and offers
        for (int i = 0; i < 20; ++i) {
            h.advance(Duration::millis(50));
            const auto asked = h.of(bob, R::kMediaSectionsRequirement);
            if (asked.empty()) continue;
            sections += static_cast<int>(asked[0].media_sections_requirement().num_audios());
            h.take(bob);
            h.offer(bob, make_offer({}, sections));
        }
    };
    const auto shown = [&] {
        play();
        const auto tracks = h.of(bob, R::kAnswer).back().answer().mid_to_track_id();
        REQUIRE(tracks.size() == 1);
        return tracks.begin()->first;
    };
    CHECK(shown() == "1");
    auto request = rights("alice");
    SUBCASE("a participant that was hidden") {
        for (const bool hidden : {true, false}) {
            request.mutable_permission()->set_hidden(hidden);
            REQUIRE(h.manager.update_participant(h.clock(), request));
            if (hidden) play();
        }
    }
    SUBCASE("a subscription") {
        livekit::SignalRequest update;
        auto& subscription = *update.mutable_subscription();
        subscription.add_track_sids(
            h.of(alice, R::kTrackPublished).at(0).track_published().track().sid());
        for (const bool subscribe : {false, true}) {
            subscription.set_subscribe(subscribe);
            h.send(bob, update);
            h.advance(Duration::millis(100));
        }
    }
    CHECK(shown() == "2");
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 2);
    // Idle by now, the first one is as good.
    for (const bool hidden : {true, false}) {
        request.mutable_permission()->set_hidden(hidden);
        REQUIRE(h.manager.update_participant(h.clock(), request));
    }
    CHECK(shown() == "1");
    CHECK(sections == 2);
}

TEST_CASE("A recorder no more loses what the publisher's list keeps from it [SIG-112]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    livekit::SignalRequest nobody;
    nobody.mutable_subscription_permission()->set_all_participants(false);
    h.send(alice, nobody);
    h.publish(alice, "mic", false);
    JoinParams params = test_join("r", "tape");
    params.grants.video->recorder = true;
    const SessionId tape = join_active(h, params);
    REQUIRE(h.commands_of<sfu::AddDownTrack>().size() == 1);
    REQUIRE(h.manager.update_participant(h.clock(), rights("tape")));
    h.advance(Duration::seconds(1));
    REQUIRE(h.commands_of<sfu::RemoveDownTrack>().size() == 1);
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 1);
    CHECK_FALSE(h.of(tape, R::kSubscriptionPermissionUpdate)
                    .back()
                    .subscription_permission_update()
                    .allowed());
}

// Whoever was away when a publisher changed its list would show the contrary for ever.
TEST_CASE("Access list: who resumes is told what it may have by now [SIG-42] [SIG-112] [SIG-160]") {
    for (const bool noticed : {true, false}) {
        Harness h;
        const SessionId alice = h.join_active("r", "alice");
        h.publish(alice, "mic", false);
        livekit::SignalRequest data;
        data.mutable_publish_data_track_request()->set_pub_handle(5);
        data.mutable_publish_data_track_request()->set_name("d");
        h.send(alice, data);
        JoinParams params = test_join("r", "bob");
        params.auto_subscribe_data_track = true;
        SessionId bob = h.join(params);
        h.advance(Duration::millis(300));
        params.reconnect = true;
        for (const bool allowed : {false, true}) {
            if (noticed) h.close(bob);
            livekit::SignalRequest access;
            access.mutable_subscription_permission()->set_all_participants(allowed);
            h.send(alice, access);
            bob = h.join(params);
            REQUIRE(h.count(bob, R::kReconnect) == 1);
            std::set<std::string> told;
            for (const auto& update : h.of(bob, R::kSubscriptionPermissionUpdate)) {
                CHECK(update.subscription_permission_update().allowed() == allowed);
                told.insert(update.subscription_permission_update().track_sid().substr(0, 3));
            }
            CHECK(told == std::set<std::string>{"DTR", "TR_"});
            const auto handles = h.of(bob, R::kDataTrackSubscriberHandles);
            REQUIRE(handles.size() == 1);
            CHECK(handles[0].data_track_subscriber_handles().sub_handles_size() ==
                  (allowed ? 1 : 0));
        }
        // What was surely heard is no news.
        livekit::SignalRequest ping;
        ping.mutable_ping_req()->set_timestamp(1);
        h.advance(Duration::seconds(30));
        h.send(bob, ping);
        bob = h.join(params);
        CHECK(h.count(bob, R::kSubscriptionPermissionUpdate) == 0);
    }
}

}  // namespace confab::room
