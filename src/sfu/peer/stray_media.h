// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whose media from an unknown path may be: a NAT gives a client another port in mid-call, and its
// next check takes up to 2.5 s (02 MC-03). Looked at are only connections that have a path from the
// same address and have just fallen silent, told by SSRC and number, then by their keys; the one
// whose keys fit asks the path whether it is there (ice::Agent::note_stray), and nothing else goes
// there before the answer (02 TRAP-16). Beyond the limits the client's own check decides, as ever.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "base/bytes.h"
#include "base/time.h"
#include "sfu/peer/shard_peer.h"

namespace confab::sfu {

class StrayMedia {
  public:
    // For one packet. Behind an address with more peers the next packet goes on with the next ones.
    static constexpr std::size_t kMaxLookedAt = 32;
    static constexpr std::size_t kMaxTried = 2;
    // In a second, of all packets: a flood costs 1 to 2 ms of it.
    static constexpr std::uint32_t kMaxLooks = 10'000;
    static constexpr std::uint32_t kMaxTries = 200;
    static constexpr std::uint32_t kMaxPassed = 200;

    // A path from the address leads to the peer, or no longer does.
    void add(const IpAddress& from, ShardPeer& peer);
    void remove(const IpAddress& from, const ShardPeer& peer);

    // The peer whose keys made the packet, which then wants to ask `path`; null if nobody's.
    ShardPeer* find(Timestamp now, const ice::Path& path, BytesView datagram);
    // Another worker may look at the packet; which one is the caller's choice, from `turn` on.
    bool may_pass(Timestamp now) { return take(now, passed_, kMaxPassed); }
    std::uint32_t turn() { return turn_++; }

    std::size_t size() const { return peers_.size(); }

  private:
    struct Entry {
        ShardPeer* peer = nullptr;
        std::uint32_t paths = 0;
    };
    using Peers = std::map<std::pair<IpAddress, PeerId>, Entry>;

    bool take(Timestamp now, std::uint32_t& count, std::uint32_t limit);
    Peers::iterator next(const IpAddress& from);

    Peers peers_;
    PeerId cursor_;  // the last one looked at
    std::uint32_t turn_ = 0;
    Timestamp second_;  // when it began
    std::uint32_t looks_ = 0;
    std::uint32_t tries_ = 0;
    std::uint32_t passed_ = 0;
};

}  // namespace confab::sfu
