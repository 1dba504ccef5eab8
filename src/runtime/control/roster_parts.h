// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The pages of rosters (room/roster/roster_pages.h) as parts of messages: each is compressed once
// for all join responses that it is in.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <unordered_map>

#include "room/scope/types.h"
#include "runtime/net/websocket/websocket.h"

namespace confab::control {

class RosterParts {
  public:
    // Pages that no room has any more go when as many are new as were kept before, but never below
    // this many (a page has some 5 KB).
    static constexpr std::size_t kMaxIdle = 256;

    net::WebSocketMessage::Part part_of(const room::EncodedOthers& page) {
        if (const auto found = parts_.find(page); found != parts_.end()) return found->second;
        if (parts_.size() >= sweep_at_) sweep();
        return parts_[page] = std::make_shared<const net::WebSocketPart>(page);
    }
    std::size_t size() const { return parts_.size(); }

  private:
    void sweep() {
        // The key and the part itself hold it.
        std::erase_if(parts_, [](const auto& entry) { return entry.first.holders() == 2; });
        sweep_at_ = std::max(kMaxIdle, 2 * parts_.size());
    }

    std::unordered_map<room::EncodedOthers, net::WebSocketMessage::Part, room::EncodedOthers::Hash>
        parts_;
    std::size_t sweep_at_ = kMaxIdle;
};

}  // namespace confab::control
