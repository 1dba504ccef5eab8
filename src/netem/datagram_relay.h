// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// UDP through a path: a datagram goes in now, and what is to leave comes out when it is due. Behind
// the relay every client has a port of its own towards the server, as a NAT gives it one.
//
//   client ──▶ link up ──▶ its port ──▶ server        client ◀── link down ◀── its port ◀── server
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/net_address.h"
#include "base/slot_map.h"
#include "base/time.h"
#include "netem/packet_queue.h"
#include "netem/path.h"

namespace confab::netem {

using ClientId = Handle<struct RelayClientTag>;

struct RelayLimits {
    std::size_t max_clients = 1024;     // beyond it the one that was silent longest goes
    std::size_t max_packets = 1 << 16;  // under way, each direction; beyond it they are dropped
};

// Of one direction, beside those of its link.
struct RelayCounters {
    std::uint64_t forwarded = 0;
    std::uint64_t octets = 0;       // of what was forwarded
    std::uint64_t udp_dropped = 0;  // under udp=drop
    std::uint64_t overflow = 0;     // beyond max_packets, or kMaxDatagram
};

class DatagramRelay {
  public:
    enum class EventKind : std::uint8_t {
        kOpened,   // a client: it needs a port
        kRebound,  // it needs another one; what still comes to the old one is lost
        kClosed,   // its port may go
    };
    struct Event {
        EventKind kind = EventKind::kOpened;
        ClientId client;
        std::size_t route = 0;
    };
    struct Outgoing {
        Direction direction = Direction::kUp;
        ClientId client;
        std::size_t route = 0;
        SocketAddress to;  // of kDown: the client
        BytesView bytes;
    };

    // The path outlives the relay.
    explicit DatagramRelay(Path& path, RelayLimits limits = {});

    // What a client sent to the listener of that number.
    void handle_client_packet(Timestamp now, std::size_t route, const SocketAddress& from,
                              BytesView bytes);
    // What came to a client's port. One that is closed gets nothing.
    void handle_server_packet(Timestamp now, ClientId client, BytesView bytes);
    // Acts on what changed in the path.
    void handle_timeout(Timestamp now);
    // New ports for this client alone.
    void rebind(ClientId client);
    void close(ClientId client);

    // Fills `out` with what is due and returns how many; their bytes are valid until the next call.
    std::size_t poll_transmit(Timestamp now, std::span<Outgoing> out);
    std::optional<Event> poll_event();
    Timestamp next_deadline() const;

    const RelayCounters& counters(Direction d) const {
        return d == Direction::kUp ? up_.counters : down_.counters;
    }
    std::size_t clients() const { return clients_.size(); }
    // That had to go for others; their next packets come from other ports.
    std::uint64_t evicted() const { return evicted_; }

  private:
    struct Client {
        SocketAddress address;
        std::size_t route = 0;
        Timestamp last_packet;
    };
    struct Side {
        PacketQueue queue;
        RelayCounters counters;
        std::vector<PacketQueue::Packet> lent;  // what the last poll_transmit() gave out
    };
    ClientId client_of(Timestamp now, std::size_t route, const SocketAddress& from);
    void drop_oldest();
    void offer(Timestamp now, Direction direction, ClientId client, BytesView bytes);
    std::size_t take(Timestamp now, Direction direction, std::span<Outgoing> out);
    Side& side(Direction d) { return d == Direction::kUp ? up_ : down_; }

    Path& path_;
    RelayLimits limits_;
    std::uint32_t rebinds_seen_ = 0;
    SlotMap<Client, struct RelayClientTag> clients_;
    std::vector<std::unordered_map<SocketAddress, ClientId>> by_address_;  // by route
    Side up_;
    Side down_;
    std::uint64_t evicted_ = 0;
    std::deque<Event> events_;  // bounded by the driver, which drains them after each input
};

}  // namespace confab::netem
