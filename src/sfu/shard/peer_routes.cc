// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/peer_routes.h"

#include "wire/ice/stun.h"

namespace confab::sfu {

std::optional<WorkerIndex> owner_of_ufrag(std::string_view ufrag) {
    if (ufrag.empty()) return std::nullopt;
    const std::size_t index = kOwnerLetters.find(ufrag.front());
    if (index == std::string_view::npos) return std::nullopt;
    return static_cast<WorkerIndex>(index);
}

PeerRoutes::Route PeerRoutes::find(Timestamp now, const ice::Path& path, BytesView datagram) {
    if (wire::classify(datagram) == wire::PacketKind::kStun) {
        const auto message = wire::StunMessage::parse(datagram);
        if (!message) return {};
        // Only a request names whom it is for: libnice repeats the name of our own in its answers.
        const auto username = message->message_class() == wire::StunClass::kRequest
                                  ? message->text(wire::StunAttr::kUsername)
                                  : std::nullopt;
        if (username) return find_named(now, path, username->substr(0, username->find(':')));
    }
    if (const auto found = by_path_.find(path); found != by_path_.end())
        return {found->second, std::nullopt};
    return {nullptr, foreign_paths_.use(now, path)};
}

PeerRoutes::Route PeerRoutes::find_named(Timestamp now, const ice::Path& path,
                                         std::string_view ufrag) {
    if (const auto found = by_ufrag_.find(std::string(ufrag)); found != by_ufrag_.end())
        return {found->second, std::nullopt};
    const auto worker = owner_of_ufrag(ufrag);
    if (!worker || *worker >= workers_) return {};
    if (*worker == self_) {
        // A generation so old that its name is forgotten may be the one that works: the peer that
        // has the path checks the message (ICE-14).
        const auto found = by_path_.find(path);
        return {found == by_path_.end() ? nullptr : found->second, std::nullopt};
    }
    foreign_paths_.note(now, path, *worker);
    return {nullptr, worker};
}

void PeerRoutes::add_ufrag(ShardPeer& peer, const std::string& ufrag) {
    if (peer.ufrags.size() >= ShardPeer::kMaxUfrags) {
        by_ufrag_.erase(peer.ufrags.front());
        peer.ufrags.erase(peer.ufrags.begin());
    }
    peer.ufrags.push_back(ufrag);
    by_ufrag_[ufrag] = &peer;
}

void PeerRoutes::remember(ShardPeer& peer, const ice::Path& path, bool validated) {
    const auto [entry, is_new] = by_path_.try_emplace(path, &peer);
    if (!is_new && entry->second != &peer) {
        // Another peer only sent checks there; the one who proved the path gets it.
        if (!validated) return;
        std::erase(entry->second->paths, path);
        entry->second = &peer;
    } else if (!is_new) {
        return;
    }
    if (peer.paths.size() >= ShardPeer::kMaxPaths) {
        const auto keep = peer.transport().path();
        auto oldest = peer.paths.begin();
        if (keep && *oldest == *keep) ++oldest;
        by_path_.erase(*oldest);
        peer.paths.erase(oldest);
    }
    peer.paths.push_back(path);
}

ShardPeer* PeerRoutes::forget(const ice::Path& path) {
    foreign_paths_.erase(path);
    const auto found = by_path_.find(path);
    if (found == by_path_.end()) return nullptr;
    ShardPeer* peer = found->second;
    by_path_.erase(found);
    std::erase(peer->paths, path);
    return peer;
}

void PeerRoutes::forget(const ShardPeer& peer) {
    for (const ice::Path& path : peer.paths)
        by_path_.erase(path);
    for (const std::string& ufrag : peer.ufrags)
        by_ufrag_.erase(ufrag);
}

}  // namespace confab::sfu
