// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A participant of one room is seen in a second one: through RoomManager's calls and events.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;
using testing::test_config;
using testing::test_join;
using R = livekit::SignalResponse;
using Names = std::vector<std::string>;

std::string forward(Harness& h, const std::string& identity, const std::string& from,
                    const std::string& to) {
    livekit::ForwardParticipantRequest request;
    request.set_room(from);
    request.set_identity(identity);
    request.set_destination_room(to);
    const auto forwarded = h.manager.relocations(h.clock()).forward(request);
    h.drain();
    h.advance(Duration::seconds(1));
    return forwarded ? "forwarded" : forwarded.error().text;
}
std::vector<livekit::ParticipantInfo> people(Harness& h, const std::string& room) {
    livekit::ListParticipantsRequest request;
    request.set_room(room);
    const auto list = h.manager.list_participants(request);
    return {list.participants().begin(), list.participants().end()};
}
Names identities(Harness& h, const std::string& room) {
    Names result;
    for (const auto& info : people(h, room))
        result.push_back(info.identity());
    return result;
}
livekit::ParticipantInfo seen(Harness& h, SessionId by, const std::string& identity) {
    livekit::ParticipantInfo result;
    for (const R& message : h.of(by, R::kUpdate))
        for (const auto& info : message.update().participants())
            if (info.identity() == identity) result = info;
    return result;
}
livekit::SignalRequest leave() {
    livekit::SignalRequest request;
    request.mutable_leave();
    return request;
}

// alice publishes in r; carol waits in s.
struct Call {
    Call() : alice(h.join_active("r", "alice")), carol(h.join_active("s", "carol")) {
        h.publish(alice, "cam", true);
        h.advance(Duration::seconds(1));
        receiver = h.commands_of<sfu::AddReceiver>().at(0).receiver;
        (void)h.take(alice);
        (void)h.take(carol);
        h.commands.clear();
    }
    Harness h;
    SessionId alice;
    SessionId carol;
    sfu::ReceiverId receiver;
};

}  // namespace

TEST_CASE("Forward: it is seen with its tracks in both rooms, its receivers are one [API-11]") {
    Call c;
    REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
    CHECK(identities(c.h, "r") == Names{"alice"});
    const livekit::ParticipantInfo copy = seen(c.h, c.carol, "alice");
    CHECK(copy.state() == livekit::ParticipantInfo::ACTIVE);
    REQUIRE(copy.kind_details_size() == 1);
    CHECK(copy.kind_details(0) == livekit::ParticipantInfo::FORWARDED);
    CHECK(copy.sid() != people(c.h, "r")[0].sid());
    REQUIRE(copy.tracks_size() == 1);
    CHECK(copy.tracks(0).sid() == people(c.h, "r")[0].tracks(0).sid());
    const auto added = c.h.commands_of<sfu::AddDownTrack>();
    REQUIRE(added.size() == 1);
    CHECK(added[0].receiver == c.receiver);
    CHECK(c.h.commands_of<sfu::AddReceiver>().empty());
    CHECK(c.h.sent(c.alice).size() == c.h.count(c.alice, R::kSubscribedQualityUpdate) +
                                          c.h.count(c.alice, R::kTrackSubscribed));
    // Asked for again it is there already.
    CHECK(forward(c.h, "alice", "r", "s") == "forwarded");
    CHECK(identities(c.h, "s") == Names{"alice", "carol"});
    CHECK(c.h.manager.snapshot().participants == 3);
}

TEST_CASE("Forward: what is wanted there is told to the publisher, until it is not [API-11]") {
    Call c;
    c.h.advance(Duration::seconds(20));  // nobody in r wants it: told to send nothing
    (void)c.h.take(c.alice);
    REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
    const auto wanted = [&] {
        const auto told = c.h.of(c.alice, R::kSubscribedQualityUpdate);
        if (told.empty()) return std::string("nothing told");
        for (const auto& quality : told.back().subscribed_quality_update().subscribed_qualities())
            if (quality.enabled()) return std::string("wanted");
        return std::string("not wanted");
    };
    CHECK(wanted() == "wanted");
    CHECK(c.h.count(c.alice, R::kTrackSubscribed) == 1);
    const auto layers = c.h.commands_of<sfu::WantLayers>();
    REQUIRE_FALSE(layers.empty());
    CHECK(layers.back().receiver == c.receiver);
    CHECK(layers.back().max_spatial >= 0);
    // The room ends with its last participant; nobody says there what is not wanted any more.
    livekit::DeleteRoomRequest end;
    end.set_room("s");
    REQUIRE(c.h.manager.delete_room(c.h.clock(), end));
    c.h.drain();
    c.h.advance(Duration::seconds(20));
    CHECK(wanted() == "not wanted");
    CHECK(c.h.commands_of<sfu::RemoveReceiver>().empty());
}

