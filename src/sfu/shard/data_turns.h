// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Data messages between the connections of a shard and its DataRouter. A message is taken from its
// sender's connection when its turn has come and nobody it sends to is too far behind; until then
// the sender's SCTP window closes.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <utility>

#include "sfu/data/data_router.h"
#include "sfu/link/link_sender.h"
#include "sfu/peer/peer_table.h"
#include "sfu/shard/event_outlets.h"
#include "sfu/shard/flush_queue.h"
#include "sfu/shard/shard_clock.h"
#include "sfu/shard/shard_options.h"

namespace confab::sfu {

class DataTurns final : private DataPort {
  public:
    static constexpr std::size_t kMaxDeliveriesPerTurn = 1024;
    // What a participant that goes had sent before; more than that is lost with it and counted.
    static constexpr std::size_t kMaxDeliveriesAtEnd = 4 * kMaxDeliveriesPerTurn;

    // All outlive this.
    struct Parts {
        PeerTable& peers;
        EventOutlets& events;
        LinkSender& links;
        FlushQueue& queue;
        TimerWheel& wheel;
        const ShardClock& clock;
        const ShardOptions& options;
    };
    DataTurns(WorkerIndex self, const Parts& parts)
        : parts_(parts),
          router_(self, parts.links.workers(), *this, parts.options.metrics, parts.options.data) {}
    ~DataTurns() override = default;

    DataRouter& router() { return router_; }
    const DataRouter& router() const { return router_; }

    // ------------------------------------------------------------ the senders' turns
    // Whether a message of it is to be taken now. If not, it is ShardPeer::data_waiting.
    bool may_take(ShardPeer& peer);
    void take(Timestamp now, ShardPeer& peer, const peer::MessageReceived& message);
    void begin_turn() { budget_ = kMaxDeliveriesPerTurn; }
    // Who may have one message taken, out of the line; null: nobody, or the turn is over.
    ShardPeer* next();
    // At the end of the line.
    void line_up(ShardPeer& peer);
    // What one participant sends at its end is counted apart.
    std::size_t begin_rest() { return std::exchange(budget_, kMaxDeliveriesAtEnd); }
    void end_rest(std::size_t budget) { budget_ = budget; }
    bool is_over() const { return budget_ == 0; }
    // A message that nobody takes any more.
    void drop_one() { ++dropped_; }
    void closed(ShardPeer& peer);
    void apply(Timestamp, const DataRates& rates) { rates_ = rates; }
    // Messages and frames beyond the rates, and how often a sender had to wait for that.
    std::uint64_t over_rate() const { return over_rate_; }
    std::uint64_t paused() const { return pauses_; }
    // Messages and frames, for want of time or of a receiver that keeps up.
    std::uint64_t dropped() const { return dropped_ + router_.dropped(); }
    const DataTrackFigures& track_figures() const { return router_.track_figures(); }

    // The end of a turn: who may go on is in line for the next, which comes at once.
    void flush(Timestamp now);

  private:
    // Longer waits would keep what else the connection has to tell.
    static constexpr Duration kMaxPause = Duration::seconds(2);
    static bool next_is_lossy(const ShardPeer& peer);
    bool may_say(Timestamp now, ShardPeer& peer, bool lossy, std::size_t bytes);
    void end_pauses(Timestamp now);
    Timestamp next_pause() const {
        return pauses_end_.empty() ? Timestamp::never() : pauses_end_.begin()->first;
    }
    bool is_connected(PeerId peer) override;
    bool has_channel(PeerId peer, DataChannel channel) override;
    sctp::SendStatus send(Timestamp now, PeerId to, DataChannel channel,
                          const sctp::SharedBytes& payload) override;
    std::size_t buffered(PeerId to, DataChannel channel) override;
    Duration least_round_trip(PeerId peer) override;
    void resume(PeerId sender) override;
    void emit(Event event) override { parts_.events.emit(std::move(event)); }
    std::optional<Duration> round_trip(PeerId peer) override;
    UnixTime wall(Timestamp now) override { return parts_.clock.wall(now); }
    bool push_link(WorkerIndex to, BytesView piece) override {
        return parts_.links.push_piece(to, piece);
    }

    Parts parts_;
    TimerNode timer_;  // of the router, or at once while somebody waits
    DataRouter router_;
    std::deque<ShardPeer*> waiting_;  // have messages to be taken, in turn
    std::size_t budget_ = kMaxDeliveriesPerTurn;
    Timestamp links_due_;  // what waits for other workers is not sent before
    std::uint64_t dropped_ = 0;
    DataRates rates_;
    std::set<std::pair<Timestamp, PeerId>> pauses_end_;  // of those that are data_paused
    std::uint64_t over_rate_ = 0;
    std::uint64_t pauses_ = 0;
};

}  // namespace confab::sfu
