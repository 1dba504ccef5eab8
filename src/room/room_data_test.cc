// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Speakers, quality, metadata, services, timers and hostile clients, through RoomManager.
#include <doctest/doctest.h>

#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;
using testing::test_config;
using testing::test_join;
using R = livekit::SignalResponse;

sfu::PeerId data_peer(const Harness& h, std::size_t n) {
    return h.commands_of<sfu::OpenDataChannels>()[n].peer;
}

}  // namespace

TEST_CASE("Speakers: to subscribers and to the speaker [SIG-134]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    JoinParams silent = test_join("r", "carol");
    silent.auto_subscribe = false;
    const SessionId carol = h.join(silent);
    h.publish(alice, "mic", false);
    h.advance(Duration::millis(300));
    const sfu::AddReceiver receiver = h.commands_of<sfu::AddReceiver>()[0];
    CHECK(receiver.microphone);
    h.event(sfu::SpeakerLevels{receiver.room, {{receiver.receiver, 0.2, true}}});
    for (const SessionId session : {alice, bob}) {
        REQUIRE(h.count(session, R::kSpeakersChanged) == 1);
        CHECK(h.of(session, R::kSpeakersChanged)[0].speakers_changed().speakers(0).level() ==
              doctest::Approx(0.25));
    }
    CHECK(h.count(carol, R::kSpeakersChanged) == 0);
}

TEST_CASE("Speakers: what two workers report at the same moment is told at once [SIG-134][IN-31]") {
    Config config = test_config(2);
    config.participants_per_worker = 1;
    Harness h(std::move(config));
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    h.publish(alice, "mic", false);
    h.publish(bob, "mic", false);
    h.advance(Duration::millis(300));
    const auto receivers = h.commands_of<sfu::AddReceiver>();
    REQUIRE(receivers.size() == 2);
    for (const sfu::AddReceiver& receiver : receivers) {
        h.event(sfu::SpeakerLevels{receiver.room, {{receiver.receiver, 0.2, true}}});
        h.advance(Duration::millis(2));
    }
    h.advance(Duration::millis(50));
    REQUIRE(h.count(bob, R::kSpeakersChanged) == 1);
    CHECK(h.of(bob, R::kSpeakersChanged)[0].speakers_changed().speakers_size() == 2);
}

TEST_CASE("Quality: every five seconds when something changed [SIG-135] [CQ-04]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    h.publish(alice, "mic", false);
    h.advance(Duration::seconds(5));
    REQUIRE(h.count(bob, R::kConnectionQuality) == 1);
    CHECK(h.of(bob, R::kConnectionQuality)[0].connection_quality().updates_size() == 2);
    CHECK(h.of(alice, R::kConnectionQuality)[0].connection_quality().updates_size() == 1);
    h.advance(Duration::seconds(5));
    CHECK(h.count(bob, R::kConnectionQuality) == 1);
    sfu::QualityBatch batch;
    batch.samples.emplace_back();
    batch.samples[0].receiver = h.commands_of<sfu::AddReceiver>()[0].receiver;
    batch.samples[0].packets_expected = 100;
    batch.samples[0].packets_lost = 20;
    h.event(batch);
    h.advance(Duration::seconds(5));
    REQUIRE(h.count(bob, R::kConnectionQuality) == 2);
    CHECK(h.of(bob, R::kConnectionQuality)[1].connection_quality().updates(1).quality() ==
          livekit::GOOD);  // 100 + 0.8·(30 − 100)
}

TEST_CASE(
    "Quality: what ended says nothing any more, at the publisher and at who heard it [CQ-04]") {
    for (const bool published : {true, false}) {
        CAPTURE(published);
        Harness h;
        const SessionId alice = h.join_active("r", "alice");
        const SessionId bob = h.join_active("r", "bob");
        h.publish(alice, "mic", false);
        h.advance(Duration::seconds(5));
        sfu::QualityBatch batch;
        sfu::QualitySample& sample = batch.samples.emplace_back();
        if (published)
            sample.receiver = h.commands_of<sfu::AddReceiver>().at(0).receiver;
        else
            sample.down_track = h.commands_of<sfu::AddDownTrack>().at(0).down_track;
        sample.packets_expected = 100;
        sample.packets_lost = 20;
        h.event(batch);
        h.advance(Duration::seconds(5));
        const SessionId who = published ? alice : bob;
        const auto own = [&] {
            return h.of(who, R::kConnectionQuality).back().connection_quality().updates(0);
        };
        REQUIRE(own().participant_sid() == h.sent(who)[0].join().participant().sid());
        CHECK(own().quality() == livekit::GOOD);
        h.offer(alice, testing::make_offer({}, 1), 2);  // its section sends no more
        h.advance(Duration::seconds(5));
        CHECK(own().quality() == livekit::EXCELLENT);
    }
}

