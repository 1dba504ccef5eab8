// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The WebSockets of agent workers (01 CON-50): frames to and from the hub that knows them.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "agents/worker_hub.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/http/http_server.h"

namespace confab::control {

class AgentSockets {
  public:
    // `hub` must outlive it.
    AgentSockets(agents::WorkerHub& hub, net::WebSocketOptions options)
        : hub_(hub), options_(options) {}

    // A worker that may connect, with its token; `headers` go into the answer.
    void accept(net::HttpExchange exchange, const net::HttpHeaders& headers,
                const token::Grants& grants);
    // Carries out what the hub wants.
    void flush();
    std::size_t size() const { return sockets_.size(); }

  private:
    void on_message(const std::string& worker, bool text, std::string_view payload);
    void on_closed(const std::string& worker, net::WebSocketClosed closed);
    void carry_out(agents::WorkerOutput output);

    agents::WorkerHub& hub_;
    net::WebSocketOptions options_;
    std::unordered_map<std::string, std::unique_ptr<net::WebSocket>> sockets_;  // by worker
};

agents::Clock agents_clock();

}  // namespace confab::control
