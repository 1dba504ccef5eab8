// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whether one participant is still there: how long it may take to become active, to come back after
// its connection failed, and to bring its media back (01 SIG-145, SIG-148).
//   joined → active → (link failed) away → (resumed) recovering → (media is back) active
// A resume is no proof of life: who lost its media has kMaxWithoutMedia, however often it resumes;
// then it is to connect anew.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace confab::room {

class Presence {
  public:
    static constexpr Duration kJoinTimeout = Duration::seconds(60);    // SIG-148
    static constexpr Duration kResumeWindow = Duration::seconds(5);    // SIG-145
    static constexpr Duration kRecoverWindow = Duration::seconds(20);  // for ICE and DTLS
    static constexpr Duration kMaxWithoutMedia = Duration::seconds(60);
    static constexpr Duration kSignalAlive = Duration::seconds(15);

    explicit Presence(Timestamp now)
        : joined_at_(now), alive_at_(now), heard_at_(now), join_deadline_(now + kJoinTimeout) {}

    // It said something over its signalling connection.
    void heard(Timestamp now);
    // That was a ping, of `client_ms` on the client's clock. What an outage held back arrives late:
    // by its pings a client was heard when it sent them, which the fastest of them tells.
    void pinged(Timestamp now, std::int64_t client_ms);
    bool heard_lately(Timestamp now) const { return now - alive_at_ < kSignalAlive; }
    Duration since_join(Timestamp now) const { return now - joined_at_; }
    void activated() { join_deadline_ = Timestamp::never(); }
    // There is a new signalling connection; when something was last heard over an earlier one. What
    // was told to a resume that has said nothing since may never have arrived.
    Timestamp resumed(Timestamp now);
    // A connection gave up; `media_lost`: the primary one is down.
    void link_failed(Timestamp now, bool media_lost);
    // Without signalling, what is left of the time for a resume goes on.
    void media_returned(bool signalled);

    enum class End : std::uint8_t { kNone, kNeverActive, kNotBack };
    End due(Timestamp now) const;
    Timestamp next_deadline() const { return earlier(join_deadline_, resume_deadline_); }

  private:
    Timestamp joined_at_;
    Timestamp alive_at_;  // it said something, or has resumed
    Timestamp heard_at_;
    std::optional<std::int64_t> clock_offset_ms_;  // from the client's clock to ours
    Timestamp join_deadline_;
    Timestamp resume_deadline_ = Timestamp::never();
    Timestamp media_lost_at_ = Timestamp::never();
};

// Failures of its next resume that a client asked for, to test itself (SIG-175).
class SimulatedDrops {
  public:
    static constexpr Duration kWindow = Duration::seconds(5);

    enum When : std::uint8_t { kBeforeMessages, kAfterMessages };
    void arm(Timestamp now, When when);
    // Once, within the window.
    bool take(Timestamp now, When when);

  private:
    Timestamp until_;
    std::array<bool, 2> armed_{};
};

}  // namespace confab::room
