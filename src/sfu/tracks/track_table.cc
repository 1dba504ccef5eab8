// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/track_table.h"

#include <utility>

#include "base/check.h"

namespace confab::sfu {

Track& TrackTable::at(ReceiverId id, WorkerIndex home, MediaKind kind) {
    auto& track = tracks_[id];
    if (!track) track = std::make_unique<Track>(id, home, kind, options_.packet_buffer_size(kind));
    return *track;
}

void TrackTable::drop_if_unused(ReceiverId id) {
    const auto found = tracks_.find(id);
    if (found == tracks_.end() || receivers_.contains(id)) return;
    // Other workers still hold on to it until they unsubscribe; the receiver may come back.
    if (!found->second->unused() || !found->second->replicas().empty()) return;
    CONFAB_CHECK(found->second->arrived().empty());  // FanOut points there
    tracks_.erase(found);
}

void TrackTable::add_receiver(std::unique_ptr<ReceiverEntry> entry) {
    const ReceiverId id = entry->receiver->id();
    receivers_[id] = std::move(entry);
}

void TrackTable::remove_receiver(ReceiverId id) {
    receivers_.erase(id);
    drop_if_unused(id);
}

}  // namespace confab::sfu
