// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The recorded calls of Egress and Ingress to a server with Redis and without workers
// (src/api/testdata), answered by the router, the adapters and the services over a Redis in memory.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "api/fake_rooms_testing.h"
#include "api/golden_testing.h"
#include "api/twirp/twirp.h"
#include "cluster/services/egress_service.h"
#include "cluster/services/ingress_service.h"
#include "cluster/services/services_testing.h"
#include "proto/proto_json.h"
#include "runtime/control/cluster/service_adapters.h"

namespace confab::control {
namespace {

namespace services = cluster::services;
using api::testing::Exchange;

struct Node {
    Node() {
        world.add_room("gold", "RM_gold");
        world.drive(world.retrier);
        world.drive(world.turns);
        world.pass(Duration::millis(10));
    }

    std::optional<api::HttpResponse> answer(const Exchange& exchange, const std::string& body) {
        auto grants = token::verify_token(api::testing::golden_token(exchange, true),
                                          api::testing::golden_keys(), api::testing::kGoldenNow);
        REQUIRE(grants);
        const std::string method = exchange.text("method");
        const std::string path = exchange.path();
        const std::string type = exchange.header("requestHeaders", "Content-Type");
        std::optional<api::HttpResponse> response;
        router.handle({method, path, type, body, &*grants}, {world.now(), std::nullopt},
                      [&](api::HttpResponse said) { response = std::move(said); });
        world.pass(Duration::seconds(30));
        return response;
    }

    services::testing::World world;
    cluster::store::EgressStore egresses{world.port, world.notices};
    services::EgressRecords egress_records{egresses, world.hooks};
    api::testing::FakeRooms rooms;
    services::ByClusterId workers{world.retrier, world.turns, {}};
    services::EgressService egress_service{
        {world.retrier, workers, world.turns, egresses, world.rooms, egress_records,
         cluster::psrpc::kDefaultRetry, metadata_by(rooms)},
        3};
    EgressAdapter egress{egress_service};
    cluster::store::IngressStore ingresses{world.port, world.notices};
    services::IngressRecords ingress_records{ingresses, world.hooks};
    services::IngressService ingress_service{
        {world.retrier,
         world.turns,
         ingresses,
         ingress_records,
         cluster::psrpc::kDefaultRetry,
         {"rtmp://127.0.0.1:1935/x", "http://127.0.0.1:8080/w"}},
        4};
    IngressAdapter ingress{ingress_service};
    api::TwirpRouter router{{}, rooms, world.node().bus(), nullptr, {&egress, &ingress}};
};

// Empty if ours says what was recorded.
std::string difference(const Exchange& exchange, const std::string& golden,
                       const api::HttpResponse& ours) {
    if (ours.status != exchange.status())
        return "status " + std::to_string(ours.status) + " for " +
               std::to_string(exchange.status()) + ": " + ours.body;
    if (api::find_header(ours, "Content-Type") !=
        exchange.header("responseHeaders", "content-type"))
        return "type " + std::string(api::find_header(ours, "Content-Type"));
    // Errors to the byte; of others members may stand in another order.
    if (ours.status != 200) return ours.body == golden ? "" : ours.body + " for " + golden;
    return api::testing::difference(golden, ours.body);
}

}  // namespace

TEST_CASE("Egress: with Redis and without workers as recorded [API-20] [API-22] [API-23]") {
    Node node;
    int count = 0;
    for (const Exchange& exchange : api::testing::load_golden("egress-redis.jsonl")) {
        const std::string name = exchange.text("name");
        if (name == "STEP" || exchange.path().ends_with("CreateRoom")) continue;
        const auto ours = node.answer(exchange, exchange.octets("body"));
        REQUIRE_MESSAGE(ours, name);
        CHECK_MESSAGE(difference(exchange, exchange.octets("response"), *ours).empty(), name, ": ",
                      difference(exchange, exchange.octets("response"), *ours));
        ++count;
    }
    CHECK(count == 7);
}

// Ids and keys are drawn: those of the recording become ours, here and in what is asked later.
class Drawn {
  public:
    void learn(const std::string& golden, const std::string& ours) {
        for (const char* member : {"ingress_id", "stream_key"}) {
            const auto from = json::parse(golden);
            const auto to = json::parse(ours);
            if (!from || !to || !from->find(member) || !to->find(member)) continue;
            CHECK(from->find(member)->string.size() == to->find(member)->string.size());
            ours_[from->find(member)->string] = to->find(member)->string;
        }
    }
    std::string translate(std::string text) const {
        for (const auto& [golden, mine] : ours_)
            for (std::size_t at = golden.empty() ? text.npos : text.find(golden); at != text.npos;
                 at = text.find(golden, at + mine.size()))
                text.replace(at, golden.size(), mine);
        return text;
    }

