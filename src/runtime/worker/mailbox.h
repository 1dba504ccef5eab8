// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The rings between threads: control → worker (commands), worker → control (events), worker →
// worker (media copies, control messages, datagrams and streams that arrived at the wrong socket).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/time.h"
#include "runtime/worker/forward_latency.h"
#include "runtime/worker/latest_value.h"
#include "runtime/worker/lazy_ring.h"
#include "runtime/worker/socket/tcp_connections.h"
#include "runtime/worker/spsc_ring.h"
#include "runtime/worker/wakeup.h"
#include "sfu/packet/packet_pool.h"
#include "sfu/shard/link.h"
#include "sfu/shard/shard.h"

namespace confab::worker {

// One slot of a worker → worker ring.
struct PeerSlot {
    enum class Kind : std::uint8_t { kLink, kDatagram, kStream };
    Kind kind = Kind::kLink;
    sfu::LinkMessage link;
    ice::Path path;
    std::unique_ptr<TcpHandOver> stream;
    std::uint16_t size = 0;
    std::array<std::uint8_t, sfu::PacketPool::kLargeCapacity> bytes;
};

struct Mailbox {
    static constexpr std::size_t kCommands = 4096;
    static constexpr std::size_t kEvents = 16'384;
    // Data messages, of 64 KiB at most. When it is full, messages stay with their senders.
    static constexpr std::size_t kData = 64;
    static constexpr std::size_t kPeerSlots = 1024;

    explicit Mailbox(std::size_t workers);

    Wakeup wakeup;  // of the worker
    SpscRing<sfu::Command> commands{kCommands};
    SpscRing<sfu::Event> events{kEvents};
    SpscRing<sfu::Event> data{kData};  // DataReceived, apart: a flood delays no other event
    // By sender; made with the first message.
    std::vector<std::unique_ptr<LazyRing<PeerSlot>>> from_workers;
    // Written by the worker about once a second, read by the control thread.
    struct Published {
        Timestamp at;  // when; one that lags behind belongs to a worker that hangs
        sfu::ShardSnapshot shard;
        sfu::MediaFigures figures;
        ForwardLatency latency;
        std::uint64_t datagrams_in = 0;
        std::uint64_t datagrams_out = 0;
        std::uint64_t sends = 0;
        std::uint64_t send_dropped = 0;
        std::uint64_t tcp_connections = 0;
        std::uint64_t ring_full = 0;
        std::uint64_t busy_us = 0;  // time not asleep
    };
    LatestValue<Published> snapshot;
};

}  // namespace confab::worker
