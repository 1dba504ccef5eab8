// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/signal_sessions.h"

#include <algorithm>
#include <utility>

#include "proto/proto_json.h"
#include "runtime/control/observations.h"
#include "runtime/telemetry/log.h"

namespace confab::control {
namespace {

// CON-08: behind proxies it is a header, of any length.
constexpr std::size_t kMaxLoggedAddress = 256;
// An answer that is no more than this costs its asker a share of the whole only: it is of the size
// of the request. A data blob is thousands of times as large.
constexpr std::size_t kLargeAnswer = 4096;

}  // namespace

SignalSessions::SignalSessions(room::RoomManager& rooms, net::WebSocketOptions options,
                               telemetry::Metrics& metrics)
    : rooms_(rooms), options_(options), metrics_(metrics) {}

SignalSessions::~SignalSessions() = default;

room::Clock SignalSessions::clock() const {
    return {net::EventLoop::now(), net::EventLoop::wall()};
}

void SignalSessions::start(const room::JoinParams& params, net::HttpExchange exchange,
                           net::HttpHeaders headers) {
    const room::SessionId id = rooms_.start_session(clock(), params);
    Session& session = add(params, id);
    session.exchange = std::make_unique<net::HttpExchange>(std::move(exchange));
    session.headers = std::move(headers);
    session.exchange->on_gone([this, id] {
        sessions_.erase(id);
        rooms_.signal_closed(clock(), id);
        wake_();
    });
}

room::SessionId SignalSessions::start(const room::JoinParams& params,
                                      std::unique_ptr<SignalSink> sink) {
    const room::SessionId id = rooms_.start_session(clock(), params);
    add(params, id).sink = std::move(sink);
    return id;
}

SignalSessions::Session& SignalSessions::add(const room::JoinParams& params, room::SessionId id) {
    auto session = std::make_unique<Session>();
    session->started = net::EventLoop::now();
    session->room = params.room;
    session->identity = params.grants.identity;
    session->protocol = params.client.protocol();
    session->resumes = params.reconnect;
    session->allowance = SignalAllowance(params.signal_rate);
    const token::RoomName room = token::split_room_key(params.room);
    telemetry::log_debug("signal connection",
                         {{"room", room.name},
                          telemetry::LogField::if_any("tenant", room.tenant),
                          {"participant", params.grants.identity},
                          {"sdk", livekit::ClientInfo::SDK_Name(params.client.sdk())},
                          {"version", params.client.version()},
                          {"address", params.client.address().substr(0, kMaxLoggedAddress)},
                          {"single", params.single_connection},
                          {"reconnect", params.reconnect}});
    wake_();
    return *(sessions_[id] = std::move(session));
}

SignalSink* SignalSessions::sink_of(room::SessionId id) {
    const auto found = sessions_.find(id);
    return found == sessions_.end() ? nullptr : found->second->sink.get();
}

bool SignalSessions::accept(room::SessionId id, Session& session) {
    if (session.socket) return true;
    if (!session.exchange) return false;
    session.socket = session.exchange->accept_websocket(session.headers, options_);
    session.exchange.reset();
    count_join(session, session.socket ? "signal_connected" : "signal_upgrade_failed");
    if (!session.socket) return false;
    session.socket->set_handlers(
        [this, id](bool text, std::string_view payload) { on_message(id, text, payload); },
        [this, id](net::WebSocketClosed closed) { on_closed(id, closed); });
    count_start(session);
    return true;
}

void SignalSessions::count_start(const Session& session) {
    metrics_.observe(telemetry::Metric::kSessionJoinLatencyMs, {protocol_label(session.protocol)},
                     static_cast<double>((net::EventLoop::now() - session.started).us()) / 1000.0);
}

// A resume is no join.
void SignalSessions::count_join(const Session& session, const char* state) {
    if (!session.resumes) metrics_.add(telemetry::Metric::kParticipantJoinTotal, {state});
}

SignalSessions::Session* SignalSessions::writable(room::SessionId id) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return nullptr;
    if (accept(id, *found->second)) return found->second.get();
    end(id);
    return nullptr;
}

void SignalSessions::write(room::SessionId id, Session& session, Payload payload) {
    metrics_.add(telemetry::Metric::kNodeMessages, {"signal", "success", "response"});
    count(id, session, payload->size);
    (void)session.socket->send(session.text, std::move(payload));
}

// False: there is no sink. What goes to a client by way of another node is caused by its sender no
// less (IMM-15).
bool SignalSessions::send_to_sink(room::SessionId id, const livekit::SignalResponse& response) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end() || !found->second->sink) return false;
    count(id, *found->second, response.ByteSizeLong());
    found->second->sink->handle_signal(response);
    return true;
}

void SignalSessions::send(room::SessionId id, const livekit::SignalResponse& response) {
    if (send_to_sink(id, response)) return;
    Session* session = writable(id);
    if (session == nullptr) return;
    std::string payload =
        session->text ? proto::to_camel_json(response) : response.SerializeAsString();
    write(id, *session, std::make_shared<const net::WebSocketMessage>(std::move(payload)));
}

