// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What each path answers, asked over a plain socket.
#include "runtime/control/routes/routes.h"

#include <doctest/doctest.h>

#include "json/json.h"
#include "runtime/control/shards/node_testing.h"
#include "token/limits.h"

namespace confab::control {
namespace {

struct Row {
    std::string request;  // method, path and further header lines
    std::string body;
    std::string status;  // what the answer begins with
    std::string part;    // of the answer
};

std::string ask(std::uint16_t port, const Row& row) {
    const std::size_t line = row.request.find('\n');
    const std::string headers =
        line == std::string::npos ? "" : row.request.substr(line + 1) + "\r\n";
    net::RawClient client(port);
    client.send(row.request.substr(0, line) + " HTTP/1.1\r\nHost: h:1\r\nConnection: close\r\n" +
                headers + "Content-Length: " + std::to_string(row.body.size()) + "\r\n\r\n" +
                row.body);
    return client.read_to_end();
}
std::string ask(const TestNode& node, const Row& row) {
    return ask(node.port(), row);
}

void check(const TestNode& node, const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        CAPTURE(row.request);
        CAPTURE(row.body);
        const std::string answer = ask(node, row);
        CAPTURE(answer);
        CHECK(answer.starts_with("HTTP/1.1 " + row.status + " "));
        CHECK(answer.find(row.part) != std::string::npos);
    }
}

}  // namespace

TEST_CASE("Routes: without the extras only what LiveKit has is there [CON-02] [CON-20]") {
    const TestNode node(1);
    const std::string token = node.token("r", "ann");
    check(node,
          {
              {"GET /", "", "200", "OK"},
              {"GET /?access_token=nonsense", "", "401", ""},
              {"GET /livez", "", "200", "OK"},
              {"GET /readyz?access_token=nonsense", "", "200", "OK"},
              {"GET /rtc?access_token=" + token, "", "404", ""},  // no upgrade
              {"GET /rtc/validate?access_token=" + token, "", "200", "success"},
              {"GET /rtc/v1/validate?access_token=" + token, "", "400", "join_request is required"},
              {"GET /rtc/validate", "", "401", ""},
              {"GET /nowhere", "", "404", "404 page not found"},
              {"GET /metrics", "", "404", "404 page not found"},
              {"GET /demo/", "", "404", "404 page not found"},
              {"POST /api/token", R"({"room_name":"r","participant_name":"a"})", "404", ""},
              // Before authentication.
              {"GET //rtc//validate?a=b", "", "307", "Location: /rtc/validate?a=b"},
              {"POST /rtc/validate\nContent-Type: application/x-www-form-urlencoded",
               "access_token=" + token, "200", "success"},
              {"POST /rtc/validate\nContent-Type: text/plain", "access_token=" + token, "401", ""},
          });
    for (const char* socket : {"GET /rtc", "GET /rtc/v1", "GET /agent"}) {
        CAPTURE(socket);
        const std::string answer = ask(node, {socket, "", "", ""});
        CHECK(answer.starts_with("HTTP/1.1 404 "));
        CHECK(answer.find("Content-Type") == std::string::npos);
        CHECK(answer.ends_with("\r\n\r\n"));
    }
}

TEST_CASE("Routes: pages of other origins may ask, and learn why not [CON-02] [CON-03]") {
    const TestNode node(1);
    check(node,
          {
              {"GET /rtc/validate\nOrigin: http://a", "", "401", "Access-Control-Allow-Origin: "},
              {"GET /nowhere\nOrigin: http://a", "", "404", "Access-Control-Allow-Origin: "},
              {"OPTIONS /twirp/livekit.RoomService/ListRooms\nOrigin: http://a\r\n"
               "Access-Control-Request-Method: POST\r\n"
               "Access-Control-Request-Headers: authorization",
               "", "204", "Access-Control-Allow-Methods: POST"},
          });
}

TEST_CASE("Routes: the demo page gets tokens that let in, and says what is wrong [DEMO-02]") {
    const TestNode node(
        1, [](TestNode::Settings& settings) { settings.routes.development_tokens = true; });
    const std::string path = "POST /api/token";
    check(node, {
                    {path, "", "400", "must be a JSON object"},
                    {path, "[]", "400", "must be a JSON object"},
                    {path, "{", "400", "must be a JSON object"},
                    {path, "{}", "400", "room_name and participant_name are needed"},
                    {path, R"({"room_name":"r"})", "400", "are needed"},
                    {path, R"({"room_name":7,"participant_name":"a"})", "400", "are needed"},
                    {path, R"({"participant_identity":"a"})", "400", "are needed"},
                    {"GET /api/token", "", "405", "Allow: POST"},
                    {"GET /demo/", "", "404", "has not been built"},
                });
    const std::string answer = ask(
        node, {path + "\nX-Forwarded-Proto: https",
               R"({"room_name":"r","participant_name":"Ann","participant_metadata":"m"})", "", ""});
    REQUIRE(answer.starts_with("HTTP/1.1 200 "));
    CHECK(answer.find("Cache-Control: no-store\r\n") != std::string::npos);
    const auto body = json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
    REQUIRE(body);
    CHECK(body->find("server_url")->string == "wss://h:1");
    const token::KeyMap keys{{{"key", "a-secret-of-thirty-two-characters"}}};
    const auto grants =
        token::verify_token(body->find("participant_token")->string, keys, net::EventLoop::wall());
    REQUIRE(grants);
    CHECK(grants->identity == "Ann");  // the name, as no identity was given
    CHECK(grants->metadata == "m");
    REQUIRE(grants->video);
    CHECK(grants->video->room == "r");
    CHECK(grants->video->room_join);
    CHECK_FALSE(grants->video->room_admin);
    CHECK_FALSE(grants->video->room_list);
}

