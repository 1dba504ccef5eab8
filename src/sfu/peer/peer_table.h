// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The connections of a shard, by id.
#pragma once

#include <memory>
#include <unordered_map>
#include <utility>

#include "sfu/peer/shard_peer.h"

namespace confab::sfu {

class PeerTable {
  public:
    ShardPeer* find(PeerId id) {
        const auto found = peers_.find(id);
        return found == peers_.end() ? nullptr : found->second.get();
    }
    bool contains(PeerId id) const { return peers_.contains(id); }
    void add(std::unique_ptr<ShardPeer> peer) {
        const PeerId id = peer->id();
        peers_[id] = std::move(peer);
    }
    void erase(PeerId id) { peers_.erase(id); }
    std::size_t size() const { return peers_.size(); }
    // In no order: for sums only.
    template <typename F>
    void for_each(F&& f) const {
        for (const auto& [id, peer] : peers_)
            f(*peer);
    }

  private:
    std::unordered_map<PeerId, std::unique_ptr<ShardPeer>> peers_;
};

}  // namespace confab::sfu
