// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Data of a room: what its participants may, as the rooms tell the shards, and what becomes of
// their packets there.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "room/seam/data_seam_testing.h"

namespace confab::room {
namespace {

using testing::DataRooms;
using testing::Harness;
using testing::test_config;
using testing::test_join;
using testing::user_packet;
using R = livekit::SignalResponse;
using To = std::vector<sfu::PeerId>;

To receivers(const std::vector<DataRooms::Sent>& sent) {
    To result;
    for (const DataRooms::Sent& one : sent)
        result.push_back(one.to);
    std::sort(result.begin(), result.end());
    return result;
}
// Three participants, each on a worker of its own where there are as many.
Config spread(std::size_t workers) {
    Config config = test_config(workers);
    config.participants_per_worker = 1;
    return config;
}
void update(DataRooms& d, const std::string& identity,
            const livekit::ParticipantPermission& permission) {
    livekit::UpdateParticipantRequest change;
    change.set_room("r");
    change.set_identity(identity);
    *change.mutable_permission() = permission;
    REQUIRE(d.h.manager.update_participant(d.h.clock(), change));
    d.turn();
}
livekit::ParticipantPermission everything() {
    livekit::ParticipantPermission may;
    may.set_can_subscribe(true);
    may.set_can_publish(true);
    may.set_can_publish_data(true);
    return may;
}

}  // namespace

TEST_CASE("Data: to all others, by destination, each number once [SIG-120] [SIG-121]") {
    for (const std::size_t workers : {1U, 2U, 3U}) {
        DataRooms d(spread(workers));
        for (const char* name : {"alice", "bob", "carol"})
            (void)d.h.join_active("r", name);
        d.turn();
        const sfu::PeerId alice = d.peer(0), bob = d.peer(1), carol = d.peer(2);
        auto sent = d.receive(alice, user_packet("x", 1));
        CHECK(receivers(sent) == To{bob, carol});
        CHECK(sent[0].packet().participant_identity() == "alice");
        CHECK(d.receive(alice, user_packet("again", 1)).empty());
        sent = d.receive(alice, user_packet("bob only", 2, "bob"));
        CHECK(receivers(sent) == To{bob});
        CHECK(d.receive(alice, Bytes{0xFF, 0xFF}).empty());
        sent = d.receive(alice, user_packet("l"), sfu::DataChannel::kLossy);
        REQUIRE(sent.size() == 2);
        CHECK(sent[0].channel == sfu::DataChannel::kLossy);
        sent = d.receive(alice, Bytes{1, 2, 3}, sfu::DataChannel::kOther);
        REQUIRE(sent.size() == 2);
        CHECK(sent[0].channel == sfu::DataChannel::kReliable);
        CHECK(sent[0].packet().user().payload() == std::string("\1\2\3"));
    }
}

TEST_CASE("Data: held until the channels are open, then replayed in order [DC-09] [SIG-121]") {
    for (const std::size_t workers : {1U, 2U}) {
        DataRooms d(spread(workers));
        (void)d.h.join_active("r", "alice");
        d.h.auto_connect = false;
        (void)d.h.join(test_join("r", "bob"));
        const sfu::PeerId bob = d.peer(1);
        d.expect(bob);
        d.turn();
        (void)d.receive(d.peer(0), user_packet("one", 1));
        (void)d.receive(d.peer(0), user_packet("two", 2));
        livekit::SendDataRequest api;
        api.set_room("r");
        api.set_data("three");
        CHECK(d.h.manager.send_data(d.h.clock(), api));
        d.turn();
        CHECK(receivers(d.sent) == To{d.peer(0)});  // of the API
        d.connect(bob);
        d.open(bob, sfu::DataChannel::kLossy);
        CHECK(d.sent.size() == 1);
        d.open(bob, sfu::DataChannel::kReliable);
        REQUIRE(d.sent.size() == 4);
        const char* expected[] = {"one", "two", "three"};
        for (std::size_t i = 0; i < 3; ++i)
            CHECK(d.sent[i + 1].packet().user().payload() == expected[i]);
    }
}

TEST_CASE("Data: what is addressed to one is not replayed to another [SIG-120] [SIG-121] [DC-09]") {
    DataRooms d;
    (void)d.h.join_active("r", "alice");
    (void)d.h.join_active("r", "bob");
    d.h.auto_connect = false;
    (void)d.h.join(test_join("r", "carol"));
    const sfu::PeerId alice = d.peer(0), carol = d.peer(2);
    d.expect(carol);
    d.turn();
    (void)d.receive(alice, user_packet("all", 1));
    (void)d.receive(alice, user_packet("for bob", 2, "bob"));
    (void)d.receive(alice, user_packet("for carol", 3, "carol"));
    livekit::DataPacket metrics;
    metrics.mutable_metrics()->set_timestamp_ms(1);
    metrics.set_sequence(4);
    (void)d.receive(alice, to_vector(as_bytes(metrics.SerializeAsString())));
    const std::size_t before = d.sent.size();
    d.connect(carol);
    for (const auto channel : {sfu::DataChannel::kReliable, sfu::DataChannel::kLossy})
        d.open(carol, channel);
    std::vector<std::string> heard;
    for (std::size_t i = before; i < d.sent.size(); ++i) {
        CHECK(d.sent[i].to == carol);
        heard.push_back(d.sent[i].packet().user().payload());
    }
    CHECK(heard == std::vector<std::string>{"all", "for carol"});
}

TEST_CASE("Data: no permission, no data; transcription only from agents [SIG-120]") {
    DataRooms d;
    JoinParams mute = test_join("r", "mute");
    mute.grants.video->can_publish_data = false;
    (void)d.h.join(mute);
    (void)d.h.join_active("r", "bob");
    d.turn();
    CHECK(d.receive(d.peer(0), user_packet("x")).empty());
    livekit::DataPacket transcription;
    transcription.mutable_transcription()->set_track_id("TR_x");
    CHECK(d.receive(d.peer(1), to_vector(as_bytes(transcription.SerializeAsString()))).empty());
    CHECK(d.dropped() == 2);
}

TEST_CASE("Data: revoked and granted while packets come, hidden or not [TOK-13] [SIG-120]") {
    DataRooms d(spread(2));
    (void)d.h.join_active("r", "alice");
    (void)d.h.join_active("r", "bob");
    d.turn();
    const sfu::PeerId alice = d.peer(0);
    CHECK(d.receive(alice, user_packet("1", 1)).size() == 1);
    livekit::ParticipantPermission may = everything();
    may.set_can_publish_data(false);
    update(d, "alice", may);
    CHECK(d.receive(alice, user_packet("2", 2)).empty());
    may.set_can_publish_data(true);
    update(d, "alice", may);
    CHECK(d.receive(alice, user_packet("3", 3)).size() == 1);
    may.set_hidden(true);
    update(d, "alice", may);
    const auto sent = d.receive(alice, user_packet("4", 4));
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].packet().participant_identity().empty());
    CHECK(sent[0].packet().user().participant_identity().empty());
    CHECK(sent[0].packet().participant_sid().starts_with("PA_"));
}

