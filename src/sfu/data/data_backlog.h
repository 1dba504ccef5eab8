// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Back-pressure of data (02 §6.3): what a receiver's connection cannot take yet waits in its
// backlog, a lane for each sender, served in turn. What a sender has waiting anywhere fills its
// window; while that is full, its next messages stay in its own connection, whose SCTP window
// closes. So memory is bounded by the senders, however many receivers lag, and a sender with much
// to say delays only itself.
#pragma once

#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "base/slot_map.h"
#include "rtc/sctp/shared_bytes.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

struct DataWindow {
    // Beyond it the sender is held back: by one message at most, which may be begun before.
    static constexpr std::size_t kMaxBytes = 256 * 1024;

    // Of a sender here: what other workers have not taken yet, which each may hold kMaxBytes of.
    struct Abroad {
        WorkerIndex worker = 0;
        std::size_t bytes = 0;
    };
    std::size_t& at(WorkerIndex worker) {
        for (Abroad& one : abroad)
            if (one.worker == worker) return one.bytes;
        return abroad.emplace_back(Abroad{worker, 0}).bytes;
    }
    bool full() const {
        if (waiting >= kMaxBytes) return true;
        for (const Abroad& one : abroad)
            if (one.bytes >= kMaxBytes) return true;
        return false;
    }

    RoomId room;
    MemberId sender;                  // none: the API
    std::optional<WorkerIndex> home;  // of a sender on another worker
    std::size_t waiting = 0;          // bytes in backlogs here
    std::size_t untold = 0;           // taken here, and `home` does not know it yet
    bool abandoned = false;           // its sender left; it goes when nothing waits any more
    std::vector<Abroad> abroad;
};

using WindowId = Handle<DataWindow>;

// A message that at least one receiver has not taken.
struct PendingMessage {
    sctp::SharedBytes payload;
    std::size_t cost = 0;
    WindowId window;
    std::size_t receivers = 0;  // that have it in their backlogs
};
using PendingId = Handle<PendingMessage>;

// What waits for one receiver.
class DataBacklog {
  public:
    bool empty() const { return lanes_.empty(); }
    void add(WindowId of, PendingId message) {
        for (Lane& lane : lanes_)
            if (lane.of == of) return lane.messages.push_back(message);
        lanes_.push_back({of, {message}});
    }
    // Of the sender whose turn it is; not when empty.
    PendingId front() const { return lanes_.front().messages.front(); }
    // Takes it; the turn passes to the next sender.
    PendingId pop() {
        Lane lane = std::move(lanes_.front());
        lanes_.pop_front();
        const PendingId taken = lane.messages.front();
        lane.messages.pop_front();
        if (!lane.messages.empty()) lanes_.push_back(std::move(lane));
        return taken;
    }

    // All of one sender, which does not wait any more.
    std::deque<PendingId> take(WindowId of) {
        std::deque<PendingId> taken;
        for (Lane& lane : lanes_)
            if (lane.of == of) taken = std::move(lane.messages);
        std::erase_if(lanes_, [&](const Lane& lane) { return lane.of == of; });
        return taken;
    }

  private:
    struct Lane {
        WindowId of;
        std::deque<PendingId> messages;
    };
    std::deque<Lane> lanes_;
};

}  // namespace confab::sfu
