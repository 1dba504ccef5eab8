// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/rooms/room_copies.h"

namespace confab::control {

using cluster::nodes::NodeTable;

void RoomCopies::note(Timestamp now, const std::string& room, const std::string& holder) {
    if (copies_.size() < kMax || copies_.contains(room)) copies_[room] = {holder, now};
}

std::vector<RoomCopies::Copy> RoomCopies::take(const NodeTable& table) {
    std::vector<Copy> ended;
    for (auto it = copies_.begin(); it != copies_.end();) {
        const auto& [room, noted] = *it;
        const NodeTable::Entry* const holder = table.find(noted.holder);
        const bool is_read = table.asked() && *table.asked() >= noted.at;
        if (!is_read || (holder != nullptr && holder->presence == NodeTable::Presence::kUnproven)) {
            ++it;
            continue;
        }
        if (holder != nullptr && holder->presence == NodeTable::Presence::kAlive)
            ended.push_back({room, noted.holder});
        it = copies_.erase(it);
    }
    return ended;
}

}  // namespace confab::control
