// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The streams that clients open to the passive candidates of servers: RFC 4571 frames, in order and
// without loss, but for what a full buffer drops. An outage holds them back. The end of a client's
// session closes its streams; the server hears of it a little later, as of a FIN.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "sim/net/blocked.h"
#include "sim/net/event_queue.h"
#include "sim/net/media_ends.h"

namespace confab::sim {

class TcpStreams {
  public:
    static constexpr Duration kDelay = Duration::millis(12);
    // Frames that wait for a blocked client; a worker's socket buffer is no larger.
    static constexpr std::size_t kMaxWaiting = 256;

    struct Opening {
        client::Target target = client::Target::kPublisher;
        SocketAddress inside;   // the client's own address
        SocketAddress outside;  // and as the server sees it
        SocketAddress listener;
        std::uint16_t socket = 0;  // of the server, its listener
        NodeId node = 0;
        std::size_t shard = 0;
    };

    TcpStreams(std::size_t clients, EventQueue& events, ClientEnd& client_end,
               ServerEnd& server_end);

    // It is there after two ways, unless the session has ended by then.
    void open(ClientId id, const Opening& opening);
    void close_all(ClientId id);

    // By the numbers of streams (ice::Path::tcp_connection). What is for none that is open is lost.
    void send_up(std::uint32_t number, BytesView frame);
    void send_down(std::uint32_t number, BytesView frame);

    void cut(ClientId id, Directions which, Timestamp until) {
        lines_[id].blocked.hold(which, until);
    }

  private:
    struct Line {
        Blocked blocked;
        std::uint64_t session = 0;
    };
    struct Stream {
        ClientId client = 0;
        client::Target target = client::Target::kPublisher;
        ice::Path of_client;
        ServerStream of_server;
        Timestamp last_up;
        Timestamp last_down;
        std::size_t waiting_down = 0;
    };
    static Stream make_stream(ClientId id, std::uint32_t number, const Opening& opening);

    EventQueue& events_;
    ClientEnd& client_end_;
    ServerEnd& server_end_;
    std::vector<Line> lines_;                  // by client
    std::map<std::uint32_t, Stream> streams_;  // by number
    std::uint32_t next_number_ = 1;
};

}  // namespace confab::sim
