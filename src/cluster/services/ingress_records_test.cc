// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Through what the ingress service asks of a node (io_info.h).
#include "cluster/services/ingress_records.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cluster/services/ingress_testing.h"

namespace confab::cluster::services {
namespace {

using testing::Ingresses;
using testing::IngressInfo;
using testing::IngressState;
using testing::kUnknown;

using Told = std::vector<std::string>;

constexpr auto kInactive = IngressState::ENDPOINT_INACTIVE;
constexpr auto kBuffering = IngressState::ENDPOINT_BUFFERING;
constexpr auto kPublishing = IngressState::ENDPOINT_PUBLISHING;
constexpr auto kError = IngressState::ENDPOINT_ERROR;

}  // namespace

TEST_CASE("IngressRecords: a session begins once and ends once [RPC-13] [ING-09] [RDS-13]") {
    Ingresses i;
    const std::string id = i.created().ingress_id();
    CHECK(i.report(id, 1, kBuffering).empty());
    CHECK(i.told().empty());
    CHECK(i.report(id, 1, kPublishing).empty());
    CHECK(i.report(id, 1, kPublishing).empty());  // once for each track
    CHECK(i.report(id, 1, kInactive).empty());
    CHECK(i.told() == Told{"started RT_1", "ended RT_1"});
    CHECK(i.world.told[0].whole.ingress_info().state().status() == kPublishing);
    CHECK(i.world.told[0].whole.ingress_info().name() == "n");
    // The same encoder again, and what is fetched comes to its end.
    CHECK(i.report(id, 2, kPublishing).empty());
    CHECK(i.report(id, 2, IngressState::ENDPOINT_COMPLETE).empty());
    CHECK(i.told() == Told{"started RT_1", "ended RT_1", "started RT_2", "ended RT_2"});
}

TEST_CASE("IngressRecords: two writes that come together begin it once [ING-09]") {
    Ingresses i;
    const std::string id = i.created().ingress_id();
    ::rpc::UpdateIngressStateRequest request;
    request.set_ingress_id(id);
    request.mutable_state()->set_status(kPublishing);
    request.mutable_state()->set_resource_id("RT_1");
    for (const std::int64_t updated : {1, 2}) {
        request.mutable_state()->set_updated_at(updated);
        i.world.worker()->call(i.world.now(), kUpdateIngressState, {}, request.SerializeAsString(),
                               {}, [](const rpc::Outcome& outcome) { CHECK(outcome); });
    }
    i.world.pass(Duration::seconds(1));
    CHECK(i.told() == Told{"started RT_1"});
}

TEST_CASE("IngressRecords: what is late is not kept [RDS-23]") {
    Ingresses i;
    const std::string id = i.created().ingress_id();
    CHECK(i.report(id, 2, kPublishing, 50).empty());
    CHECK(i.report(id, 2, kInactive, 49).empty());  // of the same session: nobody needs to know
    CHECK(i.report(id, 1, kInactive, 60) ==
          "failed_precondition: a newer state of the ingress is stored");
    CHECK(i.status(id) == kPublishing);
    CHECK(i.told() == Told{"started RT_2"});
}

TEST_CASE("IngressRecords: an encoder that takes over ends the session before it [ING-09]") {
    Ingresses i;
    const std::string id = i.created().ingress_id();
    CHECK(i.report(id, 1, kPublishing).empty());
    CHECK(i.report(id, 2, kBuffering).empty());
    CHECK(i.report(id, 2, kPublishing).empty());
    // The first one's own end is refused, and told already.
    CHECK(i.report(id, 1, kError).starts_with("failed_precondition: "));
    CHECK(i.told() == Told{"started RT_1", "ended RT_1", "started RT_2"});
}

TEST_CASE("IngressRecords: a refused attempt leaves the live session as it is [ING-10]") {
    Ingresses i;
    const std::string id = i.created().ingress_id();
    CHECK(i.report(id, 1, kPublishing).empty());
    CHECK(i.report(id, 2, kError, 0, "session is disabled").empty());
    CHECK(i.status(id) == kPublishing);
    CHECK(i.records.refused_attempts() == 1);
    CHECK(i.told() == Told{"started RT_1", "ended RT_2"});
    CHECK(i.report(id, 1, kInactive).empty());
    // With nobody live it is what the ingress is like.
    CHECK(i.report(id, 3, kError).empty());
    CHECK(i.status(id) == kError);
    CHECK(i.told() == Told{"started RT_1", "ended RT_2", "ended RT_1", "ended RT_3"});
}

TEST_CASE("IoInfo: an encoder's key and the id lead to the ingress [RPC-13] [RDS-12] [ING-20]") {
    Ingresses i;
    const IngressInfo info = i.created();
    i.world.run({"HSET", "ingress", info.ingress_id(),
                 i.world.field("ingress", info.ingress_id()) + kUnknown});
    CHECK(i.report(info.ingress_id(), 1, kBuffering).empty());
    const auto asked = [&i](const std::string& id, const std::string& key) {
        ::rpc::GetIngressInfoRequest request;
        request.set_ingress_id(id);
        request.set_stream_key(key);
        return i.ask(kGetIngressInfo, request.SerializeAsString());
    };
    for (const std::string& answer : {asked(info.ingress_id(), ""), asked("", info.stream_key())}) {
        ::rpc::GetIngressInfoResponse response;
        REQUIRE(response.ParseFromString(answer));
        CHECK(response.info().ingress_id() == info.ingress_id());
        CHECK(response.info().stream_key() == info.stream_key());
        CHECK(response.info().state().status() == kBuffering);
        CHECK(response.token().empty());
        CHECK(answer.find(kUnknown) != answer.npos);
    }
    CHECK(asked("IN_x", "") == "not_found: ingress does not exist");
    CHECK(asked("", "wrong") == "not_found: ingress does not exist");
    CHECK(asked("", "") ==
          "invalid_argument: request needs to specify either IngressId or StreamKey");
}

TEST_CASE("IoInfo: a service stores what it fetches [RPC-13] [RDS-11] [RDS-13]") {
    Ingresses i;
    IngressInfo info;
    info.set_ingress_id("IN_u");
    info.set_room_name("r");
    info.set_input_type(livekit::URL_INPUT);
    info.mutable_state()->set_status(kBuffering);
    CHECK(i.ask(kCreateIngressInfo, info.SerializeAsString().append(kUnknown)).empty());
    CHECK(i.status("IN_u") == kBuffering);
    CHECK(i.world.field("ingress", "IN_u").ends_with(kUnknown));
}

TEST_CASE("IoInfo: garbage about ingresses is refused and does no harm") {
    Ingresses i;
    const std::string id = i.created().ingress_id();
    CHECK(i.ask(kCreateIngressInfo, "\xff") == "invalid_argument: no record of an ingress");
    CHECK(i.ask(kCreateIngressInfo, "") == "invalid_argument: an ingress without an id");
    CHECK(i.ask(kGetIngressInfo, "\xff") == "malformed_request: request cannot be read");
    CHECK(i.ask(kUpdateIngressState, "\xff") == "malformed_request: request cannot be read");
    CHECK(i.ask(kUpdateIngressState, "") == "not_found: ingress does not exist");
    CHECK(i.report(id, 1, static_cast<IngressState::Status>(77)).empty());
    CHECK(i.told().empty());
    // A state that does not decode counts as none.
    i.world.run({"SET", "{ingress}_state:" + id, "\xff"});
    CHECK(i.report(id, 1, kPublishing).empty());
    CHECK(i.told() == Told{"started RT_1"});
}

TEST_CASE("IoInfo: of an ingress, too, nothing is said while Redis is away [EGR-76]") {
    Ingresses i;
    const std::string id = i.created().ingress_id();
    i.world.port.is_away = true;
    CHECK(i.report(id, 1, kPublishing) == "deadline_exceeded: request timed out");
    CHECK(i.io->held() == 0);
}

}  // namespace confab::cluster::services