TEST_CASE("Forward: name, metadata, attributes, mutes and tracks follow [API-11]") {
    Call c;
    REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
    livekit::UpdateParticipantRequest update;
    update.set_room("r");
    update.set_identity("alice");
    update.set_name("Alice");
    update.set_metadata("m");
    (*update.mutable_attributes())["key"] = "value";
    REQUIRE(c.h.manager.update_participant(c.h.clock(), update));
    c.h.drain();
    livekit::SignalRequest mute;
    mute.mutable_mute()->set_sid(people(c.h, "r")[0].tracks(0).sid());
    mute.mutable_mute()->set_muted(true);
    c.h.send(c.alice, mute);
    livekit::ParticipantInfo copy = seen(c.h, c.carol, "alice");
    CHECK(copy.name() == "Alice");
    CHECK(copy.metadata() == "m");
    CHECK(copy.attributes().at("key") == "value");
    CHECK(copy.tracks(0).muted());
    c.h.publish(c.alice, "mic", false);
    c.h.advance(Duration::seconds(1));
    CHECK(seen(c.h, c.carol, "alice").tracks_size() == 2);
    CHECK(c.h.commands_of<sfu::AddDownTrack>().size() == 2);
    update.mutable_permission()->set_can_publish(false);
    REQUIRE(c.h.manager.update_participant(c.h.clock(), update));
    c.h.advance(Duration::seconds(1));
    CHECK(seen(c.h, c.carol, "alice").tracks_size() == 0);
    CHECK(c.h.commands_of<sfu::RemoveDownTrack>().size() == 2);
    // Each receiver was taken away once, by its own room.
    CHECK(c.h.commands_of<sfu::RemoveReceiver>().size() == 2);
}

TEST_CASE("Forward: a track that changes its codec does so there, too [API-11] [IN-12]") {
    Call c;
    REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
    REQUIRE(c.h.commands_of<sfu::AddDownTrack>().size() == 1);
    c.h.offer(c.alice, testing::with_h264_alone(testing::make_offer({{"cam", true, {}}})), 5);
    c.h.advance(Duration::seconds(1));
    CHECK(seen(c.h, c.carol, "alice").tracks(0).mime_type() == "video/H264");
    const auto added = c.h.commands_of<sfu::AddDownTrack>();
    REQUIRE(added.size() == 2);
    CHECK(added[1].receiver == c.receiver);
    CHECK(added[1].codecs.front().codec == sfu::Codec::kH264);
    CHECK(c.h.commands_of<sfu::RemoveDownTrack>().size() == 1);
    CHECK(c.h.count(c.carol, R::kSubscriptionResponse) == 0);
}