TEST_CASE("Quality: who resumes is told what a lost connection was told [SIG-135] [SIG-160]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    h.publish(alice, "mic", false);
    h.advance(Duration::seconds(5));
    h.close(bob);
    sfu::QualityBatch batch;
    batch.samples.emplace_back();
    batch.samples[0].receiver = h.commands_of<sfu::AddReceiver>()[0].receiver;
    batch.samples[0].packets_expected = 100;
    batch.samples[0].packets_lost = 20;
    h.event(batch);
    h.advance(Duration::seconds(5));
    JoinParams params = test_join("r", "bob");
    params.reconnect = true;
    const SessionId again = h.join(params);
    h.advance(Duration::seconds(5));
    REQUIRE(h.count(again, R::kConnectionQuality) == 1);
    const R told = h.of(again, R::kConnectionQuality).at(0);
    REQUIRE(told.connection_quality().updates_size() == 2);
    CHECK(told.connection_quality().updates(1).quality() == livekit::GOOD);
    h.advance(Duration::seconds(5));
    CHECK(h.count(again, R::kConnectionQuality) == 1);
}

TEST_CASE("Quality: what a connection may have lost before it was noticed [SIG-135] [SIG-160]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    (void)h.join_active("r", "bob");
    h.publish(alice, "mic", false);
    h.advance(Duration::seconds(5));
    JoinParams params = test_join("r", "bob");
    params.reconnect = true;
    const SessionId again = h.join(params);
    h.advance(Duration::seconds(5));
    REQUIRE(h.count(again, R::kConnectionQuality) == 1);
    CHECK(h.of(again, R::kConnectionQuality)[0].connection_quality().updates_size() == 2);
    h.advance(Duration::seconds(5));
    CHECK(h.count(again, R::kConnectionQuality) == 1);
    CHECK(h.count(alice, R::kConnectionQuality) == 1);
}

TEST_CASE("Metadata: one update and token per property, then the answer [SIG-14] [TOK-12]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    (void)h.take(alice);
    livekit::SignalRequest request;
    auto& update = *request.mutable_update_metadata();
    update.set_name("A");
    update.set_metadata("m");
    (*update.mutable_attributes())["k"] = "v";
    update.set_request_id(4);
    h.send(alice, request);
    CHECK(h.count(alice, R::kUpdate) == 3);
    CHECK(h.count(alice, R::kRefreshToken) == 3);
    const auto answer = h.sent(alice).back().request_response();
    CHECK(answer.request_id() == 4);
    CHECK(answer.reason() == livekit::RequestResponse::OK);
    CHECK(answer.has_update_metadata());
    update.set_name(std::string(300, 'x'));
    h.send(alice, request);
    CHECK(h.sent(alice).back().request_response().reason() ==
          livekit::RequestResponse::LIMIT_EXCEEDED);
    h.advance(Duration::seconds(301));
    CHECK(h.count(alice, R::kRefreshToken) == 4);
}

TEST_CASE("Permission change: tracks go, subscriptions go and come back [TOK-13]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    h.publish(alice, "mic", false);
    h.advance(Duration::millis(300));
    livekit::UpdateParticipantRequest request;
    request.set_room("r");
    request.set_identity("bob");
    request.mutable_permission()->set_can_subscribe(false);
    CHECK(h.manager.update_participant(h.clock(), request));
    h.drain();
    CHECK(h.commands_of<sfu::RemoveDownTrack>().size() == 1);
    request.mutable_permission()->set_can_subscribe(true);
    CHECK(h.manager.update_participant(h.clock(), request));
    h.advance(Duration::millis(300));
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 2);
    request.set_identity("alice");
    CHECK(h.manager.update_participant(h.clock(), request));
    h.drain();
    CHECK(h.count(alice, R::kTrackUnpublished) == 1);
    CHECK_FALSE(h.of(bob, R::kUpdate).back().update().participants(0).is_publisher());
    livekit::SignalRequest add;
    add.mutable_add_track()->set_cid("c");
    h.send(alice, add);
    CHECK(h.sent(alice).back().request_response().reason() ==
          livekit::RequestResponse::NOT_ALLOWED);
}

