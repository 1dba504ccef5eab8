// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a shard has to say to the others. Packets go or are dropped (02 DES-41); every other message
// must arrive: one that finds the ring full waits here, in order, and packets behind it are dropped
// meanwhile, so that none overtakes what describes it.
//
// Messages are states ("subscribed", "these layers flow"): a newer one about the same receiver
// takes the place of the older, so what waits is bounded by the tracks that cross.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <tuple>
#include <vector>

#include "sfu/link/link.h"

namespace confab::sfu {

class LinkOutbox {
  public:
    // Messages that wait for one worker. Beyond it the newest is refused and counted: that worker
    // has stood still for long, and `GET /` says so.
    static constexpr std::size_t kMaxWaiting = 65'536;

    // Equal for messages of which only the newest counts: kind; receiver, peer or path; part of it.
    // An id takes all its bits, the upper ones are its control shard's.
    using Subject = std::tuple<std::size_t, std::uint64_t, std::uint64_t>;

    LinkOutbox(ShardLinks& links, WorkerIndex self, std::size_t workers);

    // False: dropped.
    bool push_packet(WorkerIndex to, const LinkPacket& packet, BytesView bytes);
    // Any other message; waits if it must.
    void push(WorkerIndex to, const LinkBody& body);
    // A piece of a stream that its owner keeps until it is taken: false, and nothing was taken.
    bool push_piece(WorkerIndex to, const LinkBody& body, BytesView bytes) {
        return to < queues_.size() && flush(to) && send(to, body, bytes);
    }
    // Sends what waits as far as it goes; true while some is left.
    bool flush();
    bool waiting() const { return waiting_ > 0; }
    std::size_t workers() const { return queues_.size(); }
    std::size_t waiting_for(WorkerIndex to) const { return queues_[to].messages.size(); }

    // Packets dropped, and messages beyond kMaxWaiting.
    std::uint64_t dropped() const { return dropped_; }

  private:
    struct Queue {
        std::list<LinkBody> messages;
        std::map<Subject, std::list<LinkBody>::iterator> by_subject;
    };
    bool flush(WorkerIndex to);
    bool send(WorkerIndex to, const LinkBody& body, BytesView bytes);

    ShardLinks& links_;
    WorkerIndex self_;
    std::vector<Queue> queues_;  // by receiver of the messages
    std::size_t waiting_ = 0;
    std::uint64_t dropped_ = 0;
};

}  // namespace confab::sfu
