// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One media worker without its thread (02 §10): peers, receivers, tracks and down-tracks, driven by
// datagrams, commands, messages of other shards and time. Pure, so that the same code runs behind
// sockets, in the simulator with any number of shards in one thread, and under fuzzers.
//
// Per turn the driver gives inputs, then calls poll_transmit() until it returns false, then polls
// events, then sleeps until next_deadline().
//
// The work is done by the parts below, which own what they work on; the shard gives them the inputs
// in the order of a turn, and makes and ends connections.
#pragma once

#include <optional>
#include <vector>

#include "base/timer_wheel.h"
#include "sfu/link/link.h"
#include "sfu/link/link_sender.h"
#include "sfu/move/arrivals.h"
#include "sfu/peer/peer_table.h"
#include "sfu/quality/quality_reports.h"
#include "sfu/shard/commands.h"
#include "sfu/shard/connection_events.h"
#include "sfu/shard/data_turns.h"
#include "sfu/shard/event_outlets.h"
#include "sfu/shard/flush_queue.h"
#include "sfu/shard/peer_routes.h"
#include "sfu/shard/shard_clock.h"
#include "sfu/shard/shard_options.h"
#include "sfu/shard/shard_snapshot.h"
#include "sfu/tracks/peer_rtcp.h"
#include "sfu/tracks/publications.h"

namespace confab::sfu {

struct ShardConfig {
    WorkerIndex index = 0;
    std::size_t worker_count = 1;
    std::size_t control_shards = 1;               // at most kMaxControlShards
    std::vector<ice::LocalCandidate> candidates;  // this worker's sockets
    const dtls::Context* dtls = nullptr;          // certificate of the process
    bool simulate_dtls = false;                   // peer::SharedCrypto
    // Wall clock at `now` of construction; the two run on together.
    UnixTime wall;
    PacketPoolLimits pool;
    srtp::Backend crypto_backend = srtp::Backend::kIpsecMb;
    ShardOptions options;
};

class Shard : private DueTimers {
  public:
    // What one turn does at most; the rest is due at once, behind the packets that came meanwhile.
    static constexpr std::size_t kMaxTimersPerTurn = 256;
    static constexpr std::size_t kMaxRefreshedPerTurn = SourceChanges::kMaxPerTurn;
    static constexpr std::size_t kMaxDeliveriesPerTurn = DataTurns::kMaxDeliveriesPerTurn;
    static constexpr std::size_t kMaxDeliveriesAtEnd = DataTurns::kMaxDeliveriesAtEnd;
    static constexpr std::size_t kMaxArrived = FanOut::kMaxArrived;

    Shard(ShardConfig config, Timestamp now, Rng rng, ShardLinks& links);
    ~Shard() override;

    PacketPool& pool() { return pool_; }

    // ------------------------------------------------------------ inputs
    void handle_command(Timestamp now, Command command);
    // A datagram in a slot of pool(). If it is for another shard, which one; the packet is then
    // untouched.
    struct Origin {
        std::optional<WorkerIndex> via;    // to whose socket it came, if that was another worker's
        std::optional<Timestamp> arrival;  // there; not after `now`, which it is by default
    };
    std::optional<WorkerIndex> handle_datagram(Timestamp now, const ice::Path& path,
                                               PacketRef packet, const Origin& origin = {});
    // A frame of a TCP stream, at most PacketPool::kLargeCapacity bytes; else dropped.
    std::optional<WorkerIndex> handle_frame(Timestamp now, const ice::Path& path, BytesView frame,
                                            const Origin& origin = {});
    void handle_tcp_closed(Timestamp now, const ice::Path& path);
    void handle_link(Timestamp now, const LinkMessage& message, BytesView bytes);
    void handle_timeout(Timestamp now);

    // ------------------------------------------------------------ outputs
    // Fills the batch; true while more waits. The batch must be empty on entry.
    bool poll_transmit(Timestamp now, SendBatch& batch);
    // For whichever control shard.
    std::optional<Event> poll_event() { return events_.poll(); }
    // Those of each control shard apart, for a driver that has no room for those of one at times.
    std::optional<Event> poll_event(ControlShard control) { return events_.poll(control); }
    bool has_event(ControlShard control) const { return events_.has_event(control); }
    Timestamp next_deadline() const {
        Timestamp next = earlier(wheel_.next_deadline(), fan_out_.next_deadline());
        for (const Leaving& one : leaving_)
            next = earlier(next, one.until);
        return next;
    }
    ShardSnapshot snapshot() const;
    const MediaFigures& figures() const { return quality_.figures(); }
    // Down-tracks that were looked at for another reason than a packet of theirs.
    std::uint64_t down_tracks_visited() const {
        return quality_.down_tracks_visited() + subscriptions_.down_tracks_visited() +
               changes_.down_tracks_visited();
    }
    // Packets that came and were decided on for at least one subscriber here.
    std::uint64_t forwarded() const { return fan_out_.forwarded(); }
    // When the oldest of those since the last call came; never() for none.
    Timestamp take_oldest_forwarded() { return fan_out_.take_oldest(); }
    // Whose a path is, here or at another worker.
    const PeerRoutes& routes() const { return routes_; }

