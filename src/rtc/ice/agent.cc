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

// Nothing answers from these, and nobody shall use us to send there.
bool is_reachable(const SocketAddress& remote) {
    if (remote.port == 0 || remote.ip.is_none() || remote.ip.is_unspecified()) return false;
    const std::uint8_t first = remote.ip.bytes()[0];
    return remote.ip.is_v4() ? first < 224 : first != 0xFF;  // multicast, reserved, broadcast
}

// RFC 8445 §6.1.2.2: same family, link-local only with link-local. Loopback is reached from
// loopback only: a remote candidate must not make us knock at our own host.
bool can_pair(const IpAddress& local, const IpAddress& remote) {
    if (local.family() != remote.family()) return false;
    if (local.is_v6() && local.is_link_local() != remote.is_link_local()) return false;
    return !remote.is_loopback() || local.is_loopback();
}

}  // namespace

Agent::Agent(AgentConfig config, Rng rng)
    : config_(std::move(config)),
      rng_(rng),
      role_(config_.lite ? Role::kControlled : config_.role),
      tie_breaker_(rng_.u64()) {
    if (config_.candidates.size() > kMaxLocalCandidates)
        config_.candidates.resize(kMaxLocalCandidates);
    credentials_.local = config_.local;
}

bool Agent::set_remote_credentials(Timestamp now, const Credentials& remote) {
    if (!is_usable(remote)) return false;
    if (credentials_.remote == remote) return true;
    if (credentials_.has_remote()) begin_generation(credentials_.local);
    credentials_.remote = remote;
    started_ = now;
    // A lite agent may have been nominated already, by checks that overtook the answer.
    if (selection_.pair == 0) change_state(State::kChecking);
    for (const RemoteCandidate& candidate : remote_candidates_)
        form_pairs(now, candidate);
    for (Pair& pair : list_.pairs())
        pair.check_at(pair.check_received ? now : first_check_at(now));
    run_checks(now);
    return true;
}

void Agent::add_remote_candidate(Timestamp now, const RemoteCandidate& candidate) {
    const bool known = std::any_of(
        remote_candidates_.begin(), remote_candidates_.end(), [&](const RemoteCandidate& other) {
            return other.protocol == candidate.protocol && other.address == candidate.address;
        });
    const bool wanted = candidate.protocol == Protocol::kUdp && !config_.tcp_only &&
                        is_reachable(candidate.address);
    if (known || !wanted || remote_candidates_.size() >= kMaxRemoteCandidates) {
        ++counters_.candidates_ignored;
        return;
    }
    remote_candidates_.push_back(candidate);
    if (!is_running()) return;
    form_pairs(now, candidate);
    run_checks(now);
}

Timestamp Agent::first_check_at(Timestamp now) const {
    if (role_ == Role::kControlling) return now;
    return std::max(now, started_ + config_.timers.head_start);
}

void Agent::form_pairs(Timestamp now, const RemoteCandidate& remote) {
    if (config_.lite) return;
    for (const LocalCandidate& local : config_.candidates) {
        if (local.protocol != remote.protocol || !can_pair(local.base.ip, remote.address.ip))
            continue;
        Pair pair;
        pair.path = Path{local.socket, local.protocol, 0, local.base, remote.address};
        if (Pair* existing = list_.find(pair.path)) {
            apply_signalled(*existing, remote);
            continue;
        }
        pair.local_priority = host_priority(local.protocol, TcpType::kPassive);
        pair.remote_priority = remote.priority;
        pair.remote_type = remote.type;
        update_priority(pair, role_);
        // Once connected only what could still be an improvement is checked.
        const Pair* selected = list_.find(selection_.pair);
        const bool is_late = selected != nullptr &&
                             (!is_in_upgrade_window(now) || pair.priority <= selected->priority);
        pair.next_check = is_late && is_selection_live() ? Timestamp::never() : first_check_at(now);
        if (list_.add(pair, role_, selection_.pair) == nullptr) ++counters_.pairs_refused;
    }
}

// A candidate that a check had shown before it was signalled. Its signalled priority is the true
// one: Chromium gives relayed candidates the PRIORITY of a peer-reflexive one in checks.
void Agent::apply_signalled(Pair& pair, const RemoteCandidate& remote) {
    pair.remote_type = remote.type;
    pair.remote_priority = remote.priority;
    update_priority(pair, role_);
}

void Agent::restart(Timestamp now, const RestartOptions& options) {
    config_.tcp_only = options.tcp_only;
    begin_generation(options.local);
    if (state_ != State::kNew) change_state(State::kChecking);
    if (previous_ && !config_.lite) selection_.keepalive_at = now + config_.timers.keepalive;
}

void Agent::begin_generation(const Credentials& local) {
    if (selection_.path && selection_.pair != 0)
        previous_ = PreviousGeneration{credentials_, *selection_.path, Timestamp::never()};
    else if (!selection_.path)
        previous_.reset();
    if (previous_) previous_->expires_at = Timestamp::never();
    credentials_ = CredentialPair{local, {}};
    remote_candidates_.clear();
    list_.clear();
    transactions_.clear();
    selection_.pair = 0;
    selection_.nomination = 0;
    nominations_received_ = 0;
    started_ = Timestamp::never();
    nominate_at_ = Timestamp::never();
}

