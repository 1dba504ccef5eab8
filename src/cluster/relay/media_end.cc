// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/relay/media_end.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "cluster/relay/channel.h"
#include "cluster/relay/ready_list.h"

namespace confab::cluster::relay {

namespace {

void discard(Channel& channel) {
    while (channel.receive()) {
    }
}

}  // namespace

struct MediaEnd::Session {
    SessionId id;
    enum class Phase : std::uint8_t {
        kAwaiting,  // the start
        kOpen,
        kClosing,  // the host is done, its last responses are on their way
        kEnded,    // the peer is, and there are requests to fetch
    };
    Phase phase = Phase::kAwaiting;
    Timestamp give_up_at;                 // kAwaiting
    std::string peer;                     // the node with the WebSocket
    std::shared_ptr<rpc::Stream> stream;  // kAwaiting
    std::unique_ptr<Channel> channel;
    bool told_readable = false;
    std::optional<rpc::Error> refusal;
    rpc::Error cause;

    bool is_awaiting() const { return phase == Phase::kAwaiting; }
    Timestamp deadline() const { return is_awaiting() ? give_up_at : channel->next_deadline(); }
};

// Held by callbacks too, which may come after the end of all sessions.
struct MediaEnd::Mailbox {
    struct Opened {
        std::shared_ptr<rpc::Stream> stream;
        std::string by;
    };
    std::vector<Opened> streams;
    std::vector<std::string> dead;
    ReadyList ready;