  private:
    // shard_commands.cc
    void apply(Timestamp now, CreatePeer& c);
    void apply(Timestamp now, SetRemote& c);
    void apply(Timestamp now, AddRemoteCandidate& c);
    void apply(Timestamp now, RestartIce& c);
    void apply(Timestamp now, ClosePeer& c);
    void apply(Timestamp now, EndAwait& c);
    // shard_moves.cc
    void apply(Timestamp now, ExportPeer& c);
    void apply(Timestamp now, ImportPeer& c);
    void apply(Timestamp now, OpenDataChannels& c);
    void apply(Timestamp now, DataMemberGone& c);
    // All others go to the part that they are for.
    template <typename C>
    void apply(Timestamp now, C& c) {
        if constexpr (requires(Publications& to) { to.apply(now, c); })
            publications_.apply(now, c);
        else if constexpr (requires(Subscriptions& to) { to.apply(now, c); })
            subscriptions_.apply(now, c);
        else if constexpr (requires(Arrivals& to) { to.apply(now, c); })
            arrivals_.apply(now, c);
        else if constexpr (requires(PeerRoutes& to) { to.apply(now, c); })
            routes_.apply(now, c);
        else if constexpr (requires(DataTurns& to) { to.apply(now, c); })
            data_.apply(now, c);
        else
            data_.router().apply(now, c);
    }

    // A datagram that leads nowhere; as handle_datagram().
    std::optional<WorkerIndex> handle_stray(Timestamp now, const ice::Path& path,
                                            BytesView datagram, const Origin& origin);
    // Null: it can not be made (now).
    ShardPeer* add_peer(Timestamp now, const CreatePeer& c);
    void end_peer(Timestamp now, ShardPeer& peer);
    PeerBytes save(Timestamp now, const ShardPeer& peer, bool here);
    bool load(Timestamp now, ShardPeer& peer, ImportPeer& c);
    // It is where it went: what waited for it here goes after it.
    // The end of a turn: who leaves has said all that it had to.
    void finish_exports(Timestamp now);

    // Something happened at the connection's transport.
    void changed(Timestamp now, ShardPeer& peer);
    void peer_due(Timestamp now, ShardPeer& peer) override;
    void quality_due(Timestamp now, ShardPeer& peer) override { quality_.report(now, peer); }
    // Packets that wait for the rest of their frame are decided before who gets them changes.
    void down_track_due(Timestamp now, OutboundTrack& outbound) override {
        fan_out_.deliver(now);
        subscriptions_.handle_timeout(now, outbound);
    }
    void receiver_due(Timestamp now, ReceiverEntry& entry) override {
        fan_out_.deliver(now);
        publications_.handle_timeout(now, entry);
    }

    ShardConfig config_;
    Rng rng_;
    ShardClock clock_;
    PacketPool pool_;  // before everything that holds packets
    FramePool frames_;
    srtp::Engine engine_;
    peer::SharedCrypto crypto_;
    TimerWheel wheel_;  // before everything that has timers
    LinkSender links_;
    EventOutlets events_;
    PeerRoutes routes_;
    FlushQueue queue_;
    PeerTable peers_;
    TrackTable tracks_;
    StaleHistory stale_;
    Speakers speakers_;
    QualityReports quality_;
    Upstream upstream_;
    Subscriptions subscriptions_;
    FanOut fan_out_;
    SourceChanges changes_;
    Replicas replicas_;
    Arrivals arrivals_;
    Publications publications_;
    PeerRtcp rtcp_;
    DataTurns data_;
    ConnectionEvents connections_;
    struct Leaving {
        ExportPeer command;
        Timestamp until;  // stays if its data is not settled then
    };
    std::vector<Leaving> leaving_;  // in this turn, or when their data is settled
    ShardSnapshot totals_;          // of peers that are gone, and of the shard itself
};

}  // namespace confab::sfu
