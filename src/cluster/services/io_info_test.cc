// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/io_info.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cluster/services/egress_testing.h"

namespace confab::cluster::services {
namespace {

using testing::Egresses;
using testing::EgressInfo;
using testing::kUnknown;

using Names = std::vector<std::string>;

EgressInfo egress(const std::string& id, livekit::EgressStatus status = livekit::EGRESS_STARTING) {
    EgressInfo info;
    info.set_egress_id(id);
    info.set_room_name("r");
    info.set_status(status);
    return info;
}

}  // namespace

TEST_CASE("IoInfo: a worker's reports are kept as they came, and told [RPC-13] [EGR-33]") {
    Egresses e;
    const std::string first = egress("EG_1").SerializeAsString().append(kUnknown);
    CHECK(e.worker.ask(kCreateEgressInfo, first).empty());
    CHECK(e.world.field("egress", "EG_1") == first);
    CHECK(e.worker.ask(kCreateEgressInfo, first).empty());
    CHECK(e.world.events() == Names{"egress_started"});

    e.worker.report(egress("EG_1"));  // still starting: nobody is told
    e.worker.report(egress("EG_1", livekit::EGRESS_ACTIVE));
    e.worker.report(egress("EG_1", livekit::EGRESS_ENDING));
    EgressInfo over = egress("EG_1", livekit::EGRESS_COMPLETE);
    over.set_ended_at(1'795'208'099'770'133'140);
    CHECK(e.worker.ask(kUpdateEgressInfo, over.SerializeAsString().append(kUnknown)).empty());
    CHECK(e.world.events() ==
          Names{"egress_started", "egress_updated", "egress_updated", "egress_ended"});
    CHECK(e.world.field("egress", "EG_1") == over.SerializeAsString().append(kUnknown));
    CHECK(e.world.field("ended_egress", "EG_1") == "r|1795208099770133140");
    const livekit::WebhookEvent& hook = e.world.told.back().whole;
    CHECK(hook.id().starts_with("EV_"));
    CHECK(hook.created_at() > 1'700'000'000);
    CHECK(hook.egress_info().status() == livekit::EGRESS_COMPLETE);
}

TEST_CASE("IoInfo: each way of ending is told as an end [EGR-30] [EGR-33]") {
    for (const livekit::EgressStatus status :
         {livekit::EGRESS_COMPLETE, livekit::EGRESS_FAILED, livekit::EGRESS_ABORTED,
          livekit::EGRESS_LIMIT_REACHED}) {
        Egresses e;
        e.worker.report(egress("EG_1", status));
        CHECK(e.world.events() == Names{"egress_ended"});
    }
}

TEST_CASE("IoInfo: an egress that has ended stays so, whatever comes late") {
    Egresses e;
    e.worker.report(egress("EG_1", livekit::EGRESS_COMPLETE));
    e.worker.report(egress("EG_1", livekit::EGRESS_ACTIVE));
    e.worker.report(egress("EG_1"));
    CHECK(e.stored("EG_1").status() == livekit::EGRESS_COMPLETE);
    CHECK(e.world.events() == Names{"egress_ended"});
    CHECK(e.records.late() == 2);
    // The service process says more of it than the process that it watched.
    e.worker.report(egress("EG_1", livekit::EGRESS_FAILED));
    CHECK(e.stored("EG_1").status() == livekit::EGRESS_FAILED);
}

TEST_CASE("IoInfo: the addresses in a request for an egress are in what is told [HOOK-08]") {
    Egresses e;
    EgressInfo info = egress("EG_1");
    for (const char* url : {"https://example.org/hook", "https://example.org/other"}) {
        auto* wanted = info.mutable_participant()->add_webhooks();
        wanted->set_url(url);
        wanted->set_signing_key("key");
    }
    CHECK(e.worker.ask(kCreateEgressInfo, info.SerializeAsString()).empty());
    REQUIRE(e.world.told.size() == 1);
    const auto& told = e.world.told[0].whole.egress_info().participant().webhooks();
    REQUIRE(told.size() == 2);
    CHECK(told[0].url() == "https://example.org/hook");
    CHECK(told[1].url() == "https://example.org/other");
    CHECK(told[1].signing_key() == "key");
}

TEST_CASE("IoInfo: what is stored is given to whoever asks [RPC-13]") {
    Egresses e;
    const std::string one = egress("EG_1", livekit::EGRESS_ACTIVE).SerializeAsString();
    CHECK(e.worker.ask(kCreateEgressInfo, one + kUnknown).empty());
    CHECK(
        e.worker.ask(kCreateEgressInfo, egress("EG_2", livekit::EGRESS_FAILED).SerializeAsString())
            .empty());
    ::rpc::GetEgressRequest get;
    get.set_egress_id("EG_1");
    CHECK(e.worker.ask(kGetEgressInfo, get.SerializeAsString()) == one + kUnknown);
    get.set_egress_id("EG_x");
    CHECK(e.worker.ask(kGetEgressInfo, get.SerializeAsString()) ==
          "not_found: egress does not exist");
    const auto listed = [&e](const std::string& room, bool active) {
        livekit::ListEgressRequest request;
        request.set_room_name(room);
        request.set_active(active);
        livekit::ListEgressResponse response;
        CHECK(response.ParseFromString(e.worker.ask(kListEgressInfo, request.SerializeAsString())));
        return response.items_size();
    };
    CHECK(listed("", false) == 2);
    CHECK(listed("r", true) == 1);
    CHECK(listed("other", false) == 0);
    // An id counts alone.
    livekit::ListEgressRequest by_id;
    by_id.set_room_name("other");
    by_id.set_egress_id("EG_2");
    by_id.set_active(true);
    livekit::ListEgressResponse response;
    CHECK(response.ParseFromString(e.worker.ask(kListEgressInfo, by_id.SerializeAsString())));
    REQUIRE(response.items_size() == 1);
    CHECK(response.items(0).egress_id() == "EG_2");
    by_id.set_egress_id("EG_x");
    CHECK(e.worker.ask(kListEgressInfo, by_id.SerializeAsString()) ==
          "not_found: egress does not exist");
    CHECK(e.worker.ask(kUpdateMetrics, "").empty());
}

TEST_CASE("IoInfo: garbage is refused and does no harm") {
    Egresses e;
    CHECK(e.worker.ask(kCreateEgressInfo, "\xff") == "invalid_argument: no egress with an id");
    CHECK(e.worker.ask(kCreateEgressInfo, "") == "invalid_argument: no egress with an id");
    CHECK(e.worker.ask(kUpdateEgressInfo, "\xff") == "invalid_argument: no egress with an id");
    CHECK(e.worker.ask(kGetEgressInfo, "\xff") == "malformed_request: request cannot be read");
    CHECK(e.worker.ask(kListEgressInfo, "\xff") == "malformed_request: request cannot be read");
    EgressInfo odd = egress("EG_1");
    odd.set_status(static_cast<livekit::EgressStatus>(77));
    CHECK(e.worker.ask(kUpdateEgressInfo, odd.SerializeAsString()).empty());
    CHECK(e.world.events().empty());
    // What Redis has of it that does not decode is replaced.
    e.world.run({"HSET", "egress", "EG_2", "\xff"});
    e.worker.report(egress("EG_2", livekit::EGRESS_ACTIVE));
    CHECK(e.stored("EG_2").status() == livekit::EGRESS_ACTIVE);
}

TEST_CASE("IoInfo: a worker hears nothing while Redis is away, so that it tries again [EGR-76]") {
    Egresses e;
    e.world.port.is_away = true;
    const std::string info = egress("EG_1", livekit::EGRESS_ACTIVE).SerializeAsString();
    for (const rpc::Method& method :
         {kCreateEgressInfo, kUpdateEgressInfo, kGetEgressInfo, kListEgressInfo})
        CHECK(e.worker.ask(method, method.name.starts_with("L") ? "" : info) ==
              "deadline_exceeded: request timed out");
    CHECK(e.io->held() == 0);
    e.world.port.is_away = false;
    e.worker.report(egress("EG_1", livekit::EGRESS_ACTIVE));
    CHECK(e.stored("EG_1").status() == livekit::EGRESS_ACTIVE);
    CHECK(e.world.events() == Names{"egress_updated"});
}

TEST_CASE("IoInfo: of those that wait without an answer the oldest gives way") {
    Egresses e;
    e.world.port.is_away = true;
    std::vector<std::string> answers;
    const std::string info = egress("EG_1", livekit::EGRESS_ACTIVE).SerializeAsString();
    for (std::size_t i = 0; i <= IoInfo::kMaxHeld; ++i) {
        e.world.worker()->call(e.world.now(), kUpdateEgressInfo, {}, info, {},
                               [&answers](const rpc::Outcome& outcome) {
                                   answers.push_back(rpc::testing::text_of(outcome));
                               });
        e.world.pass(Duration::micros(1500));
    }
    e.world.pass(Duration::millis(20));
    CHECK(e.io->held() == IoInfo::kMaxHeld);
    CHECK(answers == Names{"internal: the handler gave no answer"});
    e.world.pass(Duration::seconds(4));
    CHECK(e.io->held() == 0);
    CHECK(answers.size() == IoInfo::kMaxHeld + 1);
}

TEST_CASE("IoInfo: any node answers, and a second one of a node is refused [RPC-13] [PSR-21]") {
    Egresses e;
    const auto again =
        IoInfo::serve({e.world.node().bus(), e.store, e.records, e.ingresses, e.ingress_records});
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().code == rpc::Code::kAlreadyExists);
    const auto other =
        IoInfo::serve({e.world.worker().bus(), e.store, e.records, e.ingresses, e.ingress_records});
    CHECK(other.has_value());
    e.world.pass(Duration::millis(10));
    e.worker.report(egress("EG_1", livekit::EGRESS_ACTIVE));
    CHECK(e.stored("EG_1").status() == livekit::EGRESS_ACTIVE);
}

}  // namespace confab::cluster::services