TEST_CASE("Data: metrics reach who may hear them, their sender too [SIG-124]") {
    DataRooms d;
    for (const char* name : {"alice", "bob"})
        (void)d.h.join_active("r", name);
    livekit::DataPacket metrics;
    metrics.mutable_metrics()->set_timestamp_ms(1);
    const Bytes packet = to_vector(as_bytes(metrics.SerializeAsString()));
    CHECK(d.receive(d.peer(0), packet).empty());
    livekit::ParticipantPermission may = everything();
    may.set_can_subscribe_metrics(true);
    update(d, "alice", may);
    CHECK(receivers(d.receive(d.peer(0), packet)) == To{d.peer(0)});
    update(d, "bob", may);
    CHECK(receivers(d.receive(d.peer(0), packet)) == To{d.peer(0), d.peer(1)});
}

TEST_CASE(
    "Data: round-trip times of all workers, while somebody may hear them [SIG-124] [TOK-13]") {
    for (const std::size_t workers : {1U, 4U}) {
        CAPTURE(workers);
        DataRooms d(spread(workers));
        const SessionId alice = d.h.join_active("r", "alice");
        JoinParams one = test_join("r", "one");
        one.single_connection = true;
        const SessionId single = d.h.join(one);
        d.h.offer(single, testing::make_offer({}));
        const SessionId carol = d.h.join_active("r", "carol");
        d.turn();
        using Heard = std::set<std::string>;
        const auto heard = [&](int seconds) {
            const std::size_t before = d.sent.size();
            for (int i = 0; i < 2 * seconds; ++i) {
                d.h.advance(Duration::millis(500));
                d.turn();
            }
            Heard names;
            for (std::size_t i = before; i < d.sent.size(); ++i) {
                const livekit::MetricsBatch batch = d.sent[i].packet().metrics();
                for (const livekit::TimeSeriesMetric& series : batch.time_series())
                    names.insert(
                        batch.str_data(static_cast<int>(series.participant_identity()) -
                                       livekit::MetricLabel::METRIC_LABEL_PREDEFINED_MAX_VALUE) +
                        (series.label() == livekit::PUBLISHER_RTT ? " up" : " down"));
            }
            return names;
        };
        CHECK(heard(11).empty());
        livekit::ParticipantPermission may = everything();
        may.set_can_subscribe_metrics(true);
        update(d, "carol", may);
        const Heard first{"alice down", "carol down", "one down", "one up"};
        CHECK(heard(11) == first);
        d.h.publish(alice, "camera", true);
        d.turn();
        (void)heard(11);
        Heard both = first;
        both.insert("alice up");
        CHECK(heard(11) == both);
        may.set_can_subscribe_metrics(false);
        update(d, "carol", may);
        CHECK(heard(21).empty());
        // A worker that comes into the room later is told, too, and others that the last one left.
        may.set_can_subscribe_metrics(true);
        update(d, "carol", may);
        (void)d.h.join_active("r", "dora");
        d.turn();
        (void)heard(11);
        CHECK(heard(11).contains("dora down"));
        livekit::SignalRequest leave;
        leave.mutable_leave();
        d.h.send(carol, leave);
        d.turn();
        CHECK(d.all_idle());
        // Nor is one forgotten that may hear them from the beginning.
        JoinParams erin = test_join("q", "erin");
        erin.grants.video->can_subscribe_metrics = true;
        (void)d.h.join(erin);
        d.turn();
        (void)heard(11);
        CHECK(heard(11) == Heard{"erin down"});
    }
}

