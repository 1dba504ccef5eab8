// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the agent does by itself: checks, keepalives, nomination, supervision (02 ICE-04, ICE-06).
#include <algorithm>

#include "base/check.h"
#include "rtc/ice/agent.h"

namespace confab::ice {

void Agent::handle_timeout(Timestamp now) {
    if (previous_ && now >= previous_->expires_at) previous_.reset();
    update_state(now);
    follow_rival(now);
    run_checks(now);
    nominate(now);
    send_keepalive(now);
    transactions_.expire(now - config_.timers.transaction_lifetime);
}

Timestamp Agent::next_deadline() const {
    Timestamp next = fail_deadline();
    if (previous_) next = earlier(next, previous_->expires_at);
    if (state_ == State::kConnected)
        next = earlier(next, selection_.last_heard + config_.timers.disconnected_after);
    next = earlier(next, selection_.rival_wins_at);
    if (!is_running()) return earlier(next, selection_.keepalive_at);
    for (const Pair& pair : list_.pairs())
        next = earlier(next, pair.next_check);
    return earlier(next, earlier(nominate_at_, selection_.keepalive_at));
}

// ---------------------------------------------------------------- checks

void Agent::run_checks(Timestamp now) {
    if (!is_running()) return;
    for (Pair& pair : list_.pairs())
        if (pair.next_check <= now) send_check(now, pair);
}

void Agent::send_check(Timestamp now, Pair& pair) {
    const Timers& timers = config_.timers;
    if (pair.state != PairState::kFailed && pair.unanswered >= timers.requests_per_pair) {
        pair.state = PairState::kFailed;
        pair.nominating = false;
        pair.next_check = now + timers.slow_check_interval;
        return;
    }
    const bool has_failed = pair.state == PairState::kFailed;
    if (has_failed && is_selection_live()) {
        pair.next_check = Timestamp::never();
        return;
    }
    if (!has_failed) {
        ++pair.unanswered;
        if (pair.state != PairState::kSucceeded) pair.state = PairState::kInProgress;
    }
    pair.last_check = now;
    pair.next_check = now + (has_failed ? timers.slow_check_interval : timers.check_interval);
    send_request(now, pair.path, credentials_, &pair);
}

// Without a pair: on the path of the generation before, with its credentials.
void Agent::send_request(Timestamp now, const Path& path, const CredentialPair& credentials,
                         const Pair* pair) {
    Transaction transaction;
    rng_.fill(transaction.id);
    transaction.path = path;
    transaction.pair = pair != nullptr ? pair->id : 0;
    transaction.sent = now;
    transaction.role = role_;
    // Once the peer has confirmed the nomination it is not repeated (RFC 8445 §8.1.1).
    transaction.use_candidate = pair != nullptr && pair->nominating;
    transactions_.add(transaction);

    CheckRequest request;
    request.id = transaction.id;
    request.priority = reflexive_priority(
        path.protocol, pair != nullptr ? pair->local_priority
                                       : host_priority(path.protocol, wire::TcpType::kPassive));
    request.role = role_;
    request.tie_breaker = tie_breaker_;
    request.use_candidate = transaction.use_candidate;
    ++counters_.requests_sent;
    send(path, build_check(request, credentials));
}

// RFC 8445 §7.3.1.4: a check of the peer causes one of ours in the other direction.
void Agent::trigger_check(Timestamp now, Pair& pair) {
    if (pair.state == PairState::kFailed) pair.start_over(Timestamp::never());
    pair.check_at(std::max(now, pair.last_check + config_.timers.min_check_spacing));
    run_checks(now);
}

// The selected path is silent or gone: look for any other.
void Agent::recheck_all(Timestamp now) {
    if (!is_running()) return;
    for (Pair& pair : list_.pairs()) {
        pair.nominating = false;
        pair.start_over(now);
    }
    run_checks(now);
}

// Consent (RFC 7675) and keepalive in one: a request every 2 s on the selected path.
void Agent::send_keepalive(Timestamp now) {
    if (now < selection_.keepalive_at) return;
    selection_.keepalive_at = now + config_.timers.keepalive;
    if (const Pair* pair = list_.find(selection_.pair))
        send_request(now, pair->path, credentials_, pair);
    else if (previous_ && previous_->credentials.has_remote())
        send_request(now, previous_->path, previous_->credentials, nullptr);
}

// ---------------------------------------------------------------- nomination

bool Agent::is_selection_live() const {
    return selection_.pair != 0 && state_ == State::kConnected;
}

bool Agent::is_in_upgrade_window(Timestamp now) const {
    return now <= started_ + config_.upgrade_window;
}

Timestamp Agent::acceptance_time(const Pair& pair) const {
    const AcceptanceWaits& waits = config_.acceptance_waits;
    Duration wait = waits.of(pair.remote_type);
    // Had its check come before the signalled candidate, the remote would be peer-reflexive.
    if (pair.remote_type == CandidateType::kServerReflexive && pair.check_received)
        wait = std::min(wait, waits.peer_reflexive);
    return started_ + std::max(wait, waits.host);
}

// Controlling: asks for the best pair whose waiting time is over, as soon as it is known to work.
void Agent::nominate(Timestamp now) {
    nominate_at_ = Timestamp::never();
    if (role_ != Role::kControlling || !is_running()) return;
    if (is_selection_live() && !is_in_upgrade_window(now)) return;

    std::uint64_t floor = 0;
    Pair* current = nullptr;
    for (Pair& pair : list_.pairs()) {
        const bool counts = pair.nominating || (pair.id == selection_.pair && is_selection_live());
        if (counts) floor = std::max(floor, pair.priority);
        if (pair.nominating) current = &pair;
    }
    Pair* best = nullptr;
    for (Pair& pair : list_.pairs()) {
        if (pair.state != PairState::kSucceeded || pair.priority <= floor) continue;
        const Timestamp acceptance = acceptance_time(pair);
        if (acceptance > now)
            nominate_at_ = earlier(nominate_at_, acceptance);
        else if (best == nullptr || pair.priority > best->priority)
            best = &pair;
    }
    if (best == nullptr) return;
    CONFAB_DCHECK(best != current);
    if (current != nullptr) current->nominating = false;
    best->nominating = true;
    best->unanswered = 0;
    send_check(now, *best);
}

// Controlled: the latest nomination wins. In the first two seconds a peer may nominate everything
// that works (Chromium 120 does until it has made its choice); then the higher priority stays.
void Agent::follow_nomination(Timestamp now, Pair& pair) {
    if (role_ != Role::kControlled || pair.nomination <= selection_.nomination) return;
    const Pair* selected = list_.find(selection_.pair);
    if (selected != nullptr && is_selection_live() && is_in_upgrade_window(now) &&
        pair.priority < selected->priority)
        return;
    selection_.nomination = pair.nomination;
    select(now, pair);
}

void Agent::select(Timestamp now, Pair& pair) {
    CONFAB_DCHECK(list_.find(pair.id) == &pair);
    CONFAB_DCHECK(pair.is_valid());  // 08 IMM-1: nothing is sent to whom STUN has not shown
    const bool is_news = state_ != State::kConnected || selection_.path != pair.path;
    selection_.path = pair.path;
    selection_.pair = pair.id;
    selection_.keepalive_at = config_.lite ? Timestamp::never() : now + config_.timers.keepalive;
    forget_rival();
    if (previous_)
        previous_->expires_at =
            earlier(previous_->expires_at, now + config_.timers.previous_path_grace);
    for (Pair& other : list_.pairs()) {
        const bool may_improve = is_in_upgrade_window(now) && other.priority > pair.priority;
        const bool is_awaited = other.nomination > pair.nomination;
        if (other.id == pair.id || !(may_improve || is_awaited)) {
            other.next_check = Timestamp::never();
            other.nominating = false;
        }
    }
    consented(now);
    if (!is_news) return;
    emit(Selected{pair.path});
    change_state(State::kConnected);
}

// The peer checks a pair that is not the selected one: either it looks after its alternatives, or
// its address has changed and nothing comes over the selected pair any more. We ask there at once.
void Agent::note_rival(Timestamp now, const Pair& pair) {
    if (selection_.pair == 0 || pair.id == selection_.pair) return;
    if (selection_.rival == 0) {
        selection_.rival_wins_at = std::max(selection_.last_heard + config_.timers.moved_after,
                                            now + config_.timers.answer_wait);
        if (!config_.lite) selection_.keepalive_at = now;
    }
    selection_.rival = pair.id;  // the latest
    send_keepalive(now);
}

void Agent::follow_rival(Timestamp now) {
    if (selection_.rival == 0) return;
    if (now >= selection_.rival_wins_at) selection_.rival_wins_at = Timestamp::never();
    if (!selection_.rival_wins_at.is_never()) return;
    Pair* pair = list_.find(selection_.rival);
    if (pair == nullptr || selection_.pair == 0) return forget_rival();
    // Else its first answer decides.
    if (!config_.lite && pair->state != PairState::kSucceeded) return;
    forget_rival();
    if (role_ == Role::kControlled) return select(now, *pair);
    pair->nominating = true;
    pair->unanswered = 0;
    send_check(now, *pair);
}

void Agent::forget_rival() {
    selection_.rival = 0;
    selection_.rival_wins_at = Timestamp::never();
}

// ---------------------------------------------------------------- supervision

void Agent::heard(Timestamp now) {
    forget_rival();
    selection_.last_heard = std::max(selection_.last_heard, now);
    if (state_ == State::kDisconnected && selection_.path) change_state(State::kConnected);
}

void Agent::consented(Timestamp now) {
    forget_rival();
    selection_.last_consent = std::max(selection_.last_consent, now);
    selection_.last_heard = std::max(selection_.last_heard, now);
}

Timestamp Agent::fail_deadline() const {
    const Timers& timers = config_.timers;
    const Timestamp silent = earlier(
        selection_.last_heard + timers.disconnected_after + timers.failed_after_disconnected,
        selection_.last_consent + timers.consent_expiry);
    switch (state_) {
        case State::kChecking:
            // A restart that waits for the answer lives as long as the old path does.
            if (started_.is_never()) return selection_.path ? silent : Timestamp::never();
            return started_ + timers.checking_limit;
        case State::kConnected:
        case State::kDisconnected:
            return silent;
        case State::kNew:
        case State::kFailed:
            break;
    }
    return Timestamp::never();
}

void Agent::update_state(Timestamp now) {
    // A late call passes through both states, so that the driver always sees them in order.
    if (state_ == State::kConnected &&
        now >= selection_.last_heard + config_.timers.disconnected_after) {
        change_state(State::kDisconnected);
        if (now < fail_deadline()) recheck_all(now);
    }
    if (now >= fail_deadline()) give_up();
}

void Agent::give_up() {
    change_state(State::kFailed);
    selection_ = Selection{};
    previous_.reset();
    list_.clear();
    transactions_.clear();
    nominate_at_ = Timestamp::never();
}

}  // namespace confab::ice
