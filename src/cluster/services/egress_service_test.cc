// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/egress_service.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cluster/services/egress_testing.h"
#include "cluster/services/patience.h"
#include "token/room_key.h"

namespace confab::cluster::services {
namespace {

using testing::Egresses;
using testing::EgressInfo;
using testing::Ended;
using testing::kUnknown;

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("EgressService: a worker starts it, and both write it once [API-20] [RPC-10] [RDS-08]") {
    Egresses e;
    e.worker.open();
    const auto ended = e.start(e.composite());
    const EgressInfo& info = ended.value();
    CHECK(info.egress_id().starts_with("EG_"));
    CHECK(info.egress_id().size() == 15);
    CHECK(info.room_id() == "RM_r");
    REQUIRE(e.worker.requests.size() == 1);
    const ::rpc::StartEgressRequest& request = e.worker.requests.front();
    CHECK(request.egress_id() == info.egress_id());
    CHECK(request.room_id() == "RM_r");
    CHECK(request.room_composite().file_outputs(0).filepath() == "x.mp4");
    // As upstream's nodes: the worker has a key of its own (EGR-77).
    CHECK(request.token().empty());
    CHECK(request.ws_url().empty());
    // What the worker wrote, with what this version does not know of it (RDS-25).
    CHECK(e.world.field("egress", info.egress_id()) == info.SerializeAsString().append(kUnknown));
    CHECK(e.world.cluster.server.store().set("egress:room:r")->contains(info.egress_id()));
    CHECK(e.world.events() == Names{"egress_started"});
}

TEST_CASE("EgressService: an egress that its worker did not write is written by the node") {
    Egresses e;
    const auto silent_worker = rpc::serve<::rpc::StartEgressRequest, EgressInfo>(
        e.world.worker().bus(), kStartEgress, {},
        [](const ::rpc::StartEgressRequest& request, const rpc::Request&,
           Callback<Result<EgressInfo, rpc::Error>> reply) {
            EgressInfo info;
            info.set_egress_id(request.egress_id());
            reply(std::move(info));
        },
        [](const rpc::Request&) { return 1.0; });
    e.world.pass(Duration::millis(10));
    const std::string id = e.started();
    CHECK(e.stored(id).egress_id() == id);
    CHECK(e.world.events() == Names{"egress_started"});
}

TEST_CASE("EgressService: without a worker 503, with the text that SDKs know [API-20]") {
    Egresses e;
    const auto ended = e.start(e.composite(), Duration::seconds(8));
    CHECK(ended.text() == "unavailable: no response from servers");
    CHECK(e.world.field("egress", "EG_x") == "-");
    CHECK(e.world.events().empty());
}

TEST_CASE("EgressService: a worker that comes up meanwhile gets the request [PSR-17] [EGR-19]") {
    Egresses e;
    const auto ended = e.start(e.composite(), Duration::millis(500));
    CHECK(ended.text() == "waiting");
    e.worker.open();
    e.world.pass(Duration::seconds(4));
    CHECK(ended.text() == "ok");
}

TEST_CASE("EgressService: a worker without capacity is no worker [EGR-70]") {
    Egresses e;
    e.worker.affinity = -1;
    e.worker.open();
    CHECK(e.start(e.composite(), Duration::seconds(12)).text() ==
          "unavailable: no response from servers");
    CHECK(e.worker.requests.empty());
}

TEST_CASE("EgressService: idle workers are waited for, busy ones are not [PSR-12] [EGR-70]") {
    Egresses e;
    e.worker.affinity = 0.5;
    e.worker.open();
    const auto idle = e.start(e.composite(), Duration::millis(480));
    CHECK(idle.text() == "waiting");
    e.world.pass(Duration::millis(100));
    CHECK(idle.text() == "ok");
    e.worker.affinity = 1;
    CHECK(e.start(e.composite(), Duration::millis(50)).text() == "ok");
}

TEST_CASE("EgressService: a room that there is not is said before a worker is asked [API-20]") {
    Egresses e;
    e.worker.open();
    CHECK(e.start(e.composite("nosuch")).text() == "not_found: requested room does not exist");
    ::rpc::StartEgressRequest track;
    track.mutable_track()->set_room_name("nosuch");
    CHECK(e.start(track).text() == "not_found: requested room does not exist");
    ::rpc::StartEgressRequest any;
    any.mutable_egress()->set_room_name("nosuch");
    CHECK(e.start(any).text() == "not_found: requested room does not exist");
    // Nobody names a tenant's room by its key (TEN-03).
    e.world.add_room(token::room_key("acme", "r"), "RM_acme");
    CHECK(e.start(e.composite(token::room_key("acme", "r"))).text() ==
          "not_found: requested room does not exist");
    CHECK(e.worker.requests.empty());

    // The worker says what is wrong with these.
    CHECK(e.start(e.composite("")).text() == "ok");
    ::rpc::StartEgressRequest web;
    web.mutable_web()->set_url("https://example.org");
    CHECK(e.start(web).text() == "ok");
    REQUIRE(e.worker.requests.size() == 2);
    CHECK(e.worker.requests[1].room_id().empty());
}

TEST_CASE("EgressService: what a worker refuses is told as it said it, and not stored [EGR-38]") {
    Egresses e;
    e.worker.refuses =
        rpc::Error{rpc::Code::kInvalidArgument, "request has missing or invalid field: output", {}};
    e.worker.open();
    CHECK(e.start(e.composite()).text() ==
          "invalid_argument: request has missing or invalid field: output");
    CHECK(e.worker.requests.size() == 1);
    CHECK(e.world.cluster.server.store().hash("egress") == nullptr);
    CHECK(e.world.events().empty());
    // One that has too much to do is asked again (PSR-17).
    e.worker.refuses = rpc::Error{rpc::Code::kResourceExhausted, "not enough CPU", {}};
    CHECK(e.start(e.composite(), Duration::seconds(9)).text() ==
          "resource_exhausted: not enough CPU");
    CHECK(e.worker.requests.size() == 4);
}

TEST_CASE("EgressService: a lost answer does not hide an egress that runs [EGR-70]") {
    Egresses e;
    e.worker.loses_first = true;
    e.worker.open();
    const auto ended = e.start(e.composite(), Duration::seconds(14));
    CHECK(ended.value().room_name() == "r");
    CHECK(e.worker.jobs.size() == 1);
    CHECK(e.worker.requests.size() == 2);
    CHECK(e.world.events() == Names{"egress_started"});
}

TEST_CASE("EgressService: a worker that dies with the request is waited for, then 408") {
    Egresses e;
    e.worker.is_silent = true;
    e.worker.open();
    const auto ended = e.start(e.composite(), Duration::seconds(60));
    CHECK(ended.text() == "waiting");
    e.world.pass(Duration::seconds(20));
    CHECK(ended.text() == "deadline_exceeded: request timed out");
    CHECK(e.worker.requests.size() == 3);
}

TEST_CASE("EgressService: garbage for an answer is an error [PSR-18]") {
    Egresses e;
    const auto garbage = e.world.worker()->serve(
        kStartEgress, {}, [](const rpc::Request&, rpc::Reply reply) { reply(std::string("\xff")); },
        [](const rpc::Request&) { return 1.0; });
    e.world.pass(Duration::millis(10));
    CHECK(e.start(e.composite()).text() ==
          "malformed_result: the answer of a worker cannot be read");
}

TEST_CASE("EgressService: who asks with a deadline is not kept beyond it [API-W6] [PSR-12]") {
    CHECK(within(psrpc::kEgressRetry, std::nullopt).attempts == 3);
    CHECK(within(psrpc::kEgressRetry, Duration::seconds(5)).attempts == 1);
    CHECK(within(psrpc::kEgressRetry, Duration::seconds(5)).timeout == Duration::seconds(5));
    CHECK(within(psrpc::kEgressRetry, Duration::seconds(31)).attempts == 1);
    CHECK(within(psrpc::kEgressRetry, Duration::seconds(32)).attempts == 2);
    CHECK(within(psrpc::kEgressRetry, Duration::seconds(75)).attempts == 2);
    CHECK(within(psrpc::kEgressRetry, Duration::seconds(76)).attempts == 3);
    CHECK(within(psrpc::kDefaultRetry, Duration::seconds(8)).attempts == 2);
    Egresses e;
    Ended<EgressInfo> ended;
    e.service.start({e.world.now(), Duration::millis(300)}, e.composite(), ended.done());
    e.world.pass(Duration::millis(300));
    CHECK(ended.text() == "unavailable: no response from servers");
}

// ---------------------------------------------------------------- stop, stream, layout

TEST_CASE("EgressService: a running egress is stopped by its worker [API-23] [RPC-12]") {
    Egresses e;
    e.worker.open();
    const std::string id = e.started();
    CHECK(e.stop(id).value().status() == livekit::EGRESS_ENDING);
    // Of the answer nothing is written: the worker reports by itself.
    CHECK(e.stored(id).status() == livekit::EGRESS_STARTING);
}

TEST_CASE("EgressService: streams are changed by the worker, whose reason is told [EGR-39]") {
    Egresses e;
    e.worker.open();
    const std::string id = e.started();
    CHECK(e.add_url(id, "rtmp://h/a/k").value().stream_results_size() == 1);
    CHECK(e.add_url(id, "bad").text() == "invalid_argument: invalid url bad: invalid scheme");
    e.report(id, livekit::EGRESS_ENDING);
    CHECK(e.add_url(id, "bad").text() ==
          "!failed_precondition: egress with status EGRESS_ENDING cannot be updated");
}

TEST_CASE("EgressService: what is over or was never there says so [API-23] [EGR-39]") {
    Egresses e;
    CHECK(e.stop("EG_x").text() == "not_found: egress does not exist");
    CHECK(e.add_url("EG_x", "rtmp://h/a/k").text() == "not_found: egress does not exist");
    CHECK(e.stop("").text() == "not_found: egress does not exist");
    CHECK(e.stop(std::string(257, 'x')).text() == "not_found: egress does not exist");
    e.worker.open();
    const std::string id = e.started();
    e.report(id, livekit::EGRESS_COMPLETE, 1);
    e.worker.die();
    CHECK(e.stop(id).text() ==
          "!failed_precondition: egress with status EGRESS_COMPLETE cannot be stopped");
    CHECK(e.add_url(id, "rtmp://h/a/k").text() ==
          "!failed_precondition: egress with status EGRESS_COMPLETE cannot be updated");
}

TEST_CASE("EgressService: of a worker that died it is not known whether it stopped [RPC-12]") {
    Egresses e;
    e.worker.open();
    const std::string id = e.started();
    e.report(id, livekit::EGRESS_ACTIVE);
    e.worker.die();
    CHECK(e.stop(id).text() == "deadline_exceeded: request timed out");
    CHECK(e.add_url(id, "rtmp://h/a/k").text() == "unavailable: no response from servers");
}

TEST_CASE("EgressService: a layout is the metadata of the egress in its room [API-22]") {
    Egresses e;
    e.worker.open();
    const std::string id = e.started();
    livekit::UpdateLayoutRequest request;
    request.set_egress_id(id);
    request.set_layout("speaker \"x\"");
    Ended<EgressInfo> ended;
    e.service.update_layout(e.caller(), request, ended.done());
    e.world.pass(Duration::seconds(1));
    CHECK(ended.value().egress_id() == id);
    CHECK(e.layouts == Names{"r " + id + R"( {"layout":"speaker \"x\""})"});

    e.layout_error = refusal(rpc::Code::kNotFound, "participant does not exist");
    Ended<EgressInfo> gone;
    e.service.update_layout(e.caller(), request, gone.done());
    e.world.pass(Duration::seconds(1));
    CHECK(gone.text() == "not_found: participant does not exist");

    request.set_egress_id("EG_x");
    Ended<EgressInfo> unknown;
    e.service.update_layout(e.caller(), request, unknown.done());
    e.world.pass(Duration::seconds(1));
    CHECK(unknown.text() == "not_found: egress does not exist");
    CHECK(e.layouts.size() == 2);
}

// ---------------------------------------------------------------- list

TEST_CASE("EgressService: all are listed, or those of a room, or those that run [RDS-24]") {
    Egresses e;
    e.world.add_room("other", "RM_o");
    e.worker.open();
    const std::string first = e.started();
    const std::string second = e.started();
    CHECK(e.start(e.composite("other")).text() == "ok");
    e.report(first, livekit::EGRESS_ENDING);
    e.report(second, livekit::EGRESS_ABORTED, 1);
    CHECK(e.list("", "", false).value().items_size() == 3);
    CHECK(e.list("r", "", false).value().items_size() == 2);
    CHECK(e.list("", "", true).value().items_size() == 2);
    const auto active = e.list("r", "", true);
    REQUIRE(active.value().items_size() == 1);
    CHECK(active.value().items(0).egress_id() == first);
    CHECK(e.list("nosuch", "", false).value().items_size() == 0);
    // By its id whatever else is asked for.
    const auto one = e.list("other", second, true);
    REQUIRE(one.value().items_size() == 1);
    CHECK(one.value().items(0).status() == livekit::EGRESS_ABORTED);
    CHECK(e.list("", "EG_x", false).text() == "not_found: egress does not exist");
}

TEST_CASE("EgressService: Redis away is said at once, and nothing is left waiting") {
    Egresses e;
    e.worker.open();
    const std::string id = e.started();
    e.world.cluster.server.stop(e.world.now());
    e.world.pass(Duration::millis(10));
    CHECK(e.start(e.composite()).text().starts_with("unavailable: "));
    CHECK(e.list("", "", false).text().starts_with("unavailable: "));
    CHECK(e.list("", id, false).text().starts_with("unavailable: "));
    CHECK(e.stop(id, Duration::seconds(2)).text() == "unavailable: no connection to Redis");
    CHECK(e.world.retrier.calls() == 0);
    e.world.cluster.server.start(e.world.now());
    e.world.pass(Duration::seconds(3));
    CHECK(e.stop(id).value().status() == livekit::EGRESS_ENDING);
}

}  // namespace confab::cluster::services
