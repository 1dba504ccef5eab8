// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/ice/selection.h"

#include <algorithm>

#include "base/check.h"

namespace confab::ice {

Selection::Selection(const AgentConfig& config)
    : timers_(config.timers),
      checking_limit_(config.timers.checking_limit),
      upgrade_window_(config.upgrade_window),
      lite_(config.lite) {}

void Selection::begin_generation() {
    pair_ = 0;
    nomination_ = 0;
    checks_started_ = Timestamp::never();
    if (state_ != State::kNew) change_state(State::kChecking);
}

void Selection::start_checks(Timestamp now) {
    checks_started_ = now;
    // A lite agent may have been nominated already, by checks that overtook the answer.
    if (pair_ == 0) change_state(State::kChecking);
}

void Selection::select(Timestamp now, const Pair& pair) {
    CONFAB_DCHECK(pair.id != 0);
    CONFAB_DCHECK(pair.is_valid());  // 08 IMM-1: nothing is sent to whom STUN has not shown
    const bool is_news = state_ != State::kConnected || !is_on(pair.path);
    path_ = pair.path;
    pair_ = pair.id;
    schedule_keepalive(now + timers_.keepalive);
    forget_rival();
    last_consent_ = std::max(last_consent_, now);
    last_heard_ = std::max(last_heard_, now);
    if (!is_news) return;
    emit(Selected{pair.path});
    change_state(State::kConnected);
}

void Selection::close_path() {
    path_.reset();
    pair_ = 0;
    keepalive_at_ = Timestamp::never();
}

// ---------------------------------------------------------------- supervision

void Selection::heard(Timestamp now) {
    forget_rival();
    last_heard_ = std::max(last_heard_, now);
    if (state_ == State::kDisconnected && path_) change_state(State::kConnected);
}

void Selection::consented(Timestamp now) {
    heard(now);
    last_consent_ = std::max(last_consent_, now);
}

// A peer takes seconds to leave an old path that was good until now (keeps_old_path); if there is
// one it has the time for that.
Timestamp Selection::checking_ends() const {
    const Timestamp limit = checks_started_ + checking_limit_;
    const Duration grace = timers_.previous_path_grace;
    return path_ ? std::clamp(last_heard_ + grace, limit, limit + grace) : limit;
}

Timestamp Selection::fail_at() const {
    const Timestamp lost = earlier(silent_at() + timers_.failed_after_disconnected,
                                   last_consent_ + timers_.consent_expiry);
    switch (state_) {
        case State::kChecking:
            // A restart that waits for the answer lives as long as the old path does.
            if (checks_started_.is_never()) return path_ ? lost : Timestamp::never();
            return checking_ends();
        case State::kConnected:
        case State::kDisconnected:
            return lost;
        case State::kNew:
        case State::kFailed:
            break;
    }
    return Timestamp::never();
}

// A late call passes through both states, so that the driver always sees them in order.
void Selection::handle_timeout(Timestamp now) {
    if (state_ == State::kConnected && now >= silent_at()) change_state(State::kDisconnected);
    if (now >= fail_at()) fail();
}

Timestamp Selection::next_deadline() const {
    const Timestamp state =
        state_ == State::kConnected ? earlier(silent_at(), fail_at()) : fail_at();
    return earlier(state, earlier(rival_wins_at_, keepalive_at_));
}

void Selection::fail() {
    change_state(State::kFailed);
    close_path();
    forget_rival();
    nomination_ = 0;
    last_heard_ = Timestamp();
    last_consent_ = Timestamp();
}

bool Selection::keeps_old_path(const CheckList& list, bool tcp_only, Timestamp now) const {
    if (pair_ != 0 || !path_) return false;
    if (checks_started_.is_never()) return true;
    if (tcp_only && path_->protocol != Protocol::kTcp) return false;
    const auto works = [this](const Pair& pair) {
        return lite_ ? pair.is_valid() : pair.state == PairState::kSucceeded;
    };
    return is_in_upgrade_window(now) ||
           std::none_of(list.pairs().begin(), list.pairs().end(), works);
}

// ---------------------------------------------------------------- keepalive and rival

// Consent (RFC 7675) and keepalive in one.
void Selection::schedule_keepalive(Timestamp when) {
    if (!lite_) keepalive_at_ = when;
}

bool Selection::take_keepalive(Timestamp now) {
    if (now < keepalive_at_) return false;
    schedule_keepalive(now + timers_.keepalive);
    return true;
}

void Selection::keepalive_answered(Timestamp now, Timestamp sent) {
    if (keepalive_at_ > now && !keepalive_at_.is_never())
        keepalive_at_ = std::max(keepalive_at_, sent + timers_.keepalive_answered);
}

bool Selection::note_rival(Timestamp now, const Pair& pair) {
    if (pair_ == 0 || pair.id == pair_) return false;
    if (rival_ == 0) {
        rival_wins_at_ = std::max(last_heard_ + timers_.moved_after, now + timers_.answer_wait);
        schedule_keepalive(now);
    }
    rival_ = pair.id;  // the latest
    return true;
}

void Selection::note_moved(Timestamp now, const Pair& pair) {
    CONFAB_DCHECK(pair.is_valid());
    if (pair_ == 0 || pair.id == pair_) return;
    const bool is_due = rival_ != 0 && rival_wins_at_.is_never();
    if (rival_ == 0) schedule_keepalive(now);
    if (!is_due) {
        const Timestamp at = std::max(last_heard_ + timers_.moved_by_media, now);
        rival_wins_at_ = rival_ == 0 ? at : earlier(rival_wins_at_, at);
    }
    rival_ = pair.id;
}

std::uint32_t Selection::due_rival(Timestamp now) {
    if (now >= rival_wins_at_) rival_wins_at_ = Timestamp::never();
    return rival_wins_at_.is_never() ? rival_ : 0;
}

void Selection::forget_rival() {
    rival_ = 0;
    rival_wins_at_ = Timestamp::never();
}

// ---------------------------------------------------------------- output

void Selection::change_state(State state) {
    if (state_ == state) return;
    CONFAB_DCHECK(state != State::kConnected || path_.has_value());
    state_ = state;
    emit(StateChanged{state});
}

void Selection::emit(const Event& event) {
    if (!events_.push(event)) ++events_dropped_;
}

}  // namespace confab::ice
