// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/whip/whip_sessions.h"

#include <doctest/doctest.h>

#include <future>
#include <memory>

#include "api/whip/whip_testing.h"
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
    explicit Direct(Duration patience) {
        node_.set_answering(false);
        node_.call([&](SignalSessions& signal) {
            whip_ = std::make_unique<WhipSessions>(node_.loop(), signal, patience);
        });
    }
    std::future<api::HttpResponse> create(const std::string& identity) {
        const auto reply = std::make_shared<std::promise<api::HttpResponse>>();
        node_.call([&](SignalSessions&) {
            const auto offered = api::read_whip_offer(offer());
            room::JoinParams params;
            params.room = "r";
            params.grants.identity = identity;
            params.grants.video.emplace();
            params.single_connection = true;
            params.client.set_protocol(17);
            params.publisher_offer.emplace();
            params.publisher_offer->set_sdp(offer());
            params.publisher_offer->set_id(api::WhipSession::kFirstOffer);
            params.add_track_requests = offered->tracks;
            whip_->create(params, *offered, [reply](api::HttpResponse response) {
                reply->set_value(std::move(response));
            });
        });
        return reply->get_future();
    }
    std::size_t size() {
        return node_.call([&](SignalSessions&) { return whip_->size(); });
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

}  // namespace confab::control
