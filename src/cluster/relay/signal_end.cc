// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A session: its turns, its life after the first response, and its end. How it comes about is in
// signal_start.cc.
#include "cluster/relay/signal_end.h"

#include <utility>

#include "cluster/relay/signal_state.h"

namespace confab::cluster::relay {

SignalEnd::SignalEnd(rpc::Bus& bus, Placement& placement, std::string node,
                     const Settings& settings, std::uint64_t seed)
    : bus_(bus),
      placement_(placement),
      node_(std::move(node)),
      settings_(settings),
      rng_(seed),
      mailbox_(std::make_shared<Mailbox>()),
      deadlines_(std::make_unique<Deadlines>()) {}

SignalEnd::~SignalEnd() = default;

SignalEnd::Session* SignalEnd::find(SessionId id) {
    const auto found = sessions_.find(id);
    return found == sessions_.end() ? nullptr : found->second.get();
}

SessionId SignalEnd::start(SessionStart start) {
    const SessionId id{++last_id_};
    if (sessions_.size() >= settings_.max_sessions) {
        ++counters_.refused;
        const rpc::Error error{rpc::Code::kUnavailable, "node has too many sessions", {}};
        events_.push_back({Kind::kRefused, id, http_status(error.code), 0, error});
        return id;
    }
    start.node_id = node_;
    auto session = std::make_unique<Session>();
    session->id = id;
    session->protocol = start.client.protocol();
    session->start = std::make_unique<SessionStart>(std::move(start));
    sessions_.emplace(id, std::move(session));
    mailbox_->ready.wake(id);
    return id;
}

void SignalEnd::send(SessionId id, std::string request) {
    Session* const session = find(id);
    if (session == nullptr || session->phase != Phase::kOpen) return;
    session->channel->send(std::move(request));
    mailbox_->ready.wake(id);
}

std::optional<std::string> SignalEnd::receive(SessionId id) {
    Session* const session = find(id);
    if (session == nullptr || !session->is_started()) return std::nullopt;
    if (auto message = session->channel->receive()) return message;
    if (session->farewell) return std::exchange(session->farewell, std::nullopt);
    session->told_readable = false;
    close_if_done(*session);
    return std::nullopt;
}

void SignalEnd::close(SessionId id) {
    Session* const session = find(id);
    if (session == nullptr || session->phase == Phase::kDraining) return;
    if (session->phase != Phase::kOpen) {
        deadlines_->clear(id);
        sessions_.erase(id);
        return;
    }
    session->phase = Phase::kDraining;
    session->channel->finish();
    mailbox_->ready.wake(id);
}

void SignalEnd::node_died(std::string_view node) {
    mailbox_->dead.emplace_back(node);
}

void SignalEnd::node_stands(std::string_view node, bool stands) {
    for (const auto& [id, session] : sessions_) {
        if (!session->channel || session->node != node) continue;
        session->channel->hold(stands);
        mailbox_->ready.wake(id);
    }
}

void SignalEnd::handle_outage() {
    outage_ = true;
    for (const auto& [id, session] : sessions_)
        if (session->channel) {
            session->channel->pause();
            mailbox_->ready.wake(id);
        }
}

void SignalEnd::handle_recovery(Timestamp now) {
    outage_ = false;
    for (const auto& [id, session] : sessions_)
        if (session->channel) {
            session->channel->resume(now);
            mailbox_->ready.wake(id);
        }
}

void SignalEnd::handle_timeout(Timestamp now) {
    read_mail(now);
    deadlines_->expire(now, mailbox_->ready);
    for (const SessionId id : mailbox_->ready.take())
        advance(now, id);
}

Timestamp SignalEnd::next_deadline() const {
    return mailbox_->is_empty() ? deadlines_->next() : Timestamp::micros(0);
}

std::optional<SignalEvent> SignalEnd::poll_event() {
    if (events_.empty()) return std::nullopt;
    SignalEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
}

SignalEnd::Snapshot SignalEnd::snapshot() const {
    Snapshot result = counters_;
    result.sessions = sessions_.size();
    return result;
}

void SignalEnd::advance(Timestamp now, SessionId id) {
    Session* session = find(id);
    if (session == nullptr) return;
    if (session->channel) session->channel->advance(now);
    switch (session->phase) {
        case Phase::kNew:
        case Phase::kPlacing:
        case Phase::kOpening:
        case Phase::kWaiting:
        case Phase::kAnswering:
            advance_start(now, *session);
            break;
        case Phase::kOpen:
            advance_open(*session);
            break;
        case Phase::kEnded:
            break;
        case Phase::kDraining:
            return drain(*session);
    }
    session = find(id);
    if (session == nullptr) return;
    const Timestamp next =
        session->channel ? session->channel->next_deadline() : Timestamp::never();
    deadlines_->set(id, session->is_started() ? next : earlier(next, session->due()));
}

void SignalEnd::advance_open(Session& session) {
    const Channel::State state = session.channel->state();
    if (state == Channel::State::kFailed)
        return fail(session, Farewell::kRelayFailed, session.channel->failure());
    if (state == Channel::State::kFinished) session.phase = Phase::kEnded;
    tell_readable(session);
    close_if_done(session);
}

// The client is gone: responses go nowhere.
void SignalEnd::drain(Session& session) {
    while (session.channel->receive()) {
    }
    if (session.channel->state() == Channel::State::kOpen)
        return deadlines_->set(session.id, session.channel->next_deadline());
    deadlines_->clear(session.id);
    sessions_.erase(session.id);
}

// What came before is received first.
void SignalEnd::fail(Session& session, Farewell farewell, rpc::Error cause) {
    ++counters_.failed;
    session.phase = Phase::kEnded;
    session.cause = std::move(cause);
    if (const auto message = farewell_message(farewell, session.protocol))
        session.farewell = message->SerializeAsString();
    tell_readable(session);
    close_if_done(session);
}

void SignalEnd::tell_readable(Session& session) {
    if (session.told_readable || !session.has_something()) return;
    session.told_readable = true;
    events_.push_back({Kind::kReadable, session.id});
}

void SignalEnd::close_if_done(Session& session) {
    if (session.phase != Phase::kEnded || session.has_something()) return;
    over({Kind::kClosed, session.id, 0, kCloseCode, std::move(session.cause)});
}

void SignalEnd::over(SignalEvent event) {
    deadlines_->clear(event.session);
    sessions_.erase(event.session);
    events_.push_back(std::move(event));
}

}  // namespace confab::cluster::relay
