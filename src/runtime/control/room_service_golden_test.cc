// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The recorded RoomService calls (src/api/testdata/roomservice.jsonl) answered by the real rooms:
// the Twirp router, LocalRoomService and a RoomManager. src/api replays the same against rooms of
// its own, which shows the router; this shows that rooms and router agree.
#include <doctest/doctest.h>

#include <array>
#include <optional>

#include "api/golden_testing.h"
#include "api/twirp/twirp.h"
#include "proto/proto_json.h"
#include "rpc/local_bus.h"
#include "runtime/control/room_service.h"
#include "runtime/net/event_loop.h"

namespace confab::control {
namespace {

using api::testing::Exchange;

// Answers in which we knowingly differ; every row must be needed.
struct Meant {
    std::string_view name;        // of the exchange
    std::string_view difference;  // its beginning
    std::string_view reason;
    mutable bool needed = false;
};
const std::array kMeant{
    Meant{"create with egress, no redis", "status 500 for 200",
          "it would be taken for a recorded room"},
    Meant{"forward", "status 412 for 500", "who is still connecting is not forwarded"},
    Meant{"forward unknown participant", "status 404 for 503", "who is not there is named"},
    Meant{"move", "status 412 for 500", "who is still connecting does not move"},
    Meant{"move unknown participant", "status 404 for 503", "as above"},
};

class Node {
  public:
    Node()
        : rooms_(config(), 1, room::seeded_secrets(1)),
          service_(
              rooms_, "ND_test", [this] { drain(); }, [] {}),
          router_({}, service_, bus_) {}

    void join(const Exchange& step) {
        room::JoinParams params;
        params.room = step.text("room");
        params.grants.identity = step.text("identity");
        params.grants.name = step.text("participantName");
        params.grants.metadata = step.text("metadata");
        if (const json::Value* attributes = step.json.find("attributes"))
            for (const json::Member& member : attributes->members)
                params.grants.attributes[member.name] = member.value.string;
        params.client.set_protocol(17);
        const room::Clock clock{net::EventLoop::now(), net::EventLoop::wall()};
        (void)rooms_.start_session(clock, params);
        drain();
    }

    api::HttpResponse answer(const Exchange& exchange) {
        const std::string token = api::testing::golden_token(exchange, true);
        std::optional<token::Grants> grants;
        if (!token.empty()) {
            auto verified =
                token::verify_token(token, api::testing::golden_keys(), api::testing::kGoldenNow);
            REQUIRE(verified);
            grants = *std::move(verified);
        }
        const std::string method = exchange.text("method");
        const std::string path = exchange.path();
        const std::string type = exchange.header("requestHeaders", "Content-Type");
        const std::string body = exchange.octets("body");
        std::optional<api::HttpResponse> response;
        router_.handle({method, path, type, body, grants ? &*grants : nullptr}, {},
                       [&](api::HttpResponse r) { response = std::move(r); });
        REQUIRE(response.has_value());
        return *std::move(response);
    }

  private:
    static room::Config config() {
        room::Config result;
        result.media.workers.push_back({{{IpAddress::v4(0x7F000001), 7000}}, {}});
        result.media.fingerprint_sha256 = "AA:BB";
        return result;
    }
    void drain() {
        while (rooms_.poll_effect()) {
        }
    }

    room::RoomManager rooms_;
    LocalRoomService service_;
    rpc::LocalHub hub_;
    rpc::LocalBus bus_{hub_, "ND_test"};
    api::TwirpRouter router_;
};

// Empty if ours says what was recorded.
std::string difference(const Exchange& exchange, const api::HttpResponse& ours) {
    if (ours.status != exchange.status())
        return "status " + std::to_string(ours.status) + " for " +
               std::to_string(exchange.status()) + ": " + ours.body;
    const std::string type = exchange.header("responseHeaders", "content-type");
    if (api::find_header(ours, "Content-Type") != type)
        return "type " + std::string(api::find_header(ours, "Content-Type"));
    if (exchange.json.find("responseBase64") == nullptr)
        return api::testing::difference(exchange.text("response"), ours.body);
    if (!exchange.path().ends_with("/CreateRoom"))
        return ours.body.empty() == exchange.octets("response").empty() ? "" : "empty or not";
    livekit::Room golden;
    livekit::Room room;
    REQUIRE(golden.ParseFromString(exchange.octets("response")));
    REQUIRE(room.ParseFromString(ours.body));
    return api::testing::difference(proto::to_api_json(golden), proto::to_api_json(room));
}

bool is_meant(const std::string& name, const std::string& what) {
    for (const Meant& meant : kMeant)
        if (meant.name == name && what.starts_with(meant.difference)) return meant.needed = true;
    return false;
}

}  // namespace

TEST_CASE(
    "RoomService: real rooms answer as recorded "
    "[API-01] [API-02] [API-03] [API-04] [API-05] [API-06] [API-07] [API-08] [API-09] [API-10]") {
    Node node;
    int count = 0;
    int joins = 0;
    for (const Exchange& exchange : api::testing::load_golden("roomservice.jsonl")) {
        const std::string name = exchange.text("name");
        if (name == "STEP") {
            REQUIRE(exchange.text("step") == "join");
            node.join(exchange);
            ++joins;
            continue;
        }
        // Upstream accidents that are not copied (see the recordings' README).
        if (exchange.octets("response").find("service panic") != std::string::npos) continue;
        if (exchange.has_header("requestHeaders", "X-Twirp-Timeout-Ms")) continue;
        const std::string what = difference(exchange, node.answer(exchange));
        if (!what.empty() && !is_meant(name, what)) FAIL_CHECK(name << ": " << what);
        ++count;
    }
    CHECK(count == 99);
    CHECK(joins >= 2);
    for (const Meant& meant : kMeant)
        CHECK_MESSAGE(meant.needed, "not needed: ", meant.name, " ", meant.difference);
}

}  // namespace confab::control