TEST_CASE(
    "Data tracks: who has one is a publisher, in counts and when it leaves [SIG-125] [API-01]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    CHECK(h.manager.list_rooms({}).rooms(0).num_publishers() == 0);
    livekit::SignalRequest request;
    request.mutable_publish_data_track_request()->set_pub_handle(5);
    request.mutable_publish_data_track_request()->set_name("d");
    h.send(alice, request);
    h.advance(Duration::millis(10));
    CHECK(h.of(bob, R::kUpdate).back().update().participants(0).is_publisher());
    CHECK(h.manager.list_rooms({}).rooms(0).num_publishers() == 1);
    request.Clear();
    request.mutable_leave();
    h.send(alice, request);
    CHECK(h.of(bob, R::kUpdate).back().update().participants(0).state() ==
          livekit::ParticipantInfo::DISCONNECTED);
    CHECK(h.manager.list_rooms({}).rooms(0).num_publishers() == 0);
}

TEST_CASE(
    "Services: rooms, counts at once, participants, mute, errors [API-01] [API-02] [API-03] "
    "[API-04] [API-05] [API-06] [API-10] [ROOM-02]") {
    Harness h;
    livekit::CreateRoomRequest create;
    create.set_name("r");
    create.set_metadata("m");
    const auto room = h.manager.create_room(h.clock(), create);
    REQUIRE(room);
    create.set_metadata("other");
    CHECK(h.manager.create_room(h.clock(), create)->metadata() == "m");
    const SessionId alice = h.join_active("r", "alice");
    JoinParams agent = test_join("r", "agent");
    agent.grants.kind = livekit::ParticipantInfo::AGENT;
    (void)h.join(agent);
    h.publish(alice, "mic", false);
    const auto rooms = h.manager.list_rooms({});
    REQUIRE(rooms.rooms_size() == 1);
    CHECK(rooms.rooms(0).num_participants() == 1);
    CHECK(rooms.rooms(0).num_publishers() == 1);
    livekit::ListRoomsRequest none;
    none.add_names("x");
    CHECK(h.manager.list_rooms(none).rooms_size() == 0);
    livekit::RoomParticipantIdentity who;
    who.set_room("r");
    who.set_identity("nobody");
    CHECK(h.manager.get_participant(who).error().text == "participant does not exist");
    livekit::MuteRoomTrackRequest mute;
    mute.set_room("r");
    mute.set_identity("alice");
    mute.set_track_sid(h.of(alice, R::kTrackPublished)[0].track_published().track().sid());
    CHECK(h.manager.mute_published_track(h.clock(), mute).error().code ==
          ServiceCode::kFailedPrecondition);
    mute.set_muted(true);
    CHECK(h.manager.mute_published_track(h.clock(), mute)->track().muted());
    mute.set_track_sid("TR_none");
    CHECK_FALSE(h.manager.mute_published_track(h.clock(), mute)->has_track());
    livekit::UpdateRoomMetadataRequest metadata;
    metadata.set_room("r");
    metadata.set_metadata("new");
    CHECK(h.manager.update_room_metadata(h.clock(), metadata)->metadata() == "new");
    h.drain();
    CHECK(h.of(alice, R::kRoomUpdate).back().room_update().room().metadata() == "new");
    const std::size_t told = h.count(alice, R::kRoomUpdate);
    CHECK(h.manager.update_room_metadata(h.clock(), metadata)->metadata() == "new");
    h.drain();
    CHECK(h.count(alice, R::kRoomUpdate) == told);  // the same again is no news
    who.set_identity("alice");
    CHECK(h.manager.remove_participant(h.clock(), who));
    h.drain();
    CHECK(h.of(alice, R::kLeave)[0].leave().reason() == livekit::PARTICIPANT_REMOVED);
    livekit::DeleteRoomRequest remove;
    remove.set_room("r");
    CHECK(h.manager.delete_room(h.clock(), remove));
    CHECK(h.manager.delete_room(h.clock(), remove).error().code == ServiceCode::kNotFound);
    h.drain();
    CHECK(h.webhook_names().back() == "room_finished");
    CHECK(h.manager.next_deadline().is_never());
}

