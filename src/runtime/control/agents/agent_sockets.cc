// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/agents/agent_sockets.h"

#include <utility>

#include "runtime/telemetry/log.h"

namespace confab::control {

agents::Clock agents_clock() {
    return {net::EventLoop::now(), net::EventLoop::wall()};
}

void AgentSockets::accept(net::HttpExchange exchange, const net::HttpHeaders& headers,
                          const token::Grants& grants) {
    auto socket = exchange.accept_websocket(headers, options_);
    if (!socket) return;
    const std::string id = hub_.connect(agents_clock(), grants.api_key, grants.tenant);
    socket->set_handlers(
        [this, id](bool text, std::string_view payload) { on_message(id, text, payload); },
        [this, id](net::WebSocketClosed closed) { on_closed(id, closed); });
    sockets_.emplace(id, std::move(socket));
    telemetry::log_debug("agent worker connected",
                         {{"workerID", id}, telemetry::LogField::if_any("tenant", grants.tenant)});
}

void AgentSockets::on_message(const std::string& worker, bool text, std::string_view payload) {
    // A copy: the handler that holds the original may go with its socket.
    hub_.handle_message(agents_clock(), std::string(worker), text, payload);
    flush();
}

void AgentSockets::on_closed(const std::string& worker, net::WebSocketClosed closed) {
    const auto gone = sockets_.extract(worker);  // to the end: its handler holds `worker`
    telemetry::log_debug("agent worker disconnected",
                         {{"workerID", worker}, {"code", closed.code}});
    hub_.disconnected(agents_clock(), worker);
    flush();
}

void AgentSockets::flush() {
    while (auto output = hub_.poll_output())
        carry_out(*std::move(output));
}

void AgentSockets::carry_out(agents::WorkerOutput output) {
    if (auto* frame = std::get_if<agents::WorkerFrame>(&output)) {
        const auto found = sockets_.find(frame->worker);
        if (found != sockets_.end())
            (void)found->second->send(frame->frame.text, std::move(frame->frame.payload));
        return;
    }
    const auto& end = std::get<agents::WorkerEnd>(output);
    const auto found = sockets_.find(end.worker);
    if (found == sockets_.end()) return;
    telemetry::log_info("agent worker let go", {{"workerID", end.worker}, {"reason", end.why}});
    if (end.cut) return found->second->cut();  // on_closed() follows
    found->second->close(1000);
}

}  // namespace confab::control