TEST_CASE("Routes: metrics on the main port ask for their user, nothing else [CON-10]") {
    const auto with = [](const char* user, const char* password) {
        return [=](TestNode::Settings& settings) {
            settings.routes.metrics_on_main_port = true;
            settings.routes.metrics_user = user;
            settings.routes.metrics_password = password;
        };
    };
    const TestNode guarded(1, with("me", "pass"));
    check(guarded,
          {
              {"GET /metrics", "", "401", "WWW-Authenticate: Basic"},
              {"GET /metrics\nAuthorization: Basic bWU6d3Jvbmc=", "", "401", ""},
              {"GET /metrics\nAuthorization: Basic bWU6cGFzcw==", "", "200", "figures"},
              {"GET /metrics\nAuthorization: Bearer " + guarded.token("r", "a"), "", "401", ""},
          });
    const TestNode open(1, with("", ""));
    check(open, {{"GET /metrics", "", "200", "figures"}});
}

TEST_CASE("Routes: a call that takes longer than its caller waits is a timeout [API-W6]") {
    TestNode node(2);
    const std::string room = node.room_in(1);
    const HungShard hang(node, 1);
    livekit::RoomParticipantIdentity who;
    const std::string path =
        "POST /twirp/livekit.RoomService/ListParticipants\n"
        "Authorization: Bearer " +
        node.token(room, "") + "\r\nContent-Type: application/json\r\nX-Twirp-Timeout-Ms: 30";
    const std::string answer = ask(node, {path, R"({"room":")" + room + R"("})", "", ""});
    CAPTURE(answer);
    CHECK(answer.starts_with("HTTP/1.1 408 "));
    CHECK(answer.find("request canceled") != std::string::npos);
}

TEST_CASE("Routes: a call takes as long as its caller waits, whatever others may take [SIP-08]") {
    TestNode node(2, [](TestNode::Settings& settings) {
        settings.http.answer_timeout = Duration::millis(20);
    });
    const std::string room = node.room_in(1);
    const HungShard hang(node, 1);
    const std::string path =
        "POST /twirp/livekit.RoomService/ListParticipants\n"
        "Authorization: Bearer " +
        node.token(room, "") + "\r\nContent-Type: application/json\r\nX-Twirp-Timeout-Ms: 200";
    const std::string answer = ask(node, {path, R"({"room":")" + room + R"("})", "", ""});
    CAPTURE(answer);
    CHECK(answer.starts_with("HTTP/1.1 408 "));
}

TEST_CASE("Routes: the metrics have every path of their own port, and its user [CON-10]") {
    const TestNode guarded(1, [](TestNode::Settings& settings) {
        settings.routes.metrics_user = "me";
        settings.routes.metrics_password = "pass";
    });
    for (const char* line : {"GET /", "GET /metrics", "GET /any//path", "POST /rtc"}) {
        CAPTURE(line);
        CHECK(ask(guarded.metrics_port(), {line, "", "", ""}).starts_with("HTTP/1.1 401 "));
        const std::string answer =
            ask(guarded.metrics_port(),
                {std::string(line) + "\nAuthorization: Basic bWU6cGFzcw==", "", "", ""});
        CHECK(answer.starts_with("HTTP/1.1 200 "));
        CHECK(answer.ends_with("figures\n"));
    }
    check(guarded, {{"GET /metrics", "", "404", "404 page not found"}});
}

TEST_CASE("Routes: debug pages are there where asked for, and tell no secret [CON-09]") {
    const TestNode closed(1);
    check(closed, {{"GET /debug/rooms", "", "404", "404 page not found"}});
    TestNode open(2, [](TestNode::Settings& settings) {
        settings.routes.debug_on_main_port = DebugAccess::kAll;
    });
    check(open, {{"GET /debug/rooms", "", "200", "\r\n\r\n[]"},
                 {"GET /debug/rooms?access_token=nonsense", "", "401", "invalid"},
                 {"GET /debug/pprof/heap", "", "404", "only /debug/rooms"}});
    for (const std::size_t shard : {std::size_t{0}, std::size_t{1}}) {
        livekit::CreateRoomRequest create;
        create.set_name(open.room_in(shard));
        create.set_metadata("private");
        (void)open.twirp("CreateRoom", create.name(), create);
    }
    const std::string dump = ask(open, {"GET /debug/rooms", "", "", ""});
    const auto rooms = json::parse(dump.substr(dump.find("\r\n\r\n") + 4));
    REQUIRE(rooms);
    CHECK(rooms->items.size() == 2);
    for (const json::Value& one : rooms->items) {
        CHECK(one.find("room")->find("sid")->string.starts_with("RM_"));
        CHECK(one.find("room")->find("turn_password")->string.empty());
        CHECK(one.find("participants")->items.empty());
    }
    CHECK(dump.find("private") == std::string::npos);
    const TestNode guarded(1, [](TestNode::Settings& settings) {
        settings.routes.debug_on_main_port = DebugAccess::kRoomLister;
    });
    token::VideoGrant admin;
    admin.room_admin = true;
    check(guarded,
          {{"GET /debug/rooms", "", "401", "permissions denied"},
           {"GET /debug/pprof/", "", "404", "only /debug/rooms"},
           {"GET /debug/rooms?access_token=" + guarded.token_for(admin), "", "401", "denied"},
           {"GET /debug/rooms?access_token=" + guarded.token("r", "a"), "", "200", "[]"}});
}

