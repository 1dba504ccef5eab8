// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What waits for one receiver of data (02 §6.3): a lane for each sender, served in turn. The
// messages themselves, and how much a sender may have waiting, are in DataWindows (data_windows.h).
#pragma once

#include <deque>
#include <utility>

#include "sfu/data/pressure/data_windows.h"

namespace confab::sfu {

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