TEST_CASE("Room: full, absent, presets, oversize metadata [CON-33] [ROOM-01] [ROOM-03] [ROOM-06]") {
    Config config = test_config();
    config.room.auto_create = false;
    config.room.presets["small"].set_max_participants(1);
    Harness h(std::move(config));
    const SessionId absent = h.join(test_join("r", "alice"));
    CHECK(h.refused.at(absent).status == 404);
    CHECK(h.refused.at(absent).text == "requested room does not exist");
    livekit::CreateRoomRequest create;
    create.set_name("r");
    create.set_room_preset("nothing");
    CHECK(h.manager.create_room(h.clock(), create).error().code == ServiceCode::kInvalidArgument);
    create.set_room_preset("small");
    CHECK(h.manager.create_room(h.clock(), create)->max_participants() == 1);
    (void)h.join_active("r", "alice");
    const SessionId full = h.join(test_join("r", "bob"));
    CHECK(h.refused.at(full).status == 403);
    CHECK(h.refused.at(full).text == "the room is full (max_participants is 1)");
    CHECK_FALSE(h.refused.contains(h.join(test_join("r", "alice"))));
    JoinParams big = test_join("r", "alice");
    big.grants.metadata.assign(600 * 1024, 'x');
    // Clients hear no more than from upstream; what to change stands in the log.
    const RefuseSession& too_large = h.refused.at(h.join(big));
    CHECK(too_large.text == "connection closed by media");
    CHECK(too_large.cause ==
          "metadata of the token: 614400 bytes, limit.max_metadata_size is 524288");
    JoinParams many = test_join("r", "alice");
    many.grants.attributes["k"].assign(64 * 1024, 'x');
    CHECK(h.refused.at(h.join(many)).cause ==
          "attributes of the token: 65537 bytes, limit.max_attributes_size is 65536");
    JoinParams unknown = test_join("other", "alice");
    unknown.grants.video->room_create = true;
    unknown.grants.room_preset = "nothing";
    CHECK(h.refused.at(h.join(unknown)).cause == "room.room_configurations has no \"nothing\"");
}

TEST_CASE("Room: one that is to be recorded is refused where nobody could [ROOM-09] [API-01]") {
    Config config = test_config();
    config.room.presets["recorded"].mutable_egress()->mutable_participant();
    config.room.presets["plain"].mutable_egress();  // of nothing
    Harness h(std::move(config));
    livekit::CreateRoomRequest create;
    create.set_name("r");
    const auto refused = [&] {
        const auto made = h.manager.create_room(h.clock(), create);
        return !made && made.error().code == ServiceCode::kInternal &&
               made.error().text == "egress not connected (redis required)" &&
               !h.manager.has_room("r");
    };
    create.mutable_egress()->mutable_room();
    CHECK(refused());
    create.clear_egress();
    create.mutable_egress()->mutable_tracks();
    CHECK(refused());
    create.clear_egress();
    create.set_room_preset("recorded");
    CHECK(refused());
    JoinParams join = test_join("r", "alice");
    join.grants.room_config.emplace().mutable_egress()->mutable_room();
    const SessionId alice = h.join(join);
    CHECK(h.refused.at(alice).status == 503);
    CHECK(h.refused.at(alice).text ==
          "the room is to be recorded, and this server cannot record it");
    CHECK(h.refused.at(alice).cause == "egress not connected (redis required)");
    CHECK_FALSE(h.manager.has_room("r"));
    create.set_room_preset("plain");
    CHECK(h.manager.create_room(h.clock(), create));
    // Of a live room nothing is asked any more (ROOM-02).
    create.mutable_egress()->mutable_room();
    CHECK(h.manager.create_room(h.clock(), create));
    CHECK_FALSE(h.refused.contains(h.join(join)));
}

