// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/ice/check_list.h"

#include <algorithm>
#include <tuple>

#include "base/check.h"

namespace confab::ice {
namespace {

wire::CandidateTransport transport_of(Protocol protocol) {
    return protocol == Protocol::kUdp ? wire::CandidateTransport::kUdp
                                      : wire::CandidateTransport::kTcp;
}

}  // namespace

std::uint32_t host_priority(Protocol protocol, wire::TcpType tcp_type) {
    const auto transport = transport_of(protocol);
    return wire::candidate_priority(wire::type_preference(CandidateType::kHost, transport),
                                    wire::local_preference(transport, tcp_type));
}

std::uint32_t reflexive_priority(Protocol protocol, std::uint32_t host_priority) {
    const auto preference =
        wire::type_preference(CandidateType::kPeerReflexive, transport_of(protocol));
    return (std::uint32_t{preference} << 24) | (host_priority & 0x00FF'FFFF);
}

std::uint64_t pair_priority(std::uint32_t g, std::uint32_t d) {
    return (std::uint64_t{std::min(g, d)} << 32) + 2 * std::uint64_t{std::max(g, d)} +
           (g > d ? 1 : 0);
}

void update_priority(Pair& pair, Role role) {
    pair.priority = role == Role::kControlling
                        ? pair_priority(pair.local_priority, pair.remote_priority)
                        : pair_priority(pair.remote_priority, pair.local_priority);
}

void apply_signalled(Pair& pair, const RemoteCandidate& remote, Role role) {
    pair.remote_type = remote.type;
    pair.remote_priority = remote.priority;
    update_priority(pair, role);
}

Pair peer_reflexive_pair(Timestamp now, const Path& path, std::optional<std::uint32_t> priority) {
    Pair pair;
    pair.path = path;
    pair.local_priority = host_priority(path.protocol, wire::TcpType::kPassive);
    // Upstream does not insist on PRIORITY, so neither do we (02 ICE-05).
    pair.remote_priority =
        priority.value_or(reflexive_priority(path.protocol, pair.local_priority));
    pair.check_received = true;
    pair.last_heard = now;
    return pair;
}

bool Pair::begin_check(Timestamp now, const Timers& timers, bool is_selection_live) {
    if (state != PairState::kFailed && unanswered >= timers.requests_per_pair) {
        state = PairState::kFailed;
        nominating = false;
        next_check = now + timers.slow_check_interval;
        return false;
    }
    const bool has_failed = state == PairState::kFailed;
    if (has_failed && is_selection_live) {
        next_check = Timestamp::never();
        return false;
    }
    if (!has_failed) {
        ++unanswered;
        if (state != PairState::kSucceeded) state = PairState::kInProgress;
    }
    last_check = now;
    next_check = now + (has_failed ? timers.slow_check_interval : timers.check_interval);
    return true;
}

Pair* CheckList::find(const Path& path) {
    const auto it = std::find_if(pairs_.begin(), pairs_.end(),
                                 [&](const Pair& pair) { return pair.path == path; });
    return it == pairs_.end() ? nullptr : &*it;
}

const Pair* CheckList::find(const Path& path) const {
    const auto it = std::find_if(pairs_.begin(), pairs_.end(),
                                 [&](const Pair& pair) { return pair.path == path; });
    return it == pairs_.end() ? nullptr : &*it;
}

Pair* CheckList::find(std::uint32_t id) {
    const auto it =
        std::find_if(pairs_.begin(), pairs_.end(), [&](const Pair& pair) { return pair.id == id; });
    return it == pairs_.end() ? nullptr : &*it;
}

const Pair* CheckList::find(std::uint32_t id) const {
    const auto it =
        std::find_if(pairs_.begin(), pairs_.end(), [&](const Pair& pair) { return pair.id == id; });
    return it == pairs_.end() ? nullptr : &*it;
}

void CheckList::inherit_nomination(Pair& heir, std::uint64_t latest, Timestamp silent_since) {
    const bool heard = std::any_of(pairs_.begin(), pairs_.end(), [&](const Pair& pair) {
        return pair.nomination == latest && pair.last_heard > silent_since;
    });
    if (!heard) heir.nomination = latest;
}

bool CheckList::make_room(bool is_authenticated, std::uint32_t keep) {
    const auto rank = [keep](const Pair& pair) {
        const int grade = pair.id == keep                    ? 3
                          : pair.state == PairState::kFailed ? 0
                          : pair.is_valid()                  ? 2
                                                             : 1;
        return std::tuple(grade, pair.last_heard, pair.priority, pair.id);
    };
    const auto worst =
        std::min_element(pairs_.begin(), pairs_.end(),
                         [&](const Pair& a, const Pair& b) { return rank(a) < rank(b); });
    if (worst->id == keep) return false;
    if (!is_authenticated && worst->state != PairState::kFailed) return false;
    pairs_.erase(worst);
    ++evicted_;
    return true;
}

Pair* CheckList::add(Pair pair, Role role, std::uint32_t keep) {
    CONFAB_DCHECK(find(pair.path) == nullptr);
    update_priority(pair, role);
    const bool is_authenticated = pair.check_received || pair.stray;
    if (pairs_.size() >= kMaxPairs && !make_room(is_authenticated, keep)) return nullptr;
    pair.id = ++last_id_;
    pairs_.push_back(pair);
    CONFAB_DCHECK(pairs_.size() <= kMaxPairs);
    return &pairs_.back();
}

void CheckList::erase_tcp_connection(std::uint32_t connection) {
    std::erase_if(pairs_, [connection](const Pair& pair) {
        return pair.path.protocol == Protocol::kTcp && pair.path.tcp_connection == connection;
    });
}

void CheckList::set_role(Role role) {
    for (Pair& pair : pairs_) {
        update_priority(pair, role);
        pair.nominating = false;
    }
}

void CheckList::start_over(Timestamp now) {
    for (Pair& pair : pairs_) {
        pair.nominating = false;
        pair.start_over(now);
    }
}

Timestamp CheckList::next_check() const {
    Timestamp next = Timestamp::never();
    for (const Pair& pair : pairs_)
        next = earlier(next, pair.next_check);
    return next;
}

}  // namespace confab::ice
