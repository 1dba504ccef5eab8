// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// When a client tries again: after the pauses of livekit-client (DefaultReconnectPolicy, 01
// CON-46), by a resume or by a join, until it gives up. Pure; the client does what it says.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace confab::sim {

class Attempts {
  public:
    // After which a session whose connections do not come up is not waited for any longer.
    static constexpr Duration kPeerTimeout = Duration::seconds(15);

    enum class Phase : std::uint8_t {
        kOpening,  // a WebSocket is being opened
        kIn,
        kWaiting,  // for the next attempt
        kGone,     // the server ended it, or it gave up
    };
    enum class Next : std::uint8_t { kNothing, kResume, kJoin };

    Phase phase() const { return phase_; }
    // The server has answered over the WebSocket.
    void opened();
    // The session is there, and its connections are to come up.
    void joined(Timestamp now, bool resumed);
    // The WebSocket or the session is lost. False when it does not matter any more: it waits for
    // the next attempt, which is a join if one is wanted, or is gone.
    bool lost(Timestamp now, bool wants_join);
    // It stays away.
    void end() { phase_ = Phase::kGone; }

    // What is to be opened now.
    Next handle_timeout(Timestamp now);
    // True when the connections took too long. Once they are up the attempts are forgotten.
    bool gives_up(Timestamp now, bool connections_up);
    Timestamp next_deadline() const;

    std::uint64_t resumes() const { return resumes_; }
    std::uint64_t joins() const { return joins_; }

  private:
    Phase phase_ = Phase::kOpening;
    bool join_next_ = false;
    bool was_in_ = false;  // there is something to resume
    std::size_t attempts_ = 0;
    Timestamp retry_at_ = Timestamp::never();
    Timestamp give_up_at_ = Timestamp::never();  // on connections
    std::uint64_t resumes_ = 0;
    std::uint64_t joins_ = 0;
};

}  // namespace confab::sim