TEST_CASE("Forward: ends with the participant, with its removal there, with the room [API-11]") {
    SUBCASE("it leaves") {
        Call c;
        REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
        c.h.send(c.alice, leave());
        CHECK(identities(c.h, "s") == Names{"carol"});
        CHECK(seen(c.h, c.carol, "alice").state() == livekit::ParticipantInfo::DISCONNECTED);
        CHECK(c.h.commands_of<sfu::RemoveReceiver>().size() == 1);
    }
    SUBCASE("it moves on") {
        Call c;
        REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
        livekit::MoveParticipantRequest move;
        move.set_room("r");
        move.set_identity("alice");
        move.set_destination_room("t");
        REQUIRE(c.h.manager.relocations(c.h.clock()).move(move));
        c.h.drain();
        CHECK(identities(c.h, "s") == Names{"carol"});
        CHECK(identities(c.h, "t") == Names{"alice"});
    }
    SUBCASE("it is removed where it is only seen") {
        Call c;
        REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
        livekit::RoomParticipantIdentity who;
        who.set_room("s");
        who.set_identity("alice");
        REQUIRE(c.h.manager.remove_participant(c.h.clock(), who));
        c.h.drain();
        CHECK(identities(c.h, "s") == Names{"carol"});
        CHECK(identities(c.h, "r") == Names{"alice"});
        CHECK(c.h.count(c.alice, R::kLeave) == 0);
        CHECK(forward(c.h, "alice", "r", "s") == "forwarded");
    }
    SUBCASE("nobody is there but it") {
        Call c;
        REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
        c.h.send(c.carol, leave());
        c.h.advance(Duration::seconds(30));
        CHECK(identities(c.h, "s") == Names{"alice"});  // whoever comes sees it
        c.h.send(c.alice, leave());
        c.h.advance(Duration::seconds(30));
        CHECK_FALSE(c.h.manager.has_room("s"));  // which asserts that it is empty
        CHECK_FALSE(c.h.manager.has_room("r"));
    }
    SUBCASE("its room is deleted") {
        Call c;
        REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
        livekit::DeleteRoomRequest end;
        end.set_room("r");
        REQUIRE(c.h.manager.delete_room(c.h.clock(), end));
        c.h.drain();
        CHECK(identities(c.h, "s") == Names{"carol"});
        CHECK(c.h.observed<SessionOver>().size() == 1);  // the copy had none
    }
    SUBCASE("it moves to where it is seen") {
        Call c;
        REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
        livekit::MoveParticipantRequest move;
        move.set_room("r");
        move.set_identity("alice");
        move.set_destination_room("s");
        REQUIRE(c.h.manager.relocations(c.h.clock()).move(move));
        c.h.advance(Duration::seconds(1));
        CHECK(identities(c.h, "s") == Names{"alice", "carol"});
        CHECK(seen(c.h, c.carol, "alice").kind_details_size() == 0);
        CHECK(seen(c.h, c.carol, "alice").tracks_size() == 1);
        CHECK(c.h.commands_of<sfu::RemoveReceiver>().empty());
        c.h.send(c.alice, leave());
        CHECK(identities(c.h, "s") == Names{"carol"});
    }
    SUBCASE("somebody joins under its name") {
        Call c;
        REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
        const SessionId other = c.h.join_active("s", "alice");
        CHECK(c.h.count(other, R::kLeave) == 0);
        c.h.advance(Duration::seconds(3));  // who takes a publisher's place waits for the tick
        CHECK(seen(c.h, c.carol, "alice").kind_details_size() == 0);
        c.h.send(c.alice, leave());
        CHECK(identities(c.h, "s") == Names{"alice", "carol"});
    }
}

TEST_CASE("Forward: a leave is told from what it is to be forwarded again after [API-11]") {
    const auto reason = [](const std::function<void(Call&)>& what) {
        Call c;
        REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
        what(c);
        c.h.drain();
        c.h.advance(Duration::seconds(1));
        CHECK(identities(c.h, "s") == Names{"carol"});
        for (const livekit::WebhookEvent& event : c.h.webhooks)
            if (event.event() == "participant_left" && event.room().name() == "s")
                CHECK(event.participant().disconnect_reason() ==
                      seen(c.h, c.carol, "alice").disconnect_reason());
        return seen(c.h, c.carol, "alice").disconnect_reason();
    };
    CHECK(reason([](Call& c) { c.h.send(c.alice, leave()); }) == livekit::CLIENT_INITIATED);
    CHECK(reason([](Call& c) { (void)c.h.join(test_join("r", "alice")); }) ==
          livekit::STATE_MISMATCH);  // a full reconnect
    CHECK(reason([](Call& c) {
              livekit::MoveParticipantRequest move;
              move.set_room("r");
              move.set_identity("alice");
              move.set_destination_room("t");
              REQUIRE(c.h.manager.relocations(c.h.clock()).move(move));
          }) == livekit::MIGRATION);
    CHECK(reason([](Call& c) {
              livekit::RoomParticipantIdentity who;
              who.set_room("r");
              who.set_identity("alice");
              REQUIRE(c.h.manager.remove_participant(c.h.clock(), who));
          }) == livekit::PARTICIPANT_REMOVED);
    CHECK(reason([](Call& c) {
              livekit::DeleteRoomRequest end;
              end.set_room("r");
              REQUIRE(c.h.manager.delete_room(c.h.clock(), end));
          }) == livekit::ROOM_CLOSED);
}

