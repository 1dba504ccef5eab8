// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The recorded calls of livekit.SIP to a server with Redis and without a SIP service
// (src/api/testdata), answered by the router, the adapter and the services over a Redis in memory.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "api/fake_rooms_testing.h"
#include "api/golden_testing.h"
#include "api/twirp/twirp.h"
#include "cluster/services/services_testing.h"
#include "cluster/services/sip/sip_records.h"
#include "proto/proto_json.h"
#include "runtime/control/cluster/sip_adapter.h"

namespace confab::control {
namespace {

namespace services = cluster::services;
using api::testing::Exchange;

struct Node {
    Node() {
        world.drive(world.retrier);
        world.drive(world.turns);
        world.pass(Duration::millis(10));
        livekit::CreateRoomRequest room;
        room.set_name("gold");
        rooms.create_room({}, room, [](const auto&) {});
    }

    api::HttpResponse answer(const Exchange& exchange, const std::string& body) {
        auto grants = token::verify_token(api::testing::golden_token(exchange, true),
                                          api::testing::golden_keys(), api::testing::kGoldenNow);
        REQUIRE(grants);
        const std::string method = exchange.text("method");
        const std::string path = exchange.path();
        const std::string type = exchange.header("requestHeaders", "Content-Type");
        std::optional<api::HttpResponse> response;
        router.handle({method, path, type, body, &*grants}, {world.now(), std::nullopt},
                      [&](api::HttpResponse said) { response = std::move(said); });
        world.pass(Duration::seconds(2));
        REQUIRE_MESSAGE(response, exchange.text("name"));
        return *std::move(response);
    }

    services::testing::World world;
    cluster::store::SipStore store{world.port, world.notices};
    services::sip::SipRecords records{store};
    services::sip::SipStoreService kept{records, 3};
    services::ByClusterId dialers{world.retrier, world.turns, {}};
    services::sip::SipCallService calls{world.retrier, dialers, records, 4};
    SipAdapter sip{kept, calls};
    api::testing::FakeRooms rooms;
    api::TwirpRouter router{{}, rooms, world.node().bus(), nullptr, {nullptr, nullptr, &sip}};
};

// Ids are drawn: those of the recording become ours, here and in what is asked later.
class Drawn {
  public:
    void learn(const std::string& golden, const std::string& ours) {
        for (const char* member : {"sip_trunk_id", "sip_dispatch_rule_id"}) {
            const auto from = json::parse(golden);
            const auto to = json::parse(ours);
            if (!from || !to || !from->find(member) || !to->find(member)) continue;
            const std::string& id = to->find(member)->string;
            CHECK(from->find(member)->string.size() == id.size());
            ours_[from->find(member)->string] = id;
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

// Other ids stand in another order.
template <typename List>
std::string sorted(const std::string& text) {
    List list;
    if (!proto::parse_json(text, list)) return text;
    std::sort(
        list.mutable_items()->begin(), list.mutable_items()->end(),
        [](const auto& a, const auto& b) { return a.SerializeAsString() < b.SerializeAsString(); });
    return proto::to_api_json(list);
}
std::string in_order(const std::string& path, const std::string& text) {
    if (path.ends_with("/ListSIPTrunk")) return sorted<livekit::ListSIPTrunkResponse>(text);
    if (path.ends_with("/ListSIPInboundTrunk"))
        return sorted<livekit::ListSIPInboundTrunkResponse>(text);
    if (path.ends_with("/ListSIPOutboundTrunk"))
        return sorted<livekit::ListSIPOutboundTrunkResponse>(text);
    if (path.ends_with("/ListSIPDispatchRule"))
        return sorted<livekit::ListSIPDispatchRuleResponse>(text);
    return text;
}

// Replays a recording; those that `is_ours` answer otherwise on purpose. Gives how many were
// compared.
int replay(const char* file, const std::function<bool(const Exchange&)>& is_ours = {}) {
    Node node;
    Drawn drawn;
    int count = 0;
    for (const Exchange& exchange : api::testing::load_golden(file)) {
        const std::string name = exchange.text("name");
        if (name == "STEP" || (is_ours && is_ours(exchange))) continue;
        const auto ours = node.answer(exchange, drawn.translate(exchange.octets("body")));
        if (exchange.path().find("/Create") != std::string::npos && ours.status == 200)
            drawn.learn(exchange.octets("response"), ours.body);
        const std::string golden = drawn.translate(exchange.octets("response"));
        CHECK_MESSAGE(ours.status == exchange.status(), name, ": ", ours.body);
        CHECK(api::find_header(ours, "Content-Type") ==
              exchange.header("responseHeaders", "content-type"));
        const std::string what = api::testing::difference(in_order(exchange.path(), golden),
                                                          in_order(exchange.path(), ours.body));
        CHECK_MESSAGE(what.empty(), name, ": ", what);
        ++count;
    }
    return count;
}

}  // namespace

TEST_CASE("SIP: with Redis and without a service as recorded [API-30] [API-31] [API-32] [API-33]") {
    CHECK(replay("sip-redis.jsonl") == 44);
}

TEST_CASE(
    "SIP: checks of trunks, rules and calls as recorded [SIP-11] [SIP-12] [SIP-14] [SIP-16]") {
    // SIP-14: compact names that upstream forgot.
    const auto is_compact = [](const Exchange& exchange) {
        const std::string body = exchange.octets("body");
        const std::set<std::string> forgotten{"f", "i", "c", "e"};
        return std::any_of(forgotten.begin(), forgotten.end(), [&body](const std::string& name) {
            return body.find(R"("headers":{")" + name + "\"") != body.npos;
        });
    };
    CHECK(replay("sip-validation.jsonl", is_compact) == 88);
}

}  // namespace confab::control
