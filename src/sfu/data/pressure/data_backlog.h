// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What waits for one receiver of data (02 §6.3): a lane for each sender, served in turn. The
// messages themselves, and how much a sender may have waiting, are in DataWindows (data_windows.h);
// one that moves to another worker fills another window from then on, and stays in its lane.
#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "sfu/data/pressure/data_windows.h"

namespace confab::sfu {

class DataBacklog {
  public:
    bool empty() const { return lanes_.empty(); }
    // `of`: none for the API.
    void add(MemberId of, PendingId message) {
        for (Lane& lane : lanes_)
            if (lane.of == of) return lane.messages.push_back(message);
        lanes_.push_back({of, {message}});
    }
    // Of the sender whose turn it is; not when empty.
    PendingId front() const { return lanes_.front().messages.front(); }
    MemberId sender() const { return lanes_.front().of; }
    // Takes it; the turn passes to the next sender.
    PendingId pop() {
        Lane lane = std::move(lanes_.front());
        lanes_.pop_front();
        const PendingId taken = lane.messages.front();
        lane.messages.pop_front();
        if (!lane.messages.empty()) lanes_.push_back(std::move(lane));
        return taken;
    }

    // Those of one sender that do not wait any more.
    template <typename F>
    std::vector<PendingId> take(MemberId of, F&& is_gone) {
        std::vector<PendingId> taken;
        for (Lane& lane : lanes_)
            if (lane.of == of)
                std::erase_if(lane.messages, [&](PendingId message) {
                    if (!is_gone(message)) return false;
                    taken.push_back(message);
                    return true;
                });
        std::erase_if(lanes_, [](const Lane& lane) { return lane.messages.empty(); });
        return taken;
    }

  private:
    struct Lane {
        MemberId of;
        std::deque<PendingId> messages;
    };
    std::deque<Lane> lanes_;
};

}  // namespace confab::sfu
