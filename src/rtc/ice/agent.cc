// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Control inputs and outputs of the agent.
#include "rtc/ice/agent.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace confab::ice {
namespace {

using wire::TcpType;

bool is_usable(const Credentials& c) {
    return !c.ufrag.empty() && !c.pwd.empty() && c.ufrag.size() <= kMaxUfrag &&
           c.pwd.size() <= kMaxPwd;
}

// RFC 8445 §6.1.2.2: same family, link-local only with link-local. Loopback is reached from
// loopback only: a remote candidate must not make us knock at our own host.
bool can_pair(const IpAddress& local, const IpAddress& remote) {
    if (local.family() != remote.family()) return false;
    if (local.is_v6() && local.is_link_local() != remote.is_link_local()) return false;
    return !remote.is_loopback() || local.is_loopback();
}

// The first checks are the peer's when it controls (Timers::head_start).
Timestamp first_check_at(Timestamp now, Role role, Timestamp checks_started, Duration head_start) {
    return role == Role::kControlling ? now : std::max(now, checks_started + head_start);
}

}  // namespace

Agent::Agent(AgentConfig config, Rng rng)
    : config_(std::move(config)), rng_(rng), roles_(config_, rng_.u64()), selection_(config_) {
    if (config_.candidates.size() > kMaxLocalCandidates)
        config_.candidates.resize(kMaxLocalCandidates);
    credentials_.local = config_.local;
}

bool Agent::set_remote_credentials(Timestamp now, const Credentials& remote) {
    if (!is_usable(remote)) return false;
    if (credentials_.remote == remote) return true;
    if (credentials_.has_remote()) begin_generation(credentials_.local);
    credentials_.remote = remote;
    selection_.start_checks(now);
    for (const RemoteCandidate& candidate : remote_candidates_)
        form_pairs(now, candidate);
    const Timestamp first = first_check_at(now, role(), now, config_.timers.head_start);
    for (Pair& pair : list_.pairs())
        pair.check_at(pair.check_received ? now : first);
    run_checks(now);
    return true;
}

void Agent::add_remote_candidate(Timestamp now, const RemoteCandidate& candidate) {
    if (config_.tcp_only || !remote_candidates_.add(candidate)) {
        ++counters_.candidates_ignored;
        return;
    }
    if (!is_running()) return;
    form_pairs(now, candidate);
    run_checks(now);
}

void Agent::form_pairs(Timestamp now, const RemoteCandidate& remote) {
    if (config_.lite) return;
    const Timestamp first =
        first_check_at(now, role(), selection_.checks_started(), config_.timers.head_start);
    for (const LocalCandidate& local : config_.candidates) {
        if (local.protocol != remote.protocol || !can_pair(local.base.ip, remote.address.ip))
            continue;
        Pair pair;
        pair.path = Path{local.socket, local.protocol, 0, local.base, remote.address};
        if (Pair* existing = list_.find(pair.path)) {
            apply_signalled(*existing, remote, role());
            continue;
        }
        pair.local_priority = host_priority(local.protocol, TcpType::kPassive);
        pair.remote_priority = remote.priority;
        pair.remote_type = remote.type;
        update_priority(pair, role());
        // Once connected only what could still be an improvement is checked.
        const Pair* selected = list_.find(selection_.pair());
        const bool is_late = selected != nullptr && (!selection_.is_in_upgrade_window(now) ||
                                                     pair.priority <= selected->priority);
        pair.next_check = is_late && selection_.is_live() ? Timestamp::never() : first;
        if (list_.add(pair, role(), selection_.pair()) == nullptr) ++counters_.pairs_refused;
    }
}

void Agent::restart(Timestamp now, const RestartOptions& options) {
    config_.tcp_only = options.tcp_only;
    selection_.limit_checking(options.checking_limit.value_or(config_.timers.checking_limit));
    begin_generation(options.local);
    if (previous_) selection_.schedule_keepalive(now + config_.timers.keepalive);
}

void Agent::begin_generation(const Credentials& local) {
    if (selection_.path() && selection_.pair() != 0)
        previous_ = PreviousGeneration{credentials_, *selection_.path(), Timestamp::never()};
    else if (!selection_.path())
        previous_.reset();
    if (previous_) previous_->expires_at = Timestamp::never();
    credentials_ = CredentialPair{local, {}};
    remote_candidates_.clear();
    list_.clear();
    transactions_.clear();
    selection_.begin_generation();
    nominations_received_ = 0;
    nominate_at_ = Timestamp::never();
}

