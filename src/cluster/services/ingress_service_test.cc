// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/ingress_service.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cluster/services/ingress_testing.h"

namespace confab::cluster::services {
namespace {

using testing::Ended;
using testing::Ingresses;
using testing::IngressInfo;
using testing::IngressState;
using testing::kUnknown;

livekit::UpdateIngressRequest named(const std::string& id, const std::string& name) {
    livekit::UpdateIngressRequest request;
    request.set_ingress_id(id);
    request.set_name(name);
    return request;
}

}  // namespace

TEST_CASE("IngressService: what is pushed is kept until somebody pushes [API-25] [RDS-11]") {
    Ingresses i;
    livekit::CreateIngressRequest request = i.rtmp();
    request.set_participant_name("pn");
    request.set_participant_metadata("pm");
    request.set_url("rtmp://elsewhere/x");
    request.set_bypass_transcoding(true);  // which nobody looks at
    const auto ended = i.create(request);
    const IngressInfo& info = ended.value();
    CHECK(info.ingress_id().starts_with("IN_"));
    CHECK(info.stream_key().size() == 12);
    CHECK(info.url() == "rtmp://in.example:1935/x");
    CHECK(info.reusable());
    CHECK(info.enable_transcoding());
    CHECK_FALSE(info.bypass_transcoding());
    CHECK_FALSE(info.has_audio());
    CHECK_FALSE(info.has_enabled());
    CHECK(info.has_state());
    CHECK(info.participant_name() == "pn");
    CHECK(info.participant_metadata() == "pm");

    IngressInfo stored;
    REQUIRE(stored.ParseFromString(i.world.field("ingress", info.ingress_id())));
    CHECK_FALSE(stored.has_state());
    CHECK(stored.room_name() == "r");
    CHECK(i.world.field("{ingress}_stream_key", info.stream_key()) == info.ingress_id());
    CHECK(i.world.cluster.server.store().set("room_{ingress}:r")->contains(info.ingress_id()));
    CHECK(i.world.told.empty());
}

TEST_CASE("IngressService: WHIP is sent on as it comes, unless one wants it otherwise [API-25]") {
    Ingresses i;
    livekit::CreateIngressRequest request = i.rtmp();
    request.set_input_type(livekit::WHIP_INPUT);
    const auto whip = i.create(request);
    CHECK(whip.value().url() == "http://in.example:8080/w");
    CHECK_FALSE(whip.value().enable_transcoding());
    CHECK(whip.value().has_enable_transcoding());
    CHECK(whip.value().bypass_transcoding());
    request.set_enable_transcoding(true);
    request.set_enabled(false);
    request.mutable_video()->set_preset(livekit::H264_720P_30FPS_3_LAYERS);
    const auto encoded = i.create(request);
    CHECK(encoded.value().enable_transcoding());
    CHECK_FALSE(encoded.value().bypass_transcoding());
    CHECK(encoded.value().has_enabled());
    CHECK(encoded.value().video().has_preset());
}

TEST_CASE("IngressService: what cannot be is refused and not stored [ING-07]") {
    Ingresses i;
    livekit::CreateIngressRequest request = i.rtmp();
    request.clear_participant_identity();
    CHECK(i.create(request).text() == "invalid_argument: invalid ingress: no participant identity");
    request = i.rtmp();
    request.set_input_type(static_cast<livekit::IngressInput>(7));
    CHECK(i.create(request).text() == "invalid_argument: invalid ingress type");
    CHECK(i.world.cluster.server.store().hash("ingress") == nullptr);
}

TEST_CASE("IngressService: what is fetched starts at once, at a service [API-25] [RPC-15]") {
    Ingresses i;
    CHECK(i.create(i.url()).text() == "unavailable: no response from servers");
    CHECK(i.world.cluster.server.store().hash("ingress") == nullptr);

    ::rpc::StartIngressRequest seen;
    double affinity = -1;
    const auto service = rpc::serve<::rpc::StartIngressRequest, IngressInfo>(
        i.world.worker().bus(), kStartIngress, {},
        [&seen](const ::rpc::StartIngressRequest& request, const rpc::Request&,
                Callback<Result<IngressInfo, rpc::Error>> reply) {
            seen = request;
            IngressInfo info = request.info();
            info.mutable_state()->set_status(IngressState::ENDPOINT_BUFFERING);
            reply(std::move(info));
        },
        [&affinity](const rpc::Request&) { return affinity; });
    i.world.pass(Duration::millis(10));
    CHECK(i.create(i.url()).text() == "unavailable: no response from servers");
    affinity = 1;
    const auto ended = i.create(i.url(), Duration::millis(50));
    CHECK(ended.value().state().status() == IngressState::ENDPOINT_BUFFERING);
    CHECK(seen.info().url() == "https://example.org/a.mp4");
    CHECK(seen.info().has_state());
    CHECK(seen.info().enable_transcoding());
    CHECK_FALSE(seen.info().reusable());
    CHECK(seen.info().stream_key().empty());
    CHECK(seen.token().empty());
    CHECK(seen.ws_url().empty());
    auto odd = i.url();
    odd.set_url("HTTPS://Example.org/a b.mp4");
    CHECK(i.create(odd).value().url() == "https://Example.org/a%20b.mp4");
    CHECK(seen.info().url() == "https://Example.org/a%20b.mp4");
}

TEST_CASE("IngressService: garbage from a service is an error") {
    Ingresses i;
    const auto garbage = i.world.worker()->serve(
        kStartIngress, {},
        [](const rpc::Request&, rpc::Reply reply) { reply(std::string("\xff")); },
        [](const rpc::Request&) { return 1.0; });
    i.world.pass(Duration::millis(10));
    CHECK(i.create(i.url()).text() == "malformed_result: the answer of a worker cannot be read");
}

// ---------------------------------------------------------------- update

TEST_CASE("IngressService: what a change does not name stays [API-26] [ING-04] [RDS-25]") {
    Ingresses i;
    const IngressInfo info = i.created();
    const std::string& id = info.ingress_id();
    i.world.run({"HSET", "ingress", id, i.world.field("ingress", id) + kUnknown});
    livekit::UpdateIngressRequest request = named(id, "new");
    request.set_room_name("other");
    request.mutable_video()->set_name("v");
    request.set_enabled(false);
    request.set_bypass_transcoding(true);
    const auto ended = i.update(request);
    CHECK(ended.value().name() == "new");
    CHECK(ended.value().participant_identity() == "cam");
    CHECK(ended.value().stream_key() == info.stream_key());
    CHECK(ended.value().video().name() == "v");
    CHECK_FALSE(ended.value().enabled());
    CHECK(ended.value().enable_transcoding());
    CHECK(i.world.field("ingress", id).ends_with(kUnknown));
    CHECK(i.list("r", "").value().items_size() == 0);
    CHECK(i.list("other", "").value().items_size() == 1);
    CHECK(i.update(named(id, "")).value().name() == "new");
    CHECK(i.world.told.empty());
}

TEST_CASE("IngressService: a change that cannot be changes nothing [ING-04]") {
    Ingresses i;
    const std::string id = i.created().ingress_id();
    const std::string before = i.world.field("ingress", id);
    livekit::UpdateIngressRequest request = named(id, "x");
    request.set_enable_transcoding(false);
    CHECK(i.update(request).text() ==
          "invalid_argument: invalid transcoding bypass configuration: bypassing transcoding "
          "impossible with selected input type");
    CHECK(i.world.field("ingress", id) == before);
    CHECK(i.update(named("IN_x", "x")).text() == "not_found: ingress does not exist");
    CHECK(i.update(named("", "x")).text() == "not_found: ingress does not exist");
    // What is fetched is what it is.
    IngressInfo fetched;
    fetched.set_ingress_id("IN_u");
    fetched.set_input_type(livekit::URL_INPUT);
    CHECK(i.ask(kCreateIngressInfo, fetched.SerializeAsString()).empty());
    CHECK(i.update(named("IN_u", "x")).text() ==
          "invalid_argument: ingress is not reusable and cannot be modified");
}

TEST_CASE("IngressService: transcoding and its encoding are changed in one call [ING-04]") {
    Ingresses i;
    livekit::CreateIngressRequest whip = i.rtmp();
    whip.set_input_type(livekit::WHIP_INPUT);
    const std::string id = i.create(whip).value().ingress_id();
    livekit::UpdateIngressRequest request = named(id, "x");
    request.set_enable_transcoding(true);
    request.mutable_video()->set_preset(livekit::H264_540P_25FPS_2_LAYERS);
    CHECK_FALSE(i.update(request).value().bypass_transcoding());
}

TEST_CASE("IngressService: a running session is told of a change, and need not be there [RPC-17]") {
    Ingresses i;
    const std::string id = i.created().ingress_id();
    const auto asked = i.serve_session(kUpdateIngress, id);
    CHECK(i.update(named(id, "a")).text() == "ok");
    CHECK(*asked == 0);
    CHECK(i.report(id, 1, IngressState::ENDPOINT_PUBLISHING).empty());
    CHECK(i.update(named(id, "b")).value().state().status() == IngressState::ENDPOINT_PUBLISHING);
    CHECK(*asked == 1);
    i.sessions.clear();
    i.world.pass(Duration::millis(10));
    CHECK(i.update(named(id, "c")).value().name() == "c");
    CHECK(i.list("", id).value().items(0).name() == "c");
}

TEST_CASE("IngressService: a change takes an error away and keeps its text [API-26]") {
    Ingresses i;
    const std::string id = i.created().ingress_id();
    CHECK(i.report(id, 1, IngressState::ENDPOINT_ERROR, 5, "broken").empty());
    const auto ended = i.update(named(id, "x"));
    CHECK(ended.value().state().status() == IngressState::ENDPOINT_INACTIVE);
    CHECK(ended.value().state().error() == "broken");
    CHECK(i.status(id) == IngressState::ENDPOINT_INACTIVE);
    CHECK(i.told() == std::vector<std::string>{"ended RT_1"});
}

// ---------------------------------------------------------------- list, delete

TEST_CASE("IngressService: all are listed, those of a room, or one [API-26]") {
    Ingresses i;
    const std::string id = i.created().ingress_id();
    livekit::CreateIngressRequest other = i.rtmp();
    other.set_room_name("other");
    CHECK(i.create(other).text() == "ok");
    CHECK(i.list("", "").value().items_size() == 2);
    CHECK(i.list("r", "").value().items_size() == 1);
    CHECK(i.list("nosuch", "").value().items_size() == 0);
    const auto one = i.list("other", id);
    REQUIRE(one.value().items_size() == 1);
    CHECK(one.value().items(0).ingress_id() == id);
    CHECK(one.value().items(0).has_state());
    CHECK(i.list("", "IN_x").text() == "not_found: ingress does not exist");
}

TEST_CASE("IngressService: what is deleted is given back as inactive [API-26] [ING-04]") {
    Ingresses i;
    const IngressInfo info = i.created();
    const std::string& id = info.ingress_id();
    CHECK(i.report(id, 1, IngressState::ENDPOINT_ERROR, 5, "broken").empty());
    const auto ended = i.remove(id);
    CHECK(ended.value().stream_key() == info.stream_key());
    CHECK(ended.value().state().status() == IngressState::ENDPOINT_INACTIVE);
    CHECK(ended.value().state().error() == "broken");
    CHECK(i.world.field("{ingress}_stream_key", info.stream_key()) == "-");
    CHECK(i.remove(id).text() == "not_found: ingress does not exist");
    CHECK(i.remove("").text() == "not_found: ingress does not exist");
    CHECK(i.told() == std::vector<std::string>{"ended RT_1"});
}

TEST_CASE(
    "IngressService: the session of what is deleted ends, and that is told [ING-09] [ING-25]") {
    Ingresses i;
    const std::string id = i.created().ingress_id();
    CHECK(i.report(id, 1, IngressState::ENDPOINT_PUBLISHING).empty());
    const auto asked = i.serve_session(kDeleteIngress, id);
    CHECK(i.remove(id).text() == "ok");
    CHECK(*asked == 1);
    CHECK(i.told() == std::vector<std::string>{"started RT_1", "ended RT_1"});
    // Its last words come to nothing.
    CHECK(i.report(id, 1, IngressState::ENDPOINT_ERROR) == "not_found: ingress does not exist");
    CHECK(i.told().size() == 2);
    // A record whose service is dead goes all the same (ING-11).
    const std::string other = i.created().ingress_id();
    CHECK(i.report(other, 2, IngressState::ENDPOINT_BUFFERING).empty());
    CHECK(i.remove(other).text() == "ok");
    CHECK(i.told().size() == 2);
}

TEST_CASE("IngressService: Redis away is said at once") {
    Ingresses i;
    const std::string id = i.created().ingress_id();
    i.world.port.is_away = true;
    CHECK(i.create(i.rtmp()).text().starts_with("unavailable: "));
    CHECK(i.update(named(id, "x")).text().starts_with("unavailable: "));
    CHECK(i.list("", "").text().starts_with("unavailable: "));
    CHECK(i.list("", id).text().starts_with("unavailable: "));
    CHECK(i.remove(id).text().starts_with("unavailable: "));
}

}  // namespace confab::cluster::services
