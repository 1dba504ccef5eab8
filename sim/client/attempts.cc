// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/client/attempts.h"

#include <array>
#include <utility>

namespace confab::sim {
namespace {

constexpr std::array<std::int64_t, 10> kPausesMs{0,    300,  1200, 2700, 4800,
                                                 7000, 7000, 7000, 7000, 7000};

}  // namespace

void Attempts::opened() {
    phase_ = Phase::kIn;
    was_in_ = true;
}

void Attempts::joined(Timestamp now, bool resumed) {
    give_up_at_ = now + kPeerTimeout;
    ++(resumed ? resumes_ : joins_);
}

bool Attempts::lost(Timestamp now, bool wants_join) {
    join_next_ = join_next_ || wants_join;
    if (phase_ == Phase::kGone || phase_ == Phase::kWaiting) return false;
    join_next_ = join_next_ || !was_in_;
    give_up_at_ = Timestamp::never();
    if (attempts_ >= kPausesMs.size()) {
        phase_ = Phase::kGone;
    } else {
        phase_ = Phase::kWaiting;
        retry_at_ = now + Duration::millis(kPausesMs[attempts_++]);
    }
    return true;
}

Attempts::Next Attempts::handle_timeout(Timestamp now) {
    if (now < retry_at_) return Next::kNothing;
    retry_at_ = Timestamp::never();
    if (phase_ != Phase::kWaiting) return Next::kNothing;
    phase_ = Phase::kOpening;
    if (!std::exchange(join_next_, false)) return Next::kResume;
    was_in_ = false;
    return Next::kJoin;
}

bool Attempts::gives_up(Timestamp now, bool connections_up) {
    if (give_up_at_.is_never() || phase_ != Phase::kIn) return false;
    if (!connections_up) return now >= give_up_at_;
    give_up_at_ = Timestamp::never();
    attempts_ = 0;
    return false;
}

Timestamp Attempts::next_deadline() const {
    return phase_ == Phase::kIn ? earlier(retry_at_, give_up_at_) : retry_at_;
}

}  // namespace confab::sim
