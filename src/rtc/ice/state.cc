// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// An agent as bytes (base/state/state.h): credentials, role, what the peer signalled, the pairs
// with what is known of them, the selected path and its consent, questions not yet answered. The
// local candidates are those of the new owner: a path is moved to its socket of the same address.
#include "base/state/state.h"

#include <algorithm>
#include <vector>

#include "rtc/ice/agent.h"
#include "rtc/ice/path_state.h"

namespace confab::ice {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kMaxPairId = 1U << 30;

template <typename Io, typename C>
void credential_fields(Io& io, C& pair) {
    io.field(1, pair.local.ufrag, kMaxUfrag);
    io.field(2, pair.local.pwd, kMaxPwd);
    io.field(3, pair.remote.ufrag, kMaxUfrag);
    io.field(4, pair.remote.pwd, kMaxPwd);
}

template <typename Io, typename P>
void pair_fields(Io& io, P& pair) {
    io.field(1, pair.id);
    io.record(2, [&pair](auto& inner) { path_fields(inner, pair.path); });
    io.field(3, pair.local_priority);
    io.field(4, pair.remote_priority);
    io.field(5, pair.priority);
    io.choice(6, pair.remote_type, CandidateType::kRelay);
    io.choice(7, pair.state, PairState::kFailed);
    io.field(8, pair.unanswered);
    io.field(9, pair.check_received);
    io.field(10, pair.answered);
    io.field(11, pair.nominating);
    io.field(12, pair.nomination);
    io.field(13, pair.last_heard);
    io.field(14, pair.last_check);
    io.field(15, pair.next_check);
    io.field(16, pair.stray);
}

template <typename Io, typename E>
void event_fields(Io& io, E& event) {
    bool is_selection = std::holds_alternative<Selected>(event);
    io.field(1, is_selection);
    if constexpr (Io::kReads) event = is_selection ? Event(Selected{}) : Event(StateChanged{});
    if (auto* selected = std::get_if<Selected>(&event))
        io.record(2, [selected](auto& inner) { path_fields(inner, selected->path); });
    if (auto* changed = std::get_if<StateChanged>(&event))
        io.choice(3, changed->state, State::kFailed);
}

template <typename Io, typename C>
void counter_fields(Io& io, C& c) {
    io.field(1, c.requests_sent);
    io.field(2, c.requests_received);
    io.field(3, c.successes_sent);
    io.field(4, c.successes_received);
    io.field(5, c.role_conflicts);
    io.field(6, c.malformed);
    io.field(7, c.bad_credentials);
    io.field(8, c.unknown_transactions);
    io.field(9, c.wrong_paths);
    io.field(10, c.filtered);
    io.field(11, c.candidates_ignored);
    io.field(12, c.pairs_refused);
}

}  // namespace

// ---------------------------------------------------------------- the parts

template <typename Self, typename Io>
void Roles::fields(Self& self, Io& io) {
    io.field(1, self.tie_breaker_);
    io.choice(2, self.ours_, Role::kControlling);
}
void Roles::save(StateWriter& out) const {
    fields(*this, out);
}
void Roles::load(StateReader& in) {
    fields(*this, in);
    in.require(!lite_ || ours_ == Role::kControlled);
}

template <typename Self, typename Io>
void RemoteCandidates::fields(Self& self, Io& io) {
    io.list(1, self.list_, kMaxRemoteCandidates, [](auto& inner, auto& candidate) {
        inner.choice(1, candidate.protocol, Protocol::kTcp);
        inner.record(2,
                     [&candidate](auto& address) { address_fields(address, candidate.address); });
        inner.choice(3, candidate.type, CandidateType::kRelay);
        inner.field(4, candidate.priority);
    });
}
void RemoteCandidates::save(StateWriter& out) const {
    fields(*this, out);
}
void RemoteCandidates::load(StateReader& in) {
    RemoteCandidates read;
    fields(read, in);
    for (const RemoteCandidate& candidate : read.list_)
        in.require(add(candidate));
}

template <typename Self, typename Io>
void CheckList::fields(Self& self, Io& io) {
    io.list(1, self.pairs_, kMaxPairs, [](auto& inner, auto& pair) { pair_fields(inner, pair); });
    io.field(2, self.last_id_);
    io.field(3, self.evicted_);
}
void CheckList::save(StateWriter& out) const {
    fields(*this, out);
}
void CheckList::load(StateReader& in) {
    fields(*this, in);
    in.require(last_id_ < kMaxPairId);
    std::uint32_t before = 0;
    for (const Pair& pair : pairs_) {
        in.require(pair.id > before && pair.id <= last_id_ && find(pair.path) == &pair);
        in.require(pair.state != PairState::kSucceeded || pair.answered);
        before = pair.id;
    }
}