    bool is_empty() const { return streams.empty() && dead.empty() && ready.is_empty(); }
};

MediaEnd::MediaEnd(rpc::Bus& bus, MediaHost& host, std::string node, const Settings& settings,
                   const token::Limits& limits)
    : bus_(bus),
      host_(host),
      node_(std::move(node)),
      settings_(settings),
      limits_(limits),
      mailbox_(std::make_shared<Mailbox>()),
      deadlines_(std::make_unique<Deadlines>()) {}

MediaEnd::~MediaEnd() = default;

Result<void, rpc::Error> MediaEnd::serve() {
    CONFAB_TRY(
        registration_,
        bus_.serve_stream(kRelaySignal, {node_},
                          [mailbox = std::weak_ptr(mailbox_)](const rpc::Request& opening,
                                                              std::shared_ptr<rpc::Stream> stream) {
                              if (const auto box = mailbox.lock())
                                  box->streams.push_back({std::move(stream), opening.caller});
                          }));
    return {};
}

MediaEnd::Session* MediaEnd::find(SessionId id) {
    const auto found = sessions_.find(id);
    return found == sessions_.end() ? nullptr : found->second.get();
}

void MediaEnd::erase(SessionId id) {
    deadlines_->clear(id);
    sessions_.erase(id);
}

// ---------------------------------------------------------------- the host

void MediaEnd::respond(SessionId id, std::string response) {
    Session* const session = find(id);
    if (session == nullptr || session->phase != Session::Phase::kOpen) return;
    session->channel->send(std::move(response));
    mailbox_->ready.wake(id);
}

void MediaEnd::refuse(SessionId id, rpc::Error error) {
    Session* const session = find(id);
    if (session == nullptr || session->is_awaiting() || session->phase == Session::Phase::kClosing)
        return;
    session->phase = Session::Phase::kClosing;
    session->refusal = std::move(error);
    mailbox_->ready.wake(id);
}

void MediaEnd::close(SessionId id) {
    Session* const session = find(id);
    if (session == nullptr || session->is_awaiting()) return;
    if (session->phase == Session::Phase::kOpen) session->channel->finish();
    session->phase = Session::Phase::kClosing;
    mailbox_->ready.wake(id);
}

std::optional<livekit::SignalRequest> MediaEnd::receive(SessionId id) {
    Session* const session = find(id);
    if (session == nullptr || session->is_awaiting() || session->phase == Session::Phase::kClosing)
        return std::nullopt;
    Channel& channel = *session->channel;
    if (const auto bytes = channel.receive()) {
        livekit::SignalRequest request;
        if (request.ParseFromString(*bytes)) return request;
        channel.reject({rpc::Code::kMalformedRequest, "signal request cannot be read", {}});
        discard(channel);
    }
    session->told_readable = false;
    if (channel.state() != Channel::State::kOpen) mailbox_->ready.wake(id);
    return std::nullopt;
}

void MediaEnd::node_died(std::string_view node) {
    mailbox_->dead.emplace_back(node);
}

void MediaEnd::node_stands(std::string_view node, bool stands) {
    for (const auto& [id, session] : sessions_) {
        if (!session->channel || session->peer != node) continue;
        session->channel->hold(stands);
        mailbox_->ready.wake(id);
    }
}

void MediaEnd::handle_outage() {
    outage_ = true;
    for (const auto& [id, session] : sessions_)
        if (session->channel) {
            session->channel->pause();
            mailbox_->ready.wake(id);
        }
}

void MediaEnd::handle_recovery(Timestamp now) {
    outage_ = false;
    for (const auto& [id, session] : sessions_)
        if (session->channel) {
            session->channel->resume(now);
            mailbox_->ready.wake(id);
        }
}

// ---------------------------------------------------------------- turns

void MediaEnd::handle_timeout(Timestamp now) {
    for (auto& opened : std::exchange(mailbox_->streams, {}))
        take_stream(now, std::move(opened.stream), std::move(opened.by));
    for (const std::string& node : std::exchange(mailbox_->dead, {}))
        lose_node(node);
    deadlines_->expire(now, mailbox_->ready);
    for (const SessionId id : mailbox_->ready.take())
        advance(now, id);
}

Timestamp MediaEnd::next_deadline() const {
    return mailbox_->is_empty() ? deadlines_->next() : Timestamp::micros(0);
}

MediaEnd::Snapshot MediaEnd::snapshot() const {
    Snapshot result = counters_;
    result.sessions = sessions_.size();
    return result;
}

void MediaEnd::take_stream(Timestamp now, std::shared_ptr<rpc::Stream> stream, std::string peer) {
    if (sessions_.size() >= settings_.max_sessions) {
        ++counters_.refused;
        return stream->close({rpc::Code::kUnavailable, "node has too many sessions", {}});
    }
    auto session = std::make_unique<Session>();
    const SessionId id{++last_id_};
    session->id = id;
    session->give_up_at = now + settings_.start_wait;
    const auto wake = [mailbox = std::weak_ptr(mailbox_), id] {
        if (const auto box = mailbox.lock()) box->ready.wake(id);
    };
    stream->set_handlers(wake, [wake](const rpc::Error&) { wake(); });
    session->stream = std::move(stream);
    session->peer = std::move(peer);
    sessions_.emplace(id, std::move(session));
    mailbox_->ready.wake(id);
}

void MediaEnd::advance(Timestamp now, SessionId id) {
    Session* session = find(id);
    if (session == nullptr) return;
    if (session->is_awaiting()) await_start(now, *session);
    session = find(id);
    if (session == nullptr) return;
    if (session->channel) {
        if (session->refusal) return turn_away(*session, *std::move(session->refusal));
        session->channel->advance(now);
        advance_started(*session);
    }
    session = find(id);
    if (session != nullptr) deadlines_->set(id, session->deadline());
}

// Until then the stream has no sequence.
void MediaEnd::await_start(Timestamp now, Session& session) {
    if (const auto first = session.stream->receive()) return begin(session, *first);
    if (!session.stream->is_open()) return erase(session.id);
    if (now >= session.give_up_at)
        turn_away(session, {rpc::Code::kDeadlineExceeded, "the session was not started", {}});
}

void MediaEnd::begin(Session& session, const std::string& first) {
    const auto batch = decode_batch(BatchKind::kRequests, first);
    if (!batch)
        return turn_away(session,
                         {rpc::Code::kMalformedRequest, std::string(to_text(batch.error())), {}});
    auto start = decode_start(*batch, limits_);
    if (!start) return turn_away(session, std::move(start.error()));
    ++counters_.started;
    session.phase = Session::Phase::kOpen;
    // Other implementations name themselves in opening the stream alone.
    if (!start->node_id.empty()) session.peer = start->node_id;
    session.channel =
        std::make_unique<Channel>(std::exchange(session.stream, nullptr), BatchKind::kResponses,
                                  settings_, [mailbox = std::weak_ptr(mailbox_), id = session.id] {
                                      if (const auto box = mailbox.lock()) box->ready.wake(id);
                                  });
    if (outage_) session.channel->pause();
    session.channel->accept(*batch);
    host_.start(session.id, *std::move(start));
}

void MediaEnd::turn_away(Session& session, rpc::Error error) {
    ++counters_.refused;
    if (session.channel)
        session.channel->abort(std::move(error));
    else
        session.stream->close(std::move(error));
    erase(session.id);
}

void MediaEnd::advance_started(Session& session) {
    if (session.phase == Session::Phase::kClosing) {
        discard(*session.channel);
        if (session.channel->state() != Channel::State::kOpen) erase(session.id);
        return;
    }
    if (session.phase == Session::Phase::kOpen &&
        session.channel->state() != Channel::State::kOpen) {
        session.phase = Session::Phase::kEnded;
        session.cause = session.channel->failure();
        if (session.channel->state() == Channel::State::kFailed &&
            session.cause.code != rpc::Code::kCanceled)
            ++counters_.failed;
    }
    if (session.channel->received() == 0) return end_if_done(session);
    if (!std::exchange(session.told_readable, true)) host_.readable(session.id);
}

// What the peer's client said last is received first.
void MediaEnd::end_if_done(Session& session) {
    if (session.phase != Session::Phase::kEnded) return;
    const SessionId id = session.id;
    const rpc::Error cause = std::move(session.cause);
    erase(id);
    host_.closed(id, cause);
}

void MediaEnd::lose_node(const std::string& node) {
    std::vector<SessionId> lost;
    for (const auto& [id, session] : sessions_)
        if (session->channel && session->peer == node) lost.push_back(id);
    std::sort(lost.begin(), lost.end());  // the same order each time
    for (const SessionId id : lost) {
        find(id)->channel->reject({rpc::Code::kUnavailable, "node " + node + " died", {}});
        mailbox_->ready.wake(id);
    }
}

}  // namespace confab::cluster::relay
