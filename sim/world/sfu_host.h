// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The shards of a server in one thread (02 DES-54). What runs between threads in production, the
// rings from shard to shard and the mailboxes of the control plane, are queues here, served a few
// messages at a time in an order that only the seed knows.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "sfu/shard/shard.h"
#include "sim/net/event_queue.h"
#include "sim/report.h"

namespace confab::sim {

struct SfuHostConfig {
    std::size_t node = 0;  // each has an address
    std::size_t shards = 1;
    bool shared_port = false;  // Scenario::shared_port
    UnixTime wall;             // at kRunStart
};

struct SfuHostCounters {
    std::uint64_t links = 0;
    std::uint64_t commands = 0;
    std::uint64_t timeouts = 0;
    std::uint64_t foreign = 0;  // datagrams at another shard's socket than their owner's
    std::size_t most_sent = 0;  // datagrams after one input
    std::size_t longest_queue = 0;
};

class SfuHost {
  public:
    // Like a ring in production; a full one drops.
    static constexpr std::size_t kMaxRing = 4096;
    // No single input may cause more datagrams than this.
    static constexpr std::size_t kMaxSentAtOnce = 2048;

    // The listener among a shard's sockets.
    static constexpr std::uint16_t kTcpSocket = 1;

    using Transmit = std::function<void(std::size_t shard, const ice::Path& path, BytesView)>;
    using Reaction = std::function<void(std::size_t shard, const sfu::Event&)>;

    SfuHost(const SfuHostConfig& config, EventQueue& events, Rng rng, Report& report,
            Transmit transmit, Reaction reaction);
    ~SfuHost();

    // Of its sockets, as clients know them.
    SocketAddress address(std::size_t shard) const;
    SocketAddress tcp_address(std::size_t shard) const;
    // At which shard a datagram or a stream from there arrives.
    std::size_t arrives_at(const SocketAddress& from, const SocketAddress& to) const;
    // Whose address it is, be there such a node or not.
    static std::size_t node_of(const SocketAddress& address);
    std::size_t size() const { return shards_.size(); }
    // Waits in the shard's mailbox.
    void command(std::size_t shard, sfu::Command command);
    // A datagram at the socket of `to`; dropped if there is none.
    void deliver(const SocketAddress& from, const SocketAddress& to, BytesView bytes);

    // A frame of a stream that a client opened to the shard's listener, and the end of the stream.
    void frame(std::size_t shard, const ice::Path& path, BytesView bytes);
    void stream_closed(std::size_t shard, const ice::Path& path);

    sfu::ShardSnapshot snapshot(std::size_t shard) const { return shards_[shard]->snapshot(); }
    Timestamp next_deadline(std::size_t shard) const { return shards_[shard]->next_deadline(); }
    bool queues_empty() const;
    const SfuHostCounters& counters() const { return counters_; }

  private:
    struct LinkItem {
        sfu::LinkMessage message;
        Bytes bytes;
    };
    struct Ring {
        std::size_t to = 0;
        std::deque<LinkItem> items;
    };
    class Links;

    bool push_link(std::size_t from, std::size_t to, const sfu::LinkMessage& message,
                   BytesView bytes);
    void plan_service();
    void serve_one_queue();
    void serve_ring(Ring& ring);
    void serve_mailbox(std::size_t shard);
    void turn(std::size_t shard);
    void plan_timeout(std::size_t shard);

    std::size_t node_;
    bool shared_port_;
    EventQueue& events_;
    Rng rng_;
    Report& report_;
    Transmit transmit_;
    Reaction reaction_;
    std::vector<std::unique_ptr<Links>> links_;
    std::vector<std::unique_ptr<sfu::Shard>> shards_;
    std::vector<Ring> rings_;  // from * size + to
    std::vector<std::deque<sfu::Command>> mailboxes_;
    std::vector<Timestamp> planned_;  // timeouts
    // Streams that another shard than that of their listener has, by number.
    std::map<std::uint32_t, std::size_t> adopted_;
    bool service_planned_ = false;
    sfu::SendBatch batch_;
    SfuHostCounters counters_;
};

}  // namespace confab::sim
