// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The WebSockets between clients and servers. Messages arrive in order; an outage holds them back,
// as TCP does. Either side closes its end; the other hears of it in order, or never. A server
// closes what has been silent for long.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "livekit_rtc.pb.h"
#include "room/scope/types.h"
#include "sim/ids.h"
#include "sim/net/blocked.h"
#include "sim/net/event_queue.h"

namespace confab::sim {

// Who is at the two ends of a WebSocket.
class SignalEnds {
  public:
    virtual ~SignalEnds() = default;
    // ---- the server
    virtual room::SessionId start_session(NodeId node, ClientId by,
                                          const livekit::JoinRequest& request) = 0;
    // What start_session() caused can be sent now: its session is known.
    virtual void session_started(NodeId node) = 0;
    virtual void request_arrived(NodeId node, room::SessionId session, ClientId from,
                                 std::string_view message) = 0;
    virtual void session_closed(NodeId node, room::SessionId session) = 0;
    // ---- the client; only of the socket that it opened last
    virtual void message_arrived(ClientId at, std::string_view message) = 0;
    virtual void socket_closed(ClientId at) = 0;
    virtual void socket_refused(ClientId at) = 0;
};

class WebSockets {
  public:
    // A server closes a WebSocket that has been silent for so long (01 §7.1).
    static constexpr Duration kSilence = Duration::seconds(20);
    static constexpr Duration kWatch = Duration::seconds(5);

    WebSockets(std::size_t clients, EventQueue& events, SignalEnds& ends);

    // A client comes; its messages take so long each way.
    void attach(ClientId id, Duration delay) { lines_[id].delay = delay; }
    // It is gone and hears nothing more. The server is told only by close().
    void detach(ClientId id);

    // ---- the client's end
    // Another socket takes the place of the one there is.
    void open(ClientId id, NodeId node, const livekit::JoinRequest& request);
    bool is_open(ClientId id) const { return lines_[id].current != 0; }
    void send_up(ClientId id, std::string message);
    // Silently: the server is not told.
    void close(ClientId id, bool silently);
    // It breaks, as both sides notice.
    void reset(ClientId id);

    // ---- the server's end
    struct Peer {
        ClientId client = 0;
        bool is_there = false;  // the client is the one that opened the socket
    };
    // nullopt when the server's end is closed.
    std::optional<Peer> peer_of(NodeId node, room::SessionId session);
    void send_down(NodeId node, room::SessionId session, std::string message);
    void close(NodeId node, room::SessionId session);
    void refuse(NodeId node, room::SessionId session);

    void cut(ClientId id, Directions which, Timestamp until) {
        lines_[id].blocked.hold(which, until);
    }

  private:
    struct Line {
        Duration delay;
        Blocked blocked;
        std::uint64_t current = 0;  // its socket; 0: none
        std::uint64_t visit = 0;    // counts its clients
    };
    struct Socket {
        std::uint64_t id = 0;
        ClientId client = 0;
        NodeId node = 0;
        std::uint64_t visit = 0;
        std::optional<room::SessionId> session;  // once the server has started it
        bool client_open = true;
        bool server_open = true;
        Timestamp last_up;
        Timestamp last_down;
        Timestamp last_heard;  // by the server
    };
    Socket* find(std::uint64_t id);
    Socket* find(NodeId node, room::SessionId session);
    void start(std::uint64_t id, const livekit::JoinRequest& request);
    void watch(std::uint64_t id);
    void close_up(Socket& socket);
    void close_down(Socket& socket, void (SignalEnds::*tell)(ClientId));
    void erase_if_closed(std::uint64_t id);
    // When what is sent now arrives: not before what was sent last.
    Timestamp up_arrival(Socket& socket);
    Timestamp down_arrival(Socket& socket);

    EventQueue& events_;
    SignalEnds& ends_;
    std::vector<Line> lines_;  // by client
    std::map<std::uint64_t, Socket> sockets_;
    std::map<std::pair<NodeId, room::SessionId>, std::uint64_t> by_session_;
    std::uint64_t last_ = 0;
};

}  // namespace confab::sim
