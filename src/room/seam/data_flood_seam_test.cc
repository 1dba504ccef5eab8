// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a flood of data costs those who do not get it: data goes from shard to shard, and the thread
// of the rooms, which answers everybody's requests, hears next to nothing of it.
#include <doctest/doctest.h>

#include "room/seam/data_seam_testing.h"

namespace confab::room {
namespace {

using testing::DataRooms;
using testing::test_config;
using testing::test_join;
using testing::user_packet;
using R = livekit::SignalResponse;

constexpr std::uint32_t kMessages = 3'000;
constexpr std::uint32_t kMessagesPerRequest = 100;

void update_own_metadata(DataRooms& d, SessionId session, std::uint32_t id) {
    livekit::SignalRequest request;
    request.mutable_update_metadata()->set_metadata("m" + std::to_string(id));
    request.mutable_update_metadata()->set_request_id(id);
    d.h.send(session, request);
}

}  // namespace

TEST_CASE("Data: a flood in one room delays no request in another [SIG-48] [IMM-15]") {
    for (const std::size_t workers : {1U, 2U}) {
        CAPTURE(workers);
        Config config = test_config(workers);
        config.participants_per_worker = 1;
        DataRooms d(std::move(config));
        (void)d.h.join_active("flooded", "alice");
        (void)d.h.join_active("flooded", "bob");
        JoinParams params = test_join("quiet", "carol");
        params.grants.video->can_update_own_metadata = true;
        const SessionId carol = d.h.join(params);
        d.turn();
        const sfu::PeerId alice = d.peer(0);
        const std::size_t commands = d.h.commands.size();
        const std::size_t effects = d.h.effects;
        std::size_t received = 0;
        std::uint32_t requests = 0;
        const std::string text(1'000, 'x');
        for (std::uint32_t i = 1; i <= kMessages; ++i) {
            received += d.receive(alice, user_packet(text, i)).size();
            d.h.advance(Duration::millis(1));
            if (i % kMessagesPerRequest != 0) continue;
            update_own_metadata(d, carol, ++requests);
            // Each at once, whatever else is under way.
            REQUIRE(d.h.count(carol, R::kRequestResponse) == requests);
            const auto answer = d.h.of(carol, R::kRequestResponse).back().request_response();
            CHECK(answer.request_id() == requests);
            CHECK(answer.reason() == livekit::RequestResponse::OK);
        }
        CHECK(received == kMessages);
        CHECK(d.events_told < 100);
        // Those of the requests, nothing for the messages.
        CHECK(d.h.commands.size() == commands);
        CHECK(d.h.effects - effects < 10 * requests);
    }
}

}  // namespace confab::room