  private:
    std::map<std::string, std::string> ours_;
};

// The items of a list have no order.
std::string by_id(const std::string& list) {
    livekit::ListIngressResponse response;
    if (!proto::parse_json(list, response)) return list;
    std::sort(response.mutable_items()->begin(), response.mutable_items()->end(),
              [](const auto& a, const auto& b) { return a.ingress_id() < b.ingress_id(); });
    return proto::to_api_json(response);
}

TEST_CASE("Ingress: with Redis and without a service as recorded [API-25] [API-26]") {
    Node node;
    Drawn drawn;
    int count = 0;
    for (const Exchange& exchange : api::testing::load_golden("ingress-redis.jsonl")) {
        const std::string name = exchange.text("name");
        if (name == "STEP") continue;
        const auto ours = node.answer(exchange, drawn.translate(exchange.octets("body")));
        REQUIRE_MESSAGE(ours, name);
        if (exchange.path().ends_with("/CreateIngress") && ours->status == 200)
            drawn.learn(exchange.octets("response"), ours->body);
        std::string golden = drawn.translate(exchange.octets("response"));
        api::HttpResponse said = *ours;
        if (exchange.path().ends_with("/ListIngress") && said.status == 200) {
            golden = by_id(golden);
            said.body = by_id(said.body);
        }
        const std::string what = difference(exchange, golden, said);
        CHECK_MESSAGE(what.empty(), name, ": ", what);
        ++count;
    }
    CHECK(count == 21);
}

TEST_CASE("Egress: the layout goes to the participant of the egress in its room [API-22]") {
    Node node;
    livekit::CreateRoomRequest room;
    room.set_name("gold");
    node.rooms.create_room({}, room, [](const auto&) {});
    node.rooms.join("gold", "EG_1");
    livekit::EgressInfo info;
    info.set_egress_id("EG_1");
    info.set_room_name("gold");
    node.world.run({"HSET", "egress", "EG_1", info.SerializeAsString()});
    const auto update = [&node](const char* id) {
        livekit::UpdateLayoutRequest request;
        request.set_egress_id(id);
        request.set_layout("grid");
        std::string said = "waiting";
        node.egress.update_layout(
            {node.world.now(), std::nullopt}, request,
            [&said](const Result<livekit::EgressInfo, api::ServiceError>& result) {
                said = result ? result->egress_id() : result.error().message;
            });
        node.world.pass(Duration::seconds(1));
        return said;
    };
    CHECK(update("EG_1") == "EG_1");
    livekit::RoomParticipantIdentity who;
    who.set_room("gold");
    who.set_identity("EG_1");
    std::string metadata;
    node.rooms.get_participant({}, who, [&metadata](const auto& found) {
        if (found) metadata = found->metadata();
    });
    CHECK(metadata == R"({"layout":"grid"})");
    info.set_egress_id("EG_2");
    node.world.run({"HSET", "egress", "EG_2", info.SerializeAsString()});
    CHECK(update("EG_2") == "twirp error unknown: participant does not exist");
}

TEST_CASE("Egress: what is over is said without the prefix of services [API-23] [API-W5]") {
    const services::Refusal plain{{rpc::Code::kFailedPrecondition,
                                   "egress with status EGRESS_COMPLETE cannot be stopped",
                                   {}},
                                  true};
    CHECK(to_api(plain).message == "egress with status EGRESS_COMPLETE cannot be stopped");
    CHECK(to_api(plain).code == api::ErrorCode::kFailedPrecondition);
    CHECK(to_api(services::refusal(rpc::Code::kNotFound, "x")).message == "twirp error unknown: x");
}

}  // namespace confab::control