void Agent::set_role(Timestamp now, Role role) {
    if (config_.lite || role == role_) return;
    role_ = role;
    list_.set_role(role);
    for (Pair& pair : list_.pairs())
        pair.nominating = false;
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
    if (list_.add(pair, role_, selection_.pair) == nullptr) ++counters_.pairs_refused;
    run_checks(now);
}

void Agent::remove_tcp_connection(Timestamp now, std::uint32_t connection) {
    const auto is_on = [connection](const Path& path) {
        return path.protocol == Protocol::kTcp && path.tcp_connection == connection;
    };
    list_.erase_tcp_connection(connection);
    if (previous_ && is_on(previous_->path)) previous_.reset();
    if (!selection_.path || !is_on(*selection_.path)) return;
    selection_.path.reset();
    selection_.pair = 0;
    selection_.keepalive_at = Timestamp::never();
    recheck_all(now);
}

void Agent::note_activity(Timestamp now, const Path& path) {
    if (selection_.path && path == *selection_.path) heard(now);
}

bool Agent::is_running() const {
    return credentials_.has_remote() && !config_.lite && state_ != State::kFailed;
}

bool Agent::is_allowed(const Path& path) const {
    if (config_.tcp_only && path.protocol != Protocol::kTcp) return false;
    if (list_.find(path) != nullptr) return true;
    return std::any_of(config_.candidates.begin(), config_.candidates.end(),
                       [&](const LocalCandidate& local) {
                           return local.protocol == path.protocol && local.socket == path.socket;
                       });
}

bool Agent::is_valid_path(const Path& path) const {
    if (selection_.path && path == *selection_.path) return true;
    if (previous_ && path == previous_->path) return true;
    if (state_ == State::kFailed) return false;
    const Pair* pair = list_.find(path);
    return pair != nullptr && pair->is_valid();
}

void Agent::send(const Path& path, Bytes bytes) {
    if (outgoing_.size() >= kMaxQueuedTransmits || bytes.empty()) {
        ++counters_.outputs_dropped;
        return;
    }
    outgoing_.push_back(Outgoing{path, std::move(bytes)});
}

std::optional<Transmit> Agent::poll_transmit() {
    CONFAB_DCHECK(outgoing_taken_ <= outgoing_.size());
    if (outgoing_taken_ == outgoing_.size()) {
        outgoing_.clear();
        outgoing_taken_ = 0;
        return std::nullopt;
    }
    const Outgoing& next = outgoing_[outgoing_taken_++];
    std::optional<Transmit> transmit(std::in_place);
    CONFAB_CHECK(next.bytes.size() <= transmit->buffer.size());
    transmit->path = next.path;
    transmit->size = static_cast<std::uint16_t>(next.bytes.size());
    std::copy(next.bytes.begin(), next.bytes.end(), transmit->buffer.begin());
    return transmit;
}

void Agent::emit(const Event& event) {
    if (!events_.push(event)) ++counters_.outputs_dropped;
}

std::optional<Event> Agent::poll_event() {
    return events_.pop();
}

void Agent::change_state(State state) {
    if (state_ == state) return;
    CONFAB_DCHECK(state != State::kConnected || selection_.path.has_value());
    state_ = state;
    emit(StateChanged{state});
}

std::optional<CandidateType> Agent::selected_type() const {
    const Pair* pair = list_.find(selection_.pair);
    if (pair == nullptr) return std::nullopt;
    const bool at_relay = std::any_of(
        remote_candidates_.begin(), remote_candidates_.end(), [pair](const RemoteCandidate& c) {
            return c.type == CandidateType::kRelay && c.address.ip == pair->path.remote.ip;
        });
    return at_relay && pair->remote_type == CandidateType::kPeerReflexive ? CandidateType::kRelay
                                                                          : pair->remote_type;
}

Snapshot Agent::snapshot() const {
    Snapshot s;
    s.state = state_;
    s.role = role_;
    s.pairs = list_.pairs().size();
    s.valid_pairs =
        static_cast<std::size_t>(std::count_if(list_.pairs().begin(), list_.pairs().end(),
                                               [](const Pair& pair) { return pair.is_valid(); }));
    s.remote_candidates = remote_candidates_.size();
    s.pending_transactions = transactions_.size();
    s.bytes_held = list_.bytes_held() + transactions_.bytes_held() +
                   remote_candidates_.capacity() * sizeof(RemoteCandidate) +
                   outgoing_.capacity() * sizeof(Outgoing);
    for (const Outgoing& out : outgoing_)
        s.bytes_held += out.bytes.capacity();
    s.selected_type = selected_type();
    s.rtt = rtt_;
    s.counters = counters_;
    s.counters.pairs_evicted = list_.evicted();
    return s;
}

}  // namespace confab::ice