TEST_CASE("Data: who left is not sent to, who comes again is new [SIG-120] [SIG-121]") {
    DataRooms d(spread(2));
    (void)d.h.join_active("r", "alice");
    const SessionId bob = d.h.join_active("r", "bob");
    d.turn();
    CHECK(d.receive(d.peer(0), user_packet("1", 1)).size() == 1);
    livekit::SignalRequest leave;
    leave.mutable_leave();
    d.h.send(bob, leave);
    CHECK(d.receive(d.peer(0), user_packet("2", 2)).empty());
    CHECK(d.receive(d.peer(1), user_packet("late", 1)).empty());
    (void)d.h.join_active("r", "bob");
    CHECK(receivers(d.receive(d.peer(0), user_packet("3", 3))) == To{d.peer(2)});
    CHECK(d.receive(d.peer(2), user_packet("first", 1)).size() == 1);
}

TEST_CASE(
    "Data: a resume says what came last, as soon as control has heard it [SIG-121] [SIG-160]") {
    DataRooms d;
    const SessionId alice = d.h.join_active("r", "alice");
    (void)d.h.join_active("r", "bob");
    d.turn();
    for (std::uint32_t i = 1; i <= 7; ++i)
        (void)d.receive(d.peer(0), user_packet("x", i));
    d.h.advance(sfu::DataProgressList::kDelay);
    d.turn();
    d.h.close(alice);
    JoinParams again = test_join("r", "alice");
    again.reconnect = true;
    const SessionId resumed = d.h.join(again);
    REQUIRE(d.h.count(resumed, R::kReconnect) == 1);
    CHECK(d.h.of(resumed, R::kReconnect)[0].reconnect().last_message_seq() == 7);
    CHECK(d.receive(d.peer(0), user_packet("sent again", 7)).empty());
    CHECK(d.receive(d.peer(0), user_packet("new", 8)).size() == 1);
}

