// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The server APIs through the whole listener: bodies, encodings, errors, deadlines, and what is
// counted of them.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "json/json.h"
#include "runtime/control/shards/node_testing.h"

namespace confab::control {
namespace {

using telemetry::Metric;

const std::string kPath = "/twirp/livekit.RoomService/";
const std::string kJson = "Content-Type: application/json\r\n";
const std::string kProtobuf = "Content-Type: application/protobuf\r\n";

std::string ask(const TestNode& node, const std::string& line, const std::string& headers,
                const std::string& body, bool with_token = true) {
    net::RawClient client(node.port());
    client.send(line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers +
                (with_token ? "Authorization: Bearer " + node.token("r", "") + "\r\n" : "") +
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return client.read_to_end();
}
std::string body_of(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
}
// "404 not_found requested room does not exist"
std::string error_of(const std::string& answer) {
    const auto error = json::parse(body_of(answer));
    REQUIRE_MESSAGE(error, answer);
    const json::Value* code = error->find("code");
    const json::Value* text = error->find("msg");
    REQUIRE(code);
    REQUIRE(text);
    CHECK(answer.find("Content-Type: application/json\r\n") != std::string::npos);
    return answer.substr(9, 3) + " " + code->string + " " + text->string;
}

}  // namespace

TEST_CASE("Twirp: wrong methods, types and paths are bad routes [API-W1] [API-W5]") {
    TestNode node(1);
    const auto refusal = [&](const std::string& line, const std::string& headers) {
        return error_of(ask(node, line, headers, "{}"));
    };
    CHECK(refusal("GET " + kPath + "ListRooms", kJson) ==
          "404 bad_route unsupported method \"GET\" (only POST is allowed)");
    CHECK(refusal("PUT " + kPath + "ListRooms", kJson) ==
          "404 bad_route unsupported method \"PUT\" (only POST is allowed)");
    CHECK(refusal("POST " + kPath + "NoSuch", kJson) ==
          "404 bad_route no handler for path \"/twirp/livekit.RoomService/NoSuch\"");
    CHECK(refusal("POST " + kPath + "ListRooms", "Content-Type: text/json\r\n") ==
          "404 bad_route unexpected Content-Type: \"text/json\"");
    CHECK(refusal("POST " + kPath + "ListRooms", "") ==
          "404 bad_route unexpected Content-Type: \"\"");
    const std::string nowhere = ask(node, "POST /twirp/livekit.NoService/X", kJson, "{}");
    CHECK(nowhere.starts_with("HTTP/1.1 404 "));
    CHECK(body_of(nowhere) == "404 page not found\n");
}

TEST_CASE("Twirp: a call may take longer than other requests [SIP-08]") {
    TestNode node(2, [](TestNode::Settings& settings) {
        settings.http.answer_timeout = Duration::millis(200);
    });
    HungShard hung(node, 1);
    const std::string answer = ask(node, "POST " + kPath + "ListRooms", kJson, "{}");
    CHECK(error_of(answer).starts_with("503 unavailable "));  // and not the HTTP server's words
}

TEST_CASE("Twirp: a body that does not decode is malformed, in either encoding [API-W2]") {
    TestNode node(1);
    for (const char* body : {"", "{", "[]", "null", "7", R"({"names":7})", R"({"names":[{}]})"}) {
        CAPTURE(body);
        CHECK(error_of(ask(node, "POST " + kPath + "ListRooms", kJson, body)) ==
              "400 malformed the json request could not be decoded");
    }
    CHECK(error_of(ask(node, "POST " + kPath + "ListRooms", kProtobuf, "\xff\xff\xff")) ==
          "400 malformed the protobuf request could not be decoded");
    // An empty message is one.
    CHECK(ask(node, "POST " + kPath + "ListRooms", kProtobuf, "").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("Twirp: answers in the encoding of the request, JSON with all fields [API-W1] [API-W2]") {
    TestNode node(1);
    const std::string text = ask(node, "POST " + kPath + "CreateRoom",
                                 "Content-Type: application/json; charset=utf-8\r\n",
                                 R"({"name":"r","emptyTimeout":"77","later":{}})");
    REQUIRE(text.starts_with("HTTP/1.1 200 "));
    CHECK(text.find("Content-Type: application/json\r\n") != std::string::npos);
    const auto room = json::parse(body_of(text));
    REQUIRE(room);
    CHECK(room->find("name")->string == "r");
    CHECK(room->find("empty_timeout")->number == 77);
    REQUIRE(room->find("metadata"));
    CHECK(room->find("metadata")->string.empty());
    const std::string binary = ask(node, "POST " + kPath + "ListRooms", kProtobuf, "");
    CHECK(binary.find("Content-Type: application/protobuf\r\n") != std::string::npos);
    livekit::ListRoomsResponse list;
    REQUIRE(list.ParseFromString(body_of(binary)));
    REQUIRE(list.rooms_size() == 1);
    CHECK(list.rooms(0).name() == "r");
}

TEST_CASE("Twirp: without a token it is a Twirp error, with a bad one none [API-W4] [CON-21]") {
    TestNode node(1);
    CHECK(error_of(ask(node, "POST " + kPath + "ListRooms", kJson, "{}", false)) ==
          "401 unauthenticated permissions denied");
    const std::string bad = ask(node, "POST " + kPath + "ListRooms",
                                kJson + "Authorization: Bearer x\r\n", "{}", false);
    CHECK(bad.starts_with("HTTP/1.1 401 "));
    CHECK(body_of(bad) == "invalid authorization token");
    CHECK(
        ask(node, "POST " + kPath + "ListRooms", kJson + "Authorization: bearer x\r\n", "{}", false)
            .find("Must start with Bearer ") != std::string::npos);
    // The query's token counts on this path, too.
    const std::string token = node.token("r", "");
    CHECK(ask(node, "POST " + kPath + "ListRooms?access_token=" + token, kJson, "{}", false)
              .starts_with("HTTP/1.1 200 "));
}

TEST_CASE("Twirp: bodies up to the limit, then 413 with the headers of CORS [CON-03] [CON-05]") {
    TestNode node(
        1, [](TestNode::Settings& settings) { settings.routes.twirp.max_body_bytes = 1'000; });
    const std::string origin = "Origin: http://a\r\n";
    const auto body = [](std::size_t size) {
        return R"({"x":")" + std::string(size - 8, 'x') + "\"}";
    };
    CHECK(
        ask(node, "POST " + kPath + "ListRooms", kJson, body(1'000)).starts_with("HTTP/1.1 200 "));
    const std::string large = ask(node, "POST " + kPath + "ListRooms", kJson + origin, body(1'001));
    CHECK(large.starts_with("HTTP/1.1 413 "));
    CHECK(large.find("Access-Control-Allow-Origin: http://a\r\n") != std::string::npos);
    CHECK(body_of(large) == "request body too large");
}

TEST_CASE("Twirp: a call that is over in time has no other answer [API-W6]") {
    TestNode node(2);
    for (const std::size_t shard : {0U, 1U}) {
        const std::string room = node.room_in(shard);
        const std::string answer =
            ask(node, "POST " + kPath + "ListRooms", kJson + "X-Twirp-Timeout-Ms: 60000\r\n", "{}");
        CHECK(answer.starts_with("HTTP/1.1 200 "));
        for (const char* nonsense : {"", "soon", "-1", "1.5"})
            CHECK(ask(node, "POST " + kPath + "ListRooms",
                      kJson + "X-Twirp-Timeout-Ms: " + nonsense + "\r\n", "{}")
                      .starts_with("HTTP/1.1 200 "));
    }
    CHECK(node.metric(Metric::kTwirpRequestStatus, {"RoomService", "ListRooms", "200", ""}) == 10);
    CHECK(node.metric(Metric::kTwirpRequestStatus,
                      {"RoomService", "ListRooms", "4xx", "canceled"}) == 0);
}

TEST_CASE("Twirp: a deadline that passed is counted once, though the answer comes [API-W6]") {
    TestNode node(2);
    const std::string room = node.room_in(1);
    {
        HungShard hang(node, 1);
        const std::string answer =
            ask(node, "POST " + kPath + "ListRooms", kJson + "X-Twirp-Timeout-Ms: 1\r\n", "{}");
        CHECK(error_of(answer) == "408 canceled twirp error unknown: request canceled");
    }
    node.call_in(1, [](ControlPlane&) {});  // the late answer is on its way home,
    node.call([](ControlNode&) {});         // and has come
    const auto count = [&](const char* status, const char* code) {
        return node.metric(Metric::kTwirpRequestStatus, {"RoomService", "ListRooms", status, code});
    };
    CHECK(count("4xx", "canceled") == 1);
    CHECK(count("200", "") == 0);
    CHECK(node.metric(Metric::kTwirpRequestLatencyMs, {"RoomService", "ListRooms", "4xx"}) == 1);
}

TEST_CASE("Twirp: calls are counted by service, method and code, not by what clients invent") {
    TestNode node(1);
    const auto count = [&](const char* method, const char* status, const char* code) {
        return node.metric(Metric::kTwirpRequestStatus, {"RoomService", method, status, code});
    };
    (void)ask(node, "POST " + kPath + "ListRooms", kJson, "{}");
    (void)ask(node, "POST " + kPath + "ListRooms", kJson, "{");
    (void)ask(node, "POST " + kPath + "ListRooms", kJson, "{}", false);
    (void)ask(node, "POST " + kPath + "DeleteRoom", kJson, R"({"room":"nowhere"})");
    for (int i = 0; i < 3; ++i)
        (void)ask(node, "POST " + kPath + "Invented" + std::to_string(i), kJson, "{}");
    for (const char* path : {"/twirp/", "/twirp/livekit.Invented/X", "/twirp/x"})
        (void)ask(node, std::string("POST ") + path, kJson, "{}");
    CHECK(count("ListRooms", "200", "") == 1);
    CHECK(count("ListRooms", "4xx", "malformed") == 1);
    CHECK(count("ListRooms", "4xx", "unauthenticated") == 1);
    CHECK(count("DeleteRoom", "4xx", "not_found") == 1);
    CHECK(count("", "4xx", "bad_route") == 3);
    CHECK(count("Invented0", "4xx", "bad_route") == 0);
    CHECK(node.metric(Metric::kTwirpRequestStatus, {"Invented", "X", "4xx", ""}) == 0);
    CHECK(node.metric(Metric::kTwirpRequestLatencyMs, {"RoomService", "ListRooms", "200"}) == 1);
    CHECK(node.metric(Metric::kTwirpRequestLatencyMs, {"RoomService", "ListRooms", "4xx"}) == 2);
}

}  // namespace confab::control
