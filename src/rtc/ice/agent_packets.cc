// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the agent does with received STUN: checks of the peer (RFC 8445 §7.3) and answers to ours
// (§7.2.5). Whatever is not proven to come from the peer is dropped without an answer (02 ICE-05).
// FINGERPRINT is not looked at: it only tells STUN from other protocols, and the HMAC covers more.
#include <algorithm>

#include "rtc/ice/agent.h"

namespace confab::ice {
namespace {

using wire::StunAttr;
using wire::StunClass;
using wire::StunMessage;

constexpr std::uint16_t kRoleConflict = 487;  // RFC 8445 §16.2

// On a pair that is known or a socket of ours.
bool is_allowed(const AgentConfig& config, const CheckList& list, const Path& path) {
    if (config.tcp_only && path.protocol != Protocol::kTcp) return false;
    if (list.find(path) != nullptr) return true;
    return std::any_of(config.candidates.begin(), config.candidates.end(),
                       [&](const LocalCandidate& local) {
                           return local.protocol == path.protocol && local.socket == path.socket;
                       });
}

}  // namespace

void Agent::handle_packet(Timestamp now, const Path& path, BytesView stun) {
    const auto message = StunMessage::parse(stun);
    if (!message || message->method() != wire::StunMethod::kBinding) {
        ++counters_.malformed;
        return;
    }
    if (state() == State::kFailed) {
        ++counters_.filtered;
        return;
    }
    switch (message->message_class()) {
        case StunClass::kRequest:
            handle_request(now, path, *message);
            break;
        case StunClass::kSuccess:
        case StunClass::kError:
            handle_response(now, path, *message);
            break;
        case StunClass::kIndication:  // a keepalive of old agents (RFC 8445 §11)
            if (selection_.is_on(path)) selection_.heard(now);
            break;
    }
}

void Agent::handle_request(Timestamp now, const Path& path, const StunMessage& message) {
    if (is_authentic_request(message, credentials_)) {
        if (!is_allowed(config_, list_, path)) {
            ++counters_.filtered;
            return;
        }
        ++counters_.requests_received;
        if (!refuse_role(now, path, message)) handle_check(now, path, message);
        return;
    }
    // Until it has our new credentials the peer goes on with consent checks of the old generation.
    if (previous_ && path == previous_->path &&
        is_authentic_request(message, previous_->credentials)) {
        ++counters_.requests_received;
        if (selection_.keeps_old_path(list_, config_.tcp_only, now))
            answer(path, message, previous_->credentials.local);
        if (selection_.is_on(path)) selection_.consented(now);
        return;
    }
    ++counters_.bad_credentials;
}

void Agent::answer(const Path& path, const StunMessage& message, const Credentials& local) {
    ++counters_.successes_sent;
    transmits_.push(path, build_success(message.transaction_id(), path.remote, local.pwd));
}

// RFC 8445 §7.3.1.1. True: 487 was sent.
bool Agent::refuse_role(Timestamp now, const Path& path, const StunMessage& message) {
    const auto theirs = message.u64(role() == Role::kControlling ? StunAttr::kIceControlling
                                                                 : StunAttr::kIceControlled);
    if (!theirs) return false;
    if (roles_.judge(*theirs) == Roles::Verdict::kSwitch) {
        set_role(now, opposite(role()));
        return false;
    }
    ++counters_.role_conflicts;
    transmits_.push(path, build_error(message.transaction_id(), kRoleConflict, "Role Conflict",
                                      credentials_.local.pwd));
    return true;
}

void Agent::handle_check(Timestamp now, const Path& path, const StunMessage& message) {
    Pair* pair = list_.find(path);
    if (pair == nullptr)  // the remote address is new
        pair = list_.add(peer_reflexive_pair(now, path, message.u32(StunAttr::kPriority)), role(),
                         selection_.pair());
    if (pair == nullptr) {
        ++counters_.pairs_refused;
        return;
    }
    pair->check_received = true;
    pair->last_heard = now;
    answer(path, message, credentials_.local);
    if (pair->id == selection_.pair()) selection_.consented(now);
    if (role() == Role::kControlled && message.has(StunAttr::kUseCandidate))
        pair->nomination = ++nominations_received_;
    follow_check(now, *pair);
}

void Agent::note_stray(Timestamp now, const Path& path, bool authentic) {
    if (selection_.pair() == 0 || state() == State::kFailed || !credentials_.has_remote()) return;
    if (path.protocol != Protocol::kUdp || !is_allowed(config_, list_, path)) return;
    Pair* pair = list_.find(path);
    if (!authentic && (pair == nullptr || !pair->stray || !config_.lite)) return;
    if (pair == nullptr) {
        Pair fresh = peer_reflexive_pair(now, path, std::nullopt);
        fresh.check_received = false;
        fresh.stray = true;
        pair = list_.add(fresh, role(), selection_.pair());
    }
    if (pair == nullptr) {
        ++counters_.pairs_refused;
        return;
    }
    pair->stray = true;
    if (now < pair->last_check + config_.timers.check_interval) return;
    if (!config_.lite) {
        pair->trigger_check(now, config_.timers.check_interval);
        return run_checks(now);
    }
    // A lite agent has no timer for it: the next packet asks again.
    if (pair->unanswered >= config_.timers.requests_per_pair) return;
    ++pair->unanswered;
    pair->last_check = now;
    send_request(now, pair->path, credentials_, pair);
}

// What an answered check of the peer causes.
void Agent::follow_check(Timestamp now, Pair& pair) {
    if (config_.lite) {
        if (pair.nomination > selection_.nomination()) {
            selection_.follow(pair.nomination);
            return select(now, pair);
        }
    } else {
        // Before the remote credentials are known the pair waits; its nomination is kept.
        if (!is_running()) return;
        const bool succeeded = pair.state == PairState::kSucceeded;
        if (succeeded && selection_.pair() == 0)
            list_.inherit_nomination(pair, nominations_received_, now - config_.timers.moved_after);
        if (succeeded) follow_nomination(now, pair);
        // pion nominates a pair of its own when a check comes over it, else at its next tick.
        if (!succeeded || (role() == Role::kControlled && selection_.pair() == 0)) {
            pair.trigger_check(now, config_.timers.min_check_spacing);
            run_checks(now);
        }
        nominate(now);
    }
    if (selection_.note_rival(now, pair)) send_keepalive(now);
}

void Agent::handle_response(Timestamp now, const Path& path, const StunMessage& message) {
    const Transaction* pending = transactions_.find(message.transaction_id());
    if (pending == nullptr || now - pending->sent > config_.timers.transaction_lifetime) {
        ++counters_.unknown_transactions;
        return;
    }
    // RFC 8445 §7.2.5.2.1 fails such a pair; as anybody can forge a source, we only ignore it.
    if (pending->path != path) {
        ++counters_.wrong_paths;
        return;
    }
    const bool is_previous = pending->pair == 0;
    if (is_previous && !previous_) return;
    const CredentialPair& credentials = is_previous ? previous_->credentials : credentials_;
    if (!has_integrity(message, credentials.remote.pwd)) {
        ++counters_.bad_credentials;
        return;
    }
    const Transaction transaction = *pending;
    transactions_.erase(transaction.id);
    if (message.message_class() == StunClass::kSuccess)
        handle_success(now, transaction);
    else
        handle_error(now, transaction, message);
}

void Agent::handle_success(Timestamp now, const Transaction& transaction) {
    ++counters_.successes_received;
    if (selection_.is_on(transaction.path)) {
        selection_.consented(now);
        rtt_ = now - transaction.sent;
    }
    Pair* pair = list_.find(transaction.pair);
    if (pair == nullptr) return;
    pair->state = PairState::kSucceeded;
    pair->unanswered = 0;
    pair->answered = true;
    pair->last_heard = now;
    // Until something is selected it is asked again now and then: if the peer's checks were all
    // lost, this starts them again.
    if (!pair->nominating)
        pair->next_check =
            selection_.is_live() ? Timestamp::never() : now + config_.timers.keepalive;
    if (role() == Role::kControlling && transaction.use_candidate && pair->nominating)
        select(now, *pair);
    follow_nomination(now, *pair);
    if (pair->stray) (void)note_activity(now, transaction.path);
    pair->stray = false;
    // Now that it is selected.
    if (selection_.is_on(transaction.path)) {
        rtt_ = now - transaction.sent;
        selection_.keepalive_answered(now, transaction.sent);
    }
    nominate(now);
    follow_rival(now);
}

void Agent::handle_error(Timestamp now, const Transaction& transaction,
                         const StunMessage& message) {
    const auto error = message.error_code();
    if (!error || error->code != kRoleConflict || transaction.pair == 0) return;
    // RFC 8445 §7.2.5.1: take the other role than the request had, under a new tie-breaker.
    ++counters_.role_conflicts;
    if (transaction.role == role()) {
        roles_.renew_tie_breaker(rng_.u64());
        set_role(now, opposite(role()));
    }
    Pair* pair = list_.find(transaction.pair);
    if (pair == nullptr) return;
    pair->answered = true;  // the peer is there, only not of one mind with us
    pair->check_at(std::max(now, pair->last_check + config_.timers.min_check_spacing));
    run_checks(now);
}

}  // namespace confab::ice
