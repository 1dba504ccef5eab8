// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/whip/whip_sessions.h"

#include <doctest/doctest.h>

#include <chrono>
#include <future>
#include <memory>
#include <thread>

#include "api/whip/whip_testing.h"
#include "runtime/control/shards/node_room_service.h"
#include "runtime/control/shards/node_testing.h"
#include "runtime/control/signal_node_testing.h"

namespace confab::control {
namespace {

using api::testing::offer;

std::string ask(const TestNode& node, const std::string& token, std::string_view method,
                const std::string& path, const std::string& headers, const std::string& body = "") {
    net::RawClient client(node.port());
    client.send(std::string(method) + " " + path +
                " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + token +
                "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" +
                body);
    return client.read_to_end();
}
std::string post(const TestNode& node, const std::string& token, const std::string& body) {
    return ask(node, token, "POST", "/whip/v1", "Content-Type: application/sdp\r\n", body);
}

// A session without HTTP, in a room that answers only when it is told to.
class Direct {
  public:
    explicit Direct(Duration patience, std::size_t held = WhipSessions::kMaxHeld) {
        node_.set_answering(false);
        node_.call([&](SignalSessions& signal) {
            whip_ = std::make_unique<WhipSessions>(node_.loop(), node_.rooms(), signal,
                                                   WhipSessions::Limits{patience, held});
        });
    }
    std::future<api::HttpResponse> create(const std::string& identity,
                                          std::vector<api::WhipTrackName> awaited = {}) {
        const auto reply = std::make_shared<std::promise<api::HttpResponse>>();
        node_.call([&](SignalSessions&) {
            const auto offered = api::read_whip_offer(offer());
            WhipJoin join;
            join.awaited = std::move(awaited);
            join.request = 7;
            room::JoinParams& params = join.params;
            params.room = "r";
            params.grants.identity = identity;
            params.grants.video.emplace();
            params.single_connection = true;
            params.client.set_protocol(17);
            params.publisher_offer.emplace();
            params.publisher_offer->set_sdp(offer());
            params.publisher_offer->set_id(api::WhipSession::kFirstOffer);
            params.add_track_requests = offered->tracks;
            join.offer = *offered;
            whip_->create(std::move(join), [reply](const api::WhipOutcome& outcome) {
                reply->set_value(outcome ? api::whip_response(*outcome)
                                         : api::whip_error(outcome.error(), api::kApplicationSdp));
            });
        });
        return reply->get_future();
    }
    std::size_t size() {
        return node_.call([&](SignalSessions&) { return whip_->size(); });
    }
    void abandon(const std::string& identity, std::uint64_t request) {
        node_.call([&](SignalSessions&) { whip_->abandon("r", identity, request); });
    }
    bool move(const std::string& identity) {
        return node_.call([&](SignalSessions&) {
            livekit::MoveParticipantRequest move;
            move.set_room("r");
            move.set_identity(identity);
            move.set_destination_room("elsewhere");
            const room::Clock clock{net::EventLoop::now(), net::EventLoop::wall()};
            return node_.rooms().relocations(clock).move(move).has_value();
        });
    }
    // Their first message has come.
    bool joined(std::size_t sessions) {
        return node_.eventually([&] { return whip_->size() == sessions; });
    }
    bool is_there(const std::string& identity, const std::string& room = "r") {
        return node_.call([&](SignalSessions&) {
            livekit::RoomParticipantIdentity who;
            who.set_room(room);
            who.set_identity(identity);
            return node_.rooms().get_participant(who).has_value();
        });
    }
    SignalNode& node() { return node_; }

