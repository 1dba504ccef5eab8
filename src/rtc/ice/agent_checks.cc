// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the agent does by itself: checks, keepalives, nomination, supervision (02 ICE-04, ICE-06).
#include <algorithm>

#include "base/check.h"
#include "rtc/ice/agent.h"

namespace confab::ice {
namespace {

// From the start of the checks until a pair may be nominated.
Duration acceptance_wait(const Pair& pair, const AcceptanceWaits& waits) {
    Duration wait = waits.of(pair.remote_type);
    // Had its check come before the signalled candidate, the remote would be peer-reflexive.
    if (pair.remote_type == CandidateType::kServerReflexive && pair.check_received)
        wait = std::min(wait, waits.peer_reflexive);
    return std::max(wait, waits.host);
}

}  // namespace

void Agent::handle_timeout(Timestamp now) {
    if (previous_ && now >= previous_->expires_at) previous_.reset();
    const State before = state();
    selection_.handle_timeout(now);
    if (state() != before && state() == State::kDisconnected) recheck_all(now);
    if (state() != before && state() == State::kFailed) {
        // Nothing is held on to; a restart begins anew.
        previous_.reset();
        list_.clear();
        transactions_.clear();
        nominate_at_ = Timestamp::never();
    }
    follow_rival(now);
    run_checks(now);
    nominate(now);
    send_keepalive(now);
    transactions_.expire(now - config_.timers.transaction_lifetime);
}

Timestamp Agent::next_deadline() const {
    Timestamp next = selection_.next_deadline();
    if (previous_) next = earlier(next, previous_->expires_at);
    if (!is_running()) return next;
    return earlier(next, earlier(list_.next_check(), nominate_at_));
}

// ---------------------------------------------------------------- checks

void Agent::run_checks(Timestamp now) {
    if (!is_running()) return;
    for (Pair& pair : list_.pairs())
        if (pair.next_check <= now) send_check(now, pair);
}

void Agent::send_check(Timestamp now, Pair& pair) {
    if (pair.begin_check(now, config_.timers, selection_.is_live()))
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
    transaction.role = role();
    // Once the peer has confirmed the nomination it is not repeated (RFC 8445 §8.1.1).
    transaction.use_candidate = pair != nullptr && pair->nominating;
    transactions_.add(transaction);

    CheckRequest request;
    request.id = transaction.id;
    request.priority = reflexive_priority(
        path.protocol, pair != nullptr ? pair->local_priority
                                       : host_priority(path.protocol, wire::TcpType::kPassive));
    request.role = role();
    request.tie_breaker = roles_.tie_breaker();
    request.use_candidate = transaction.use_candidate;
    ++counters_.requests_sent;
    transmits_.push(path, build_check(request, credentials));
}

// The selected path is silent or gone: look for any other.
void Agent::recheck_all(Timestamp now) {
    if (!is_running()) return;
    list_.start_over(now);
    run_checks(now);
}

void Agent::send_keepalive(Timestamp now) {
    if (!selection_.take_keepalive(now)) return;
    if (const Pair* pair = list_.find(selection_.pair()))
        send_request(now, pair->path, credentials_, pair);
    else if (previous_ && previous_->credentials.has_remote() &&
             selection_.keeps_old_path(list_, config_.tcp_only, now))
        send_request(now, previous_->path, previous_->credentials, nullptr);
}

// ---------------------------------------------------------------- nomination

// Controlling: asks for the best pair whose waiting time is over, as soon as it is known to work.
void Agent::nominate(Timestamp now) {
    nominate_at_ = Timestamp::never();
    if (role() != Role::kControlling || !is_running()) return;
    if (selection_.is_live() && !selection_.is_in_upgrade_window(now)) return;

    std::uint64_t floor = 0;
    Pair* current = nullptr;
    for (Pair& pair : list_.pairs()) {
        const bool is_selected = pair.id == selection_.pair() && selection_.is_live();
        if (pair.nominating || is_selected) floor = std::max(floor, pair.priority);
        if (pair.nominating) current = &pair;
    }
    Pair* best = nullptr;
    for (Pair& pair : list_.pairs()) {
        if (pair.state != PairState::kSucceeded || pair.priority <= floor) continue;
        const Timestamp acceptance =
            selection_.checks_started() + acceptance_wait(pair, config_.acceptance_waits);
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
    if (role() != Role::kControlled || pair.nomination <= selection_.nomination()) return;
    const Pair* selected = list_.find(selection_.pair());
    if (selected != nullptr && selection_.is_live() && selection_.is_in_upgrade_window(now) &&
        pair.priority < selected->priority)
        return;
    selection_.follow(pair.nomination);
    select(now, pair);
}

void Agent::select(Timestamp now, Pair& pair) {
    CONFAB_DCHECK(list_.find(pair.id) == &pair);
    if (!selection_.is_on(pair.path)) rtt_ = Duration::zero();  // of another path
    selection_.select(now, pair);
    if (previous_)
        previous_->expires_at =
            earlier(previous_->expires_at, now + config_.timers.previous_path_grace);
    for (Pair& other : list_.pairs()) {
        const bool may_improve =
            selection_.is_in_upgrade_window(now) && other.priority > pair.priority;
        const bool is_awaited = other.nomination > pair.nomination;
        if (other.id == pair.id || !(may_improve || is_awaited)) {
            other.next_check = Timestamp::never();
            other.nominating = false;
        }
    }
}

// The rival has won against a selected pair that stayed silent.
void Agent::follow_rival(Timestamp now) {
    const std::uint32_t rival = selection_.due_rival(now);
    if (rival == 0) return;
    Pair* pair = list_.find(rival);
    if (pair == nullptr || selection_.pair() == 0) return selection_.forget_rival();
    // Else its first answer decides.
    const bool may_win = config_.lite ? pair->is_valid() : pair->state == PairState::kSucceeded;
    if (!may_win) return;
    selection_.forget_rival();
    if (role() == Role::kControlled) return select(now, *pair);
    pair->nominating = true;
    pair->unanswered = 0;
    send_check(now, *pair);
}

}  // namespace confab::ice