TEST_CASE("Forward: refused without a change [API-11]") {
    Call c;
    CHECK(forward(c.h, "nobody", "r", "s") == "participant does not exist");
    CHECK(forward(c.h, "alice", "r", "") == "destination room is required");
    CHECK(forward(c.h, "alice", "r", "r").find("cannot be the same") != std::string::npos);
    (void)c.h.join_active("t", "alice");
    CHECK(forward(c.h, "alice", "r", "t").find("of that identity") != std::string::npos);
    REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
    CHECK(forward(c.h, "alice", "s", "u").find("only forwarded") != std::string::npos);
    livekit::MuteRoomTrackRequest mute;
    mute.set_room("s");
    mute.set_identity("alice");
    mute.set_track_sid(people(c.h, "r")[0].tracks(0).sid());
    mute.set_muted(true);
    CHECK_FALSE(c.h.manager.mute_published_track(c.h.clock(), mute));
    CHECK_FALSE(seen(c.h, c.carol, "alice").tracks(0).muted());
    livekit::UpdateSubscriptionsRequest subscribe;
    subscribe.set_room("s");
    subscribe.set_identity("alice");
    subscribe.add_track_sids("TR_some");
    subscribe.set_subscribe(true);
    CHECK_FALSE(c.h.manager.update_subscriptions(c.h.clock(), subscribe));
    livekit::UpdateParticipantRequest update;
    update.set_room("s");
    update.set_identity("alice");
    update.set_metadata("other");
    CHECK_FALSE(c.h.manager.update_participant(c.h.clock(), update));
    livekit::PerformRpcRequest call;
    call.set_room("s");
    call.set_destination_identity("alice");
    CHECK_FALSE(c.h.manager.perform_rpc(c.h.clock(), call));
    JoinParams coming = test_join("r", "coming");
    c.h.auto_connect = false;
    (void)c.h.join(coming);
    CHECK(forward(c.h, "coming", "r", "s").find("try again") != std::string::npos);
    // Nobody resumes what is only seen.
    JoinParams resume = test_join("s", "alice");
    resume.reconnect = true;
    CHECK(c.h.count(c.h.join(resume), R::kLeave) == 1);
    CHECK_FALSE(c.h.manager.has_room("u"));
}

TEST_CASE("Forward: it takes a place there, and none is left in a full room [API-11] [ROOM-06]") {
    Call c;
    livekit::CreateRoomRequest small;
    small.set_name("small");
    small.set_max_participants(2);
    REQUIRE(c.h.manager.create_room(c.h.clock(), small));
    (void)c.h.join_active("small", "dave");
    REQUIRE(forward(c.h, "alice", "r", "small") == "forwarded");
    CHECK(c.h.manager.admission(test_join("small", "late"))->why == "room_full");
    livekit::ListRoomsRequest request;
    request.add_names("small");
    CHECK(c.h.manager.list_rooms(request).rooms(0).num_participants() == 2);
    CHECK(c.h.manager.list_rooms(request).rooms(0).num_publishers() == 1);
    (void)c.h.join_active("r", "bob");
    CHECK(forward(c.h, "bob", "r", "small").find("the room is full") != std::string::npos);
    CHECK(identities(c.h, "small") == Names{"alice", "dave"});
}

TEST_CASE("Forward: everybody there may have its tracks or nobody, names are not asked [SIG-112]") {
    Call c;
    REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
    const auto flows = [&] {
        return c.h.commands_of<sfu::AddDownTrack>().size() -
               c.h.commands_of<sfu::RemoveDownTrack>().size();
    };
    CHECK(flows() == 1);
    livekit::SignalRequest access;
    livekit::SubscriptionPermission& list = *access.mutable_subscription_permission();
    list.set_all_participants(false);
    c.h.send(c.alice, access);
    c.h.advance(Duration::seconds(1));
    CHECK(flows() == 0);
    list.add_track_permissions()->set_participant_identity("carol");
    list.mutable_track_permissions(0)->set_all_tracks(true);
    c.h.send(c.alice, access);
    c.h.advance(Duration::seconds(1));
    CHECK(flows() == 0);  // it means the carol of its own room
    list.mutable_track_permissions(0)->set_participant_sid(people(c.h, "s")[1].sid());
    c.h.send(c.alice, access);
    c.h.advance(Duration::seconds(1));
    CHECK(flows() == 0);
    list.set_all_participants(true);
    c.h.send(c.alice, access);
    c.h.advance(Duration::seconds(1));
    CHECK(flows() == 1);
    // From the beginning, too.
    list.set_all_participants(false);
    c.h.send(c.alice, access);
    c.h.advance(Duration::seconds(1));
    const SessionId dave = c.h.join_active("t", "dave");
    REQUIRE(forward(c.h, "alice", "r", "t") == "forwarded");
    CHECK(seen(c.h, dave, "alice").tracks_size() == 1);
    CHECK(flows() == 0);
}

