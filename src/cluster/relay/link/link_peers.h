// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which nodes are to be linked with, who dials whom and when again, and what the end of a link says
// about the node (03 NODE-24). A machine: what became of each attempt comes in, whom to dial goes
// out.
//
// Of two nodes the one with the smaller id dials. When a link ends, both ask at once whether the
// other one is still there: an address that answered for this node a moment ago and where the
// system now says that nobody listens is that of a process that has ended, whatever its record
// says. Silence proves nothing: that is left to the records.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "base/net_address.h"
#include "base/rng.h"
#include "base/time.h"

namespace confab::cluster::relay {

class LinkPeers {
  public:
    static constexpr Duration kFirstRetry = Duration::seconds(1);
    static constexpr Duration kMaxRetry = Duration::seconds(30);
    // The system may still take connections for a process that ends: for so long it is asked again.
    static constexpr Duration kProofTime = Duration::seconds(1);
    static constexpr Duration kProofRetry = Duration::millis(50);
    static constexpr std::size_t kMaxPeers = 2000;           // further nodes go by Redis
    using Addresses = std::map<std::string, SocketAddress>;  // by node

    LinkPeers(std::string own_node, std::uint64_t seed)
        : own_node_(std::move(own_node)), rng_(seed) {}

    // Those that live and have an address, in place of the last ones. Who is linked stays.
    void set(Timestamp now, const Addresses& addresses);

    struct Dial {
        std::string node;
        SocketAddress to;
    };
    // Each is answered by up() or failed(). Ask until there is none.
    std::optional<Dial> poll_dial(Timestamp now);

    // A link is up, whoever dialled.
    void up(const std::string& node);
    // A link that was up has ended.
    void ended(Timestamp now, const std::string& node);
    // What was dialled did not come up. `refused`: the system there has no such port.
    void failed(Timestamp now, const std::string& node, bool refused);

    // A node whose process has ended; once.
    std::optional<std::string> poll_dead();
    Timestamp next_deadline() const;
    std::size_t size() const { return peers_.size(); }

  private:
    struct Peer {
        SocketAddress address;
        SocketAddress linked;  // when the link came up: only this one proves something
        bool dialling = false;
        bool up = false;
        bool suspect = false;  // its link has just ended
        Timestamp ended;       // when it did
        Timestamp due = Timestamp::never();
        Duration wait = Duration::zero();  // before the last attempt
    };
    bool is_ours_to_dial(const std::string& node) const { return own_node_ < node; }
    void retry(Timestamp now, const std::string& node, Peer& peer);

    std::string own_node_;
    Rng rng_;
    std::map<std::string, Peer> peers_;
    std::deque<std::string> dead_;
};

}  // namespace confab::cluster::relay
