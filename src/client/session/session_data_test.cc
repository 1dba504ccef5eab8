// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/session_data.h"

#include <doctest/doctest.h>

#include "client/session/session_parts_testing.h"

namespace confab::client {
namespace {

Bytes packet(const char* sender, std::uint32_t sequence) {
    livekit::DataPacket packet;
    packet.set_participant_sid(sender);
    packet.set_sequence(sequence);
    const std::string text = packet.SerializeAsString();
    return to_vector(as_bytes(text));
}

struct Bench : Parts {
    Bench() : Parts(true) { link.opened(kNow); }
    SessionData data{connections.publisher(), link};
};

}  // namespace

TEST_CASE("SessionData: the label of its channel says what a message is [SIG-120][SIG-121]") {
    Bench b;
    const auto lossy = b.data.take("_lossy", packet("PA_x", 1));
    REQUIRE(lossy.has_value());
    CHECK_FALSE(std::get<DataArrived>(*lossy).reliable);
    const auto reliable = b.data.take("_reliable", packet("PA_x", 1));
    REQUIRE(reliable.has_value());
    CHECK(std::get<DataArrived>(*reliable).reliable);
    CHECK_FALSE(b.data.take("_reliable", packet("PA_x", 1)).has_value());
    CHECK(b.data.take("_lossy", packet("PA_x", 1)).has_value());
    CHECK(b.data.repeated() == 1);
    CHECK_FALSE(b.data.take("_lossy", Bytes{0xFF, 0xFF}).has_value());
    CHECK(b.data.unreadable() == 1);
    // Not a packet of protobuf.
    const auto frame = b.data.take("_data_track", Bytes{0xFF, 0xFF});
    REQUIRE(frame.has_value());
    CHECK(std::get<DataTrackArrived>(*frame).packet.size() == 2);
    CHECK(b.data.unreadable() == 1);
    livekit::SyncState state;
    b.data.describe(state);
    REQUIRE(state.datachannel_receive_states_size() == 1);
    CHECK(state.datachannel_receive_states(0).last_seq() == 1);
}

TEST_CASE("SessionData: without a WebSocket data tracks go with the next, once [SIG-125]") {
    Bench b;
    b.link.closed();
    b.data.publish_track(1, "a");
    b.data.publish_track(2, "b");
    b.data.unpublish_track(2);
    b.data.subscribe({"DTR_x"}, true);
    b.link.opened(Parts::kNow);
    b.data.renew();
    b.link.release();
    const auto requests = b.requests();
    REQUIRE(requests.size() == 3);
    CHECK(requests[0].unpublish_data_track_request().pub_handle() == 2);
    CHECK(requests[1].publish_data_track_request().name() == "a");
    CHECK(requests[2].update_data_subscription().updates(0).track_sid() == "DTR_x");
}

}  // namespace confab::client