TEST_CASE("Room: closes when left, leftovers hear ROOM_CLOSED [ROOM-05] [SIG-144]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    JoinParams agent = test_join("r", "agent");
    agent.grants.kind = livekit::ParticipantInfo::AGENT;
    const SessionId bot = h.join(agent);
    livekit::SignalRequest leave;
    leave.mutable_leave();
    h.send(alice, leave);
    h.advance(Duration::seconds(19));
    CHECK(h.manager.has_room("r"));
    h.advance(Duration::seconds(2));
    CHECK_FALSE(h.manager.has_room("r"));
    CHECK(h.of(bot, R::kLeave)[0].leave().reason() == livekit::ROOM_CLOSED);
    CHECK(h.manager.snapshot().participants == 0);
}

TEST_CASE("Counters reach clients every five seconds, recording at once [SIG-136] [ROOM-10]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    CHECK(h.count(alice, R::kRoomUpdate) == 0);
    h.advance(Duration::seconds(5));
    REQUIRE(h.count(alice, R::kRoomUpdate) == 1);
    CHECK(h.of(alice, R::kRoomUpdate)[0].room_update().room().num_participants() == 1);
    JoinParams recorder = test_join("r", "rec");
    recorder.grants.video->recorder = true;
    const SessionId rec = h.join(recorder);
    CHECK(h.of(alice, R::kRoomUpdate).back().room_update().room().active_recording());
    // Its own end says that there is none any more, and webhooks say the numbers as clients hear.
    CHECK(h.webhooks.back().room().active_recording());
    livekit::SignalRequest leave;
    leave.mutable_leave();
    h.send(rec, leave);
    CHECK_FALSE(h.of(alice, R::kRoomUpdate).back().room_update().room().active_recording());
    CHECK_FALSE(h.webhooks.back().room().active_recording());
    CHECK(h.webhooks.back().room().num_participants() == 1);
}

