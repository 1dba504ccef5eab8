// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/peer_routes.h"

#include "wire/ice/stun.h"
#include "wire/rtp/rtp.h"

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
        return {found->second, {}, {}};
    if (const auto way = departed_.find(path)) return {nullptr, way->to, way->peer};
    return {nullptr, foreign_paths_.use(now, path), {}};
}

PeerRoutes::Route PeerRoutes::find_stray(Timestamp now, const ice::Path& path, BytesView datagram) {
    const wire::PacketKind kind = wire::classify(datagram);
    const bool is_media = kind == wire::PacketKind::kRtp || kind == wire::PacketKind::kRtcp;
    if (!is_media || path.protocol != ice::Protocol::kUdp) return {};
    if (ShardPeer* peer = strays_.find(now, path, datagram)) return {peer, {}, {}};
    if (workers_ < 2 || !strays_.may_pass(now)) return {};
    const std::size_t step = 1 + strays_.turn() % (workers_ - 1);
    return {nullptr, static_cast<WorkerIndex>((self_ + step) % workers_), {}};
}

PeerRoutes::Route PeerRoutes::find_named(Timestamp now, const ice::Path& path,
                                         std::string_view ufrag) {
    if (const auto found = by_ufrag_.find(ufrag); found != by_ufrag_.end())
        return {found->second, {}, {}};
    auto worker = owner_of_ufrag(ufrag);
    if (const auto way = departed_.find(ufrag)) {
        if (way->waits) return {nullptr, way->to, way->peer};
        worker = way->to;
    }
    if (!worker || *worker >= workers_ || *worker == self_) {
        // A generation so old that its name is forgotten may be the one that works: the peer that
        // has the path checks the message (ICE-14).
        const auto found = by_path_.find(path);
        if (worker == self_ && found != by_path_.end()) return {found->second, {}, {}};
        (void)strangers_.take(now, path.remote.ip);
        return {};
    }
    if (!may_pass(now, path)) return {};
    foreign_paths_.note(now, path, *worker);
    return {nullptr, worker, {}};
}

// A path that was proved is no stranger's.
bool PeerRoutes::may_pass(Timestamp now, const ice::Path& path) {
    return foreign_paths_.is_proved(path) || strangers_.take(now, path.remote.ip);
}

void PeerRoutes::add_ufrag(ShardPeer& peer, const std::string& ufrag) {
    if (peer.ufrags.size() >= ShardPeer::kMaxUfrags) {
        by_ufrag_.erase(peer.ufrags.front());
        peer.ufrags.erase(peer.ufrags.begin());
    }
    peer.ufrags.push_back(ufrag);
    by_ufrag_[ufrag] = &peer;
}

// Whoever only sent checks there has it no more.
void PeerRoutes::prove(Timestamp now, const ice::Path& path, WorkerIndex owner) {
    const auto found = by_path_.find(path);
    if (found != by_path_.end() && !found->second->transport().is_valid_path(path)) {
        drop_path(*found->second, path);
        by_path_.erase(found);
    }
    foreign_paths_.prove(now, path, owner);
}

void PeerRoutes::remember(ShardPeer& peer, const ice::Path& path, bool validated) {
    if (!validated && foreign_paths_.is_proved(path)) return;
    const auto [entry, is_new] = by_path_.try_emplace(path, &peer);
    if (!is_new && entry->second != &peer) {
        // Another peer only sent checks there; the one who proved the path gets it.
        if (!validated) return;
        drop_path(*entry->second, path);
        entry->second = &peer;
    } else if (!is_new) {
        return;
    }
    if (peer.paths.size() >= ShardPeer::kMaxPaths) {
        const auto keep = peer.transport().path();
        auto oldest = peer.paths.begin();
        if (keep && *oldest == *keep) ++oldest;
        strays_.remove(oldest->remote.ip, peer);
        by_path_.erase(*oldest);
        peer.paths.erase(oldest);
    }
    peer.paths.push_back(path);
    strays_.add(path.remote.ip, peer);
}

ShardPeer* PeerRoutes::forget(const ice::Path& path) {
    foreign_paths_.erase(path);
    const auto found = by_path_.find(path);
    if (found == by_path_.end()) return nullptr;
    ShardPeer* peer = found->second;
    by_path_.erase(found);
    drop_path(*peer, path);
    return peer;
}

void PeerRoutes::drop_path(ShardPeer& peer, const ice::Path& path) {
    if (std::erase(peer.paths, path) > 0) strays_.remove(path.remote.ip, peer);
}

void PeerRoutes::forget(const ShardPeer& peer) {
    for (const ice::Path& path : peer.paths) {
        by_path_.erase(path);
        strays_.remove(path.remote.ip, peer);
    }
    for (const std::string& ufrag : peer.ufrags)
        by_ufrag_.erase(ufrag);
}

// ---------------------------------------------------------------- peers that moved

void PeerRoutes::pass_on(Timestamp now, const ShardPeer& peer, WorkerIndex to) {
    // Also those on which only media showed it: the answer to our check comes there.
    const std::vector<ice::Path> paths = shown_paths(peer.transport());
    departed_.add(peer.id(), to, peer.ufrags, paths);
    for (const ice::Path& path : paths)
        foreign_paths_.prove(now, path, to);
}

// Where it was they counted as proved, also those on which our check is not answered yet: the
// answer comes here.
void PeerRoutes::take_over(ShardPeer& peer) {
    for (const ice::Path& path : shown_paths(peer.transport())) {
        foreign_paths_.erase(path);
        remember(peer, path, peer.transport().is_valid_path(path));
    }
}

}  // namespace confab::sfu
