// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How a session ends: what its client is told in the leave, if it gets one, and what others are
// told as the reason (01 §3.12).
#pragma once

#include "livekit_models.pb.h"
#include "livekit_rtc.pb.h"

namespace confab::room {

struct Ending {
    livekit::DisconnectReason reason = livekit::UNKNOWN_REASON;
    bool with_leave = true;  // else the connection is only closed
    livekit::LeaveRequest::Action action = livekit::LeaveRequest::DISCONNECT;

    static Ending silent(livekit::DisconnectReason reason) { return {reason, false}; }
    // The client comes back at once as a new session (SIG-147).
    static Ending full_reconnect() {
        return {livekit::STATE_MISMATCH, true, livekit::LeaveRequest::RECONNECT};
    }
};

}  // namespace confab::room
