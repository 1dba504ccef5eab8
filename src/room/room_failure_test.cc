// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What throws inside a room ends that room and no other (07 ERR-04).
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>

#include "room/test_support.h"

namespace confab::room {
namespace {

using namespace testing;
using R = livekit::SignalResponse;

}  // namespace

TEST_CASE("RoomManager: an exception in a room's timer ends that room, not the others [ERR-04]") {
    const auto broken = std::make_shared<bool>(false);
    Config config = test_config();
    config.mint_token = [broken](const token::Grants& grants) -> std::string {
        if (*broken && grants.identity == "alice") throw std::runtime_error("injected");
        return "token";
    };
    Harness h(std::move(config));
    const SessionId alice = h.join_active("bad", "alice");
    const SessionId carol = h.join_active("bad", "carol");
    const SessionId bob = h.join_active("good", "bob");
    const std::size_t tokens = h.count(bob, R::kRefreshToken);
    *broken = true;
    h.advance(Duration::seconds(301));  // the next refresh
    CHECK_FALSE(h.manager.has_room("bad"));
    for (const SessionId session : {alice, carol}) {
        CHECK(h.of(session, R::kLeave)[0].leave().action() == livekit::LeaveRequest::RECONNECT);
        CHECK(h.closed.contains(session));
    }
    const auto failures = h.manager.take_failures();
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].room == "bad");
    CHECK(failures[0].what == "injected");
    CHECK(h.manager.has_room("good"));
    CHECK(h.count(bob, R::kRefreshToken) == tokens + 1);
    CHECK_FALSE(h.closed.contains(bob));
    *broken = false;
    CHECK_FALSE(h.refused.contains(h.join(test_join("bad", "alice"))));  // a new room
}

}  // namespace confab::room
