// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The Egress service of a node that reaches workers: what of a call comes to the port.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "api/fake_rooms_testing.h"
#include "api/services/egress_port.h"
#include "api/twirp/twirp.h"
#include "rpc/local_bus.h"

namespace confab::api {
namespace {

using testing::FakeRooms;

struct Egresses final : EgressPort {
    void start(const CallContext&, const ::rpc::StartEgressRequest& request,
               Reply<livekit::EgressInfo> reply) override {
        asked.push_back(request.ShortDebugString());
        reply(info());
    }
    void update_layout(const CallContext&, const livekit::UpdateLayoutRequest& request,
                       Reply<livekit::EgressInfo> reply) override {
        asked.push_back("layout " + request.layout().substr(0, 8));
        reply(info());
    }
    void update_stream(const CallContext&, const livekit::UpdateStreamRequest& request,
                       Reply<livekit::EgressInfo> reply) override {
        asked.push_back("stream " + request.add_output_urls(0));
        reply(info());
    }
    void stop(const CallContext&, const livekit::StopEgressRequest& request,
              Reply<livekit::EgressInfo> reply) override {
        asked.push_back("stop " + request.egress_id());
        reply(info());
    }
    void list(const CallContext&, const livekit::ListEgressRequest& request,
              Reply<livekit::ListEgressResponse> reply) override {
        asked.push_back("list " + request.room_name());
        livekit::ListEgressResponse response;
        *response.add_items() = info();
        reply(std::move(response));
    }
    static livekit::EgressInfo info() {
        livekit::EgressInfo result;
        result.set_egress_id("EG_1");
        return result;
    }
    std::vector<std::string> asked;
};

struct Calls {
    HttpResponse post(std::string_view method, std::string_view body) {
        HttpResponse said;
        const std::string path = "/twirp/livekit.Egress/" + std::string(method);
        router.handle({"POST", path, "application/json", body, &grants}, {},
                      [&](HttpResponse response) { said = std::move(response); });
        return said;
    }
    static token::Grants recorder() {
        token::Grants grants;
        grants.video.emplace().room_record = true;
        return grants;
    }

    rpc::LocalHub hub;
    rpc::LocalBus bus{hub, "ND_test"};
    FakeRooms rooms;
    Egresses egresses;
    token::Grants grants = recorder();
    TwirpRouter router{{}, rooms, bus, nullptr, {&egresses}};
};

}  // namespace

TEST_CASE("Egress: each kind of start comes as the kind it is [API-20] [API-21]") {
    Calls calls;
    struct Kind {
        const char* method;
        const char* body;
        const char* asked;
    };
    for (const Kind& kind :
         {Kind{"StartEgress", R"({"room_name":"r","media":{}})",
               R"(egress { room_name: "r" media { } })"},
          Kind{"StartRoomCompositeEgress", R"({"room_name":"r","audio_only":true})",
               R"(room_composite { room_name: "r" audio_only: true })"},
          Kind{"StartWebEgress", R"({"url":"https://h"})", R"(web { url: "https://h" })"},
          Kind{"StartParticipantEgress", R"({"room_name":"r","identity":"i"})",
               R"(participant { room_name: "r" identity: "i" })"},
          Kind{"StartTrackCompositeEgress", R"({"room_name":"r"})",
               R"(track_composite { room_name: "r" })"},
          Kind{"StartTrackEgress", R"({"room_name":"r","track_id":"TR_1"})",
               R"(track { room_name: "r" track_id: "TR_1" })"}}) {
        const HttpResponse response = calls.post(kind.method, kind.body);
        CHECK(response.status == 200);
        CHECK(response.body.find(R"("egress_id":"EG_1")") != response.body.npos);
        CHECK(calls.egresses.asked.back() == kind.asked);
    }
}

TEST_CASE("Egress: changes and lists come to the port [API-22] [API-23]") {
    Calls calls;
    CHECK(calls.post("UpdateLayout", R"({"egress_id":"EG_1","layout":"grid"})").status == 200);
    CHECK(calls.post("UpdateStream", R"({"egress_id":"EG_1","add_output_urls":["u"]})").status ==
          200);
    CHECK(calls.post("StopEgress", R"({"egress_id":"EG_1"})").status == 200);
    const HttpResponse list = calls.post("ListEgress", R"({"room_name":"r"})");
    CHECK(list.body.find(R"("items":[{"egress_id":"EG_1")") != list.body.npos);
    CHECK(calls.egresses.asked ==
          std::vector<std::string>{"layout grid", "stream u", "stop EG_1", "list r"});
}

TEST_CASE("Egress: all calls need roomRecord, of no tenant [API-W4] [TEN-03]") {
    Calls calls;
    const auto refused = [&calls](int status) {
        for (const char* method :
             {"StartEgress", "StartRoomCompositeEgress", "StartWebEgress", "StartParticipantEgress",
              "StartTrackCompositeEgress", "StartTrackEgress", "UpdateLayout", "UpdateStream",
              "StopEgress", "ListEgress"})
            CHECK(calls.post(method, "{}").status == status);
        CHECK(calls.egresses.asked.empty());
    };
    calls.grants.video->room_record = false;
    calls.grants.video->room_admin = true;
    refused(401);
    calls.grants = Calls::recorder();
    calls.grants.tenant = "acme";
    refused(501);
}

TEST_CASE("Egress: a layout is no longer than metadata may be [API-22]") {
    Calls calls;
    const auto status = [&calls](std::size_t size) {
        return calls.post("UpdateLayout", R"({"layout":")" + std::string(size, 'l') + R"("})")
            .status;
    };
    const std::size_t most = token::Limits{}.metadata;
    CHECK(status(most) == 200);
    CHECK(status(most + 1) == 400);
    CHECK(calls.egresses.asked.size() == 1);
}

}  // namespace confab::api
