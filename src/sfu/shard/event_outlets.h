// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a shard reports, sorted by the control shard that is to hear of it (control_shard.h).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "sfu/shard/control_shard.h"
#include "sfu/shard/event_queue.h"

namespace confab::sfu {

class EventOutlets {
  public:
    // At most kMaxControlShards of them.
    explicit EventOutlets(std::size_t control_shards)
        : outlets_(std::clamp<std::size_t>(control_shards, 1, kMaxControlShards)) {}

    void emit(Event event) {
        const ControlShard control = control_shard_of(event);
        if (CONFAB_BUG_IF(control >= outlets_.size(), "event_control_shard") ||
            !outlets_[control].push(std::move(event)))
            ++dropped_;
    }
    // For whichever control shard.
    std::optional<Event> poll() {
        for (EventQueue& events : outlets_)
            if (auto event = events.poll()) return event;
        return std::nullopt;
    }
    std::optional<Event> poll(ControlShard control) { return outlets_[control].poll(); }
    bool has_room(ControlShard control) const {
        return control < outlets_.size() && outlets_[control].has_room();
    }
    bool has_event(ControlShard control) const { return !outlets_[control].empty(); }
    std::size_t size() const { return outlets_.size(); }
    std::uint64_t dropped() const { return dropped_; }

  private:
    std::vector<EventQueue> outlets_;  // by control shard
    std::uint64_t dropped_ = 0;
};

}  // namespace confab::sfu
