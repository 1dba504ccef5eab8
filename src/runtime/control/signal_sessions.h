// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The signalling connections (01 CON-30…45): from a validated upgrade request to frames in and out.
// The upgrade is answered only when the session's first response is there, so that every refusal is
// an HTTP status (CON-31). And sessions whose client speaks something else (SignalSink).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "room/manager/room_manager.h"
#include "runtime/control/request_budget.h"
#include "runtime/control/roster_parts.h"
#include "runtime/control/signal/signal_allowance.h"
#include "runtime/control/signal/signal_sink.h"
#include "runtime/net/http/http_server.h"
#include "runtime/telemetry/metrics.h"

namespace confab::control {

class SignalSessions {
  public:
    SignalSessions(room::RoomManager& rooms, net::WebSocketOptions options,
                   telemetry::Metrics& metrics);
    ~SignalSessions();

    // Called whenever rooms() was given something to do.
    void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }

    // Called after each request: carries out what it led to, through send() and the others below.
    void set_carry_out(std::function<void()> carry_out) { carry_out_ = std::move(carry_out); }

    // Starts the session and keeps the exchange until its first response or refusal. `headers` go
    // into either answer.
    void start(const room::JoinParams& params, net::HttpExchange exchange,
               net::HttpHeaders headers);

    // Starts a session for a client that is not at the other end of a WebSocket; the sink lives as
    // long as the session.
    room::SessionId start(const room::JoinParams& params, std::unique_ptr<SignalSink> sink);
    // What such a client asks for; what it leads to has happened when this returns.
    void request(room::SessionId id, const livekit::SignalRequest& request) { handle(id, request); }
    // Such a client is gone.
    void gone(room::SessionId id) { end(id); }

    void send(room::SessionId id, const livekit::SignalResponse& response);
    // The same to many: serialised once for each encoding that is spoken.
    void broadcast(const std::vector<room::SessionId>& ids,
                   const livekit::SignalResponse& response);
    void send_join(const room::SendJoin& join);
    void refuse(const room::RefuseSession& refusal);
    void close(room::SessionId id, std::uint16_t code);
    std::size_t size() const { return sessions_.size(); }

  private:
    struct Session {
        std::unique_ptr<net::HttpExchange> exchange;  // until answered
        net::HttpHeaders headers;
        std::unique_ptr<net::WebSocket> socket;
        std::unique_ptr<SignalSink> sink;  // in place of exchange and socket
        bool text = false;                 // the encoding of the last frame received (CON-42)
        Timestamp started;
        std::string room;  // its key
        std::string identity;
        std::int32_t protocol = 0;
        bool resumes = false;
        RequestBudget budget;
        SignalAllowance allowance;
        std::uint64_t caused_by = 0;   // number of the request that sent it something last,
        std::size_t caused_bytes = 0;  // and how much
    };
    using Payload = std::shared_ptr<const net::WebSocketMessage>;
    Session& add(const room::JoinParams& params, room::SessionId id);
    void count_start(const Session& session);
    // The sink of a session that has one, else null.
    SignalSink* sink_of(room::SessionId id);
    bool send_to_sink(room::SessionId id, const livekit::SignalResponse& response);
    // Null when it is gone; one that can not be answered any more ends here.
    Session* writable(room::SessionId id);
    void write(room::SessionId id, Session& session, Payload payload);
    bool accept(room::SessionId id, Session& session);
    void count_join(const Session& session, const char* state);
    void on_message(room::SessionId id, bool text, std::string_view payload);
    void on_closed(room::SessionId id, net::WebSocketClosed closed);
    void end(room::SessionId id);
    void handle(room::SessionId id, const livekit::SignalRequest& request);
    Timestamp spend(Session& session, Timestamp now);
    void count(room::SessionId id, Session& receiver, std::size_t bytes);
    room::Clock clock() const;

    room::RoomManager& rooms_;
    net::WebSocketOptions options_;
    telemetry::Metrics& metrics_;
    std::function<void()> wake_;
    std::function<void()> carry_out_;
    std::optional<room::SessionId> sender_;  // of the request being handled
    std::uint64_t request_number_ = 0;
    RequestCost cost_;
    std::unordered_map<room::SessionId, std::unique_ptr<Session>> sessions_;
    RosterParts roster_parts_;
};

}  // namespace confab::control
