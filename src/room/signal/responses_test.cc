// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/signal/responses.h"

#include <doctest/doctest.h>

namespace confab::room {

TEST_CASE("Responses: leave for old and new clients [SIG-65] [SIG-152]") {
    ClientGates gates;
    const auto now =
        leave_message(gates, livekit::STATE_MISMATCH, livekit::LeaveRequest::RECONNECT);
    CHECK(now.leave().action() == livekit::LeaveRequest::RECONNECT);
    CHECK_FALSE(now.leave().can_reconnect());
    gates.leave_action = false;
    const auto old =
        leave_message(gates, livekit::STATE_MISMATCH, livekit::LeaveRequest::RECONNECT);
    CHECK(old.leave().can_reconnect());
    CHECK(old.leave().action() == livekit::LeaveRequest::DISCONNECT);
}

}  // namespace confab::room