void SignalSessions::broadcast(const std::vector<room::SessionId>& ids,
                               const livekit::SignalResponse& response) {
    Payload binary;
    Payload text;
    for (const room::SessionId id : ids) {
        if (send_to_sink(id, response)) continue;
        Session* session = writable(id);
        if (session == nullptr) continue;
        Payload& payload = session->text ? text : binary;
        if (!payload)
            payload = std::make_shared<const net::WebSocketMessage>(
                session->text ? proto::to_camel_json(response) : response.SerializeAsString());
        write(id, *session, payload);
    }
}

void SignalSessions::send_join(const room::SendJoin& join) {
    if (SignalSink* const sink = sink_of(join.session)) {
        const Session& started = *sessions_.at(join.session);
        count_join(started, "signal_connected");
        count_start(started);
        return sink->handle_join(join);
    }
    Session* session = writable(join.session);
    if (session == nullptr) return;
    net::WebSocketMessage message(session->text ? proto::to_camel_json(room::whole(join))
                                                : room::serialized_head(join));
    if (!session->text)
        for (const room::EncodedOthers& run : join.others)
            message.add(roster_parts_.part_of(run));
    write(join.session, *session,
          std::make_shared<const net::WebSocketMessage>(std::move(message)));
}

void SignalSessions::refuse(const room::RefuseSession& refusal) {
    const auto found = sessions_.find(refusal.session);
    if (found == sessions_.end()) return;
    Session& session = *found->second;
    const token::RoomName room = token::split_room_key(session.room);
    telemetry::log_info("session refused", {{"room", room.name},
                                            telemetry::LogField::if_any("tenant", room.tenant),
                                            {"participant", session.identity},
                                            {"status", refusal.status},
                                            {"reason", refusal.text},
                                            {"cause", refusal.cause}});
    count_join(session, "signal_failed");
    if (session.sink) session.sink->handle_refusal(refusal);
    if (session.exchange) {
        net::HttpResponse response = net::HttpResponse::text(refusal.status, refusal.text);
        for (const net::HttpHeader& header : session.headers)
            response.headers.add(header.name, header.value);
        session.exchange->respond(std::move(response));
    }
    end(refusal.session);
}

void SignalSessions::close(room::SessionId id, std::uint16_t code) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    if (found->second->socket) found->second->socket->close(code);
    // A closed session takes no more frames; its socket ends by itself. The rooms keep a session
    // until they are told that it is over, whoever ended it.
    end(id);
}

void SignalSessions::on_message(room::SessionId id, bool text, std::string_view payload) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    found->second->text = text;
    livekit::SignalRequest request;
    const bool parsed =
        text ? proto::parse_json(payload, request)
             : request.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
    metrics_.add(telemetry::Metric::kNodeMessages,
                 {"signal", parsed ? "success" : "failure", "request"});
    if (!parsed) {
        // A frame that does not decode ends the connection with 1000 (CON-41).
        end(id);
        return;
    }
    handle(id, request);
}

// What the request leads to is carried out at once, so that its cost is known.
void SignalSessions::handle(room::SessionId id, const livekit::SignalRequest& request) {
    carry_out_();  // what was there before is not this session's doing
    const Duration began = net::EventLoop::worked();
    sender_ = id;
    ++request_number_;
    cost_ = {};
    rooms_.handle_request(clock(), id, request);
    carry_out_();
    wake_();
    sender_.reset();
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    const Timestamp now = net::EventLoop::now();
    cost_.took = net::EventLoop::worked() - began;
    const Timestamp next = spend(*found->second, now);
    if (next <= now) return;
    if (found->second->socket) found->second->socket->hold_reading(next);
    if (found->second->sink) found->second->sink->hold_reading(next);
}

// When the next message of the session may be read.
Timestamp SignalSessions::spend(Session& session, Timestamp now) {
    const Timestamp allowed = session.allowance.spend(now);
    if (allowed > now) metrics_.add(telemetry::Metric::kRateLimited, {"signal", "delayed"});
    return std::max(allowed, session.budget.spend(now, cost_));
}

void SignalSessions::count(room::SessionId id, Session& receiver, std::size_t bytes) {
    if (!sender_) return;
    cost_.total += bytes;
    if (id == *sender_ && bytes < kLargeAnswer) return;
    if (receiver.caused_by != request_number_) receiver.caused_bytes = 0;
    receiver.caused_by = request_number_;
    receiver.caused_bytes += bytes;
    cost_.largest = std::max(cost_.largest, receiver.caused_bytes);
}

void SignalSessions::on_closed(room::SessionId id, net::WebSocketClosed closed) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    const token::RoomName room = token::split_room_key(found->second->room);
    telemetry::log_debug("signal closed", {{"room", room.name},
                                           telemetry::LogField::if_any("tenant", room.tenant),
                                           {"participant", found->second->identity},
                                           {"code", closed.code}});
    end(id);
}

void SignalSessions::end(room::SessionId id) {
    sessions_.erase(id);
    rooms_.signal_closed(clock(), id);
    wake_();
}

}  // namespace confab::control
