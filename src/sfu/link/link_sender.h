// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The outbox of a shard with the timer that tries again while messages wait in it.
#pragma once

#include "base/timer_wheel.h"
#include "sfu/link/link_outbox.h"
#include "sfu/peer/timed.h"

namespace confab::sfu {

class LinkSender final : public Timed {
  public:
    static constexpr Duration kRetry = Duration::millis(1);

    // Both outlive this.
    LinkSender(ShardLinks& links, WorkerIndex self, std::size_t workers, TimerWheel& wheel)
        : outbox_(links, self, workers), wheel_(wheel) {}

    // False: dropped.
    bool push_packet(WorkerIndex to, const LinkPacket& packet, BytesView bytes) {
        return outbox_.push_packet(to, packet, bytes);
    }
    // Any other message; waits if it must.
    void push(Timestamp now, WorkerIndex to, const LinkBody& body) {
        outbox_.push(to, body);
        if (outbox_.waiting()) try_again(now);
    }
    // Of the stream of data, whose owner keeps it until it is taken and calls try_again().
    bool push_piece(WorkerIndex to, BytesView piece) {
        return outbox_.push_piece(to, LinkData{}, piece);
    }
    // Lost where the ring is full, as datagrams are.
    void push_datagram(WorkerIndex to, const LinkDatagram& datagram, BytesView bytes) {
        (void)outbox_.push_piece(to, datagram, bytes);
    }
    // A turn comes soon.
    void try_again(Timestamp now) {
        if (!timer_.scheduled()) wheel_.schedule(timer_, now + kRetry);
    }
    void on_timer(DueTimers&, Timestamp now) override {
        if (outbox_.flush()) wheel_.schedule(timer_, now + kRetry);
    }
    std::size_t workers() const { return outbox_.workers(); }
    std::uint64_t dropped() const { return outbox_.dropped(); }

  private:
    LinkOutbox outbox_;
    TimerWheel& wheel_;
    TimerNode timer_{static_cast<Timed*>(this)};
};

}  // namespace confab::sfu
