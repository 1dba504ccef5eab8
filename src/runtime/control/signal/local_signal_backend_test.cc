// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/signal/local_signal_backend.h"

#include <doctest/doctest.h>

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

}  // namespace confab::control
