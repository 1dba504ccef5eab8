// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Data, speakers, quality, metadata, services, timers and hostile clients, through RoomManager.
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

Bytes user_packet(const std::string& text, std::uint32_t sequence = 0, const std::string& to = "") {
    livekit::DataPacket packet;
    packet.mutable_user()->set_payload(text);
    packet.set_sequence(sequence);
    if (!to.empty()) packet.add_destination_identities(to);
    return to_vector(as_bytes(packet.SerializeAsString()));
}

sfu::DataReceived received(sfu::PeerId peer, Bytes payload,
                           sfu::DataChannel channel = sfu::DataChannel::kReliable) {
    return {peer, channel, "", std::move(payload)};
}

}  // namespace

TEST_CASE(
    "Data: to all others, once per worker, by destination, sequence once [SIG-120] [SIG-121]") {
    Harness h;
    for (const char* name : {"alice", "bob", "carol"})
        (void)h.join_active("r", name);
    const sfu::PeerId alice = data_peer(h, 0);
    h.event(received(alice, user_packet("x", 1)));
    auto sends = h.commands_of<sfu::SendData>();
    REQUIRE(sends.size() == 1);
    CHECK(sends[0].peers == std::vector<sfu::PeerId>{data_peer(h, 1), data_peer(h, 2)});
    h.event(received(alice, user_packet("again", 1)));
    CHECK(h.commands_of<sfu::SendData>().size() == 1);
    h.event(received(alice, user_packet("bob only", 2, "bob")));
    sends = h.commands_of<sfu::SendData>();
    REQUIRE(sends.size() == 2);
    CHECK(sends[1].peers == std::vector<sfu::PeerId>{data_peer(h, 1)});
    h.event(received(alice, Bytes{0xFF, 0xFF}));
    CHECK(h.commands_of<sfu::SendData>().size() == 2);
    CHECK(h.manager.snapshot().counters.dropped_data == 2);
    h.event(received(alice, user_packet("l"), sfu::DataChannel::kLossy));
    CHECK(h.commands_of<sfu::SendData>()[2].channel == sfu::DataChannel::kLossy);
    h.event(received(alice, Bytes{1, 2, 3}, sfu::DataChannel::kOther));
    CHECK(h.commands_of<sfu::SendData>()[3].channel == sfu::DataChannel::kReliable);
}