TEST_CASE("Data: one nonce, one packet, by the API or from a participant [SIG-123]") {
    DataRooms d(spread(2));
    (void)d.h.join_active("r", "alice");
    (void)d.h.join_active("r", "bob");
    livekit::SendDataRequest api;
    api.set_room("r");
    api.set_data("x");
    api.set_nonce("0123456789abcdef");
    for (int i = 0; i < 2; ++i)
        CHECK(d.h.manager.send_data(d.h.clock(), api));
    d.turn();
    CHECK(receivers(d.sent) == To{d.peer(0), d.peer(1)});
    livekit::DataPacket packet;
    packet.mutable_user()->set_payload("x");
    packet.mutable_user()->set_nonce("0123456789abcdef");
    CHECK(d.receive(d.peer(0), to_vector(as_bytes(packet.SerializeAsString()))).empty());
}

TEST_CASE("Calls of methods: answers go to the API and to nobody else [API-14]") {
    DataRooms d(spread(2));
    (void)d.h.join_active("r", "alice");
    (void)d.h.join_active("r", "bob");
    for (const std::size_t n : {0U, 1U})
        for (const auto channel : {sfu::DataChannel::kReliable, sfu::DataChannel::kLossy})
            d.open(d.peer(n), channel);
    livekit::PerformRpcRequest request;
    request.set_room("r");
    request.set_destination_identity("bob");
    request.set_method("m");
    const auto call = d.h.manager.perform_rpc(d.h.clock(), request);
    REQUIRE(call);
    d.turn();
    REQUIRE(receivers(d.sent) == To{d.peer(1)});
    const std::string id = d.sent[0].packet().rpc_request().id();
    livekit::DataPacket answer;
    answer.mutable_rpc_ack()->set_request_id(id);
    const auto give = [&](std::size_t from) {
        return d.receive(d.peer(from), to_vector(as_bytes(answer.SerializeAsString())));
    };
    CHECK(give(1).empty());
    CHECK(give(1).empty());  // once more
    answer.mutable_rpc_response()->set_request_id(id);
    answer.mutable_rpc_response()->set_payload("done");
    CHECK(give(0).size() == 1);  // not who was called: a packet like any other
    CHECK(d.h.rpc_done.empty());
    CHECK(give(1).empty());
    REQUIRE(d.h.rpc_done.size() == 1);
    CHECK(std::get<livekit::PerformRpcResponse>(d.h.rpc_done[0].outcome).payload() == "done");
    // The call is over: what says the same again is for the others.
    CHECK(give(1).size() == 1);
    // So it is when nobody waits any more.
    REQUIRE(d.h.manager.perform_rpc(d.h.clock(), request));
    d.turn();
    d.h.advance(RpcCalls::kMaxTimeout);
    answer.mutable_rpc_response()->set_request_id(d.sent.back().packet().rpc_request().id());
    CHECK(d.h.rpc_done.size() == 2);
    CHECK(give(1).size() == 1);
}