  private:
    std::unique_ptr<WhipSessions> whip_;  // outlives the sessions
    SignalNode node_;
};

}  // namespace

TEST_CASE("WHIP: sessions of both shards are made, found and ended [CON-60] [CON-61]") {
    TestNode node(2);
    for (std::size_t shard = 0; shard < 2; ++shard) {
        const std::string token = node.token(node.room_in(shard), "encoder");
        const std::string created = post(node, token, offer());
        REQUIRE(created.starts_with("HTTP/1.1 201 "));
        CHECK(created.find("a=candidate:") != std::string::npos);
        const std::size_t at = created.find("/whip/v1/PA_");
        REQUIRE(at != std::string::npos);
        const std::string location = created.substr(at, created.find("\r\n", at) - at);
        const auto count = [&] {
            return node.call_in(shard, [](ControlPlane& plane) { return plane.whip().size(); });
        };
        CHECK(count() == 1);
        const std::string fragment = "Content-Type: application/trickle-ice-sdpfrag\r\n";
        CHECK(ask(node, token, "PATCH", location, fragment, "a=ice-ufrag:x")
                  .starts_with("HTTP/1.1 428 "));
        CHECK(ask(node, token, "DELETE", location, "").starts_with("HTTP/1.1 200 "));
        CHECK(count() == 0);
        CHECK(ask(node, token, "DELETE", location, "").starts_with("HTTP/1.1 404 "));
    }
}

TEST_CASE("WHIP: the newest session of an identity is the one that is found [CON-61] [SIG-142]") {
    TestNode node(1);
    const std::string token = node.token("r", "encoder");
    REQUIRE(post(node, token, offer()).starts_with("HTTP/1.1 201 "));
    const std::string second = post(node, token, offer());
    REQUIRE(second.starts_with("HTTP/1.1 201 "));
    const auto sizes = node.call_in(0, [](ControlPlane& plane) {
        return std::pair(plane.whip().size(), plane.sessions().size());
    });
    CHECK(sizes == std::pair<std::size_t, std::size_t>{1, 1});
    CHECK(ask(node, token, "DELETE", "/whip/v1/PA_x", "").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("WHIP: that there is a session of a name is told, and that there is none [RPC-24]") {
    TestNode node(1);
    std::vector<std::string> told;
    node.call_in(0, [&](ControlPlane& plane) {
        plane.whip().set_named(
            [&told](const std::string& room, const std::string& identity, bool there) {
                told.push_back(room + " " + identity + (there ? " there" : " gone"));
            });
        return 0;
    });
    const std::string token = node.token("r", "encoder");
    for (int i = 0; i < 2; ++i)
        REQUIRE(post(node, token, offer()).starts_with("HTTP/1.1 201 "));
    CHECK(ask(node, token, "DELETE", "/whip/v1/PA_x", "").starts_with("HTTP/1.1 200 "));
    const std::string there = "r encoder there";
    const std::string gone = "r encoder gone";  // the first gives its place to the second
    const bool all = node.call_in(0, [&](ControlPlane&) {
        return told == std::vector<std::string>{there, gone, there, gone};
    });
    CHECK(all);
    node.call_in(0, [](ControlPlane& plane) {
        plane.whip().set_named({});
        return 0;
    });
}

TEST_CASE(
    "WHIP: of sessions that the ingress service passed on it is told with their sids [RPC-19]") {
    TestNode node(2);
    std::vector<std::string> told;
    node.call_in(0, [&](ControlPlane&) {
        node.control().set_whip_ingress([&told](const WhipSessions::IngressNews& news) {
            told.push_back(news.room + " " + news.identity + " " + news.sid +
                           (news.there ? " there" : " gone"));
        });
        return 0;
    });
    std::vector<std::string> wanted;
    for (std::size_t shard = 0; shard < 2; ++shard) {
        const std::string room = node.room_in(shard);
        const std::string token = node.token(room, "encoder");
        const std::string type = "Content-Type: application/sdp\r\n";
        REQUIRE(ask(node, token, "POST", "/whip/v1", type, offer()).starts_with("HTTP/1.1 201 "));
        CHECK(ask(node, token, "DELETE", "/whip/v1/PA_x", "").starts_with("HTTP/1.1 200 "));
        const std::string created =
            ask(node, token, "POST", "/whip/v1", type + "X-Livekit-Ingress: true\r\n", offer());
        REQUIRE(created.starts_with("HTTP/1.1 201 "));
        const std::size_t at = created.find("/whip/v1/PA_") + 9;
        const std::string sid = created.substr(at, created.find("\r\n", at) - at);
        CHECK(ask(node, token, "DELETE", "/whip/v1/PA_x", "").starts_with("HTTP/1.1 200 "));
        for (const char* what : {" there", " gone"})
            wanted.emplace_back(room).append(" encoder ").append(sid).append(what);
    }
    const auto has_all = [&] {
        return node.call_in(0, [&](ControlPlane&) { return told.size() == wanted.size(); });
    };
    for (int i = 0; i < 1000 && !has_all(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    node.call_in(0, [&](ControlPlane&) {
        CHECK(told == wanted);
        return 0;
    });
    node.call_in(0, [&](ControlPlane&) {
        node.control().set_whip_ingress({});
        return 0;
    });
}

TEST_CASE("WHIP: who is refused does not take the running session's place [CON-61]") {
    TestNode node(
        1, [](TestNode::Settings& settings) { settings.control.room.limits.attributes = 100; });
    const std::string good = node.token("r", "encoder");
    REQUIRE(post(node, good, offer()).starts_with("HTTP/1.1 201 "));
    token::Grants grants;
    grants.identity = "encoder";
    grants.video.emplace().room_join = true;
    grants.video->room = "r";
    grants.attributes["k"] = std::string(200, 'x');
    const std::string refused = node.token_of(grants);
    CHECK(post(node, refused, offer()).starts_with("HTTP/1.1 503 "));
    CHECK(node.call_in(0, [](ControlPlane& plane) { return plane.whip().size(); }) == 1);
    CHECK(ask(node, good, "DELETE", "/whip/v1/PA_x", "").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("WHIP: an offer that cannot be agreed on is refused, and leaves nobody [CON-60]") {
    TestNode node(1);
    const std::string token = node.token("r", "encoder");
    std::string twice = offer();  // two sections of one mid
    twice.replace(twice.find("a=mid:1"), 7, "a=mid:0");
    CHECK(post(node, token, twice).starts_with("HTTP/1.1 503 "));
    CHECK(node.call_in(0, [](ControlPlane& plane) { return plane.whip().size(); }) == 0);
}

TEST_CASE("WHIP: a room that gives no answer in time: 503, and no session is left [CON-60]") {
    Direct direct(Duration::millis(50));
    auto reply = direct.create("encoder");
    const api::HttpResponse response = reply.get();
    CHECK(response.status == 503);
    CHECK(response.body == "{\"error\":\"the room gave no answer in time\"}\n");
    direct.node().set_answering(true);
    CHECK(direct.node().has_sessions(0));
    CHECK(direct.size() == 0);
}

TEST_CASE("WHIP: who waits when the session ends is told [CON-60]") {
    Direct direct(Duration::seconds(30));
    auto first = direct.create("encoder");
    auto second = direct.create("encoder");
    direct.node().set_answering(true);
    const api::HttpResponse response = first.get();
    CHECK(response.status == 503);
    CHECK(response.body == "{\"error\":\"the session has ended\"}\n");
    CHECK(direct.size() == 1);
}

TEST_CASE("WHIP: who waits for tracks is in the room meanwhile [CON-62]") {
    Direct direct(Duration::seconds(30));
    direct.node().set_answering(true);
    auto reply = direct.create("viewer", {{"alice", "tone"}, {"bob", "tone"}});
    CHECK(direct.is_there("viewer"));
    CHECK(reply.wait_for(std::chrono::milliseconds(0)) == std::future_status::timeout);
}

TEST_CASE("WHIP: who waits for tracks that do not come leaves, and is told which [CON-62]") {
    Direct direct(Duration::millis(300));
    direct.node().set_answering(true);
    auto reply = direct.create("viewer", {{"alice", "tone"}, {"bob", "tone"}});
    const api::HttpResponse response = reply.get();
    CHECK(response.status == 503);
    CHECK(response.body ==
          "{\"error\":\"tracks to subscribe to are not published: alice/tone, bob/tone\"}\n");
    CHECK(direct.node().has_sessions(0));
    CHECK(direct.size() == 0);
}

// The older session is closed when the room's answers are carried out, and looks before that.
TEST_CASE("WHIP: who waits for tracks ends when its place is taken [CON-62] [SIG-142]") {
    Direct direct(Duration::seconds(30));
    direct.node().set_answering(true);
    auto first = direct.create("viewer", {{"alice", "tone"}});
    REQUIRE(direct.joined(1));
    direct.node().set_answering(false);
    auto second = direct.create("viewer");
    const api::HttpResponse response = first.get();
    CHECK(response.status == 503);
    CHECK(response.body == "{\"error\":\"the participant is no longer in the room\"}\n");
    CHECK(direct.is_there("viewer"));
    CHECK(second.wait_for(std::chrono::milliseconds(0)) == std::future_status::timeout);
}

TEST_CASE("WHIP: who waits for tracks can not be moved to another room [CON-62] [API-12]") {
    Direct direct(Duration::seconds(30));
    direct.node().set_answering(true);
    auto reply = direct.create("viewer", {{"alice", "tone"}});
    REQUIRE(direct.joined(1));
    CHECK(!direct.move("viewer"));
    CHECK(direct.is_there("viewer"));
    CHECK(!direct.is_there("viewer", "elsewhere"));
}

TEST_CASE("WHIP: a client that nobody can tell to go to another node stays [API-12] [RPC-04]") {
    TestNode node(2);
    for (std::size_t shard = 0; shard < 2; ++shard) {
        const std::string room = node.room_in(shard);
        REQUIRE(post(node, node.token(room, "encoder"), offer()).starts_with("HTTP/1.1 201 "));
        const auto send_away = [&](const std::string& identity) {
            const auto answer = std::make_shared<std::promise<std::string>>();
            auto result = answer->get_future();
            node.call([&](ControlNode& control) {
                NodeRoomService rooms(control, {});
                rooms.send_away({room, identity, {}}, [answer](const auto& outcome) {
                    answer->set_value(outcome ? "sent" : outcome.error().message);
                });
            });
            return result.get();
        };
        CHECK(send_away("encoder").find("a WHIP client cannot be told") != std::string::npos);
        CHECK(send_away("nobody").find("participant does not exist") != std::string::npos);
        CHECK(node.call_in(shard, [](ControlPlane& plane) { return plane.whip().size(); }) == 1);
    }
}

TEST_CASE("WHIP: so many sessions wait for tracks, and then others again [CON-62]") {
    Direct direct(Duration::seconds(30), 2);
    direct.node().set_answering(true);
    auto first = direct.create("one", {{"alice", "tone"}});
    auto second = direct.create("two", {{"alice", "tone"}});
    const api::HttpResponse third = direct.create("three", {{"alice", "tone"}}).get();
    CHECK(third.status == 503);
    CHECK(third.body == "{\"error\":\"too many sessions wait for tracks\"}\n");
    CHECK(direct.node().has_sessions(2));
    auto without = direct.create("four");  // it waits for nothing
    CHECK(without.wait_for(std::chrono::milliseconds(0)) == std::future_status::timeout);
    direct.abandon("one", 7);
    CHECK(first.get().status == 503);
    auto fifth = direct.create("five", {{"alice", "tone"}});
    CHECK(fifth.wait_for(std::chrono::milliseconds(0)) == std::future_status::timeout);
    CHECK(direct.is_there("five"));
}

TEST_CASE("WHIP: a client that has gone before its session is in the room: none is left [CON-62]") {
    Direct direct(Duration::seconds(30));
    auto reply = direct.create("viewer", {{"alice", "tone"}});
    direct.abandon("viewer", 8);
    CHECK(direct.is_there("viewer"));
    direct.abandon("viewer", 7);
    CHECK(!direct.is_there("viewer"));
    CHECK(reply.get().body == "{\"error\":\"the session has ended\"}\n");
    CHECK(direct.size() == 0);
}

TEST_CASE("WHIP: who closes its sending side behind the offer has its answer [CON-60]") {
    TestNode node(1);
    net::RawClient client(node.port());
    const std::string body = offer();
    client.send("POST /whip/v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " +
                node.token("r", "encoder") +
                "\r\nContent-Type: application/sdp\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
    client.shutdown_send();
    CHECK(client.read_to_end().starts_with("HTTP/1.1 201 "));
    CHECK(node.call_in(0, [](ControlPlane& plane) { return plane.whip().size(); }) == 1);
    // Nor does it end in the time between.
    Direct direct(Duration::seconds(30));
    direct.node().set_answering(true);
    auto reply = direct.create("encoder");
    REQUIRE(direct.joined(1));
    direct.abandon("encoder", 7);
    CHECK(direct.is_there("encoder"));
}

TEST_CASE("WHIP: the session of a request whose client has gone ends, no other [CON-62]") {
    Direct direct(Duration::seconds(30));
    direct.node().set_answering(true);
    auto reply = direct.create("viewer", {{"alice", "tone"}});
    REQUIRE(direct.node().has_sessions(1));
    direct.abandon("viewer", 8);
    direct.abandon("somebody", 7);
    CHECK(direct.is_there("viewer"));
    direct.abandon("viewer", 7);
    CHECK(!direct.is_there("viewer"));
    CHECK(reply.get().body == "{\"error\":\"the session has ended\"}\n");
    CHECK(direct.size() == 0);
}

}  // namespace confab::control
