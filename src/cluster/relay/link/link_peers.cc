// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/relay/link/link_peers.h"

#include <algorithm>
#include <utility>

namespace confab::cluster::relay {

void LinkPeers::set(Timestamp now, const Addresses& addresses) {
    // A link outlives a record that does not name its address: somebody else may have written it.
    std::erase_if(
        peers_, [&](const auto& one) { return !one.second.up && !addresses.contains(one.first); });
    for (const auto& [node, address] : addresses) {
        if (node == own_node_) continue;
        const auto found = peers_.find(node);
        if (found != peers_.end()) {
            if (std::exchange(found->second.address, address) != address)
                found->second.suspect = false;
            continue;
        }
        if (peers_.size() >= kMaxPeers) return;
        Peer& peer = peers_[node];
        peer.address = address;
        if (is_ours_to_dial(node)) peer.due = now;
    }
}

std::optional<LinkPeers::Dial> LinkPeers::poll_dial(Timestamp now) {
    for (auto& [node, peer] : peers_) {
        if (peer.dialling || peer.due > now) continue;
        peer.dialling = true;
        peer.due = Timestamp::never();
        return Dial{node, peer.suspect ? peer.linked : peer.address};
    }
    return std::nullopt;
}

void LinkPeers::up(const std::string& node) {
    const auto found = peers_.find(node);
    if (found == peers_.end()) return;
    Peer& peer = found->second;
    if (!std::exchange(peer.up, true)) peer.linked = peer.address;
    peer.dialling = peer.suspect = false;
    peer.due = Timestamp::never();
    peer.wait = Duration::zero();
}

void LinkPeers::ended(Timestamp now, const std::string& node) {
    const auto found = peers_.find(node);
    if (found == peers_.end() || !std::exchange(found->second.up, false)) return;
    found->second.suspect = true;
    found->second.ended = now;
    found->second.due = now;
}

void LinkPeers::failed(Timestamp now, const std::string& node, bool refused) {
    const auto found = peers_.find(node);
    if (found == peers_.end()) return;
    Peer& peer = found->second;
    peer.dialling = false;
    if (peer.up) return;  // by its own dialling
    const bool is_dead = refused && peer.suspect;
    if (peer.suspect && !refused && now - peer.ended < kProofTime) {
        peer.due = now + kProofRetry;
        return;
    }
    peer.suspect = false;
    if (!is_dead) return retry(now, node, peer);
    dead_.push_back(node);
    peers_.erase(found);
}

void LinkPeers::retry(Timestamp now, const std::string& node, Peer& peer) {
    if (!is_ours_to_dial(node)) return;
    peer.wait = std::clamp(peer.wait + peer.wait, kFirstRetry, kMaxRetry);
    // Many nodes do not dial one at the same moment.
    const auto most = static_cast<std::uint64_t>(peer.wait.us() / 4);
    peer.due = now + peer.wait - Duration::micros(static_cast<std::int64_t>(rng_.below(most)));
}

std::optional<std::string> LinkPeers::poll_dead() {
    if (dead_.empty()) return std::nullopt;
    std::string node = std::move(dead_.front());
    dead_.pop_front();
    return node;
}

Timestamp LinkPeers::next_deadline() const {
    if (!dead_.empty()) return Timestamp();
    Timestamp next = Timestamp::never();
    for (const auto& [node, peer] : peers_)
        if (!peer.dialling) next = earlier(next, peer.due);
    return next;
}

}  // namespace confab::cluster::relay
