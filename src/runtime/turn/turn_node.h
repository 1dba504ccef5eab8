// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The TURN server of the process: one thread with a loop, its listeners, the sockets of relayed
// addresses and the machine (turn/server.h) between them.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/net_address.h"
#include "base/result.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/framed/framed_listener.h"
#include "runtime/turn/media_shortcut.h"
#include "runtime/turn/relay_sockets.h"
#include "runtime/worker/latest_value.h"
#include "runtime/worker/timed_thread.h"
#include "turn/server.h"

namespace confab::turn_server {

struct TurnNodeOptions {
    std::vector<SocketAddress> udp;  // listeners; an unspecified address is every one of its family
    std::vector<SocketAddress> streams;  // listeners for TLS, or TCP
    bool adopts_streams = false;         // adopt() will give some
    net::FramedListenerOptions stream;
    // With `media`: sockets of media workers take what is for us, too, and answers leave by these
    // duplicates of them.
    std::vector<int> shared_udp = {};
    // Where the sockets of relayed addresses are bound.
    IpAddress relay_bind_v4;
    IpAddress relay_bind_v6;
    // What clients are told of our media, and where it is bound. Behind a NAT nothing need come
    // back from outside to get from one to the other.
    struct Alias {
        IpAddress told;
        IpAddress bound;
    };
    std::vector<Alias> aliases;
    // The way to our own media workers without sockets; null: there is none. Outlives the node.
    worker::RelayExchange* media = nullptr;
    turn::ServerOptions server;
};

struct TurnFigures {
    std::size_t allocations = 0;
    turn::Counters counters;
    std::uint64_t send_dropped = 0;  // datagrams that the kernel did not take
    RelaySockets::Counters relays;
    MediaShortcut::Counters shortcut;
    std::size_t connections = 0;  // by TCP and TLS
    net::FramedCounters streams;
};

class TurnNode {
  public:
    // Listening when it returns; the error names address and reason.
    static Result<std::unique_ptr<TurnNode>, std::string> start(TurnNodeOptions options);
    ~TurnNode();  // stop(), and waits for the thread if it hangs

    // The addresses bound, in the order of the options.
    const std::vector<SocketAddress>& udp() const { return udp_addresses_; }
    const std::vector<SocketAddress>& streams() const { return stream_addresses_; }

    // Any thread.
    void end_user(std::string participant_sid);
    void handle_new_keys();
    void set_peer_rules(turn::PeerRules rules);
    void set_limits(turn::AllocationLimits limits);
    void set_certificates(net::TlsContext tls);
    // Of a listener of somebody else's, with its TLS.
    void adopt(net::AcceptedStream accepted);
    // One reader's thread: as of the last turn of the loop.
    const TurnFigures& figures() { return figures_.read(); }

    // False: the thread did not end within kPatience; what it uses must live on.
    static constexpr std::chrono::seconds kPatience{3};
    bool stop();

  private:
    struct Listener {
        DatagramSocket socket;
        net::FdWatch watch;  // ends before what it watches
    };
    explicit TurnNode(TurnNodeOptions options);
    Result<void, std::string> open();
    Result<void, std::string> open_streams();
    void read_client(const worker::ClientDatagram& datagram, const SocketAddress& local);
    void read(Listener& listener);
    void deliver(Timestamp now, const turn::Output& output, Urgency urgency);
    bool handle_peer(turn::AllocationHandle allocation, const SocketAddress& peer, BytesView bytes,
                     Urgency urgency);
    void join_media();
    void post_read();
    void read_media();
    void ring_bells();
    DatagramSocket* listener_of(const SocketAddress& local);
    SocketAddress bound_for(const SocketAddress& peer) const;
    SocketAddress told_of(const SocketAddress& peer) const;
    void end_turn();

    TurnNodeOptions options_;
    net::EventLoop loop_;
    std::unique_ptr<MediaShortcut> shortcut_;  // null without TurnNodeOptions::media
    net::FdWatch media_watch_;
    bool reading_ = false;  // is read_media() posted?
    RelaySockets relays_;
    turn::Server server_;
    DatagramBatch batch_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::vector<SocketAddress> udp_addresses_;
    std::unique_ptr<net::FramedListener> streams_;
    std::vector<SocketAddress> stream_addresses_;
    net::EventLoop::Timer timer_;
    Timestamp timer_at_ = Timestamp::never();
    std::uint64_t send_dropped_ = 0;
    worker::LatestValue<TurnFigures> figures_;
    worker::TimedThread thread_;
};

}  // namespace confab::turn_server
