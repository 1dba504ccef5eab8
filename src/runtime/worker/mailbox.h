// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What stands between threads. Each pair of a control shard and a worker has a Mailbox: commands
// one way, events the other, and the worker's newest figures. Each worker has a
// WorkerInbox, into which the other workers put media copies, control messages, datagrams and
// streams that arrived at the wrong socket. Rings are made with the first message: most pairs never
// talk.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/time.h"
#include "runtime/worker/forward_latency.h"
#include "runtime/worker/latest_value.h"
#include "runtime/worker/lazy_ring.h"
#include "runtime/worker/socket/tcp_connections.h"
#include "runtime/worker/socket/udp_socket.h"
#include "runtime/worker/spsc_ring.h"
#include "runtime/worker/wakeup.h"
#include "sfu/link/link.h"
#include "sfu/packet/packet_pool.h"
#include "sfu/shard/commands.h"
#include "sfu/shard/shard_snapshot.h"

namespace confab::worker {

// One slot of a worker → worker ring.
struct PeerSlot {
    enum class Kind : std::uint8_t { kLink, kDatagram, kStream };
    Kind kind = Kind::kLink;
    sfu::LinkMessage link;
    ice::Path path;
    Timestamp arrival;  // of a datagram
    std::unique_ptr<TcpHandOver> stream;
    std::uint16_t size = 0;
    std::array<std::uint8_t, sfu::PacketPool::kLargeCapacity> bytes;
};

// A TCP connection that a listener of another kind took for us.
struct AcceptedTcp {
    FileDescriptor fd;
    SocketAddress local;
    SocketAddress remote;
};

struct WorkerInbox {
    static constexpr std::size_t kPeerSlots = 1024;
    static constexpr std::size_t kAccepted = 256;

    explicit WorkerInbox(std::size_t workers);

    Wakeup wakeup;  // of the worker; rung by control shards and workers
    // By sender.
    std::vector<std::unique_ptr<LazyRing<PeerSlot>>> from_workers;
    LazyRing<AcceptedTcp> accepted{kAccepted};  // by the thread of the HTTP port
};

struct Mailbox {
    // What does not fit waits with its producer, who tries again every millisecond.
    static constexpr std::size_t kCommands = 1024;
    static constexpr std::size_t kEvents = 2048;

    LazyRing<sfu::Command> commands{kCommands};
    // Bytes of data messages among the commands that the worker took, since the start.
    std::atomic<std::uint64_t> data_bytes_taken{0};
    LazyRing<sfu::Event> events{kEvents};
    // Written by the worker about once a second, read by the control shard.
    struct Published {
        Timestamp at;  // when; one that lags behind belongs to a worker that hangs
        sfu::ShardSnapshot shard;
        sfu::MediaFigures figures;
        ForwardLatency latency;
        std::uint64_t send_dropped = 0;  // datagrams that the system did not take
        sfu::Distribution<kSendRunBounds.size()> send_runs;
        std::uint64_t tcp_connections = 0;
        std::uint64_t ring_full = 0;
        std::uint64_t busy_us = 0;  // time not asleep
    };
    LatestValue<Published> snapshot;
};

// What a command weighs in the bound on data between control and a worker; 0: it is no data.
std::size_t data_bytes(const sfu::Command& command);

}  // namespace confab::worker
