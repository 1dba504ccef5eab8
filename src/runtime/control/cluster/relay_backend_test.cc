// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Clients of one node in rooms of another, over real sockets.
#include "runtime/control/cluster/relay_backend.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "runtime/control/cluster/relayed_nodes_testing.h"

namespace confab::control {
namespace {

using telemetry::Metric;
using Response = livekit::SignalResponse;

constexpr int kText = SignalClient::kText;
constexpr int kBinary = SignalClient::kBinary;

RelayedNodes::Options quick_relay() {
    RelayedNodes::Options options;
    options.relay.min_retry_interval = Duration::millis(20);
    options.relay.max_retry_interval = Duration::millis(50);
    options.relay.retry_timeout = Duration::millis(200);
    return options;
}

std::string status_of(const RelayedNodes& nodes, const std::string& path) {
    net::RawClient client(nodes.port());
    client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return client.read_to_end().substr(9, 3);
}

}  // namespace

TEST_CASE("to_relay: all that the request said goes to the other node [NODE-22]") {
    api::JoinParams params;
    params.room_name = "r";
    params.room_must_exist = true;
    params.grants.identity = "ann";
    params.client.set_protocol(15);
    params.single_peer_connection = true;
    params.auto_subscribe = false;
    params.auto_subscribe_data_track = true;
    params.adaptive_stream = true;
    params.disable_ice_lite = true;
    params.subscriber_allow_pause = false;
    params.reconnect = true;
    params.reconnect_reason = livekit::RR_SWITCH_CANDIDATE;
    params.participant_sid = "PA_x";
    params.publisher_offer.emplace().set_sdp("offer");
    params.add_track_requests.emplace_back().set_cid("c");
    const cluster::relay::SessionStart start = to_relay(params);
    CHECK(start.room == "r");
    CHECK(start.room_must_exist);
    CHECK(start.grants.identity == "ann");
    CHECK(start.client.protocol() == 15);
    CHECK(start.single_peer_connection);
    CHECK_FALSE(start.auto_subscribe);
    CHECK(to_relay({}).auto_subscribe);
    CHECK(start.auto_subscribe_data_track);
    CHECK(start.adaptive_stream);
    CHECK(start.disable_ice_lite);
    CHECK(start.subscriber_allow_pause == std::optional(false));
    CHECK(start.reconnect);
    CHECK(start.reconnect_reason == livekit::RR_SWITCH_CANDIDATE);
    CHECK(start.participant_sid == "PA_x");
    REQUIRE(start.publisher_offer);
    CHECK(start.publisher_offer->sdp() == "offer");
    REQUIRE(start.add_track_requests.size() == 1);
    CHECK(start.add_track_requests[0].cid() == "c");
}

TEST_CASE("RelayBackend: messages to a room elsewhere are read no faster than allowed [OPS-05]") {
    RelayedNodes::Options options;
    options.join = [](api::JoinParams& params) { params.signal_rate = {10, 20}; };
    RelayedNodes nodes(options);
    RelayedClient ann(nodes, "/r/ann");
    REQUIRE(ann.join().has_participant());
    const Timestamp began = net::EventLoop::now();
    livekit::SignalRequest ping;
    for (int i = 1; i <= 30; ++i) {
        ping.mutable_ping_req()->set_timestamp(i);
        ann.send(ping);
    }
    while (ann.wait(Response::kPongResp).pong_resp().last_ping_timestamp() != 30) {
    }
    CHECK(net::EventLoop::now() - began >= Duration::millis(900));
}

TEST_CASE("RelayBackend: a join of a room elsewhere, and messages both ways [NODE-10]") {
    RelayedNodes nodes;
    RelayedClient ann(nodes, "/r/ann");
    const std::string head = ann.head();
    CHECK(head.starts_with("HTTP/1.1 101 "));
    CHECK(head.find("X-Extra: 1\r\n") != std::string::npos);
    int opcode = 0;
    const auto join = ann.wait(Response::kJoin, &opcode).join();
    CHECK(opcode == kBinary);
    CHECK(join.room().name() == "r");
    CHECK(join.participant().identity() == "ann");
    CHECK(join.server_info().node_id() == "ND_test");
    CHECK(ann.is_served(7));

    RelayedClient bob(nodes, "/r/bob");
    const auto second = bob.join();
    REQUIRE(second.other_participants_size() == 1);
    CHECK(second.other_participants(0).identity() == "ann");
    Joined local(nodes.rooms(), "r", "cleo");  // at the node with the room
    REQUIRE(local.is_in());
    bob.send_metadata("hello");
    CHECK(ann.sees_metadata("bob", "hello"));
    CHECK(local.is_served(1));
    CHECK(nodes.has_sessions(3));
    CHECK(nodes.call([&] { return nodes.backend().size(); }) == 2);
    CHECK(nodes.call([&] { return nodes.local.started.size(); }) == 0);
    CHECK(nodes.metric(Metric::kParticipantJoinTotal, {"signal_connected"}) == 2);
    CHECK(nodes.metric(Metric::kNodeMessages, {"signal", "success", "request"}) == 2);
    CHECK(nodes.metric(Metric::kNodeMessages, {"signal", "success", "response"}) >= 4);
}

TEST_CASE("RelayBackend: answers come in the encoding of the last frame [CON-42]") {
    RelayedNodes nodes;
    RelayedClient ann(nodes, "/r/ann");
    ann.join();
    int opcode = 0;
    ann.send(kText, R"({"ping_req":{"timestamp":"7","new":[1,{}]},"later":null})");
    CHECK(ann.wait(Response::kPongResp, &opcode).pong_resp().last_ping_timestamp() == 7);
    CHECK(opcode == kText);
    ann.send(kText, R"({"pingReq":{"timestamp":8}})");
    const SignalClient::Frame frame = ann.read();
    CHECK(frame.opcode == kText);
    CHECK(frame.payload.starts_with(R"({"pongResp":{"lastPingTimestamp":"8")"));
    ann.ping(9);
    CHECK(ann.wait(Response::kPongResp, &opcode).pong_resp().last_ping_timestamp() == 9);
    CHECK(opcode == kBinary);
}

TEST_CASE("RelayBackend: a frame that does not decode ends the session with 1000 [CON-41]") {
    RelayedNodes nodes;
    const std::pair<int, std::string> bad[] = {
        {kBinary, "\xff\xff"}, {kText, ""}, {kText, "{"}, {kText, R"({"pingReq":7})"}};
    double failures = 0;
    for (const auto& [opcode, payload] : bad) {
        CAPTURE(payload);
        RelayedClient ann(nodes, "/r/ann");
        ann.join();
        REQUIRE(nodes.has_sessions(1));
        ann.send(opcode, payload);
        CHECK(ann.close_code() == 1000);
        CHECK(nodes.is_empty());
        CHECK(nodes.metric(Metric::kNodeMessages, {"signal", "failure", "request"}) == ++failures);
    }
    RelayedClient ann(nodes, "/r/ann");
    ann.join();
    ann.send(kBinary, "");  // says nothing
    CHECK(ann.is_served(1));
}

TEST_CASE("RelayBackend: a message beyond the limit ends its sender with 1009 [CON-41]") {
    RelayedNodes::Options options;
    options.websocket.max_message_bytes = 1000;
    RelayedNodes nodes(std::move(options));
    RelayedClient ann(nodes, "/r/ann");
    RelayedClient bob(nodes, "/r/bob");
    ann.join();
    bob.join();
    ann.send_metadata(std::string(900, 'm'));
    CHECK(ann.is_served(1));
    ann.send_metadata(std::string(2000, 'm'));
    CHECK(ann.close_code() == 1009);
    CHECK(nodes.has_sessions(1));
    CHECK(bob.is_served(2));
}

TEST_CASE("RelayBackend: a refusal is an HTTP status with its text [CON-31] [PSR-18]") {
    RelayedNodes::Options options;
    options.join = [](api::JoinParams& params) { params.room_must_exist = true; };
    RelayedNodes nodes(std::move(options));
    RelayedClient ann(nodes, "/nowhere/ann");
    const std::string head = ann.head();
    CHECK(head.starts_with("HTTP/1.1 404 "));
    CHECK(head.find("X-Extra: 1\r\n") != std::string::npos);
    CHECK(ann.raw().read_until("exist").ends_with("requested room does not exist"));
    CHECK(nodes.is_empty());
    CHECK(nodes.metric(Metric::kParticipantJoinTotal, {"signal_failed"}) == 1);
    RelayedClient again(nodes, "/nowhere/ann/PA_x");  // a resume is no join
    CHECK(again.head().starts_with("HTTP/1.1 404 "));
    CHECK(nodes.metric(Metric::kParticipantJoinTotal, {"signal_failed"}) == 1);
}

TEST_CASE("RelayBackend: where no node is found, the client is told so [CON-33] [PSR-18]") {
    RelayedNodes nodes;
    const std::pair<rpc::Code, int> refusals[] = {{rpc::Code::kUnavailable, 503},
                                                  {rpc::Code::kResourceExhausted, 429},
                                                  {rpc::Code::kUnknown, 500}};
    for (const auto& [code, status] : refusals) {
        nodes.call([&] { nodes.placement.error = rpc::Error{code, "no node", {}}; });
        RelayedClient ann(nodes, "/r/ann");
        CHECK(ann.head().starts_with("HTTP/1.1 " + std::to_string(status) + " "));
        CHECK(ann.raw().read_until("node").ends_with("no node"));
    }
    nodes.call([&] { nodes.placement.error.reset(); });
    RelayedClient ann(nodes, "/r/ann");
    CHECK(ann.join().participant().identity() == "ann");
}

TEST_CASE("RelayBackend: a room that is here goes to the shards of this node [NODE-10]") {
    RelayedNodes nodes;
    nodes.call([&] { nodes.placement.node = "ND_signal"; });
    RelayedClient ann(nodes, "/r/ann/PA_x");
    const std::string head = ann.head();
    CHECK(head.starts_with("HTTP/1.1 418 "));
    CHECK(head.find("X-Extra: 1\r\n") != std::string::npos);
    CHECK(nodes.is_empty());
    nodes.call([&] {
        REQUIRE(nodes.local.started.size() == 1);
        CHECK(nodes.local.started[0].room_name == "r");
        CHECK(nodes.local.started[0].grants.identity == "ann");
        CHECK(nodes.local.started[0].participant_sid == "PA_x");
        CHECK(nodes.checked.empty());
    });
}

TEST_CASE("RelayBackend: who goes before the answer leaves nothing behind [CON-31]") {
    RelayedNodes nodes;
    nodes.call([&] { nodes.placement.silent = true; });
    auto ann = std::make_unique<RelayedClient>(nodes, "/r/ann");
    REQUIRE(nodes.eventually([&] { return nodes.backend().size() == 1; }));
    ann.reset();
    CHECK(nodes.is_empty());
    nodes.call([&] {
        REQUIRE(nodes.placement.kept.size() == 1);
        nodes.placement.kept[0](std::string("ND_test"));  // too late
    });
    CHECK(nodes.is_empty());
    CHECK(nodes.call([&] { return nodes.checked.empty(); }));
}

TEST_CASE("RelayBackend: a client that leaves, or is gone, leaves its room [NODE-10] [CON-44]") {
    RelayedNodes nodes;
    RelayedClient ann(nodes, "/r/ann");
    ann.join();
    auto bob = std::make_unique<RelayedClient>(nodes, "/r/bob");
    bob->join();
    REQUIRE(nodes.has_sessions(2));
    bob.reset();
    CHECK(nodes.has_sessions(1));
    CHECK(nodes.eventually([&] { return nodes.backend().size() == 1; }));
    livekit::SignalRequest leave;
    leave.mutable_leave()->set_reason(livekit::CLIENT_INITIATED);
    ann.send(leave);
    CHECK(ann.close_code() == 1000);
    CHECK(nodes.is_empty());
    CHECK(nodes.rooms().call_in(
              0, [](ControlPlane& plane) { return plane.rooms().snapshot().participants; }) == 0);
}

TEST_CASE("RelayBackend: what the room said last comes before the close [NODE-21]") {
    RelayedNodes nodes;
    RelayedClient ann(nodes, "/r/ann");
    ann.join();
    livekit::RoomParticipantIdentity who;
    who.set_room("r");
    who.set_identity("ann");
    CHECK(nodes.rooms().twirp("RemoveParticipant", "r", who).starts_with("HTTP/1.1 200 "));
    CHECK(ann.wait(Response::kLeave).leave().reason() == livekit::PARTICIPANT_REMOVED);
    CHECK(ann.close_code() == 1000);
    CHECK(nodes.is_empty());
}

TEST_CASE("RelayBackend: a node that died is told at once, with what to do [NODE-24]") {
    RelayedNodes nodes(quick_relay());
    RelayedClient ann(nodes, "/r/ann");
    ann.join();
    nodes.call([&] { nodes.signal().node_died("ND_other"); });
    CHECK(ann.is_served(1));
    ann.send(kText, R"({"pingReq":{"timestamp":2}})");
    ann.wait(Response::kPongResp);
    nodes.call([&] { nodes.signal().node_died("ND_test"); });
    int opcode = 0;
    const auto leave = ann.wait(Response::kLeave, &opcode).leave();
    CHECK(opcode == kText);
    CHECK(leave.reason() == livekit::STATE_MISMATCH);
    CHECK(leave.action() == livekit::LeaveRequest::RECONNECT);
    CHECK(ann.close_code() == 1000);
    CHECK(nodes.eventually([&] { return nodes.backend().size() == 0; }));
}

TEST_CASE(
    "RelayBackend: who can not come back after a leave hears none, others see an end they "
    "notice [NODE-24] [CON-44] [SIG-152]") {
    using Sdk = livekit::ClientInfo;
    struct Row {
        Sdk::SDK sdk;
        int protocol;
        bool hears;
        int died, removed;  // how the WebSocket ends; 0: without a close frame
    };
    for (const Row& row :
         {Row{Sdk::ESP32, 1, false, 1000, 1000}, Row{Sdk::ESP32, 16, false, 1000, 1000},
          Row{Sdk::ANDROID, 16, true, 0, 1000}, Row{Sdk::SWIFT, 12, true, 1000, 1000},
          Row{Sdk::ANDROID, 12, true, 0, 1000}}) {
        CAPTURE(row.sdk);
        CAPTURE(row.protocol);
        RelayedNodes::Options options = quick_relay();
        options.join = [&row](api::JoinParams& params) {
            params.client.set_sdk(row.sdk);
            params.client.set_protocol(row.protocol);
        };
        RelayedNodes nodes(options);
        RelayedClient ann(nodes, "/r/ann"), bob(nodes, "/r/bob");
        ann.join();
        bob.join();
        livekit::RoomParticipantIdentity who;
        who.set_room("r");
        who.set_identity("bob");
        CHECK(nodes.rooms().twirp("RemoveParticipant", "r", who).starts_with("HTTP/1.1 200 "));
        CHECK(bob.wait(Response::kLeave).leave().reason() == livekit::PARTICIPANT_REMOVED);
        CHECK(bob.close_code() == row.removed);
        nodes.call([&] { nodes.signal().node_died("ND_test"); });
        if (row.hears) CHECK(ann.wait(Response::kLeave).has_leave());
        bool heard = false;
        SignalClient::Frame frame = ann.read();
        for (; frame.opcode == kBinary; frame = ann.read()) {
            Response response;
            heard = (response.ParseFromString(frame.payload) && response.has_leave()) || heard;
        }
        CHECK_FALSE(heard);
        const bool with_frame = frame.opcode == SignalClient::kClose;
        CHECK(with_frame == (row.died != 0));
    }
}

TEST_CASE("RelayBackend: a way that is broken ends in a resume [NODE-20] [NODE-21]") {
    RelayedNodes nodes(quick_relay());
    RelayedClient ann(nodes, "/r/ann");
    const std::string sid = ann.join().participant().sid();
    nodes.call([&] { nodes.faults->cut = true; });
    ann.ping(1);  // nobody hears it
    const auto leave = ann.wait(Response::kLeave).leave();
    CHECK(leave.action() == livekit::LeaveRequest::RESUME);
    CHECK(ann.close_code() == 1000);
    nodes.call([&] { nodes.faults->cut = false; });
    RelayedClient back(nodes, "/r/ann/" + sid);
    CHECK(back.head().starts_with("HTTP/1.1 101 "));
    CHECK(back.wait(Response::kReconnect).has_reconnect());
    CHECK(back.is_served(2));
}

TEST_CASE("RelayBackend: a resume takes the place of the session, or is sent away [NODE-23]") {
    RelayedNodes nodes;
    RelayedClient ann(nodes, "/r/ann");
    const std::string sid = ann.join().participant().sid();
    RelayedClient back(nodes, "/r/ann/" + sid);
    CHECK(back.head().starts_with("HTTP/1.1 101 "));
    CHECK(back.wait(Response::kReconnect).reconnect().server_info().node_id() == "ND_test");
    CHECK(ann.close_code() == 1000);
    CHECK(back.is_served(1));
    CHECK(nodes.has_sessions(1));
    CHECK(nodes.metric(Metric::kParticipantJoinTotal, {"signal_connected"}) == 1);
    RelayedClient stranger(nodes, "/r/bob/PA_x");
    CHECK(stranger.head().starts_with("HTTP/1.1 101 "));
    const auto leave = stranger.wait(Response::kLeave).leave();
    CHECK(leave.reason() == livekit::STATE_MISMATCH);
    CHECK(leave.action() == livekit::LeaveRequest::RECONNECT);
    CHECK(stranger.close_code() == 1000);
}

TEST_CASE("RelayBackend: only of rooms that may be here something is known before [CON-22]") {
    RelayedNodes nodes;
    const auto asked = [&] { return nodes.call([&] { return nodes.local.validated.size(); }); };
    CHECK(status_of(nodes, "/validate/r") == "200");
    CHECK(asked() == 0);
    nodes.call([&] { nodes.placement.node = "ND_signal"; });
    CHECK(status_of(nodes, "/validate/r") == "418");
    CHECK(asked() == 1);
    nodes.call([&] {
        CHECK(nodes.local.validated[0].room_name == "r");
        nodes.placement.error = rpc::Error{rpc::Code::kUnavailable, "no Redis", {}};
    });
    CHECK(status_of(nodes, "/validate/r") == "418");
    CHECK(asked() == 2);
}

}  // namespace confab::control
