// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/track.h"

#include <algorithm>

namespace confab::sfu {

void Track::remove_subscriber(const DownTrack& down_track) {
    std::erase_if(subscribers_, [&](const Subscriber& s) { return s.down_track == &down_track; });
    if (subscribers_.empty()) forget();
}

bool Track::set_replica(WorkerIndex worker, bool subscribed) {
    const auto found = std::find(replicas_.begin(), replicas_.end(), worker);
    if (subscribed == (found != replicas_.end())) return false;
    if (subscribed)
        replicas_.push_back(worker);
    else
        replicas_.erase(found);
    return true;
}

void Track::remember(PacketPool& pool, MediaPacket& packet, PacketRef& ref) {
    if (subscribers_.empty() || packet.padding_only) return;
    const std::size_t stream = source_.stream_of(static_cast<std::int8_t>(packet.spatial));
    if (!history_[stream]) history_[stream] = std::make_unique<PacketHistory>(kind_, kept_);
    history_[stream]->add(pool, packet, ref);
}

const HistoryEntry* Track::find(std::uint8_t stream, std::int64_t sequence) const {
    if (stream >= history_.size() || !history_[stream]) return nullptr;
    return history_[stream]->find(sequence);
}

void Track::forget() {
    for (auto& history : history_)
        history.reset();
}

}  // namespace confab::sfu
