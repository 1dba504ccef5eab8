// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/net/web_sockets.h"

#include <algorithm>

namespace confab::sim {

WebSockets::WebSockets(std::size_t clients, EventQueue& events, SignalEnds& ends)
    : events_(events), ends_(ends), lines_(clients) {}

// ---------------------------------------------------------------- sockets

WebSockets::Socket* WebSockets::find(std::uint64_t id) {
    const auto found = sockets_.find(id);
    return found == sockets_.end() ? nullptr : &found->second;
}

WebSockets::Socket* WebSockets::find(NodeId node, room::SessionId session) {
    const auto found = by_session_.find({node, session});
    return found == by_session_.end() ? nullptr : find(found->second);
}

void WebSockets::erase_if_closed(std::uint64_t id) {
    const Socket* socket = find(id);
    if (socket == nullptr || socket->client_open || socket->server_open) return;
    if (socket->session) by_session_.erase({socket->node, *socket->session});
    sockets_.erase(id);
}

Timestamp WebSockets::up_arrival(Socket& socket) {
    const Line& line = lines_[socket.client];
    const Timestamp passes = std::max(events_.now(), line.blocked.up);
    socket.last_up = std::max(socket.last_up, passes + line.delay);
    return socket.last_up;
}

Timestamp WebSockets::down_arrival(Socket& socket) {
    const Line& line = lines_[socket.client];
    const Timestamp passes = std::max(events_.now(), line.blocked.down);
    socket.last_down = std::max(socket.last_down, passes + line.delay);
    return socket.last_down;
}

// ---------------------------------------------------------------- the client's end

void WebSockets::detach(ClientId id) {
    lines_[id].current = 0;
    ++lines_[id].visit;
}

void WebSockets::open(ClientId id, NodeId node, const livekit::JoinRequest& request) {
    close(id, false);
    Socket& socket = sockets_[++last_];
    socket.id = lines_[id].current = last_;
    socket.client = id;
    socket.node = node;
    socket.visit = lines_[id].visit;
    socket.last_heard = events_.now();
    events_.plan(up_arrival(socket), [this, of = socket.id, request] { start(of, request); });
}

void WebSockets::start(std::uint64_t id, const livekit::JoinRequest& request) {
    Socket* socket = find(id);
    if (socket == nullptr || !socket->server_open) return;
    socket->last_heard = events_.now();
    socket->session = ends_.start_session(socket->node, socket->client, request);
    by_session_[{socket->node, *socket->session}] = id;
    watch(id);
    ends_.session_started(socket->node);
}

void WebSockets::send_up(ClientId id, std::string message) {
    Socket* socket = find(lines_[id].current);
    if (socket == nullptr) return;
    events_.plan(up_arrival(*socket), [this, of = socket->id, message = std::move(message)] {
        Socket* at = find(of);
        if (at == nullptr || !at->server_open || !at->session) return;
        at->last_heard = events_.now();
        ends_.request_arrived(at->node, *at->session, at->client, message);
    });
}

void WebSockets::close(ClientId id, bool silently) {
    Socket* socket = find(std::exchange(lines_[id].current, 0));
    if (socket == nullptr) return;
    socket->client_open = false;
    if (!silently) close_up(*socket);
    erase_if_closed(socket->id);
}

void WebSockets::reset(ClientId id) {
    const std::uint64_t broken = std::exchange(lines_[id].current, 0);
    Socket* socket = find(broken);
    if (socket == nullptr) return;
    socket->client_open = false;
    ends_.socket_closed(id);
    socket = find(broken);
    if (socket == nullptr) return;
    close_up(*socket);
    erase_if_closed(broken);
}

// The server hears of it behind what was sent before.
void WebSockets::close_up(Socket& socket) {
    if (!socket.server_open) return;
    events_.plan(up_arrival(socket), [this, id = socket.id] {
        Socket* at = find(id);
        if (at == nullptr || !at->server_open) return;
        at->server_open = false;
        const auto session = at->session;
        const NodeId node = at->node;
        erase_if_closed(id);
        if (session) ends_.session_closed(node, *session);
    });
}

// ---------------------------------------------------------------- the server's end

std::optional<WebSockets::Peer> WebSockets::peer_of(NodeId node, room::SessionId session) {
    const Socket* socket = find(node, session);
    if (socket == nullptr || !socket->server_open) return std::nullopt;
    return Peer{socket->client, socket->visit == lines_[socket->client].visit};
}

void WebSockets::send_down(NodeId node, room::SessionId session, std::string message) {
    Socket* socket = find(node, session);
    if (socket == nullptr || !socket->server_open) return;
    events_.plan(down_arrival(*socket), [this, id = socket->id, message = std::move(message)] {
        const Socket* at = find(id);
        if (at != nullptr && at->client_open && lines_[at->client].current == id)
            ends_.message_arrived(at->client, message);
    });
}

void WebSockets::watch(std::uint64_t id) {
    events_.plan(events_.now() + kWatch, [this, id] {
        const Socket* socket = find(id);
        if (socket == nullptr || !socket->server_open) return;
        if (events_.now() - socket->last_heard < kSilence) return watch(id);
        close(socket->node, *socket->session);
    });
}

void WebSockets::close(NodeId node, room::SessionId session) {
    Socket* socket = find(node, session);
    if (socket != nullptr && socket->server_open) close_down(*socket, &SignalEnds::socket_closed);
}

void WebSockets::refuse(NodeId node, room::SessionId session) {
    Socket* socket = find(node, session);
    if (socket != nullptr) close_down(*socket, &SignalEnds::socket_refused);
}

// The server's driver says at once that the socket is gone; the client hears of it in order.
void WebSockets::close_down(Socket& socket, void (SignalEnds::*tell)(ClientId)) {
    socket.server_open = false;
    events_.plan(events_.now(), [this, node = socket.node, session = *socket.session] {
        ends_.session_closed(node, session);
    });
    events_.plan(down_arrival(socket), [this, id = socket.id, tell] {
        Socket* at = find(id);
        if (at == nullptr) return;
        const ClientId client = at->client;
        const bool is_wanted = at->client_open && lines_[client].current == id;
        at->client_open = false;
        erase_if_closed(id);
        if (!is_wanted) return;
        lines_[client].current = 0;
        (ends_.*tell)(client);
    });
}

}  // namespace confab::sim
