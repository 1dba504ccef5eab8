// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/rooms/room_lock.h"

#include <utility>

#include "cluster/store/keys.h"
#include "cluster/store/scripts.h"
#include "token/ids.h"

namespace confab::cluster::store {

RoomLock::RoomLock(redis::Port& port, Notices& notices, Rng& rng, std::string_view room,
                   Duration duration)
    : rng_(rng),
      key_(keys::room_lock(room)),
      seconds_(std::to_string(duration.ms() / 1000)),
      duration_(duration),
      commands_(port, notices) {}

void RoomLock::acquire(Timestamp now, Done done) {
    token_ = token::make_id("LOCK", rng_);
    done_ = std::move(done);
    give_up_ = now + duration_;
    state_ = State::kWaiting;
    next_ = now;
    if (commands_.is_up()) ask(now);
}

void RoomLock::ask(Timestamp now) {
    state_ = State::kAsking;
    // Given by a reply that was lost: that would keep us out too.
    if (std::exchange(unsure_, false)) send_release(now);
    commands_.send(now, {"SET", key_, token_, "EX", seconds_, "NX"},
                   [this, now](Timestamp at, const Answer& answer) { answered(at, now, answer); });
}

void RoomLock::answered(Timestamp now, Timestamp asked, const Answer& answer) {
    if (state_ != State::kAsking) return;  // given up, and released, meanwhile
    if (answer && answer->kind == redis::Value::Kind::kText) {
        until_ = asked + duration_;
        if (now >= until_) return give_up(now);
        state_ = State::kHeld;
        return std::exchange(done_, {})(now, {});
    }
    if (!answer && answer.error().code == Failure::Code::kRefused)
        return end(now, fail(answer.error()));
    unsure_ = !answer;
    why_ =
        answer ? Failure{Failure::Code::kBusy, key_ + " is held by somebody else"} : answer.error();
    state_ = State::kWaiting;
    next_ = now + kPoll;
}

void RoomLock::give_up(Timestamp now) {
    if (unsure_ || state_ != State::kWaiting) send_release(now);
    end(now,
        fail(why_.text.empty() ? Failure{Failure::Code::kUnavailable, "no reply of Redis"} : why_));
}

void RoomLock::end(Timestamp now, Result<void, Failure> result) {
    state_ = State::kOver;
    std::exchange(done_, {})(now, std::move(result));
}

void RoomLock::release(Timestamp now) {
    if (state_ == State::kAsking || state_ == State::kHeld || unsure_) send_release(now);
    state_ = State::kOver;
    done_ = {};
}

void RoomLock::send_release(Timestamp now) {
    commands_.eval(now, scripts::kReleaseLock, {key_}, {token_},
                   [this, held = state_ == State::kHeld](Timestamp at, const Answer& answer) {
                       if (held && answer && answer->integer == 0) lost(at);
                   });
}

void RoomLock::lost(Timestamp now) {
    commands_.notices().tell(
        now, {Notice::Kind::kLockLost, key_, "", key_ + " ended before what it guarded was done"});
}

void RoomLock::handle_timeout(Timestamp now) {
    const bool trying = state_ == State::kAsking || state_ == State::kWaiting;
    if (trying && now >= give_up_) return give_up(now);
    if (state_ == State::kWaiting && now >= next_) {
        next_ = now + kPoll;
        if (commands_.is_up()) ask(now);
    }
    if (state_ == State::kHeld && now >= until_) {
        state_ = State::kOver;
        lost(now);
    }
}

Timestamp RoomLock::next_deadline() const {
    switch (state_) {
        case State::kAsking:
            return give_up_;
        case State::kWaiting:
            return earlier(give_up_, next_);
        case State::kHeld:
            return until_;
        default:
            return Timestamp::never();
    }
}

}  // namespace confab::cluster::store
