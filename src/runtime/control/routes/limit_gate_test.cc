// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The limits of the HTTP port through the whole listener: what is answered, and whose it is behind
// proxies.
#include "runtime/control/routes/limit_gate.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "json/json.h"
#include "runtime/control/shards/node_testing.h"

namespace confab::control {
namespace {

using telemetry::Metric;

using Adjust = std::function<void(GateOptions&)>;

// Nothing is earned while a test goes on, however slow the machine is.
Timestamp standing_time() {
    static const Timestamp at = net::EventLoop::now();
    return at;
}

// All clients of a test come from 127.0.0.1, which is a proxy here.
std::unique_ptr<TestNode> limited(const Adjust& adjust, std::size_t shards = 1) {
    return std::make_unique<TestNode>(shards, [&](TestNode::Settings& settings) {
        settings.routes.gate.now = standing_time;
        settings.routes.gate.proxies = {*Cidr::parse("127.0.0.0/8")};
        adjust(settings.routes.gate);
    });
}

std::string get(const TestNode& node, const std::string& path, const std::string& headers = "") {
    net::RawClient client(node.port());
    client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + "\r\n");
    return client.read_to_end();
}
std::string from(const std::string& address) {
    return "X-Forwarded-For: " + address + "\r\n";
}
std::string status(const std::string& answer) {
    return answer.substr(9, 3);
}
std::string validate_path(const TestNode& node, const std::string& identity) {
    return "/rtc/validate?access_token=" + node.token("r", identity);
}
double counted(TestNode& node, const char* layer, const char* action = "refused") {
    return node.metric(Metric::kRateLimited, {layer, action});
}

}  // namespace

