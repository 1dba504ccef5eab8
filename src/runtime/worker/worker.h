// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A media worker: one pinned thread that owns its sockets and a shard, and sleeps in a Poller
// (02 DES-01, DES-04). Runs every packet to completion; never locks, never blocks.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "rtc/dtls/session.h"
#include "runtime/worker/mailbox.h"
#include "runtime/worker/relay/worker_relays.h"
#include "runtime/worker/socket/poller.h"
#include "runtime/worker/socket/udp_socket.h"
#include "runtime/worker/timed_thread.h"
#include "runtime/worker/worker_links.h"
#include "runtime/worker/worker_ports.h"
#include "sfu/shard/shard_options.h"

namespace confab::sfu {
class Shard;
}

namespace confab::worker {

struct WorkerOptions {
    sfu::WorkerIndex index = 0;
    std::size_t worker_count = 1;
    int cpu = -1;  // to be pinned to; -1: not pinned
    std::vector<SocketAddress> udp;
    bool udp_shared = false;  // other workers bind the same port
    // Of the ports of `udp`, one that another program has gives way to the next in steps of
    // worker_count, up to this one. 0: it is an error.
    std::uint16_t last_udp_port = 0;
    // Of the process before, in place of `udp`. They are read once listen() says so.
    std::vector<FileDescriptor> udp_sockets = {};
    std::vector<SocketAddress> tcp;
    // Who listens there puts what it accepts into the inbox.
    bool tcp_accepted_elsewhere = false;
    RelayExchange* relays = nullptr;  // null where there is no TURN server; outlives the worker
    const dtls::Context* dtls = nullptr;
    std::uint64_t seed = 0;
    sfu::ShardOptions shard;
};

class Worker {
  public:
    // `inboxes` holds those of all workers, `ports` those of all control shards; both outlive this.
    Worker(WorkerOptions options, std::vector<std::unique_ptr<WorkerInbox>>& inboxes,
           const std::vector<std::unique_ptr<ControlPort>>& ports);
    ~Worker();

    // Opens the sockets; the error names address and reason.
    Result<void, std::string> open();
    const std::vector<SocketAddress>& udp_addresses() const { return udp_addresses_; }
    const std::vector<SocketAddress>& tcp_addresses() const { return tcp_addresses_; }
    int smallest_receive_buffer() const;
    std::vector<int> udp_sockets() const;

    void start();
    // What comes by UDP is read, or waits in the sockets for who reads it then. Commands that are
    // sent after this are carried out after it.
    void listen(bool on);
    // The present turn of the thread is its last. ended_by() waits for that; false if it has not
    // come by then: nothing that the worker uses may go.
    void end();
    bool ended_by(std::chrono::steady_clock::time_point deadline);

  private:
    void run();
    void build_shard(Timestamp now);
    Result<void, std::string> open_udp();
    Result<UdpSocket, std::string> open_free(SocketAddress address) const;
    bool watch(std::size_t socket);
    // Does what listen() asked for last.
    void follow_listen();
    void turn(std::span<const Poller::Ready> ready);
    // Reads the clock for each batch.
    void read_udp(UdpSocket& socket, std::uint16_t index);
    void read_peers(Timestamp now);
    void handle_slot(Timestamp now, sfu::WorkerIndex from, PeerSlot& slot);
    void read_relays(Timestamp now);
    void read_accepted(Timestamp now);
    // A copy of datagrams that came by a ring; empty: the pool is used up, and they are lost.
    sfu::PacketRef copy_of(BytesView datagram);
    void flush(Timestamp now);
    void send_streams(Timestamp now);
    void publish(Timestamp now);
    bool has_input() const;
    // In a ring or a socket, of which nobody says when there is some.
    bool waits_for_room() const;
    std::span<const Poller::Ready> wait(Timestamp deadline);

    WorkerOptions options_;
    WorkerInbox& inbox_;
    WorkerPorts ports_;
    Poller poller_;
    std::vector<UdpSocket> sockets_;
    std::vector<SocketAddress> udp_addresses_;
    std::vector<SocketAddress> tcp_addresses_;
    std::unique_ptr<TcpConnections> tcp_;
    WorkerLinks links_;
    WorkerRelays relays_;
    std::unique_ptr<sfu::Shard> shard_;
    sfu::SendBatch batch_;
    ForwardLatency latency_;
    std::uint64_t forwarded_ = 0;  // packets, up to the last turn
    Duration busy_;
    Timestamp next_publish_;
    Timestamp now_;
    bool listening_ = true;
    std::atomic<bool> listen_{true};
    std::atomic<bool> stopping_{false};
    TimedThread thread_;
};

}  // namespace confab::worker