template <typename Self, typename Io>
void Transactions::fields(Self& self, Io& io) {
    io.list(1, self.list_, kMaxPendingTransactions, [](auto& inner, auto& transaction) {
        inner.field(1, transaction.id);
        inner.record(2, [&transaction](auto& path) { path_fields(path, transaction.path); });
        inner.field(3, transaction.pair);
        inner.field(4, transaction.sent);
        inner.choice(5, transaction.role, Role::kControlling);
        inner.field(6, transaction.use_candidate);
    });
}
void Transactions::save(StateWriter& out) const {
    fields(*this, out);
}
void Transactions::load(StateReader& in) {
    fields(*this, in);
}

template <typename List, typename Count, typename Io>
void TransmitQueue::fields(List& list, Count& dropped, Io& io) {
    io.list(1, list, kMaxQueuedTransmits, [](auto& inner, auto& message) {
        inner.record(1, [&message](auto& path) { path_fields(path, message.path); });
        inner.field(2, message.bytes, kMaxStunMessage);
    });
    io.field(2, dropped);
}
void TransmitQueue::save(StateWriter& out) const {
    const std::vector<Message> left(list_.begin() + static_cast<std::ptrdiff_t>(taken_),
                                    list_.end());
    fields(left, dropped_, out);
}
void TransmitQueue::load(StateReader& in) {
    fields(list_, dropped_, in);
    for (const Message& message : list_)
        in.require(!message.bytes.empty());
}

template <typename Self, typename Io>
void Selection::fields(Self& self, Io& io) {
    io.maybe(1, self.path_, [](auto& inner, auto& path) { path_fields(inner, path); });
    io.choice(2, self.state_, State::kFailed);
    io.field(3, self.pair_);
    io.field(4, self.nomination_);
    io.field(5, self.last_heard_);
    io.field(6, self.last_consent_);
    io.field(7, self.keepalive_at_);
    io.field(8, self.rival_);
    io.field(9, self.rival_wins_at_);
    io.field(10, self.checks_started_);
    std::vector<Event> events;
    events.reserve(self.events_.size());
    for (std::size_t i = 0; i < self.events_.size(); ++i)
        events.push_back(self.events_[i]);
    io.list(11, events, kMaxQueuedEvents,
            [](auto& inner, auto& event) { event_fields(inner, event); });
    if constexpr (Io::kReads)
        for (const Event& event : events)
            (void)self.events_.push(event);
    io.field(12, self.events_dropped_);
    io.field(13, self.checking_limit_);
}
void Selection::save(StateWriter& out) const {
    fields(*this, out);
}
void Selection::load(StateReader& in) {
    fields(*this, in);
}

// ---------------------------------------------------------------- all of it

}  // namespace confab::ice

namespace confab {

using ice::Agent;

template <typename Self, typename Io>
void StateAccess<Agent>::fields(Self& self, Io& io) {
    state_version(io, ice::kVersion);
    io.field(2, self.config_.tcp_only);
    io.part(3, self.roles_);
    io.record(4, [&self](auto& inner) { ice::credential_fields(inner, self.credentials_); });
    io.maybe(5, self.previous_, [](auto& inner, auto& previous) {
        inner.record(
            1, [&previous](auto& pair) { ice::credential_fields(pair, previous.credentials); });
        inner.record(2, [&previous](auto& path) { ice::path_fields(path, previous.path); });
        inner.field(3, previous.expires_at);
    });
    io.part(6, self.remote_candidates_);
    io.part(7, self.list_);
    io.part(8, self.transactions_);
    io.part(9, self.selection_);
    io.field(10, self.nominations_received_);
    io.field(11, self.nominate_at_);
    io.field(12, self.rtt_);
    io.part(13, self.transmits_);
    io.record(14, [&self](auto& inner) { ice::counter_fields(inner, self.counters_); });
}

void StateAccess<Agent>::save(const Agent& agent, StateWriter& out) {
    fields(agent, out);
}

void StateAccess<Agent>::load(Agent& agent, StateReader& in) {
    fields(agent, in);
    // A pair that is to win over the selected one has shown itself.
    const ice::Pair* rival = agent.list_.find(agent.selection_.rival());
    in.require(rival == nullptr || rival->is_valid());
    const auto move = [&agent](ice::Path& path) {
        for (const ice::LocalCandidate& local : agent.config_.candidates)
            if (local.protocol == path.protocol && local.base == path.local)
                path.socket = local.socket;
    };
    if (agent.previous_) move(agent.previous_->path);
    for (ice::Pair& pair : agent.list_.pairs())
        move(pair.path);
    agent.transactions_.each_path(move);
    agent.selection_.each_path(move);
    agent.transmits_.each_path(move);
}

}  // namespace confab
