// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/move/departures.h"

#include <utility>

namespace confab::sfu {

void Departures::add(PeerId peer, WorkerIndex to, const std::vector<std::string>& ufrags,
                     const std::vector<ice::Path>& paths) {
    (void)end(peer);
    for (const std::string& ufrag : ufrags)
        names_[ufrag] = peer;
    for (const ice::Path& path : paths)
        paths_[path] = peer;
    peers_[peer] = {to, false, ufrags, paths, {}};
}

void Departures::add_names(PeerId peer, WorkerIndex to, const std::vector<std::string>& ufrags) {
    if (ufrags.empty()) return;
    if (!peers_.contains(peer)) peers_[peer].there = true;
    Departed& departed = peers_[peer];
    departed.to = to;
    for (const std::string& ufrag : ufrags) {
        names_[ufrag] = peer;
        departed.ufrags.push_back(ufrag);
    }
}

std::optional<Departures::Way> Departures::find(std::string_view ufrag) const {
    const auto found = names_.find(std::string(ufrag));
    if (found == names_.end()) return std::nullopt;
    const Departed& departed = peers_.at(found->second);
    return Way{found->second, departed.to, !departed.there};
}

std::optional<Departures::Way> Departures::find(const ice::Path& path) const {
    if (paths_.empty()) return std::nullopt;
    const auto found = paths_.find(path);
    if (found == paths_.end()) return std::nullopt;
    return Way{found->second, peers_.at(found->second).to, true};
}

void Departures::hold(PeerId peer, Held datagram) {
    const auto found = peers_.find(peer);
    if (found == peers_.end() || found->second.held.size() >= kMaxHeld) return;
    found->second.held.push_back(std::move(datagram));
}

std::vector<Departures::Held> Departures::arrived(PeerId peer, WorkerIndex at) {
    const auto found = peers_.find(peer);
    if (found == peers_.end() || found->second.to != at) return {};
    found->second.there = true;
    forget_paths(found->second);
    return std::exchange(found->second.held, {});
}

bool Departures::end(PeerId peer, std::vector<Held>* waited) {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return false;
    for (const std::string& ufrag : found->second.ufrags) {
        const auto name = names_.find(ufrag);
        if (name != names_.end() && name->second == peer) names_.erase(name);
    }
    forget_paths(found->second);
    if (waited != nullptr) *waited = std::move(found->second.held);
    peers_.erase(found);
    return true;
}

// Another peer may have one of them by now.
void Departures::forget_paths(const Departed& departed) {
    for (const ice::Path& path : departed.paths) {
        const auto found = paths_.find(path);
        if (found != paths_.end() && &peers_.at(found->second) == &departed) paths_.erase(found);
    }
}

}  // namespace confab::sfu
