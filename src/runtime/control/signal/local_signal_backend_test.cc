// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/signal/local_signal_backend.h"

#include <doctest/doctest.h>

#include <string>

#include "runtime/control/shards/node_testing.h"

namespace confab::control {

TEST_CASE("to_room: all that the request said reaches the room [CON-31] [SIG-82]") {
    api::JoinParams params;
    params.room_name = "r";
    params.grants.identity = "ann";
    params.grants.metadata = "m";
    params.client.set_protocol(16);
    params.single_peer_connection = true;
    params.auto_subscribe = false;
    params.auto_subscribe_data_track = true;
    params.adaptive_stream = true;
    params.subscriber_allow_pause = false;
    params.disable_ice_lite = true;
    params.reconnect = true;
    params.reconnect_reason = livekit::RR_SWITCH_CANDIDATE;
    params.participant_sid = "PA_x";
    params.publisher_offer.emplace().set_sdp("offer");
    params.add_track_requests.emplace_back().set_cid("c");
    const room::JoinParams room = to_room(params);
    CHECK(room.room == "r");
    CHECK(room.grants.identity == "ann");
    CHECK(room.grants.metadata == "m");
    CHECK(room.client.protocol() == 16);
    CHECK(room.single_connection);
    CHECK_FALSE(room.auto_subscribe);
    CHECK(room.auto_subscribe_data_track);
    CHECK(room.adaptive_stream);
    CHECK(room.subscriber_allow_pause == std::optional(false));
    CHECK(room.disable_ice_lite);
    CHECK(room.reconnect);
    CHECK(room.reconnect_reason == livekit::RR_SWITCH_CANDIDATE);
    CHECK(room.participant_sid == "PA_x");
    REQUIRE(room.publisher_offer);
    CHECK(room.publisher_offer->sdp() == "offer");
    REQUIRE(room.add_track_requests.size() == 1);
    CHECK(room.add_track_requests[0].cid() == "c");
}

TEST_CASE("LocalSignalBackend: a refusal of the shard has the headers of pages [CON-03] [CON-32]") {
    TestNode node(2, [](TestNode::Settings& settings) {
        settings.routes.join.auto_create = false;
        settings.control.room.room.auto_create = false;
    });
    node.set_creates(false);
    for (const std::size_t shard : {0U, 1U}) {
        CAPTURE(shard);
        const std::string room = node.room_in(shard);
        const auto refused = [&] {
            return node.call_in(shard, [](ControlPlane& plane) {
                return plane.metrics().value(telemetry::Metric::kParticipantJoinTotal,
                                             {"signal_validation_failed"});
            });
        };
        CHECK(refused() == 0);
        SignalClient ann(node.port(), node.join_path(room, "ann"), "Origin: http://a\r\n");
        const std::string head = ann.head();
        CHECK(head.starts_with("HTTP/1.1 404 "));
        CHECK(head.find("Access-Control-Allow-Origin: http://a\r\n") != std::string::npos);
        CHECK(refused() == 1);
        (void)node.validate(room, "ann");  // only asks
        CHECK(refused() == 1);
    }
}

TEST_CASE("LocalSignalBackend: a full node is counted where it refuses [CON-32] [OBS-01]") {
    TestNode node(2, [](TestNode::Settings& settings) {
        settings.load.bytes_per_second = 1000;
        settings.routes.load_limits.bytes_per_second = 1000;
    });
    const std::string room = node.room_in(1);
    SignalClient ann(node.port(), node.join_path(room, "ann"), "Origin: http://a\r\n");
    const std::string head = ann.head();
    CHECK(head.starts_with("HTTP/1.1 503 "));
    CHECK(head.find("Access-Control-Allow-Origin: http://a\r\n") != std::string::npos);
    CHECK(node.metric(telemetry::Metric::kParticipantJoinTotal, {"signal_validation_failed"}) == 1);
}

}  // namespace confab::control
