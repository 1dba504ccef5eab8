// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The client of a session that is not at the other end of a WebSocket of this thread: it speaks
// another protocol which this translates (WHIP), or its WebSocket is at another node. It is called
// while effects are carried out, so that it may note what it wants of the session, and not ask for
// it.
#pragma once

#include "livekit_rtc.pb.h"
#include "room/scope/types.h"

namespace confab::control {

class SignalSink {
  public:
    virtual ~SignalSink() = default;  // the session is over

    // The first message.
    virtual void handle_join(const room::SendJoin& join) = 0;
    virtual void handle_signal(const livekit::SignalResponse& response) = 0;
    // In place of the first message; the session is over then.
    virtual void handle_refusal(const room::RefuseSession& refusal) = 0;
    // It has asked for more than its share (RequestBudget): not to be asked for anything before.
    virtual void hold_reading(Timestamp) {}
};

}  // namespace confab::control