TEST_CASE(
    "Forward: it costs its worker nothing, and nothing that is not told it is lost [DES-40]") {
    Call c;
    const auto dropped = [&] { return c.h.manager.snapshot().counters.dropped_signals; };
    const std::size_t seats = c.h.manager.placement().participants(0);
    const std::uint64_t before = dropped();
    REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
    CHECK(c.h.manager.placement().participants(0) == seats);
    c.h.publish(c.carol, "mic", false);
    c.h.advance(Duration::seconds(1));
    const sfu::AddReceiver microphone = c.h.commands_of<sfu::AddReceiver>().back();
    c.h.event(sfu::SpeakerLevels{microphone.room, {{microphone.receiver, 0.5, true}}});
    c.h.advance(Duration::seconds(5));
    CHECK(dropped() == before);
}

TEST_CASE("Forward: a room that turns costs what is forwarded to or from it, no more [API-11]") {
    Call c;
    for (int i = 0; i < 50; ++i)
        REQUIRE(forward(c.h, "alice", "r", "s" + std::to_string(i)) == "forwarded");
    const SessionId zoe = c.h.join_active("z", "zoe");
    const SessionId eve = c.h.join_active("s7", "eve");
    const auto visited = [&](SessionId session) {
        const std::uint64_t before = c.h.manager.snapshot().counters.forwards_visited;
        livekit::SignalRequest ping;
        ping.set_ping(1);
        c.h.send(session, ping);
        return c.h.manager.snapshot().counters.forwards_visited - before;
    };
    CHECK(visited(zoe) == 0);
    CHECK(visited(eve) == 1);
    CHECK(visited(c.alice) == 50);
}

TEST_CASE("Forward: what came before in the same loop turn counts [API-11] [API-12]") {
    Call c;
    (void)c.h.join_active("t", "alice");
    REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
    c.h.manager.handle_request(c.h.clock(), c.alice, leave());
    CHECK(forward(c.h, "alice", "t", "s") == "forwarded");
    CHECK(identities(c.h, "s") == Names{"alice", "carol"});
}

TEST_CASE("Forward: who is hidden is hidden there, shown again it is seen again [API-11]") {
    Call c;
    REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
    livekit::UpdateParticipantRequest update;
    update.set_room("r");
    update.set_identity("alice");
    update.mutable_permission()->set_can_publish(true);
    update.mutable_permission()->set_hidden(true);
    REQUIRE(c.h.manager.update_participant(c.h.clock(), update));
    c.h.advance(Duration::seconds(1));
    CHECK(seen(c.h, c.carol, "alice").state() == livekit::ParticipantInfo::DISCONNECTED);
    update.mutable_permission()->set_hidden(false);
    REQUIRE(c.h.manager.update_participant(c.h.clock(), update));
    c.h.advance(Duration::seconds(1));
    CHECK(seen(c.h, c.carol, "alice").state() == livekit::ParticipantInfo::ACTIVE);
    CHECK(seen(c.h, c.carol, "alice").tracks_size() == 1);
    CHECK_FALSE(seen(c.h, c.carol, "alice").permission().can_subscribe());
}

TEST_CASE("Forward: who speaks is told in both rooms, each by its sid [API-11] [SIG-134]") {
    Call c;
    c.h.publish(c.alice, "mic", false);
    const SessionId bob = c.h.join_active("r", "bob");
    REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
    const sfu::AddReceiver microphone = c.h.commands_of<sfu::AddReceiver>().at(0);
    const auto told = [&](SessionId to) {
        livekit::SpeakerInfo last;
        for (const R& message : c.h.of(to, R::kSpeakersChanged))
            last = message.speakers_changed().speakers(0);
        return last;
    };
    c.h.event(sfu::SpeakerLevels{microphone.room, {{microphone.receiver, 0.5, true}}});
    CHECK(told(bob).sid() == people(c.h, "r")[0].sid());
    CHECK(told(c.carol).sid() == people(c.h, "s")[0].sid());
    CHECK(told(c.carol).active());
    c.h.event(sfu::SpeakerLevels{microphone.room, {{microphone.receiver, 0, false}}});
    CHECK_FALSE(told(c.carol).active());
    // Levels of others in its room are none of the second room's business.
    c.h.publish(bob, "mic", false);
    const sfu::AddReceiver other = c.h.commands_of<sfu::AddReceiver>().at(1);
    const std::size_t before = c.h.count(c.carol, R::kSpeakersChanged);
    c.h.event(sfu::SpeakerLevels{other.room, {{other.receiver, 0.5, true}}});
    CHECK(c.h.count(c.carol, R::kSpeakersChanged) == before);
    // Of a track that ends nothing is left.
    c.h.event(sfu::SpeakerLevels{microphone.room, {{microphone.receiver, 0.5, true}}});
    CHECK(told(c.carol).active());
    c.h.send(c.alice, leave());
    CHECK_FALSE(told(c.carol).active());
}

