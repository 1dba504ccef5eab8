// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The client of a session that is not at the other end of a WebSocket, but speaks another protocol
// which this translates (WHIP). It is called while effects are carried out, so that it may note
// what it wants of the session, and not ask for it.
#pragma once

#include "livekit_rtc.pb.h"
#include "room/scope/types.h"

namespace confab::control {

class SignalSink {
  public:
    virtual ~SignalSink() = default;  // the session is over

    // The first message; of the others in the room nothing is told.
    virtual void handle_join(const livekit::JoinResponse& join) = 0;
    virtual void handle_signal(const livekit::SignalResponse& response) = 0;
    // In place of the first message; the session is over then.
    virtual void handle_refusal(const room::RefuseSession& refusal) = 0;
};

}  // namespace confab::control