TEST_CASE("Data: held until the channels are open, then replayed in order [DC-09] [SIG-121]") {
    Harness h;
    (void)h.join_active("r", "alice");
    h.auto_connect = false;
    (void)h.join(test_join("r", "bob"));
    h.event(received(data_peer(h, 0), user_packet("one", 1)));
    h.event(received(data_peer(h, 0), user_packet("two", 2)));
    livekit::SendDataRequest api;
    api.set_room("r");
    api.set_data("three");
    CHECK(h.manager.send_data(h.clock(), api));
    h.drain();
    CHECK(h.commands_of<sfu::SendData>().size() == 1);  // to alice only
    const sfu::PeerId bob = data_peer(h, 1);
    sfu::PeerStateChanged up;
    up.peer = bob;
    up.state = sfu::PeerState::kConnected;
    h.event(up);
    h.event(sfu::DataChannelOpened{bob, sfu::DataChannel::kReliable, "_reliable"});
    CHECK(h.commands_of<sfu::SendData>().size() == 1);
    h.event(sfu::DataChannelOpened{bob, sfu::DataChannel::kLossy, "_lossy"});
    const auto sends = h.commands_of<sfu::SendData>();
    REQUIRE(sends.size() == 4);
    livekit::DataPacket packet;
    const char* expected[] = {"one", "two", "three"};
    for (std::size_t i = 0; i < 3; ++i) {
        const Bytes& bytes = sends[i + 1].payload;
        REQUIRE(packet.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
        CHECK(packet.user().payload() == expected[i]);
    }
}

TEST_CASE("Data: what is addressed to one is not replayed to another [SIG-120] [SIG-121] [DC-09]") {
    Harness h;
    (void)h.join_active("r", "alice");
    (void)h.join_active("r", "bob");
    h.auto_connect = false;
    (void)h.join(test_join("r", "carol"));
    const sfu::PeerId alice = data_peer(h, 0);
    h.event(received(alice, user_packet("all", 1)));
    h.event(received(alice, user_packet("for bob", 2, "bob")));
    h.event(received(alice, user_packet("for carol", 3, "carol")));
    livekit::DataPacket metrics;
    metrics.mutable_metrics()->set_timestamp_ms(1);
    metrics.set_sequence(4);
    h.event(received(alice, to_vector(as_bytes(metrics.SerializeAsString()))));
    const std::size_t before = h.commands_of<sfu::SendData>().size();

    const sfu::PeerId carol = data_peer(h, 2);
    sfu::PeerStateChanged up;
    up.peer = carol;
    up.state = sfu::PeerState::kConnected;
    h.event(up);
    for (const auto channel : {sfu::DataChannel::kReliable, sfu::DataChannel::kLossy})
        h.event(sfu::DataChannelOpened{carol, channel, ""});
    std::vector<std::string> heard;
    const auto sends = h.commands_of<sfu::SendData>();
    for (std::size_t i = before; i < sends.size(); ++i) {
        livekit::DataPacket packet;
        const Bytes& bytes = sends[i].payload;
        REQUIRE(packet.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
        heard.push_back(packet.user().payload());
    }
    CHECK(heard == std::vector<std::string>{"all", "for carol"});
}

TEST_CASE("Data: no permission, no data; transcription only from agents [SIG-120]") {
    Harness h;
    JoinParams mute = test_join("r", "mute");
    mute.grants.video->can_publish_data = false;
    (void)h.join(mute);
    (void)h.join_active("r", "bob");
    h.event(received(data_peer(h, 0), user_packet("x")));
    livekit::DataPacket transcription;
    transcription.mutable_transcription()->set_track_id("TR_x");
    h.event(received(data_peer(h, 1), to_vector(as_bytes(transcription.SerializeAsString()))));
    CHECK(h.commands_of<sfu::SendData>().empty());
}

TEST_CASE(
    "Data tracks: published, subscribed by handle, rewritten, gone [SIG-125] [SIG-126] [DT-01]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    JoinParams params = test_join("r", "bob");
    params.auto_subscribe_data_track = true;
    const SessionId bob = h.join(params);
    livekit::SignalRequest request;
    request.mutable_publish_data_track_request()->set_pub_handle(5);
    request.mutable_publish_data_track_request()->set_name("pose");
    h.send(alice, request);
    REQUIRE(h.count(alice, R::kPublishDataTrackResponse) == 1);
    CHECK(h.of(bob, R::kUpdate).back().update().participants(0).data_tracks_size() == 1);
    const auto handles = h.of(bob, R::kDataTrackSubscriberHandles);
    REQUIRE(handles.size() == 1);
    const auto map = handles[0].data_track_subscriber_handles().sub_handles();
    Bytes packet(20, 0);
    packet[3] = 5;
    h.event(received(data_peer(h, 0), packet, sfu::DataChannel::kDataTrack));
    const auto sends = h.commands_of<sfu::SendData>();
    REQUIRE(sends.size() == 1);
    CHECK(load_be16(&sends[0].payload[2]) == map.begin()->first);
    livekit::SignalRequest end;
    end.mutable_unpublish_data_track_request()->set_pub_handle(5);
    h.send(alice, end);
    CHECK(h.of(bob, R::kDataTrackSubscriberHandles)
              .back()
              .data_track_subscriber_handles()
              .sub_handles()
              .empty());
    h.send(alice, end);
    CHECK(h.of(alice, R::kRequestResponse).back().request_response().reason() ==
          livekit::RequestResponse::NOT_FOUND);
}

TEST_CASE("Data tracks: flow only while subscribing is allowed [SIG-42] [SIG-112] [TOK-13]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    JoinParams params = test_join("r", "bob");
    params.auto_subscribe_data_track = true;
    const SessionId bob = h.join(params);
    livekit::SignalRequest publish;
    publish.mutable_publish_data_track_request()->set_pub_handle(5);
    publish.mutable_publish_data_track_request()->set_name("pose");
    h.send(alice, publish);
    const auto flows = [&] {
        const std::size_t before = h.commands_of<sfu::SendData>().size();
        Bytes packet(20, 0);
        packet[3] = 5;
        h.event(received(data_peer(h, 0), packet, sfu::DataChannel::kDataTrack));
        return h.commands_of<sfu::SendData>().size() > before;
    };
    const auto shown = [&] {
        const auto last = h.of(bob, R::kDataTrackSubscriberHandles).back();
        return last.data_track_subscriber_handles().sub_handles_size();
    };
    const auto told = [&] {
        return h.of(bob, R::kSubscriptionPermissionUpdate).back().subscription_permission_update();
    };
    CHECK(flows());
    CHECK(told().allowed());
    CHECK(told().track_sid().starts_with("DTR_"));

    livekit::UpdateParticipantRequest change;
    change.set_room("r");
    change.set_identity("bob");
    change.mutable_permission()->set_can_subscribe(false);
    REQUIRE(h.manager.update_participant(h.clock(), change));
    h.drain();
    CHECK_FALSE(flows());
    CHECK(shown() == 0);
    change.mutable_permission()->set_can_subscribe(true);
    REQUIRE(h.manager.update_participant(h.clock(), change));
    h.drain();
    CHECK(flows());
    CHECK(shown() == 1);

    livekit::SignalRequest access;
    access.mutable_subscription_permission()->set_all_participants(false);
    h.send(alice, access);
    CHECK_FALSE(flows());
    CHECK(shown() == 0);
    CHECK_FALSE(told().allowed());
    auto& entry = *access.mutable_subscription_permission()->add_track_permissions();
    entry.set_participant_identity("bob");
    entry.set_all_tracks(true);
    h.send(alice, access);
    CHECK(flows());
    CHECK(told().allowed());
    // What a client refused stays refused whatever it may.
    livekit::SignalRequest refuse;
    auto& item = *refuse.mutable_update_data_subscription()->add_updates();
    item.set_track_sid(told().track_sid());
    item.set_subscribe(false);
    h.send(bob, refuse);
    h.send(alice, access);
    CHECK_FALSE(flows());
}

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
    CHECK(h.refused.contains(h.join(big)));
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
    (void)h.join(recorder);
    CHECK(h.of(alice, R::kRoomUpdate).back().room_update().room().active_recording());
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
    h.event(received(peer, user_packet("x")));
    h.event(sfu::LayerStarted{receiver, 0, sfu::Codec::kOpus, Ssrc(1), 0, 0, {}});
    h.event(sfu::PeerStateChanged{peer, sfu::PeerState::kFailed, sfu::PeerFailure::kIce, {}, {}});
    h.close(alice);
    h.close(alice);
    CHECK(h.sent(alice).size() == frames);
}

}  // namespace confab::room