TEST_CASE("Routes: only a preflight is answered as one [CON-02] [CON-03]") {
    const TestNode node(1);
    const std::string origin = "\nOrigin: http://a";
    const std::string token = node.token("r", "ann");
    check(node, {
                    // Before authentication, and whatever the path.
                    {"OPTIONS /nowhere?access_token=x" + origin +
                         "\r\nAccess-Control-Request-Method: DELETE",
                     "", "204", "Access-Control-Allow-Methods: DELETE"},
                    {"OPTIONS /" + origin, "", "200", "OK"},
                    {"OPTIONS /rtc/validate?access_token=" + token + origin, "", "200", "success"},
                    {"OPTIONS /nowhere" + origin, "", "404", "404 page not found"},
                    // Such a header on anything else is none.
                    {"GET /nowhere\nAccess-Control-Request-Method: GET", "", "404", "not found"},
                });
    const std::string plain = ask(node, {"GET /", "", "", ""});
    CHECK(plain.find("Vary: Origin\r\n") != std::string::npos);
    CHECK(plain.find("Access-Control-Allow-Origin") == std::string::npos);
}

TEST_CASE("Routes: what the listener refuses by itself can be read by pages, too [CON-03]") {
    net::HttpRequest request;
    request.path = "/rtc";
    request.headers.add("Origin", "http://a");
    net::HttpResponse response;
    Routes::add_cors(request, response);
    CHECK(response.headers.get("Access-Control-Allow-Origin") == "http://a");
    CHECK(response.headers.get("Vary") == "Origin");
}

TEST_CASE("Routes: paths with two slashes at their begin are served, others sent on [CON-04]") {
    const TestNode node(1);
    const std::string token = "?access_token=" + node.token("r", "ann");
    check(node, {
                    {"GET //rtc/validate" + token, "", "200", "success"},
                    {"POST //twirp/livekit.RoomService/ListRooms" + token +
                         "\nContent-Type: application/json",
                     "{}", "200", "rooms"},
                    {"GET ///rtc/validate", "", "307", "Location: /rtc/validate"},
                    {"POST /rtc//validate?a=1", "", "307", "Location: /rtc/validate?a=1"},
                    {"GET /rtc/../rtc/validate" + token, "", "307", "Location: /rtc/validate?"},
                });
}

TEST_CASE("Routes: a token of the form counts for POST, and the header before all [CON-20]") {
    const TestNode node(1);
    const std::string token = node.token("r", "ann");
    const std::string form = "Content-Type: application/x-www-form-urlencoded";
    check(node, {
                    {"GET /rtc/validate\n" + form, "access_token=" + token, "401", ""},
                    {"POST /rtc/validate\n" + form + "; charset=utf-8", "access_token=" + token,
                     "200", "success"},
                    {"GET /rtc/validate?access_token=" + token + "\nAuthorization: Bearer x", "",
                     "401", "invalid authorization token"},
                    {"GET /rtc/validate?access_token=x\nAuthorization: Bearer " + token, "", "200",
                     "success"},
                    // An empty header is none.
                    {"GET /rtc/validate?access_token=" + token + "\nAuthorization: ", "", "200",
                     "success"},
                    {"GET /?access_token=" + token, "", "200", "OK"},
                });
}

TEST_CASE("Routes: a token as long as the limits of metadata allow lets in [TOK-12] [ROOM-07]") {
    const TestNode node(1);
    const token::KeyMap keys{{{"key", "a-secret-of-thirty-two-characters"}}};
    token::Grants grants;
    grants.api_key = "key";
    grants.identity = "ann";
    grants.metadata = std::string(token::Limits{}.metadata, 'm');
    grants.attributes["a"] = std::string(token::Limits{}.attributes - 1, 'a');
    token::VideoGrant& video = grants.video.emplace();
    video.room_join = true;
    video.room = "r";
    const std::string token = token::mint_refresh_token(grants, keys, net::EventLoop::wall());
    check(node, {
                    {"GET /rtc/validate?access_token=" + token, "", "200", "success"},
                    {"GET /rtc/validate\nAuthorization: Bearer " + token, "", "200", "success"},
                });
}

}  // namespace confab::control
