// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/negotiate/negotiation_timer.h"

#include "base/check.h"

namespace confab::room {

void NegotiationTimer::request(Timestamp now, bool force) {
    if (force) {
        due_ = now;
        return;
    }
    if (!due_.is_never() && !alone_) return;
    const bool quiet = !ever_ || now - last_ > kBusyDelay;
    due_ = earlier(due_, now + (quiet ? kQuietDelay : kBusyDelay));
    alone_ = false;
}

void NegotiationTimer::request_after(Timestamp now, Duration delay, bool alone) {
    if (!due_.is_never()) return;
    due_ = now + delay;
    alone_ = alone;
}

std::uint32_t NegotiationTimer::start_offer(Timestamp now) {
    // RFC 3264 §4: no second offer before the first is answered; due() is false until then.
    (void)CONFAB_BUG_IF(outstanding_, "offer_outstanding");
    started(now);
    sent_ = now;
    outstanding_ = true;
    return ++id_;
}

void NegotiationTimer::start_requirement(Timestamp now) {
    repeats_ = repeat_at_ <= now ? repeats_ + 1 : 0;
    repeat_at_ = repeats_ < kRequirementRepeats ? now + kRequirementTimeout * (1 << repeats_)
                                                : Timestamp::never();
    started(now);
}

void NegotiationTimer::settle() {
    due_ = repeat_at_ = Timestamp::never();
    alone_ = false;
}

void NegotiationTimer::started(Timestamp now) {
    due_ = Timestamp::never();
    alone_ = false;
    last_ = now;
    ever_ = true;
}

void NegotiationTimer::answered(Timestamp now) {
    outstanding_ = false;
    if (!due_.is_never()) due_ = earlier(due_, now);
}

Timestamp NegotiationTimer::next_deadline(bool connected) const {
    if (!outstanding_) return earlier(due_, repeat_at_);
    return connected ? sent_ + kAnswerTimeout : Timestamp::never();
}

}  // namespace confab::room
