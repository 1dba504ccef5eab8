// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Signalling connections whose clients send too much, too little or nothing, and what is counted.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "runtime/control/request_budget.h"
#include "runtime/control/signal_node_testing.h"

namespace confab::control {
namespace {

using telemetry::Metric;
using Response = livekit::SignalResponse;

constexpr int kText = SignalClient::kText;
constexpr int kBinary = SignalClient::kBinary;

// In a room until it is destroyed.
class Client : public SignalClient {
  public:
    Client(const SignalNode& node, std::string_view path, std::string_view headers = "",
           int receive_buffer = 0)
        : SignalClient(node.port(), path, headers, receive_buffer) {
        CHECK(head().starts_with("HTTP/1.1 101 "));
    }
    livekit::JoinResponse join() { return wait(Response::kJoin).join(); }
    bool is_served(std::int64_t number) {
        livekit::SignalRequest ping;
        ping.mutable_ping_req()->set_timestamp(number);
        send(ping);
        return wait(Response::kPongResp).pong_resp().last_ping_timestamp() == number;
    }
    void send_metadata(const std::string& metadata) {
        livekit::SignalRequest request;
        request.mutable_update_metadata()->set_metadata(metadata);
        send(request);
    }
};

Response big_response(std::size_t size) {
    Response response;
    response.mutable_update()->add_participants()->set_metadata(std::string(size, 'm'));
    return response;
}

}  // namespace

TEST_CASE("SignalSessions: an empty binary frame is a message that says nothing [CON-41]") {
    SignalNode node;
    Client ann(node, "/r/ann");
    ann.send(kBinary, "");
    CHECK(ann.is_served(1));
    CHECK(node.metric(Metric::kNodeMessages, {"signal", "success", "request"}) == 2);
    CHECK(node.metric(Metric::kNodeMessages, {"signal", "failure", "request"}) == 0);
}

TEST_CASE("SignalSessions: an empty text frame is no JSON and ends the session [CON-41]") {
    SignalNode node;
    Client ann(node, "/r/ann");
    ann.send(kText, "");
    CHECK(ann.close_code() == 1000);
    CHECK(node.has_sessions(0));
    CHECK(node.metric(Metric::kNodeMessages, {"signal", "failure", "request"}) == 1);
}

TEST_CASE("SignalSessions: JSON in either spelling, whatever else is in it [CON-42]") {
    SignalNode node;
    Client ann(node, "/r/ann");
    int opcode = 0;
    ann.send(kText, R"({"ping_req":{"timestamp":"7","new":[1,{}]},"later":null})");
    CHECK(ann.wait(Response::kPongResp, &opcode).pong_resp().last_ping_timestamp() == 7);
    CHECK(opcode == kText);
    ann.send(kText, R"({"pingReq":{"timestamp":8}})");
    CHECK(ann.wait(Response::kPongResp).pong_resp().last_ping_timestamp() == 8);
}

TEST_CASE("SignalSessions: a message beyond the limit ends its sender with 1009 [CON-41]") {
    net::WebSocketOptions options;
    options.max_message_bytes = 1000;
    SignalNode node(signal_config(), options);
    Client ann(node, "/r/ann");
    Client bob(node, "/r/bob");
    ann.send_metadata(std::string(900, 'm'));  // below it
    CHECK(ann.is_served(1));
    ann.send_metadata(std::string(20'000, 'm'));
    CHECK(ann.close_code() == 1009);
    CHECK(node.has_sessions(1));
    CHECK(bob.is_served(2));
}

TEST_CASE("SignalSessions: pinged at the interval, and kept though it never answers [CON-43]") {
    net::WebSocketOptions options;
    options.ping_interval = Duration::millis(5);
    SignalNode node(signal_config(), options);
    Client ann(node, "/r/ann");
    for (int pings = 0; pings < 20;) {
        const auto frame = ann.read();
        REQUIRE(frame.opcode > 0);
        if (frame.opcode == SignalClient::kPing) ++pings;
    }
    CHECK(node.has_sessions(1));
    CHECK(ann.is_served(1));
}

TEST_CASE("SignalSessions: who reads nothing is cut, and nobody else [IMM-15]") {
    net::WebSocketOptions options;
    options.max_queued_bytes = 1024 * 1024;
    SignalNode node(signal_config(), options);
    Client ann(node, "/r/ann");
    REQUIRE(ann.join().has_participant());
    Client deaf(node, "/r/deaf", "", 4096);
    REQUIRE(node.has_sessions(2));
    const room::SessionId of_deaf = node.session(1);
    const Response big = big_response(256 * 1024);
    // More than the kernel takes for it (tcp_wmem) and what may wait.
    node.call([&](SignalSessions& sessions) {
        for (int i = 0; i < 64; ++i)
            sessions.send(of_deaf, big);
    });
    CHECK(node.has_sessions(1));
    CHECK(ann.is_served(1));
    // What still comes for it goes nowhere.
    node.call([&](SignalSessions& sessions) {
        sessions.send(of_deaf, big);
        sessions.broadcast({of_deaf}, big);
        sessions.close(of_deaf, 1000);
        sessions.refuse({of_deaf, 500, "late", {}});
    });
    CHECK(node.metric(Metric::kParticipantJoinTotal, {"signal_failed"}) == 0);
}

TEST_CASE("SignalSessions: a flood is read no faster than others may be sent [IMM-15]") {
    constexpr int kSize = 60'000;
    constexpr int kCount = 45;
    SignalNode node;
    Client ann(node, "/r/ann");
    Client bob(node, "/r/bob");
    const Timestamp began = net::EventLoop::now();
    for (int i = 0; i < kCount; ++i)
        ann.send_metadata(std::string(kSize, static_cast<char>('a' + i % 26)));
    CHECK(ann.is_served(1));  // nothing is lost, and nobody cut
    // A slow machine only takes longer.
    const std::int64_t owed = std::int64_t{kCount} * kSize - RequestBudget::kBurst;
    CHECK((net::EventLoop::now() - began).us() >= owed * 1'000'000 / RequestBudget::kPerSecond);
    CHECK(bob.is_served(2));
}

TEST_CASE("SignalSessions: what goes to many is compressed once [IMM-15]") {
    constexpr std::size_t kReceivers = 40;
    SignalNode node;
    Client ann(node, "/r/ann", "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    Client bob(node, "/r/bob");
    REQUIRE(node.has_sessions(2));
    const std::uint64_t before = node.server_stats().websocket_deflated;
    const Response response = big_response(4'000);
    std::vector<room::SessionId> receivers(kReceivers, node.session(0));
    receivers.push_back(node.session(1));
    node.call([&](SignalSessions& sessions) { sessions.broadcast(receivers, response); });
    std::string first;
    for (std::size_t found = 0; found < kReceivers;) {
        const auto frame = ann.read();
        REQUIRE(frame.opcode == kBinary);
        if (!frame.compressed || frame.payload.size() > 200) continue;
        if (found++ == 0) first = frame.payload;
        CHECK(frame.payload == first);
    }
    CHECK(node.server_stats().websocket_deflated == before + 1);
    // Who has not agreed on it gets it plain.
    auto plain = bob.read();
    while (plain.opcode == kBinary && plain.payload != response.SerializeAsString())
        plain = bob.read();
    CHECK(plain.opcode == kBinary);
}

TEST_CASE("SignalSessions: each closes with the code that the room gave [CON-44]") {
    SignalNode node;
    Client ann(node, "/r/ann");
    Client bob(node, "/r/bob");
    REQUIRE(node.has_sessions(2));
    const room::SessionId first = node.session(0);
    node.call([&](SignalSessions& sessions) { sessions.close(first, 1011); });
    CHECK(ann.close_code() == 1011);
    CHECK(node.has_sessions(1));
    CHECK(bob.is_served(1));
}

TEST_CASE("SignalSessions: what was queued goes out before the close frame [CON-44] [CON-45]") {
    SignalNode node;
    Client ann(node, "/r/ann");
    REQUIRE(node.has_sessions(1));
    const room::SessionId id = node.session(0);
    node.call([&](SignalSessions& sessions) {
        Response leave;
        leave.mutable_leave()->set_reason(livekit::SERVER_SHUTDOWN);
        for (int i = 0; i < 10; ++i)
            sessions.send(id, big_response(50'000));
        sessions.send(id, leave);
        sessions.close(id, 1000);
    });
    CHECK(ann.wait(Response::kLeave).leave().reason() == livekit::SERVER_SHUTDOWN);
    CHECK(ann.close_code() == 1000);
}

TEST_CASE("SignalSessions: joins are counted by how they ended, resumes are none [OBS-01]") {
    const auto count = [](SignalNode& node, const char* state) {
        return node.metric(Metric::kParticipantJoinTotal, {state});
    };
    SignalNode node;
    Client ann(node, "/r/ann");
    const std::string sid = ann.join().participant().sid();
    CHECK(count(node, "signal_connected") == 1);
    CHECK(node.metric(Metric::kSessionJoinLatencyMs, {"16"}) == 1);
    CHECK(node.metric(Metric::kNodeMessages, {"signal", "success", "response"}) >= 1);
    Client again(node, "/r/ann/" + sid);
    CHECK(again.wait(Response::kReconnect).has_reconnect());
    CHECK(count(node, "signal_connected") == 1);

    room::Config closed = signal_config();
    closed.room.auto_create = false;
    SignalNode strict(std::move(closed));
    SignalClient nobody(strict.port(), "/nowhere/ann");
    CHECK(nobody.head().starts_with("HTTP/1.1 404 "));
    CHECK(count(strict, "signal_failed") == 1);
    SignalClient back(strict.port(), "/nowhere/ann/PA_x");
    CHECK(back.head().starts_with("HTTP/1.1 101 "));  // and learns there to begin anew
    CHECK(back.wait(Response::kLeave).leave().reason() == livekit::STATE_MISMATCH);
    CHECK(back.close_code() == 1000);
    CHECK(count(strict, "signal_failed") == 1);
    CHECK(count(strict, "signal_connected") == 0);
}

}  // namespace confab::control