void Agent::set_role(Timestamp now, Role role) {
    if (!roles_.set(role)) return;
    list_.set_role(role);
    nominate(now);
}

void Agent::add_tcp_connection(Timestamp now, const Path& path) {
    if (path.protocol != Protocol::kTcp || config_.lite || list_.find(path) != nullptr) return;
    Pair pair;
    pair.path = path;
    pair.local_priority = host_priority(Protocol::kTcp, TcpType::kActive);
    pair.remote_priority = host_priority(Protocol::kTcp, TcpType::kPassive);
    pair.remote_type = CandidateType::kHost;
    pair.next_check = now;
    if (list_.add(pair, role(), selection_.pair()) == nullptr) ++counters_.pairs_refused;
    run_checks(now);
}

void Agent::remove_tcp_connection(Timestamp now, std::uint32_t connection) {
    const auto is_on = [connection](const Path& path) {
        return path.protocol == Protocol::kTcp && path.tcp_connection == connection;
    };
    list_.erase_tcp_connection(connection);
    if (previous_ && is_on(previous_->path)) previous_.reset();
    if (!selection_.path() || !is_on(*selection_.path())) return;
    selection_.close_path();
    recheck_all(now);
}

bool Agent::note_activity(Timestamp now, const Path& path) {
    if (selection_.is_on(path)) {
        selection_.heard(now);
        return true;
    }
    // Who sends there keeps it open; we take what its keys have made, and send nothing.
    if (previous_ && path == previous_->path && !previous_->expires_at.is_never())
        previous_->expires_at =
            std::max(previous_->expires_at, now + config_.timers.previous_path_grace);
    Pair* pair = list_.find(path);
    if (pair == nullptr || !pair->is_valid() || pair->nominating) return false;
    if (selection_.pair() == 0) {
        pair->last_heard = now;
        if (pair->state != PairState::kSucceeded) return false;
        // Longer than moved_by_media: the peer switches with our answer only, a round trip behind.
        list_.inherit_nomination(*pair, nominations_received_, now - config_.timers.answer_wait);
        follow_nomination(now, *pair);
        return false;
    }
    // While the choice is made anew each side may be ahead of the other; not where media came
    // before any check.
    if (selection_.is_in_upgrade_window(now) && !pair->stray) return false;
    selection_.note_moved(now, *pair);
    send_keepalive(now);
    follow_rival(now);
    return false;
}

bool Agent::is_running() const {
    return credentials_.has_remote() && !config_.lite && state() != State::kFailed;
}

bool Agent::is_valid_path(const Path& path) const {
    if (selection_.is_on(path)) return true;
    if (previous_ && path == previous_->path) return true;
    if (state() == State::kFailed) return false;
    const Pair* pair = list_.find(path);
    return pair != nullptr && pair->is_valid();
}

std::vector<Path> shown_paths(const Agent& agent) {
    std::vector<Path> paths;
    if (agent.previous_) paths.push_back(agent.previous_->path);
    for (const Pair& pair : agent.list_.pairs())
        if (pair.is_valid() || pair.stray) paths.push_back(pair.path);
    // Last: it is the newest of the connection's paths.
    if (agent.selection_.path()) paths.push_back(*agent.selection_.path());
    return paths;
}

PathFacts Agent::path_facts() const {
    PathFacts facts;
    facts.rtt = rtt_;
    if (const Pair* pair = list_.find(selection_.pair()))
        facts.type = remote_candidates_.type_of(*pair);
    return facts;
}

Snapshot Agent::snapshot() const {
    Snapshot s;
    s.state = state();
    s.role = role();
    s.pairs = list_.pairs().size();
    s.valid_pairs =
        static_cast<std::size_t>(std::count_if(list_.pairs().begin(), list_.pairs().end(),
                                               [](const Pair& pair) { return pair.is_valid(); }));
    s.remote_candidates = remote_candidates_.size();
    s.pending_transactions = transactions_.size();
    s.bytes_held = list_.bytes_held() + transactions_.bytes_held() +
                   remote_candidates_.bytes_held() + transmits_.bytes_held();
    const PathFacts facts = path_facts();
    s.selected_type = facts.type;
    s.rtt = facts.rtt;
    s.counters = counters_;
    s.counters.pairs_evicted = list_.evicted();
    s.counters.outputs_dropped = transmits_.dropped() + selection_.events_dropped();
    return s;
}

}  // namespace confab::ice