TEST_CASE(
    "Simulate: speaker, node failure, server leave, full reconnect [SIG-170] [SIG-171] [SIG-172] "
    "[SIG-176]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    livekit::SignalRequest request;
    request.mutable_simulate()->set_speaker_update(3);
    h.send(alice, request);
    h.advance(Duration::millis(3'100));
    const auto speakers = h.of(alice, R::kSpeakersChanged);
    REQUIRE(speakers.size() == 2);
    CHECK(speakers[0].speakers_changed().speakers(0).level() == doctest::Approx(0.9));
    CHECK_FALSE(speakers[1].speakers_changed().speakers(0).active());
    request.mutable_simulate()->set_node_failure(true);
    h.send(alice, request);
    CHECK(h.count(alice, R::kLeave) == 0);
    CHECK(h.closed.contains(alice));
    const SessionId bob = h.join_active("r", "bob");
    request.mutable_simulate()->set_leave_request_full_reconnect(true);
    h.send(bob, request);
    CHECK(h.of(bob, R::kLeave)[0].leave().action() == livekit::LeaveRequest::RECONNECT);
}

TEST_CASE("Sync state: what does not exist means a full reconnect [SIG-161] [SIG-146]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    livekit::SignalRequest request;
    *request.mutable_sync_state()->add_publish_tracks()->mutable_track() =
        h.of(alice, R::kTrackPublished)[0].track_published().track();
    h.send(alice, request);
    CHECK(h.count(alice, R::kLeave) == 0);
    request.mutable_sync_state()->mutable_publish_tracks(0)->mutable_track()->set_sid("TR_x");
    h.send(alice, request);
    CHECK(h.of(alice, R::kLeave)[0].leave().action() == livekit::LeaveRequest::RECONNECT);
}

TEST_CASE("add_track: refusals and the queue behind a cid [SIG-101] [SDP-31]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    livekit::SignalRequest request;
    request.mutable_add_track()->set_type(livekit::DATA);
    h.send(alice, request);
    const auto last = [&] { return h.sent(alice).back().request_response().reason(); };
    CHECK(last() == livekit::RequestResponse::UNSUPPORTED_TYPE);
    request.mutable_add_track()->set_type(livekit::AUDIO);
    request.mutable_add_track()->set_sid("TR_unknown");
    h.send(alice, request);
    CHECK(last() == livekit::RequestResponse::NOT_FOUND);
    request.mutable_add_track()->clear_sid();
    request.mutable_add_track()->set_cid("same");
    h.send(alice, request);
    CHECK(h.sent(alice).back().has_track_published());
    h.send(alice, request);
    CHECK(last() == livekit::RequestResponse::QUEUED);
    for (int i = 0; i < 3; ++i)
        h.send(alice, request);
    CHECK(last() == livekit::RequestResponse::LIMIT_EXCEEDED);
    h.offer(alice, testing::make_offer({{"same", false, {}}}));
    std::string stopped = testing::make_offer({{"same", false, {}}});
    stopped.replace(stopped.find("a=sendonly"), 10, "a=inactive");
    h.offer(alice, stopped, 2);
    CHECK(h.count(alice, R::kTrackPublished) == 2);
}

TEST_CASE("Hostile clients: floods stay small [SIG-03] [SIG-13] [SIG-101] [SIG-110]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    for (int i = 0; i < 10'000; ++i) {
        livekit::SignalRequest add;
        add.mutable_add_track()->set_cid("c" + std::to_string(i));
        h.manager.handle_request(h.clock(), alice, add);
        livekit::SignalRequest want;
        want.mutable_subscription()->add_track_sids("TR_" + std::to_string(i));
        want.mutable_subscription()->set_subscribe(true);
        h.manager.handle_request(h.clock(), alice, want);
        livekit::SignalRequest settings;
        settings.mutable_track_setting()->add_track_sids("TR_s" + std::to_string(i));
        h.manager.handle_request(h.clock(), alice, settings);
        livekit::SignalRequest trickle;
        trickle.mutable_trickle()->set_candidateinit(
            R"({"candidate":"candidate:1 1 udp 1 10.0.0.1 )" + std::to_string(1 + i) +
            R"( typ host"})");
        h.manager.handle_request(h.clock(), alice, trickle);
        livekit::SignalRequest ping;
        ping.set_ping(i);
        h.manager.handle_request(h.clock(), alice, ping);
        if (i % 500 == 0) h.drain();
    }
    h.drain();
    CHECK(h.count(alice, R::kTrackPublished) == PublishFlow::kMaxPending);
    CHECK(h.commands_of<sfu::AddRemoteCandidate>().size() <= PeerLink::kMaxCandidates);
    CHECK(h.manager.snapshot().counters.dropped_candidates > 9'000);
    CHECK(h.manager.snapshot().effects_waiting == 0);
    // What would be kept must be small by itself, too.
    livekit::SignalRequest huge;
    huge.mutable_subscription()->add_track_sids(std::string(1'000'000, 'x'));
    huge.mutable_subscription()->set_subscribe(true);
    h.send(alice, huge);
    huge.mutable_add_track()->set_name(std::string(1'000'000, 'x'));
    h.send(alice, huge);
    CHECK(h.sent(alice).back().request_response().reason() ==
          livekit::RequestResponse::LIMIT_EXCEEDED);
    livekit::SignalRequest bad;
    bad.mutable_trickle()->set_candidateinit("{");
    h.send(alice, bad);
    CHECK(h.sent(alice).back().request_response().reason() ==
          livekit::RequestResponse::UNCLASSIFIED_ERROR);
    CHECK(h.sent(alice).back().request_response().has_trickle());
}

TEST_CASE("Late events and requests of what is gone change nothing [SIG-149]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    const sfu::PeerId peer = data_peer(h, 0);
    const sfu::ReceiverId receiver = h.commands_of<sfu::AddReceiver>()[0].receiver;
    livekit::SignalRequest leave;
    leave.mutable_leave();
    h.send(alice, leave);
    const std::size_t frames = h.sent(alice).size();
    h.send(alice, leave);
    h.event(sfu::DataProgress{peer, 5});
    h.event(sfu::CallAnswered{peer, Bytes{0}});
    h.event(sfu::LayerStarted{receiver, 0, sfu::Codec::kOpus, Ssrc(1), 0, 0, {}});
    h.event(sfu::PeerStateChanged{peer, sfu::PeerState::kFailed, sfu::PeerFailure::kIce, {}, {}});
    h.close(alice);
    h.close(alice);
    CHECK(h.sent(alice).size() == frames);
}

}  // namespace confab::room
