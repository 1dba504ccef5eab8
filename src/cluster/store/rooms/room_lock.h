// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The lock under which a room is made (RDS-05): one text key with a token of its holder, which ends
// by itself.
#pragma once

#include <cstdint>
#include <string>

#include "base/callback.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/time.h"
#include "cluster/store/commands.h"
#include "redis/port.h"

namespace confab::cluster::store {

class RoomLock {
  public:
    static constexpr Duration kUsual = Duration::seconds(5);
    static constexpr Duration kPoll = Duration::millis(100);
    using Done = Callback<Timestamp, Result<void, Failure>>;

    // For one taking. `duration`: whole seconds, of the lock and of trying to have it. Port and
    // notices outlive it; with its end a lock that is held ends by itself. `rng` makes the token
    // that tells holders apart: seeded differently at each node.
    RoomLock(redis::Port& port, Notices& notices, Rng& rng, std::string_view room,
             Duration duration = kUsual);

    // `done` once, from a later turn: the lock is held; kBusy, somebody else had it all the time;
    // kUnavailable, no reply came in that time; kRefused at once.
    void acquire(Timestamp now, Done done);
    // Whether it is held for sure: counted from before Redis was asked.
    bool is_held(Timestamp now) const { return state_ == State::kHeld && now < until_; }
    // Deletes it, if it still is this one's (also when that is not known). Nobody waits for it.
    void release(Timestamp now);

    // A lock that ends before release() is told as Notice kLockLost.
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;

  private:
    enum class State : std::uint8_t { kIdle, kAsking, kWaiting, kHeld, kOver };

    void ask(Timestamp now);
    void answered(Timestamp now, Timestamp asked, const Answer& answer);
    void give_up(Timestamp now);
    void end(Timestamp now, Result<void, Failure> result);
    void send_release(Timestamp now);
    void lost(Timestamp now);

    Rng& rng_;
    std::string key_;
    std::string token_;
    std::string seconds_;
    Duration duration_;
    State state_ = State::kIdle;
    bool unsure_ = false;  // a reply was lost: Redis may have given it
    Timestamp give_up_;
    Timestamp next_;  // asked again, or
    Timestamp until_;
    Failure why_;
    Done done_;
    Commands commands_;
};

}  // namespace confab::cluster::store
