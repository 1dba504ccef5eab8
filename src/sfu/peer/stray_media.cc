// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/peer/stray_media.h"

namespace confab::sfu {

void StrayMedia::add(const IpAddress& from, ShardPeer& peer) {
    Entry& entry = peers_[{from, peer.id()}];
    entry.peer = &peer;
    ++entry.paths;
}

void StrayMedia::remove(const IpAddress& from, const ShardPeer& peer) {
    const auto found = peers_.find({from, peer.id()});
    if (found != peers_.end() && --found->second.paths == 0) peers_.erase(found);
}

bool StrayMedia::take(Timestamp now, std::uint32_t& count, std::uint32_t limit) {
    if (now - second_ >= Duration::seconds(1)) {
        second_ = now;
        looks_ = tries_ = passed_ = 0;
    }
    if (count >= limit) return false;
    ++count;
    return true;
}

// The one behind the cursor, or the first one again; end() if the address has none.
StrayMedia::Peers::iterator StrayMedia::next(const IpAddress& from) {
    auto found = peers_.upper_bound({from, cursor_});
    if (found == peers_.end() || found->first.first != from)
        found = peers_.lower_bound({from, PeerId{}});
    return found != peers_.end() && found->first.first == from ? found : peers_.end();
}

ShardPeer* StrayMedia::find(Timestamp now, const ice::Path& path, BytesView datagram) {
    std::size_t tried = 0;
    PeerId first;
    for (std::size_t i = 0; i < kMaxLookedAt && tried < kMaxTried; ++i) {
        const auto found = next(path.remote.ip);
        if (found == peers_.end() || !take(now, looks_, kMaxLooks)) return nullptr;
        ShardPeer& peer = *found->second.peer;
        if (i == 0)
            first = peer.id();
        else if (peer.id() == first)
            return nullptr;  // all of them
        cursor_ = peer.id();
        if (tries_ >= kMaxTries) return nullptr;
        const auto stray = peer.transport().handle_stray(now, path, datagram);
        if (stray == peer::Transport::Stray::kNotTried) continue;
        ++tries_;
        ++tried;
        if (stray == peer::Transport::Stray::kOurs) return &peer;
    }
    return nullptr;
}

}  // namespace confab::sfu
