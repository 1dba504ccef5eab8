// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/whip/whip_messages.h"

#include <doctest/doctest.h>

#include "api/whip/whip_testing.h"

namespace confab::control {
namespace {

using Code = rpc::Code;

// As the endpoint makes it.
WhipJoin join_of(const std::string& sdp = api::testing::offer()) {
    WhipJoin join;
    join.params.room = "r";
    join.params.grants.identity = "encoder";
    join.params.grants.video.emplace().room_join = true;
    join.params.grants.video->room = "r";
    join.params.grants.api_key = "key";
    join.params.client.set_protocol(17);
    join.params.client.set_browser("OBS");
    join.params.single_connection = true;
    join.params.auto_subscribe = true;
    join.params.disable_ice_lite = true;
    join.params.publisher_offer = api::first_whip_offer(sdp);
    return join;
}
// Two sections that take something back.
std::string viewer_offer() {
    return std::string(api::testing::kSession) + api::testing::audio("0", "a=recvonly\r\n") +
           api::testing::video("1", "a=recvonly\r\n");
}
std::string refusal_of(const ::rpc::WHIPCreateRequest& request) {
    const auto join = from_create(request, {});
    return join ? "" : std::string(rpc::to_text(join.error().code)) + ": " + join.error().text;
}

}  // namespace

TEST_CASE("WHIP.Create: what the request said is at the node with the room [RPC-23]") {
    WhipJoin join = join_of(viewer_offer());
    join.room_must_exist = true;
    join.from_ingress = true;
    join.awaited = {{"alice", "cam"}, {"alice", "mic"}};
    const ::rpc::WHIPCreateRequest request = to_create(join);
    CHECK(request.start_session().room_name() == "r");
    CHECK(request.start_session().identity() == "encoder");
    CHECK(request.start_session().disable_ice_lite());
    CHECK(request.start_session().auto_subscribe());
    CHECK(request.offer_sdp() == viewer_offer());
    CHECK(request.subscribed_participant_tracks().at("alice").track_names_size() == 2);
    CHECK(request.from_ingress());

    const auto there = from_create(request, {});
    REQUIRE(there);
    CHECK(there->params.room == "r");
    CHECK(there->params.grants.identity == "encoder");
    CHECK(there->params.grants.api_key == "key");
    CHECK(there->params.client.browser() == "OBS");
    CHECK(there->room_must_exist);
    CHECK(there->from_ingress);
    CHECK(there->awaited == join.awaited);
    CHECK(there->offer.receiving == 2);
    CHECK(there->params.auto_subscribe);
    REQUIRE(there->params.publisher_offer);
    CHECK(there->params.publisher_offer->sdp() == viewer_offer());
    CHECK(there->params.publisher_offer->id() == api::WhipSession::kFirstOffer);
}

TEST_CASE(
    "WHIP.Create: a request of another implementation makes a WHIP session [RPC-23] [CON-60]") {
    ::rpc::WHIPCreateRequest request;
    request.mutable_start_session()->set_room_name("r");
    request.mutable_start_session()->set_identity("encoder");
    request.mutable_start_session()->set_auto_subscribe(true);
    request.mutable_start_session()->set_reconnect(true);
    request.set_offer_sdp(api::testing::offer());
    const auto join = from_create(request, {});
    REQUIRE(join);
    CHECK(join->params.client.protocol() == 17);
    CHECK(join->params.single_connection);
    CHECK(join->params.disable_ice_lite);
    CHECK_FALSE(join->params.reconnect);
    CHECK_FALSE(join->params.auto_subscribe);  // the offer takes nothing back
    CHECK_FALSE(join->room_must_exist);
    CHECK(join->params.add_track_requests.size() == 2);
}

TEST_CASE("WHIP.Create: what is no offer, or names too much, is refused [RPC-23]") {
    WhipJoin join = join_of(viewer_offer());
    ::rpc::WHIPCreateRequest request = to_create(join);
    request.set_offer_sdp("hello");
    CHECK(refusal_of(request).starts_with("invalid_argument: "));
    request = to_create(join);
    request.mutable_start_session()->clear_identity();
    CHECK(refusal_of(request) == "invalid_argument: identity cannot be empty");
    request = to_create(join);
    auto& tracks = *request.mutable_subscribed_participant_tracks();
    for (int i = 0; i < 3; ++i)
        tracks["alice"].add_track_names(std::to_string(i));
    CHECK(refusal_of(request) ==
          "invalid_argument: the offer takes back fewer tracks than are named");
    for (int i = 0; i < 100; ++i)
        tracks["bob"].add_track_names(std::to_string(i));
    CHECK(refusal_of(request) == "invalid_argument: too many tracks named");
}

TEST_CASE("WHIP: answers are the same behind the way [RPC-23] [RPC-24]") {
    api::WhipAnswer answer{api::WhipAnswer::Kind::kCreated, "ufrag", "v=0", "PA_1", {}};
    answer.ice_servers.emplace_back().add_urls("turn:1.2.3.4");
    const api::WhipAnswer created = from_created(to_created(answer));
    CHECK(created.kind == answer.kind);
    CHECK(created.etag == "ufrag");
    CHECK(created.body == "v=0");
    CHECK(created.participant_sid == "PA_1");
    REQUIRE(created.ice_servers.size() == 1);
    CHECK(created.ice_servers[0].urls(0) == "turn:1.2.3.4");
    const api::WhipAnswer restarted = from_restarted(to_restarted(answer));
    CHECK(restarted.kind == api::WhipAnswer::Kind::kRestarted);
    CHECK(restarted.etag == "ufrag");
    CHECK(restarted.body == "v=0");
}

// PSR-17: what is tried again makes another session.
TEST_CASE("WHIP: refusals have their status at the other node [RPC-24] [CON-61]") {
    for (const int status : {400, 404, 409, 500, 503}) {
        CAPTURE(status);
        const rpc::Error error = to_bus({status, "why"});
        CHECK(error.text == "why");
        CHECK(error.code != Code::kUnavailable);
        CHECK(error.code != Code::kDeadlineExceeded);
        CHECK(from_bus(error) == api::HttpError{status, "why"});
    }
    CHECK(to_bus({500, ""}).code == Code::kFailedPrecondition);
    CHECK(to_bus({418, ""}).code == Code::kUnknown);
    CHECK(from_bus(rpc::no_response()) == api::HttpError{503, "no response from servers"});
    CHECK(from_bus(rpc::timed_out()).status == 503);
}

TEST_CASE("WHIP.Create: whatever has no session is 503, but for 400 and 404 [CON-60] [RPC-23]") {
    CHECK(create_error({Code::kInvalidArgument, "x", {}}) == api::HttpError{400, "x"});
    CHECK(create_error({Code::kNotFound, "x", {}}) == api::HttpError{404, "x"});
    for (const Code code : {Code::kUnavailable, Code::kCanceled, Code::kUnknown, Code::kInternal,
                            Code::kPermissionDenied, Code::kResourceExhausted})
        CHECK(create_error({code, "x", {}}) == api::HttpError{503, "x"});
}

}  // namespace confab::control