TEST_CASE(
    "Data tracks: published, subscribed by handle, rewritten, gone [SIG-125] [SIG-126] [DT-01]") {
    for (const std::size_t workers : {1U, 2U}) {
        DataRooms d(spread(workers));
        const SessionId alice = d.h.join_active("r", "alice");
        JoinParams params = test_join("r", "bob");
        params.auto_subscribe_data_track = true;
        const SessionId bob = d.h.join(params);
        livekit::SignalRequest request;
        request.mutable_publish_data_track_request()->set_pub_handle(5);
        request.mutable_publish_data_track_request()->set_name("pose");
        d.h.send(alice, request);
        REQUIRE(d.h.count(alice, R::kPublishDataTrackResponse) == 1);
        CHECK(d.h.of(bob, R::kUpdate).back().update().participants(0).data_tracks_size() == 1);
        const auto handles = d.h.of(bob, R::kDataTrackSubscriberHandles);
        REQUIRE(handles.size() == 1);
        const auto map = handles[0].data_track_subscriber_handles().sub_handles();
        Bytes packet(20, 0);
        packet[3] = 5;
        auto sent = d.receive(d.peer(0), packet, sfu::DataChannel::kDataTrack);
        REQUIRE(receivers(sent) == To{d.peer(1)});
        CHECK(sent[0].channel == sfu::DataChannel::kDataTrack);
        CHECK(load_be16(&sent[0].payload[2]) == map.begin()->first);
        livekit::SignalRequest end;
        end.mutable_unpublish_data_track_request()->set_pub_handle(5);
        d.h.send(alice, end);
        CHECK(d.h.of(bob, R::kDataTrackSubscriberHandles)
                  .back()
                  .data_track_subscriber_handles()
                  .sub_handles()
                  .empty());
        CHECK(d.receive(d.peer(0), packet, sfu::DataChannel::kDataTrack).empty());
        d.h.send(alice, end);
        CHECK(d.h.of(alice, R::kRequestResponse).back().request_response().reason() ==
              livekit::RequestResponse::NOT_FOUND);
    }
}

