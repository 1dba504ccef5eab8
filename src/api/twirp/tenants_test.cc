// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Calls and joins carry the tenant of their token to those who find the room.
#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "api/fake_rooms_testing.h"
#include "api/join/join.h"
#include "api/twirp/twirp.h"
#include "api/webhook/webhook_port.h"
#include "livekit_agent_dispatch.pb.h"
#include "rpc/local_bus.h"
#include "rpc/typed.h"

namespace confab::api {
namespace {

using testing::FakeRooms;

struct Hooks final : WebhookPort {
    void list_events(const confab::ListWebhookEventsRequest& request,
                     Reply<confab::ListWebhookEventsResponse> reply) override {
        asked = request.selection();
        reply(confab::ListWebhookEventsResponse{});
    }
    void replay_events(const confab::ReplayWebhookEventsRequest& request,
                       Reply<confab::ReplayWebhookEventsResponse> reply) override {
        asked = request.selection();
        reply(confab::ReplayWebhookEventsResponse{});
    }
    confab::WebhookSelection asked;
};

TwirpOptions options() {
    TwirpOptions out;
    out.auto_create = false;
    return out;
}

struct Calls {
    std::string post(const std::string& tenant, std::string_view path, std::string_view body,
                     bool of_room = true) {
        token::Grants grants;
        grants.tenant = tenant;
        token::VideoGrant& video = grants.video.emplace();
        video.room_admin = video.room_list = video.room_create = video.room_record = true;
        if (of_room) video.room = "r";
        std::string said;
        router.handle({"POST", path, "application/json", body, &grants}, {},
                      [&](const HttpResponse& response) { said = response.body; });
        while (hub.next_deadline() <= Timestamp())
            hub.handle_timeout(Timestamp());
        return said;
    }

    rpc::LocalHub hub;
    rpc::LocalBus bus{hub, "ND_test"};
    FakeRooms rooms;
    Hooks hooks;
    TwirpRouter router{options(), rooms, bus, &hooks};
};

}  // namespace

TEST_CASE("TwirpRouter: rooms are asked for in the name of the caller's tenant [TEN-03]") {
    Calls calls;
    for (const std::string tenant : {"", "acme", "globex"}) {
        (void)calls.post(tenant, "/twirp/livekit.RoomService/ListParticipants", R"({"room":"r"})");
        CHECK(calls.rooms.tenant == tenant);
        (void)calls.post(tenant, "/twirp/livekit.Egress/StartRoomCompositeEgress",
                         R"({"room_name":"r"})");
        CHECK(calls.rooms.found == token::room_key(tenant, "r"));
    }
}

TEST_CASE("TwirpRouter: dispatches of the tenant's room are asked for [TEN-09]") {
    Calls calls;
    const auto served =
        rpc::serve<livekit::ListAgentDispatchRequest, livekit::ListAgentDispatchResponse>(
            calls.bus, {"AgentDispatchInternal", "ListDispatch"}, {token::room_key("acme", "r")},
            [](const livekit::ListAgentDispatchRequest&, const rpc::Request&,
               Callback<Result<livekit::ListAgentDispatchResponse, rpc::Error>> reply) {
                reply(livekit::ListAgentDispatchResponse{});
            });
    REQUIRE(served);
    const auto list = [&](const std::string& tenant) {
        return calls.post(tenant, "/twirp/livekit.AgentDispatchService/ListDispatch",
                          R"({"room":"r"})");
    };
    CHECK(list("acme").find("agent_dispatches") != std::string::npos);
    CHECK(list("globex").find("no response from servers") != std::string::npos);
    CHECK(list("").find("no response from servers") != std::string::npos);
}

TEST_CASE("Webhooks: a tenant gets its own events, whatever it asks for [TEN-10] [HOOK-12]") {
    Calls calls;
    const auto asked = [&](const std::string& tenant, const std::string& method) {
        (void)calls.post(tenant, "/twirp/confab.Webhooks/" + method,
                         R"({"selection":{"tenant":"other","ids":["EV_1"]}})", false);
        return calls.hooks.asked.tenant();
    };
    for (const char* method : {"ListEvents", "ReplayEvents"}) {
        CHECK(asked("acme", method) == "acme");
        CHECK(asked("", method) == "other");  // the operator has all to choose from
    }
}

TEST_CASE("validate_join: to the room of the token's tenant [TEN-03]") {
    const QueryParams query = QueryParams::parse("");
    token::Grants grants;
    grants.identity = "alice";
    grants.video.emplace().room_join = true;
    grants.video->room = "r";
    for (const std::string tenant : {"", "acme"}) {
        grants.tenant = tenant;
        const auto params = validate_join({JoinPath::kRtc, &query, &grants, {}, {}}, {});
        REQUIRE(params);
        CHECK(params->room_name == token::room_key(tenant, "r"));
        CHECK(params->grants.video->room == "r");
    }
}

}  // namespace confab::api