TEST_CASE("limit_response: what it is about, and when to come again [OPS-05]") {
    const auto response =
        limit_response({api::LimitLayer::kRequest, Duration::millis(1'200)}, "/whip/v1");
    CHECK(response.status == 429);
    CHECK(response.body == "too many requests from this address, try again in 2 s");
    CHECK(api::find_header(response, "Retry-After") == "2");
    const auto soon = limit_response({api::LimitLayer::kRequest, Duration::millis(1)}, "/whip/v1");
    CHECK(api::find_header(soon, "Retry-After") == "1");
    const auto status_at = [](api::LimitLayer layer, std::string_view path) {
        return limit_response({layer, Duration::seconds(5)}, path).status;
    };
    CHECK(status_at(api::LimitLayer::kJoinLoad, "/whip/v1") == 503);
    // Who reconnects takes 4xx as the end of its call; only bad tokens are that.
    CHECK(status_at(api::LimitLayer::kRequest, "/rtc/v1") == 503);
    CHECK(status_at(api::LimitLayer::kJoinIdentity, "/rtc/validate") == 503);
    CHECK(status_at(api::LimitLayer::kToken, "/rtc/validate") == 429);
}

TEST_CASE("LimitGate: requests to signalling of an address, and of no other [OPS-05]") {
    const auto node = limited([](GateOptions& gate) { gate.limits.requests = {1, 3}; });
    const std::string path = validate_path(*node, "ann");
    for (int i = 0; i < 3; ++i)
        CHECK(status(get(*node, path, from("203.0.113.1"))) == "200");
    const std::string refused = get(*node, path, from("203.0.113.1"));
    CHECK(status(refused) == "503");
    CHECK(refused.find("Retry-After: 1\r\n") != std::string::npos);
    CHECK(refused.find("Access-Control-Allow-Origin") != std::string::npos);
    CHECK(refused.ends_with("too many requests from this address, try again in 1 s"));
    // Nobody keeps a connection by being refused.
    net::RawClient keeps(node->port());
    keeps.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n" + from("203.0.113.1") + "\r\n");
    CHECK(keeps.read_to_end().find("\r\nConnection: close\r\n") != std::string::npos);
    // Before the token is looked at.
    CHECK(status(get(*node, "/rtc/validate?access_token=x", from("203.0.113.1"))) == "503");
    for (const char* other : {"/whip/v1", "/agent"})
        CHECK(status(get(*node, other, from("203.0.113.1"))) == "429");
    CHECK(status(get(*node, "/", from("203.0.113.1"))) == "200");
    CHECK(status(get(*node, path, from("203.0.113.2"))) == "200");
    // What a client says of itself stands left of what the proxy says of it.
    CHECK(status(get(*node, path, from("198.51.100.1, 203.0.113.1"))) == "503");
    CHECK(status(get(*node, path, from("198.51.100.1") + from("203.0.113.1"))) == "503");
    CHECK(counted(*node, "request") == 7);
}

TEST_CASE("LimitGate: who is no trusted proxy speaks for itself [SEC-07]") {
    const auto node = limited([](GateOptions& gate) {
        gate.limits.requests = {1, 3};
        gate.proxies = {*Cidr::parse("10.0.0.0/8")};
    });
    for (int i = 0; i < 3; ++i)
        CHECK(status(get(*node, validate_path(*node, "ann"),
                         from("203.0.113." + std::to_string(i)))) == "200");
    CHECK(status(get(*node, validate_path(*node, "ann"), from("203.0.113.99"))) == "503");
}

TEST_CASE("LimitGate: trusted addresses have no limits, also behind a proxy [OPS-05] [SEC-07]") {
    const auto node = limited([](GateOptions& gate) {
        gate.limits.requests = {1, 1};
        gate.limits.trusted = {*Cidr::parse("203.0.113.0/24")};
    });
    for (int i = 0; i < 5; ++i)
        CHECK(status(get(*node, validate_path(*node, "ann"), from("203.0.113.1"))) == "200");
    CHECK(status(get(*node, validate_path(*node, "ann"), from("198.51.100.1"))) == "200");
    CHECK(status(get(*node, validate_path(*node, "ann"), from("198.51.100.1"))) == "503");
}

TEST_CASE("LimitGate: bad tokens are told to wait, good ones are let in [OPS-05]") {
    const auto node = limited([](GateOptions& gate) { gate.limits.bad_tokens = {1, 2}; });
    const auto fail = [&](const char* path) {
        return get(*node, std::string(path) + "?access_token=nonsense", from("203.0.113.1"));
    };
    CHECK(status(fail("/rtc/validate")) == "401");
    CHECK(status(fail("/twirp/livekit.RoomService/ListRooms")) == "401");
    CHECK(status(fail("/rtc/validate")) == "429");
    const std::string last = fail("/rtc/validate");
    CHECK(status(last) == "429");
    CHECK(last.find("Retry-After: 2\r\n") != std::string::npos);
    CHECK(last.find("too many invalid tokens from this address") != std::string::npos);
    CHECK(status(get(*node, validate_path(*node, "ann"), from("203.0.113.1"))) == "200");
    CHECK(status(get(*node, "/rtc/validate?access_token=x", from("203.0.113.2"))) == "401");
    CHECK(counted(*node, "token") == 2);
}

TEST_CASE("LimitGate: joins of an identity are refused, and validation says so [OPS-05] [CON-22]") {
    const auto node = limited([](GateOptions& gate) { gate.limits.joins_of_identity = {1, 2}; });
    const auto join = [&](const std::string& identity) {
        SignalClient client(node->port(), node->join_path("r", identity));
        return client.head();
    };
    CHECK(status(join("ann")) == "101");
    CHECK(status(join("ann")) == "101");
    const std::string refused = join("ann");
    CHECK(status(refused) == "503");
    CHECK(refused.find("Retry-After: 1\r\n") != std::string::npos);
    const std::string told = get(*node, validate_path(*node, "ann"));
    CHECK(status(told) == "503");
    CHECK(told.find("this participant joins too often, try again in 1 s") != std::string::npos);
    CHECK(status(join("bob")) == "101");
    CHECK(counted(*node, "join_identity") == 2);
    CHECK(node->metric(Metric::kParticipantJoinTotal, {"signal_validation_failed"}) == 1);
}

TEST_CASE("LimitGate: joins of a room and of a key, by WHIP too [OPS-05] [CON-60]") {
    const auto node = limited([](GateOptions& gate) {
        gate.limits.joins_of_room = {1, 2};
        gate.limits.joins_of_key = {1, 3};
    });
    const auto join = [&](const std::string& room, const std::string& identity) {
        SignalClient client(node->port(), node->join_path(room, identity));
        return status(client.head());
    };
    CHECK(join("r", "a") == "101");
    CHECK(join("r", "b") == "101");
    CHECK(join("r", "c") == "503");
    CHECK(join("r2", "d") == "101");
    CHECK(join("r3", "e") == "503");
    const std::string offer =
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\n"
        "a=ice-ufrag:abcd\r\na=ice-pwd:abcdabcdabcdabcdabcdabcd\r\n"
        "a=fingerprint:sha-256 AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:"
        "AA:AA:AA:AA:AA:AA:AA:AA:AA:AA\r\na=setup:actpass\r\na=rtcp-mux\r\n"
        "a=rtpmap:111 opus/48000/2\r\na=msid:s t\r\na=ssrc:1 cname:c\r\n";
    net::RawClient client(node->port());
    client.send("POST /whip/v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " +
                node->token("r4", "f") + "\r\nContent-Type: application/sdp\r\nContent-Length: " +
                std::to_string(offer.size()) + "\r\n\r\n" + offer);
    const std::string answer = client.read_to_end();
    CHECK_MESSAGE(status(answer) == "429", answer);
    CHECK(answer.find("too many join with this API key now") != std::string::npos);
    CHECK(counted(*node, "join_room") == 1);
    CHECK(counted(*node, "join_key") == 2);
}

TEST_CASE("LimitGate: WebSockets of an address, counted until they end, anywhere [OPS-05]") {
    for (const std::size_t shards : {std::size_t{1}, std::size_t{2}}) {
        CAPTURE(shards);
        const auto node = limited([](GateOptions& gate) { gate.limits.web_sockets = 2; }, shards);
        const std::string room = node->room_in(shards - 1);
        const auto open = [&](const std::string& identity, const std::string& address) {
            return std::make_unique<SignalClient>(node->port(), node->join_path(room, identity),
                                                  from(address));
        };
        auto one = open("a", "203.0.113.1");
        auto two = open("b", "203.0.113.1");
        CHECK(status(one->head()) == "101");
        CHECK(status(two->head()) == "101");
        const std::string refused = open("c", "203.0.113.1")->head();
        CHECK(status(refused) == "503");
        CHECK(refused.find("Retry-After: 5\r\n") != std::string::npos);
        auto other = open("d", "203.0.113.2");
        CHECK(status(other->head()) == "101");
        one.reset();
        std::string again;
        for (int i = 0; i < 200 && again != "101"; ++i) {
            if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
            one = open("e", "203.0.113.1");
            again = status(one->head());
        }
        CHECK(again == "101");
        // What is refused by its room gives its place back, too.
        two.reset();
        livekit::CreateRoomRequest full;
        full.set_name(room + "full");
        full.set_max_participants(1);
        (void)node->twirp("CreateRoom", full.name(), full);
        SignalClient first(node->port(), node->join_path(full.name(), "x"), from("203.0.113.3"));
        CHECK(status(first.head()) == "101");
        for (int i = 0; i < 5; ++i) {
            SignalClient next(node->port(), node->join_path(full.name(), "y" + std::to_string(i)),
                              from("203.0.113.4"));
            CHECK(status(next.head()) == "403");
        }
    }
}

TEST_CASE("LimitGate: whoever is in a room keeps the application from nothing [OPS-05]") {
    const auto node = limited([](GateOptions& gate) { gate.limits.calls_of_key = {1, 3}; });
    const auto call = [&](const std::string& token) {
        return status(node->twirp_with(token, "ListRooms", livekit::ListRoomsRequest()));
    };
    const std::string guest = node->token("r", "guest");
    for (int i = 0; i < 10; ++i)
        CHECK(call(guest) == (i < 3 ? "200" : "429"));
    CHECK(call(node->token("r", "another")) == "200");
    CHECK(call(node->token("another", "guest")) == "200");
    // A token without an identity is the application's.
    CHECK(call(node->token("r", "")) == "200");
}

TEST_CASE("LimitGate: calls of a key are resource_exhausted, with when to call again [OPS-05]") {
    const auto node = limited([](GateOptions& gate) {
        gate.limits.calls_of_method = {1, 2};
        gate.limits.calls_of_key = {1, 3};
    });
    const auto call = [&](const char* method) {
        return node->twirp(method, "r", livekit::ListRoomsRequest());
    };
    CHECK(status(call("ListRooms")) == "200");
    CHECK(status(call("ListRooms")) == "200");
    const std::string refused = call("ListRooms");
    CHECK(status(refused) == "429");
    CHECK(refused.find("Retry-After: 1\r\n") != std::string::npos);
    const auto error = json::parse(refused.substr(refused.find("\r\n\r\n") + 4));
    REQUIRE(error);
    CHECK(error->find("code")->string == "resource_exhausted");
    CHECK(error->find("msg")->string ==
          "too many calls of this method with this API key, try again in 1 s");
    livekit::CreateRoomRequest create;
    create.set_name("r");
    CHECK(status(node->twirp("CreateRoom", "r", create)) == "200");
    const std::string all = node->twirp("CreateRoom", "r", create);
    CHECK(all.find("too many calls with this API key") != std::string::npos);
    CHECK(counted(*node, "api_method") == 1);
    CHECK(counted(*node, "api_key") == 1);
    CHECK(node->metric(Metric::kTwirpRequestStatus,
                       {"RoomService", "ListRooms", "4xx", "resource_exhausted"}) == 1);
}

TEST_CASE("LimitGate: connections are closed, not answered, and a reload changes limits [OPS-05]") {
    telemetry::Metrics metrics("n");
    net::EventLoop loop;
    GateOptions options;
    options.limits.connections = {1, 3};
    LimitGate gate(loop, metrics, options);
    const IpAddress address = *IpAddress::parse("203.0.113.1");
    const auto admitted = [&] {
        int count = 0;
        for (int i = 0; i < 10; ++i)
            count += gate.admits(address) ? 1 : 0;
        return count;
    };
    CHECK(admitted() == 3);
    CHECK(metrics.value(Metric::kRateLimited, {"connection", "closed"}) == 7);
    options.limits.trusted = {*Cidr::parse("203.0.113.0/24")};
    gate.reconfigure(options);
    CHECK(admitted() == 10);
    // Those of a proxy are those of many.
    options.limits.trusted.clear();
    options.proxies = {*Cidr::parse("203.0.113.0/24")};
    gate.reconfigure(options);
    CHECK(admitted() == 10);
    gate.reconfigure({});
    CHECK(admitted() == 10);
}

TEST_CASE("LimitGate: all lines of X-Forwarded-For are one chain [SEC-07]") {
    telemetry::Metrics metrics("n");
    net::EventLoop loop;
    GateOptions options;
    options.proxies = {*Cidr::parse("10.0.0.0/8")};
    const LimitGate gate(loop, metrics, options);
    net::HttpRequest request;
    request.remote.ip = *IpAddress::parse("10.1.1.1");
    CHECK(gate.source_of(request).to_string() == "10.1.1.1");
    request.headers.add("X-Real-IP", "192.0.2.9");
    CHECK(gate.source_of(request).to_string() == "192.0.2.9");
    request.headers.add("x-forwarded-for", "192.0.2.1, 192.0.2.2");
    request.headers.add("X-Forwarded-FOR", "203.0.113.7, 10.2.2.2");
    request.headers.add("X-Forwarded-Foo", "192.0.2.3");
    CHECK(gate.source_of(request).to_string() == "203.0.113.7");
    request.remote.ip = *IpAddress::parse("192.0.2.5");
    CHECK(gate.source_of(request).to_string() == "192.0.2.5");
}

TEST_CASE(
    "LimitGate: who joins from where nothing is limited may say as much as it likes [OPS-05]") {
    const auto node = limited([](GateOptions& gate) {
        gate.limits.signals = {10, 2};
        gate.limits.trusted = {*Cidr::parse("203.0.113.0/24")};
    });
    const auto served = [&](const std::string& address, int count) {
        SignalClient client(node->port(), node->join_path("r", address), from(address));
        CHECK(status(client.head()) == "101");
        const Timestamp began = net::EventLoop::now();
        livekit::SignalRequest ping;
        for (int i = 1; i <= count; ++i) {
            ping.mutable_ping_req()->set_timestamp(i);
            client.send(ping);
        }
        std::int64_t last = 0;
        while (last != count)
            last =
                client.wait(livekit::SignalResponse::kPongResp).pong_resp().last_ping_timestamp();
        return net::EventLoop::now() - began;
    };
    (void)served("203.0.113.1", 100);
    CHECK(counted(*node, "signal", "delayed") == 0);
    // All are answered in the end; a slow machine only takes longer, and may count fewer.
    CHECK(served("198.51.100.1", 12) >= Duration::millis(900));
    CHECK(counted(*node, "signal", "delayed") >= 1);
}

}  // namespace confab::control
