// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The tracks that a worker knows, home or replica, and the receivers of those that are published
// here. A track is there before its publisher and after it, while somebody subscribes.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/timer_wheel.h"
#include "sfu/inbound/receiver.h"
#include "sfu/inbound/source_monitor.h"
#include "sfu/inbound/track.h"
#include "sfu/peer/timed.h"
#include "sfu/shard/shard_options.h"

namespace confab::sfu {

// A receiver, with the timer that looks at its layers and bitrates.
struct ReceiverEntry final : Timed {
    void on_timer(DueTimers& timers, Timestamp now) override { timers.receiver_due(now, *this); }
    std::unique_ptr<Receiver> receiver;
    ShardPeer* peer = nullptr;
    Track* track = nullptr;
    TimerNode timer{static_cast<Timed*>(this)};
    SourceMonitor monitor;
};

class TrackTable {
  public:
    // The options outlive this.
    TrackTable(WorkerIndex self, const ShardOptions& options) : self_(self), options_(options) {}

    // ------------------------------------------------------------ tracks
    Track* find(ReceiverId id) {
        const auto found = tracks_.find(id);
        return found == tracks_.end() ? nullptr : found->second.get();
    }
    // Made if it is not known.
    Track& at(ReceiverId id, WorkerIndex home, MediaKind kind);
    Track& at_home(ReceiverId id, MediaKind kind) { return at(id, self_, kind); }
    WorkerIndex self() const { return self_; }
    bool is_home(const Track& track) const { return track.home() == self_; }
    void drop_if_unused(ReceiverId id);
    // Its publisher moved to `home`: who asks for it here is sent there, until forget_moved().
    void note_moved(ReceiverId id, PeerId publisher, WorkerIndex home) {
        moved_[id] = {publisher, home, false};
    }
    std::optional<WorkerIndex> moved_to(ReceiverId id) const {
        const auto found = moved_.find(id);
        if (found == moved_.end() || found->second.returns) return std::nullopt;
        return found->second.home;
    }
    // It is about to come back, so that who asks waits here; or it stays there after all.
    void expect_back(PeerId publisher, bool returns) {
        for (auto& [id, moved] : moved_)
            if (moved.publisher == publisher) moved.returns = returns;
    }
    std::vector<ReceiverId> moved_of(PeerId publisher) const {
        std::vector<ReceiverId> result;
        for (const auto& [id, moved] : moved_)
            if (moved.publisher == publisher) result.push_back(id);
        return result;
    }
    void forget_moved(PeerId publisher) {
        std::erase_if(moved_, [&](const auto& one) { return one.second.publisher == publisher; });
    }
    std::size_t size() const { return tracks_.size(); }

    // ------------------------------------------------------------ receivers
    ReceiverEntry* find_receiver(ReceiverId id) {
        const auto found = receivers_.find(id);
        return found == receivers_.end() ? nullptr : found->second.get();
    }
    void add_receiver(std::unique_ptr<ReceiverEntry> entry);
    // Its track goes too, unless somebody holds on to it.
    void remove_receiver(ReceiverId id);
    std::size_t receivers() const { return receivers_.size(); }

  private:
    WorkerIndex self_;
    const ShardOptions& options_;
    std::unordered_map<ReceiverId, std::unique_ptr<ReceiverEntry>> receivers_;
    std::unordered_map<ReceiverId, std::unique_ptr<Track>> tracks_;
    struct Moved {
        PeerId publisher;
        WorkerIndex home = 0;
        bool returns = false;
    };
    std::unordered_map<ReceiverId, Moved> moved_;
};

}  // namespace confab::sfu
