// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/console/console.h"

#include <doctest/doctest.h>

#include "runtime/control/console/console_testing.h"

namespace confab::control {
namespace {

bool has(const std::string& all, std::string_view part) {
    return all.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("Console: who signs in is who the session says, until it signs out") {
    ConsoleNode console;
    CHECK(console.ask("GET session").status == 401);
    const ConsoleAnswer in = console.ask(
        "POST session", "", R"({"key":"key","secret":"a-secret-of-thirty-two-characters"})");
    REQUIRE(in.status == 200);
    CHECK(text(in.json(), "role") == "operator");
    CHECK(text(in.json(), "name") == "key");
    const std::string set = in.header("Set-Cookie");
    CHECK(has(set, "; HttpOnly; SameSite=Strict"));
    CHECK(has(set, "; Path=/console;"));
    CHECK_FALSE(has(set, "Secure"));
    CHECK(text(console.ask("GET session", in.cookie()).json(), "name") == "key");
    CHECK(text(console.ask("GET session", console.as_viewer()).json(), "role") == "viewer");
    const ConsoleAnswer out = console.ask("DELETE session", in.cookie());
    CHECK(out.status == 200);
    CHECK(has(out.header("Set-Cookie"), "Max-Age=0"));
    CHECK(console.ask("GET session", in.cookie()).status == 401);
    CHECK(console.ask("PUT session", "").status == 405);
    CHECK(console.ask("POST session", "", R"({"password":"guess"})").status == 401);
    const json::Value events = console.ask("GET events", console.as_viewer()).json();
    std::vector<std::string> told;
    for (const json::Value& event : events.find("events")->items)
        told.push_back(text(event, "kind") + " " + text(event, "who"));
    CHECK(told == std::vector<std::string>{"signed_in viewer", "sign_in_refused ", "signed_out key",
                                           "signed_in viewer", "signed_in key", "server_started "});
}

TEST_CASE("Console: who signed out stays so when the server comes back") {
    std::string kept;
    std::string cookie;
    std::string other;
    {
        ConsoleNode console(1, [&](TestNode::Settings& settings) {
            settings.console->keep_signed_out = [&](const std::string& text) { kept = text; };
        });
        cookie = console.as_viewer();
        other = console.as_viewer();
        REQUIRE(console.ask("DELETE session", cookie).status == 200);
        CHECK(console.ask("DELETE session", cookie).status == 200);  // of nobody: nothing to keep
    }
    CHECK(std::count(kept.begin(), kept.end(), '\n') == 1);
    ConsoleNode again(1, [&](TestNode::Settings& settings) {
        settings.console->signed_out = console::SignedOut::parse(kept, net::EventLoop::wall());
    });
    CHECK(again.ask("GET session", cookie).status == 401);
    CHECK(again.ask("GET session", other).status == 200);
}

TEST_CASE("Console: over TLS, here or at a proxy, the cookie goes by TLS alone") {
    ConsoleNode console;
    const ConsoleAnswer in =
        console.ask("POST session", "", R"({"password":"open-sesame"})",
                    std::string(ConsoleNode::kHeader) + "X-Forwarded-Proto: https\r\n");
    CHECK(has(in.header("Set-Cookie"), "; Secure"));
    ConsoleNode with_tls(1, [](TestNode::Settings& settings) { settings.console->tls = true; });
    CHECK(
        has(with_tls.ask("POST session", "", R"({"password":"open-sesame"})").header("Set-Cookie"),
            "; Secure"));
}

TEST_CASE("Console: behind proxies that are named, who guesses waits alone [SEC-07]") {
    ConsoleNode console(1, [](TestNode::Settings& settings) {
        settings.routes.gate.proxies = {*Cidr::parse("127.0.0.0/8")};
        settings.routes.gate.proxies_name_clients = true;
    });
    const auto ask = [&](const std::string& client, const char* body) {
        return console
            .ask("POST session", "", body,
                 std::string(ConsoleNode::kHeader) + "X-Forwarded-For: 198.51.100.9, " + client +
                     "\r\n")
            .status;
    };
    for (int i = 0; i < 40; ++i)
        CHECK(ask("203.0.113.1", R"({"password":"guess"})") == (i < 5 ? 401 : 429));
    CHECK(ask("203.0.113.2", R"({"password":"open-sesame"})") == 200);
}

TEST_CASE("Console: wrong secrets have one answer, and a few tries") {
    ConsoleNode console;
    const char* const wrong[] = {R"({"password":"guess"})", R"({"key":"key","secret":"guess"})",
                                 R"({"key":"nokey","secret":"guess"})", "{}"};
    std::string said;
    for (const char* body : wrong) {
        const ConsoleAnswer answer = console.ask("POST session", "", body);
        CHECK(answer.status == 401);
        CHECK((said.empty() || said == answer.body));
        CHECK(answer.header("Set-Cookie").empty());
        said = answer.body;
    }
    CHECK(console.ask("POST session", "", "nonsense").status == 400);
    CHECK(console.ask("POST session", "", R"({"password":"guess"})").status == 401);
    const ConsoleAnswer answer = console.ask("POST session", "", R"({"password":"open-sesame"})");
    CHECK(answer.status == 429);
    CHECK_FALSE(answer.header("Retry-After").empty());
    CHECK(console.ask("POST session", "", "nonsense").status == 429);
    // Behind a proxy others have tries of their own.
    const std::string other =
        std::string(ConsoleNode::kHeader) + "X-Forwarded-For: 203.0.113.9\r\n";
    CHECK(console.ask("POST session", "", R"({"password":"open-sesame"})", other).status == 200);
}

TEST_CASE("Console: nobody sees anything without a session, viewers change nothing") {
    ConsoleNode console;
    for (const char* page : {"overview", "rooms", "room?name=r", "history", "sessions", "events",
                             "webhooks", "config", "nowhere"}) {
        INFO(page);
        CHECK(console.ask("GET " + std::string(page)).status == 401);
        CHECK(console.ask("GET " + std::string(page), "confab_console=a.b.c").status == 401);
    }
    CHECK(console.ask("POST call/RoomService/ListRooms", "", "{}").status == 401);
    const std::string viewer = console.as_viewer();
    CHECK(console.ask("GET overview", viewer).status == 200);
    CHECK(console.ask("POST call/RoomService/CreateRoom", viewer, R"({"name":"r"})").status == 403);
    CHECK(console.ask("POST webhooks/replay", viewer, R"({"id":"EV_1"})").status == 403);
    CHECK(number(console.ask("GET rooms", viewer).json(), "total") == 0);
}

TEST_CASE("Console: no form of another site does anything, and no script of one reads anything") {
    ConsoleNode console;
    const std::string cookie = console.as_operator();
    const std::string body = R"({"name":"r"})";
    for (const char* headers : {"", "X-Confab-Console: 0\r\n"}) {
        CHECK(console.ask("POST call/RoomService/CreateRoom", cookie, body, headers).status == 403);
        CHECK(console.ask("POST session", "", R"({"password":"open-sesame"})", headers).status ==
              403);
        CHECK(console.ask("DELETE session", cookie, "", headers).status == 403);
    }
    CHECK(console.ask("GET session", cookie, "", "").status == 200);
    const ConsoleAnswer read =
        console.ask("GET overview", cookie, "", "Origin: https://evil.example\r\n");
    CHECK(read.status == 200);
    CHECK_FALSE(has(read.head, "Access-Control"));
    CHECK(read.header("Cache-Control") == "no-store");
    CHECK(read.header("X-Content-Type-Options") == "nosniff");
    for (const char* path : {"/console", "/console/", "/console/api/session"}) {
        const ConsoleAnswer asked =
            console.raw("OPTIONS " + std::string(path), "", "",
                        "Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n"
                        "Access-Control-Request-Headers: x-confab-console\r\n");
        CHECK(asked.status == 403);
        CHECK_FALSE(has(asked.head, "Access-Control"));
    }
}

TEST_CASE("Console: an overview of the node, with who was refused why") {
    ConsoleNode console(2);
    TestNode& node = console.node();
    const std::string room = node.room_in(1);
    Joined alice(node, room, "alice");
    REQUIRE(alice.is_in());
    // A token that nobody signed, none at all, and a room that is not there.
    for (const char* token : {"?access_token=a.b.c", ""}) {
        SignalClient refused(node.port(), "/rtc" + std::string(token));
        CHECK(refused.head().starts_with("HTTP/1.1 401 "));
    }
    const std::string cookie = console.as_viewer();
    const json::Value view = console.ask("GET overview", cookie).json();
    CHECK(text(view, "version") == "9.9");
    CHECK(text(view, "node_id") == "ND_test");
    CHECK_FALSE(view.find("cluster")->boolean);
    REQUIRE(view.find("nodes")->items.size() == 1);
    CHECK(text(view.find("nodes")->items[0], "id") == "ND_test");
    CHECK(text(view.find("nodes")->items[0], "state") == "SERVING");
    REQUIRE(view.find("workers")->items.size() == 1);
    const json::Value& joins = *view.find("joins");
    CHECK(number(joins, "attempted") >= 2);
    const auto& refused = joins.find("refused")->items;
    REQUIRE(refused.size() == 2);
    CHECK(text(refused[0], "reason") == "invalid authorization token");
    CHECK(text(refused[1], "reason") == "no permissions to access the room");
    CHECK(number(refused[1], "count") == 1);
    // Those of a shard come with its next report.
    for (int i = 0; i < 100 && number(*console.ask("GET overview", cookie).json().find("totals"),
                                      "participants") < 1;
         ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const json::Value later = console.ask("GET overview", cookie).json();
    CHECK(number(*later.find("totals"), "rooms") == 1);
    CHECK(number(*later.find("joins"), "admitted") == 1);
}

TEST_CASE("Console: rooms of all shards, searched, sorted, by pages") {
    ConsoleNode console(2);
    TestNode& node = console.node();
    const std::string here = node.room_in(0, "here");
    const std::string there = node.room_in(1, "there");
    const std::string cookie = console.as_operator();
    for (const std::string& name : {here, there})
        CHECK(console
                  .ask("POST call/RoomService/CreateRoom", cookie,
                       R"({"name":")" + name + R"(","metadata":"m"})")
                  .status == 200);
    Joined alice(node, there, "alice");
    REQUIRE(alice.is_in());
    const json::Value all = console.ask("GET rooms?sort=name&order=desc", cookie).json();
    CHECK(number(all, "total") == 2);
    CHECK(text(all.find("rooms")->items[0], "name") == there);
    CHECK(number(all.find("rooms")->items[0], "participants") == 1);
    CHECK(text(all.find("rooms")->items[1], "metadata") == "m");
    CHECK(number(all.find("rooms")->items[1], "created_at") > 1.6e12);
    const json::Value found = console.ask("GET rooms?search=HERE&limit=1&offset=1", cookie).json();
    CHECK(number(found, "total") == 2);
    CHECK(found.find("rooms")->items.size() == 1);
    HungShard hung(node, 1);
    CHECK(console.ask("GET rooms", cookie).status == 503);
}

TEST_CASE("Console: a room that is recorded says so, in the list and on its page") {
    ConsoleNode console;
    TestNode& node = console.node();
    Joined alice(node, "taped", "alice");
    Joined bob(node, "plain", "bob");
    REQUIRE(alice.is_in());
    REQUIRE(bob.is_in());
    token::Grants grants;
    grants.identity = "recorder";
    token::VideoGrant& video = grants.video.emplace();
    video.room = "taped";
    video.room_join = video.hidden = video.recorder = true;
    SignalClient recorder(node.port(), "/rtc?protocol=16&access_token=" + node.token_of(grants));
    REQUIRE(recorder.head().starts_with("HTTP/1.1 101 "));
    REQUIRE(recorder.wait(livekit::SignalResponse::kJoin).has_join());
    const std::string cookie = console.as_viewer();
    const json::Value rooms = console.ask("GET rooms?sort=name", cookie).json();
    REQUIRE(rooms.find("rooms")->items.size() == 2);
    CHECK_FALSE(rooms.find("rooms")->items[0].find("recording")->boolean);
    CHECK(rooms.find("rooms")->items[1].find("recording")->boolean);
    const auto on_page = [&](const std::string& name) {
        const json::Value view = console.ask("GET room?name=" + name, cookie).json();
        const json::Value* const recorded = view.find("room")->find("active_recording");
        return recorded != nullptr && recorded->boolean;
    };
    CHECK(on_page("taped"));
    CHECK_FALSE(on_page("plain"));
}

TEST_CASE("Console: a call may take longer than other requests") {
    ConsoleNode console(2, [](TestNode::Settings& settings) {
        settings.http.answer_timeout = Duration::millis(200);
    });
    const std::string cookie = console.as_operator();
    HungShard hung(console.node(), 1);
    const ConsoleAnswer answer = console.ask("POST call/RoomService/ListRooms", cookie, "{}");
    CHECK(answer.status == 503);
    CHECK_FALSE(text(answer.json(), "error").empty());  // of the call, and not of the HTTP server
}

TEST_CASE("Console: a room and who is in it, whatever shard it is on") {
    ConsoleNode console(2);
    TestNode& node = console.node();
    const std::string room = node.room_in(1, "a b");
    Joined alice(node, room, "alice");
    REQUIRE(alice.is_in());
    const std::string cookie = console.as_viewer();
    std::string name = room;
    name.replace(name.find(' '), 1, "%20");
    const json::Value view = console.ask("GET room?name=" + name, cookie).json();
    CHECK(text(*view.find("room"), "name") == room);
    REQUIRE(view.find("participants")->items.size() == 1);
    const json::Value& p = view.find("participants")->items[0];
    CHECK(text(p, "identity") == "alice");
    CHECK(text(p, "state") == "joined");
    CHECK(text(*p.find("client"), "address") == "127.0.0.1");
    CHECK(console.ask("GET room?name=nowhere", cookie).status == 404);
    CHECK(console.ask("GET room?name=" + name + "&tenant=acme", cookie).status == 404);
    CHECK(console.ask("GET room", cookie).status == 400);
}

TEST_CASE("Console: an operator's calls are done, and it is noted who did what") {
    ConsoleNode console;
    TestNode& node = console.node();
    Joined alice(node, "r", "alice");
    REQUIRE(alice.is_in());
    const std::string cookie = console.as_operator();
    const auto call = [&](const std::string& method, const std::string& body) {
        return console.ask("POST call/" + method, cookie, body);
    };
    CHECK(text(call("RoomService/UpdateRoomMetadata", R"({"room":"r","metadata":"new"})").json(),
               "metadata") == "new");
    CHECK(call("RoomService/ListParticipants", R"({"room":"r"})").status == 200);
    CHECK(call("RoomService/SendData", R"({"room":"r","data":"aGk=","kind":"RELIABLE"})").status ==
          200);
    const ConsoleAnswer missing =
        call("RoomService/RemoveParticipant", R"({"room":"r","identity":"nobody"})");
    CHECK(missing.status == 404);
    CHECK(text(missing.json(), "error") == "participant does not exist");
    CHECK(call("RoomService/RemoveParticipant", R"({"room":"r","identity":"alice"})").status ==
          200);
    CHECK(call("AgentDispatchService/CreateDispatch", R"({"room":"r","agent_name":"a"})").status ==
          200);
    CHECK(call("RoomService/DeleteRoom", R"({"room":"r"})").status == 200);
    CHECK(call("RoomService/Nothing", "{}").status == 404);
    CHECK(call("Nothing/Nothing", "{}").status == 404);
    CHECK(call("..%2fRoomService/ListRooms", "{}").status == 404);
    CHECK(call("RoomService", "{}").status == 404);
    CHECK(call("RoomService/CreateRoom", "nonsense").status >= 400);
    CHECK(console.ask("GET call/RoomService/ListRooms", cookie).status == 405);

    const auto events = console.ask("GET events?kind=action", cookie).json();
    std::vector<std::string> texts;
    for (const json::Value& event : events.find("events")->items) {
        texts.push_back(text(event, "text"));
        CHECK(text(event, "who") == "operator");
    }
    const auto told = [&](const char* what) {
        return std::find(texts.begin(), texts.end(), what) != texts.end();
    };
    CHECK(told("RoomService/RemoveParticipant"));
    CHECK(told("RoomService/RemoveParticipant failed: participant does not exist"));
    CHECK(told("RoomService/DeleteRoom"));
    CHECK_FALSE(told("RoomService/ListParticipants"));
    const json::Value& last = events.find("events")->items.back();
    CHECK(text(last, "room") == "r");
}

TEST_CASE("Console: a tenant's rooms are seen, and reached where they are named") {
    ConsoleNode console;
    const std::string cookie = console.as_operator();
    CHECK(console.ask("POST call/RoomService/CreateRoom?tenant=acme", cookie, R"({"name":"r"})")
              .status == 200);
    const json::Value rooms = console.ask("GET rooms", cookie).json();
    REQUIRE(rooms.find("rooms")->items.size() == 1);
    CHECK(text(rooms.find("rooms")->items[0], "tenant") == "acme");
    CHECK(console.ask("GET room?name=r", cookie).status == 404);
    CHECK(text(console.ask("GET room?name=r&tenant=acme", cookie).json(), "tenant") == "acme");
    CHECK(console.ask("POST call/RoomService/DeleteRoom", cookie, R"({"room":"r"})").status == 404);
    CHECK(console.ask("POST call/RoomService/DeleteRoom?tenant=acme", cookie, R"({"room":"r"})")
              .status == 200);
}

TEST_CASE("Console: the past is there for who asks: sessions, events, series") {
    ConsoleNode console;
    TestNode& node = console.node();
    const std::string cookie = console.as_viewer();
    {
        Joined alice(node, "r", "alice");
        REQUIRE(alice.is_in());
        livekit::SignalRequest leave;
        leave.mutable_leave()->set_reason(livekit::CLIENT_INITIATED);
        alice.send(leave);
        while (alice.read().opcode >= 0) {
        }
    }
    const json::Value sessions = console.ask("GET sessions?room=r", cookie).json();
    CHECK(number(sessions, "total") == 1);
    const json::Value& session = sessions.find("sessions")->items[0];
    CHECK(text(session, "identity") == "alice");
    CHECK(text(session, "reason") == "CLIENT_INITIATED");
    CHECK(number(session, "left_at") >= number(session, "joined_at"));
    std::vector<std::string> kinds;
    const json::Value events = console.ask("GET events", cookie).json();
    for (const json::Value& event : events.find("events")->items)
        kinds.push_back(text(event, "kind"));
    CHECK(kinds == std::vector<std::string>{"participant_aborted", "room_started", "signed_in",
                                            "server_started"});
    const json::Value series = console.ask("GET history", cookie).json();
    CHECK(number(series, "step_ms") > 0);
    CHECK(series.find("series")->find("participants")->items.size() > 1);
}

TEST_CASE("Console: without a history the pages of it say how to get one") {
    ConsoleNode console(1,
                        [](TestNode::Settings& settings) { settings.console->history = nullptr; });
    const std::string cookie = console.as_viewer();
    for (const char* page : {"history", "sessions", "events"}) {
        const ConsoleAnswer answer = console.ask("GET " + std::string(page), cookie);
        CHECK(answer.status == 412);
        CHECK(has(answer.body, "confab.console_history_days"));
    }
}

TEST_CASE("Console: webhooks are kept where there is a folder for them") {
    ConsoleNode console;
    const std::string cookie = console.as_operator();
    const ConsoleAnswer answer = console.ask("GET webhooks", cookie);
    CHECK(answer.status == 412);
    CHECK(has(answer.body, "confab.data_dir"));
    CHECK(console.ask("POST webhooks/replay", cookie, R"({"id":"EV_1"})").status == 412);
    CHECK(console.ask("POST webhooks/replay", cookie, "{}").status == 400);
    CHECK(console.ask("GET webhooks/replay", cookie).status == 405);
}

TEST_CASE("Console: pages are part of the program, or it says how they get there") {
    ConsoleNode without;
    for (const char* path : {"GET /console", "GET /console/", "GET /console/index.html"}) {
        const ConsoleAnswer answer = without.raw(path, "", "", "");
        CHECK(answer.status == 404);
        CHECK(has(answer.body, "./dev web"));
    }
    ConsoleNode console(1, [](TestNode::Settings& settings) {
        net::StaticFilesOptions options;
        options.prefix = "/console";
        options.content_security_policy = Console::kPolicy;
        settings.console->pages = net::StaticFiles::of(
            {{"index.html", "<html>"}, {"assets/index-DVCVWzxO.js", "js"}}, options);
    });
    const ConsoleAnswer page = console.raw("GET /console/", "", "", "");
    CHECK(page.status == 200);
    CHECK(page.body == "<html>");
    CHECK(page.header("Cache-Control") == "no-cache");
    CHECK(has(page.header("Content-Security-Policy"), "default-src 'self'"));
    CHECK_FALSE(has(page.header("Content-Security-Policy"), "unsafe"));
    CHECK(has(
        console.raw("GET /console/assets/index-DVCVWzxO.js", "", "", "").header("Cache-Control"),
        "immutable"));
    CHECK(console.raw("GET /console", "", "", "").status == 307);
    CHECK(console.ask("GET overview").status == 401);
}

TEST_CASE("Console: switched off it is not there, and a reload changes who may in") {
    ConsoleNode console;
    const std::string cookie = console.as_operator();
    RouteOptions options;
    options.console.passwords = {"another", ""};
    console.node().thread().call([&] { console.node().routes().reconfigure(options); });
    CHECK(console.ask("GET overview", cookie).status == 401);
    CHECK(console.ask("POST session", "", R"({"password":"another"})").status == 200);
    options.console.enabled = false;
    console.node().thread().call([&] { console.node().routes().reconfigure(options); });
    CHECK(console.ask("GET session").status == 404);
    CHECK(has(console.raw("GET /console/", "", "", "").body, "confab.console_enabled"));
}

TEST_CASE("Console: settings are what the program gives") {
    ConsoleNode console(1, [](TestNode::Settings& settings) {
        settings.console->settings = [] {
            return std::vector<console::OptionView>{{"port", "7880", true}};
        };
        settings.console->certificates = [] {
            return std::vector<console::CertificateView>{{"http", {}, {}, "files", "valid", ""}};
        };
    });
    const std::string cookie = console.as_viewer();
    CHECK(text(console.ask("GET config", cookie).json().find("options")->items[0], "name") ==
          "port");
    CHECK(text(console.ask("GET overview", cookie).json().find("certificates")->items[0],
               "source") == "files");
}

}  // namespace confab::control
