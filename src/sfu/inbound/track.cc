// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/track.h"

#include <algorithm>

namespace confab::sfu {

void Track::remove_subscriber(const DownTrack& down_track) {
    std::erase_if(subscribers_, [&](const Subscriber& s) { return s.down_track == &down_track; });
    if (subscribers_.empty()) forget();
}

bool Track::set_replica(WorkerIndex worker, std::int8_t max_spatial) {
    for (Replica& replica : replicas_) {
        if (replica.worker != worker) continue;
        replica.max_spatial = max_spatial;
        return false;
    }
    replicas_.push_back({worker, max_spatial, 0});
    return true;
}

void Track::remove_replica(WorkerIndex worker) {
    std::erase_if(replicas_, [&](const Replica& r) { return r.worker == worker; });
}

std::int8_t Track::max_wanted() const {
    std::int8_t highest = -1;
    for (const Subscriber& s : subscribers_) {
        const DownTrackSettings& settings = s.down_track->settings();
        if (settings.enabled)
            highest = std::max(highest, static_cast<std::int8_t>(settings.max_spatial));
    }
    return highest;
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