TEST_CASE("Forward: data tracks are seen and end there, too [API-11] [SIG-125]") {
    Call c;
    JoinParams eager = test_join("s", "eve");
    eager.auto_subscribe_data_track = true;
    const SessionId eve = c.h.join(eager);
    c.h.advance(Duration::seconds(1));
    const auto publish = [&](std::uint32_t handle) {
        livekit::SignalRequest request;
        request.mutable_publish_data_track_request()->set_pub_handle(handle);
        request.mutable_publish_data_track_request()->set_name("n" + std::to_string(handle));
        c.h.send(c.alice, request);
    };
    const auto handles = [&] {
        const auto all = c.h.of(eve, R::kDataTrackSubscriberHandles);
        return all.empty() ? 0 : all.back().data_track_subscriber_handles().sub_handles_size();
    };
    publish(7);
    REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
    CHECK(handles() == 1);
    publish(8);
    CHECK(handles() == 2);
    CHECK(seen(c.h, eve, "alice").data_tracks_size() == 2);
    livekit::SignalRequest request;
    request.mutable_unpublish_data_track_request()->set_pub_handle(7);
    c.h.send(c.alice, request);
    CHECK(handles() == 1);
    // The same handle for another track.
    request.mutable_unpublish_data_track_request()->set_pub_handle(8);
    c.h.manager.handle_request(c.h.clock(), c.alice, request);
    publish(8);
    CHECK(handles() == 1);
    REQUIRE(seen(c.h, eve, "alice").data_tracks_size() == 1);
    CHECK(seen(c.h, eve, "alice").data_tracks(0).sid() == people(c.h, "r")[0].data_tracks(0).sid());
    c.h.send(c.alice, leave());
    CHECK(handles() == 0);
}

TEST_CASE("Forward: into several rooms, each for itself [API-11]") {
    Call c;
    const SessionId dave = c.h.join_active("t", "dave");
    REQUIRE(forward(c.h, "alice", "r", "s") == "forwarded");
    REQUIRE(forward(c.h, "alice", "r", "t") == "forwarded");
    CHECK(seen(c.h, c.carol, "alice").sid() != seen(c.h, dave, "alice").sid());
    livekit::RoomParticipantIdentity who;
    who.set_room("s");
    who.set_identity("alice");
    REQUIRE(c.h.manager.remove_participant(c.h.clock(), who));
    c.h.publish(c.alice, "mic", false);
    c.h.advance(Duration::seconds(1));
    CHECK(identities(c.h, "s") == Names{"carol"});
    CHECK(seen(c.h, dave, "alice").tracks_size() == 2);
}

TEST_CASE("Forward: a room that is not there is made, where a join would make it [API-11]") {
    Config config = test_config();
    config.room.auto_create = false;
    Harness h(std::move(config));
    for (const char* name : {"r", "s"}) {
        livekit::CreateRoomRequest create;
        create.set_name(name);
        REQUIRE(h.manager.create_room(h.clock(), create));
    }
    (void)h.join_active("r", "alice");
    CHECK(forward(h, "alice", "r", "nowhere") == "requested room does not exist");
    CHECK_FALSE(h.manager.has_room("nowhere"));
    CHECK(forward(h, "alice", "r", "s") == "forwarded");
}

TEST_CASE("Forward: so many at a time [API-11]") {
    Call c;
    for (std::size_t i = 0; i < Forwards::kMaxForwards - 1; ++i)
        REQUIRE(forward(c.h, "alice", "r", "s" + std::to_string(i)) == "forwarded");
    CHECK(forward(c.h, "alice", "r", "last") == "forwarded");
    CHECK(forward(c.h, "alice", "r", "more").find("as many") != std::string::npos);
    livekit::DeleteRoomRequest end;
    end.set_room("last");
    REQUIRE(c.h.manager.delete_room(c.h.clock(), end));
    c.h.drain();
    CHECK(forward(c.h, "alice", "r", "more") == "forwarded");
}

}  // namespace confab::room