TEST_CASE("Data tracks: of one request the first 2000 wishes count [SIG-126] [IMM-13]") {
    for (const std::size_t before : {1'999U, 2'000U}) {
        DataRooms d;
        const SessionId alice = d.h.join_active("r", "alice");
        const SessionId bob = d.h.join_active("r", "bob");
        livekit::SignalRequest publish;
        publish.mutable_publish_data_track_request()->set_pub_handle(5);
        publish.mutable_publish_data_track_request()->set_name("pose");
        d.h.send(alice, publish);
        REQUIRE(d.h.count(alice, R::kPublishDataTrackResponse) == 1);
        const auto told = d.h.of(alice, R::kPublishDataTrackResponse)[0];
        livekit::SignalRequest wishes;
        for (std::size_t i = 0; i <= before; ++i) {
            auto& wish = *wishes.mutable_update_data_subscription()->add_updates();
            wish.set_subscribe(true);
            wish.set_track_sid(i < before ? "DTR_other"
                                          : told.publish_data_track_response().info().sid());
        }
        d.h.send(bob, wishes);
        CHECK(d.h.count(bob, R::kDataTrackSubscriberHandles) == (before < 2'000 ? 1 : 0));
    }
}

TEST_CASE("Data tracks: wishes for what has ended leave room for others [SIG-126] [IMM-15]") {
    for (const bool wished : {true, false}) {  // or subscribed by default
        CAPTURE(wished);
        DataRooms d;
        const SessionId alice = d.h.join_active("r", "alice");
        JoinParams params = test_join("r", "bob");
        params.auto_subscribe_data_track = !wished;
        const SessionId bob = d.h.join(params);
        const auto wish = [&](const std::vector<std::string>& sids) {
            livekit::SignalRequest wishes;
            for (const std::string& sid : sids) {
                auto& one = *wishes.mutable_update_data_subscription()->add_updates();
                one.set_subscribe(true);
                one.set_track_sid(sid);
            }
            d.h.send(bob, wishes);
        };
        std::vector<std::string> ended;
        ended.reserve(DataSubscriptions::kMaxWanted);
        for (std::size_t i = 0; i < DataSubscriptions::kMaxWanted; ++i)
            ended.push_back("DTR_" + std::to_string(i));
        if (!wished) wish(ended);
        livekit::SignalRequest publish;
        publish.mutable_publish_data_track_request()->set_pub_handle(5);
        publish.mutable_publish_data_track_request()->set_name("pose");
        d.h.send(alice, publish);
        const auto told = d.h.of(alice, R::kPublishDataTrackResponse);
        REQUIRE(told.size() == 1);
        if (wished) {
            wish(ended);
            wish({told[0].publish_data_track_response().info().sid()});
        }
        CHECK(d.h.count(bob, R::kDataTrackSubscriberHandles) == 1);
    }
}

TEST_CASE("Data tracks: end for all without the right to publish data [SIG-125] [TOK-13]") {
    DataRooms d(spread(2));
    const SessionId alice = d.h.join_active("r", "alice");
    JoinParams params = test_join("r", "bob");
    params.auto_subscribe_data_track = true;
    const SessionId bob = d.h.join(params);
    livekit::SignalRequest publish;
    publish.mutable_publish_data_track_request()->set_pub_handle(5);
    publish.mutable_publish_data_track_request()->set_name("pose");
    d.h.send(alice, publish);
    const auto tracks = [&] {
        livekit::RoomParticipantIdentity who;
        who.set_room("r");
        who.set_identity("alice");
        return d.h.manager.get_participant(who)->data_tracks_size();
    };
    const auto handles = [&] {
        const auto last = d.h.of(bob, R::kDataTrackSubscriberHandles).back();
        return last.data_track_subscriber_handles().sub_handles_size();
    };
    REQUIRE(tracks() == 1);
    REQUIRE(handles() == 1);
    livekit::ParticipantPermission may = everything();
    may.set_can_publish_data(false);
    update(d, "alice", may);
    CHECK(tracks() == 0);
    CHECK(handles() == 0);
    CHECK(d.h.of(bob, R::kUpdate).back().update().participants(0).data_tracks_size() == 0);
    // Nor are they there again with the right.
    update(d, "alice", everything());
    CHECK(tracks() == 0);
}

TEST_CASE("Data tracks: flow only while subscribing is allowed [SIG-42] [SIG-112] [TOK-13]") {
    DataRooms d(spread(2));
    const SessionId alice = d.h.join_active("r", "alice");
    JoinParams params = test_join("r", "bob");
    params.auto_subscribe_data_track = true;
    const SessionId bob = d.h.join(params);
    livekit::SignalRequest publish;
    publish.mutable_publish_data_track_request()->set_pub_handle(5);
    publish.mutable_publish_data_track_request()->set_name("pose");
    d.h.send(alice, publish);
    const auto flows = [&] {
        Bytes packet(20, 0);
        packet[3] = 5;
        return !d.receive(d.peer(0), packet, sfu::DataChannel::kDataTrack).empty();
    };
    const auto shown = [&] {
        const auto last = d.h.of(bob, R::kDataTrackSubscriberHandles).back();
        return last.data_track_subscriber_handles().sub_handles_size();
    };
    const auto told = [&] {
        return d.h.of(bob, R::kSubscriptionPermissionUpdate)
            .back()
            .subscription_permission_update();
    };
    CHECK(flows());
    CHECK(told().allowed());
    CHECK(told().track_sid().starts_with("DTR_"));

    livekit::ParticipantPermission may = everything();
    may.set_can_subscribe(false);
    update(d, "bob", may);
    CHECK_FALSE(flows());
    CHECK(shown() == 0);
    update(d, "bob", everything());
    CHECK(flows());
    CHECK(shown() == 1);

    livekit::SignalRequest access;
    access.mutable_subscription_permission()->set_all_participants(false);
    d.h.send(alice, access);
    CHECK_FALSE(flows());
    CHECK(shown() == 0);
    CHECK_FALSE(told().allowed());
    auto& entry = *access.mutable_subscription_permission()->add_track_permissions();
    entry.set_participant_identity("bob");
    entry.set_all_tracks(true);
    d.h.send(alice, access);
    CHECK(flows());
    CHECK(told().allowed());
    // What a client refused stays refused whatever it may.
    livekit::SignalRequest refuse;
    auto& item = *refuse.mutable_update_data_subscription()->add_updates();
    item.set_track_sid(told().track_sid());
    item.set_subscribe(false);
    d.h.send(bob, refuse);
    CHECK_FALSE(flows());
    d.h.send(alice, access);
    CHECK_FALSE(flows());
}

}  // namespace confab::room
