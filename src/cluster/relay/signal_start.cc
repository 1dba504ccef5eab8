// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Attempts to start a session (03 NODE-20, 01 CON-33): each asks for the node anew, has a
// connection id of its own, and a second longer for the first response than the one before.
#include <algorithm>
#include <utility>

#include "cluster/relay/signal_state.h"
#include "token/ids.h"

namespace confab::cluster::relay {

void SignalEnd::begin_attempt(Timestamp now, Session& session) {
    ++counters_.attempts;
    if (session.attempt == 0) session.begun = now;
    session.channel.reset();
    session.give_up_at = now + settings_.first_response + Duration::seconds(session.attempt);
    ++session.attempt;
    session.start->connection_id = token::make_id(token::kConnectionPrefix, rng_);
    find_node(now, session);
}

void SignalEnd::find_node(Timestamp now, Session& session) {
    session.node.clear();
    session.phase = Phase::kPlacing;
    session.asked = now;
    session.give_up_at = session.give_up_at + settings_.place_wait;
    deadlines_->set(session.id, session.give_up_at);
    placement_.find_node(
        now, session.start->room,
        [mailbox = mailbox_, id = session.id,
         attempt = session.attempt](Result<std::string, rpc::Error> node) {
            mailbox->mail.push_back({id, attempt, Mailbox::Placed{std::move(node)}});
        });
}

void SignalEnd::placed(Timestamp now, Session& session, Result<std::string, rpc::Error> node) {
    session.give_up_at = session.give_up_at - settings_.place_wait + (now - session.asked);
    if (!node) return attempt_failed(now, session, std::move(node.error()));
    if (*node == node_) return over({Kind::kHere, session.id});
    session.phase = Phase::kOpening;
    session.node = *std::move(node);
    rpc::CallOptions options;
    options.timeout = settings_.open_timeout;
    bus_.open(now, kRelaySignal, {session.node}, {}, std::move(options),
              [mailbox = mailbox_, id = session.id,
               attempt = session.attempt](Result<std::shared_ptr<rpc::Stream>, rpc::Error> stream) {
                  mailbox->mail.push_back({id, attempt, Mailbox::Opened{std::move(stream)}});
              });
}

void SignalEnd::opened(Timestamp now, Session& session,
                       Result<std::shared_ptr<rpc::Stream>, rpc::Error> stream) {
    // A node that comes back to Redis is not heard at once, and one that has died is known as dead
    // after some seconds: asking anew meanwhile is quick where nobody listens.
    if (!stream && stream.error().code == rpc::Code::kUnavailable &&
        now + settings_.min_retry_interval < session.give_up_at) {
        session.phase = Phase::kWaiting;
        session.ask_again_at = now + settings_.min_retry_interval;
        return deadlines_->set(session.id, session.due());
    }
    if (!stream) return attempt_failed(now, session, std::move(stream.error()));
    session.phase = Phase::kAnswering;
    session.channel = std::make_unique<Channel>(
        *std::move(stream), BatchKind::kRequests, settings_,
        [mailbox = mailbox_, id = session.id] { mailbox->ready.wake(id); });
    if (outage_) session.channel->pause();
    session.channel->send_start(now, encode_start(*session.start));
}

void SignalEnd::attempt_failed(Timestamp now, Session& session, rpc::Error cause) {
    session.channel.reset();
    if (session.attempt < settings_.connect_attempts && may_try_again(cause.code) &&
        now < session.begun + settings_.attempts_within)
        return begin_attempt(now, session);
    ++counters_.refused;
    const int status = http_status(cause.code);
    over({Kind::kRefused, session.id, status, 0, std::move(cause)});
}

void SignalEnd::advance_start(Timestamp now, Session& session) {
    if (session.phase == Phase::kNew) return begin_attempt(now, session);
    if (session.phase == Phase::kWaiting && now >= session.ask_again_at)
        return find_node(now, session);
    if (session.channel && session.channel->received() > 0) {
        ++counters_.started;
        session.phase = Phase::kOpen;
        session.start.reset();
        session.told_readable = true;
        events_.push_back({Kind::kStarted, session.id});
        return advance_open(session);
    }
    if (session.channel && session.channel->state() == Channel::State::kFailed &&
        session.channel->failure().code != rpc::Code::kCanceled)
        return attempt_failed(now, session, session.channel->failure());
    if (session.channel && session.channel->state() != Channel::State::kOpen)
        return attempt_failed(now, session,
                              {rpc::Code::kUnknown, "connection closed by media", {}});
    if (now >= session.give_up_at)
        attempt_failed(
            now, session,
            {rpc::Code::kDeadlineExceeded, "timed out while waiting for signal response", {}});
}

void SignalEnd::read_mail(Timestamp now) {
    for (const std::string& node : std::exchange(mailbox_->dead, {}))
        lose_node(now, node);
    while (!mailbox_->mail.empty()) {
        Mailbox::Mail mail = std::move(mailbox_->mail.front());
        mailbox_->mail.pop_front();
        Session* const session = find(mail.session);
        if (session == nullptr || session->attempt != mail.attempt) continue;
        if (auto* const node = std::get_if<Mailbox::Placed>(&mail.content))
            placed(now, *session, std::move(node->node));
        else if (auto* const stream = std::get_if<Mailbox::Opened>(&mail.content))
            opened(now, *session, std::move(stream->stream));
    }
}

void SignalEnd::lose_node(Timestamp now, const std::string& node) {
    std::vector<SessionId> lost;
    for (const auto& [id, session] : sessions_)
        if (session->node == node) lost.push_back(id);
    std::sort(lost.begin(), lost.end());  // the same order each time
    for (const SessionId id : lost)
        lose(now, *find(id), {rpc::Code::kUnavailable, "node " + node + " died", {}});
}

// All that has arrived of such a session is still received.
void SignalEnd::lose(Timestamp now, Session& session, const rpc::Error& cause) {
    switch (session.phase) {
        case Phase::kOpening:
        case Phase::kWaiting:
        case Phase::kAnswering:
            return attempt_failed(now, session, cause);
        case Phase::kOpen:
            session.channel->abort(cause);
            deadlines_->clear(session.id);
            return fail(session, Farewell::kNodeDied, cause);
        case Phase::kDraining:
            deadlines_->clear(session.id);
            sessions_.erase(session.id);
            return;
        default:
            return;
    }
}

}  // namespace confab::cluster::relay
