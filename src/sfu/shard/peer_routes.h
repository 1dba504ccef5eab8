// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whose a datagram is (02 ICE-02, DES-03): a STUN request names its peer or the worker that has it,
// everything else is known by where it came from.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "sfu/link/foreign_paths.h"
#include "sfu/move/departures.h"
#include "sfu/peer/shard_peer.h"
#include "sfu/peer/strangers.h"
#include "sfu/peer/stray_media.h"
#include "sfu/shard/owner_letters.h"

namespace confab::sfu {

std::optional<WorkerIndex> owner_of_ufrag(std::string_view ufrag);

class PeerRoutes {
  public:
    // `key`: random.
    PeerRoutes(WorkerIndex self, std::size_t workers, const SipKey& key)
        : self_(self), workers_(workers), strangers_(key) {}

    struct Route {
        ShardPeer* peer = nullptr;         // here, or
        std::optional<WorkerIndex> owner;  // the worker that has it; neither: nobody's
        std::optional<PeerId> awaited;     // of this peer, which is on its way to `owner`
    };
    Route find(Timestamp now, const ice::Path& path, BytesView datagram);
    // For what find() leads nowhere: the peer that may have moved there and wants to ask, or
    // another worker that may have it; workers take turns. The datagram itself is nobody's.
    Route find_stray(Timestamp now, const ice::Path& path, BytesView datagram);

    // ------------------------------------------------------------ names
    bool has_ufrag(const std::string& ufrag) const { return by_ufrag_.contains(ufrag); }
    // A peer has kMaxUfrags at most: the oldest gives way.
    void add_ufrag(ShardPeer& peer, const std::string& ufrag);
    std::size_t known_ufrags() const { return by_ufrag_.size(); }

    // ------------------------------------------------------------ paths
    // Leads to the peer from now on, unless another one has it, here or elsewhere, and this one did
    // not prove it. A peer has kMaxPaths at most: the oldest that is not in use gives way.
    void remember(ShardPeer& peer, const ice::Path& path, bool validated);
    // The path is no more. Whose it was.
    ShardPeer* forget(const ice::Path& path);
    // `owner` found a check over `path` authentic.
    void prove(Timestamp now, const ice::Path& path, WorkerIndex owner);
    bool contains(const ice::Path& path) const { return by_path_.contains(path); }
    std::optional<WorkerIndex> foreign_owner(const ice::Path& path) const {
        return foreign_paths_.owner(path);
    }

    // All names and paths of a peer that goes.
    void forget(const ShardPeer& peer);

    // ------------------------------------------------------------ peers that moved
    // The peer goes on at `to`, which is told of what still comes here for it, until departed()
    // forgets it.
    void pass_on(Timestamp now, const ShardPeer& peer, WorkerIndex to);
    // It goes on here: its paths are another worker's no more.
    void take_over(ShardPeer& peer);
    Departures& departed() { return departed_; }

    // Of checks for which find() knows nobody.
    const Strangers& strangers() const { return strangers_; }
    void apply(Timestamp, const StrangerLimits& limits) { strangers_.set_limits(limits); }

  private:
    // Of names, without making a string of what is looked for.
    struct TextHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    bool may_pass(Timestamp now, const ice::Path& path);
    void drop_path(ShardPeer& peer, const ice::Path& path);
    Route find_named(Timestamp now, const ice::Path& path, std::string_view ufrag);

    WorkerIndex self_;
    std::size_t workers_;
    std::unordered_map<ice::Path, ShardPeer*> by_path_;
    std::unordered_map<std::string, ShardPeer*, TextHash, std::equal_to<>> by_ufrag_;
    ForeignPaths foreign_paths_;
    StrayMedia strays_;
    Departures departed_;
    Strangers strangers_;
};

}  // namespace confab::sfu
