// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/data_links.h"

#include <algorithm>

#include "base/check.h"

namespace confab::sfu {

bool DataLinks::have_room(const std::vector<WorkerIndex>& workers) const {
    return std::all_of(workers.begin(), workers.end(),
                       [&](WorkerIndex to) { return links_[to].waiting() < kMaxBytes; });
}

bool DataLinks::add(WorkerIndex to, RoomId room, const DataMessage& message) {
    CONFAB_CHECK(to < links_.size());
    if (message.lossy && links_[to].waiting() >= kMaxLossy) {
        ++dropped_;
        return false;
    }
    links_[to].add(room, message);
    return true;
}

void DataLinks::add_unpaced(const std::vector<WorkerIndex>& to, RoomId room,
                            const DataMessage& message) {
    for (const WorkerIndex worker : to) {
        if (links_[worker].waiting() >= kMaxLossy) {
            ++dropped_;
            continue;
        }
        links_[worker].add(room, message);
    }
}

void DataLinks::add_frame(const std::vector<WorkerIndex>& to, RoomId room, DataTrackId track,
                          BytesView frame) {
    for (const WorkerIndex worker : to) {
        if (links_[worker].waiting() < kMaxLossy)
            links_[worker].add_frame(room, track, frame);
        else
            ++dropped_;
    }
}

void DataLinks::add_taken(WorkerIndex to, RoomId room, MemberId sender, std::size_t bytes) {
    CONFAB_CHECK(to < links_.size());
    links_[to].add_taken(room, sender, bytes);
}

void DataLinks::add_left(const std::vector<WorkerIndex>& to, RoomId room, MemberId sender) {
    for (const WorkerIndex worker : to)
        links_[worker].add_left(room, sender);
}

void DataLinks::add_fence(WorkerIndex to, LinkedFence fence, LinkedFence::Stage stage) {
    CONFAB_CHECK(to < links_.size());
    fence.stage = stage;
    links_[to].add(fence);
}

}  // namespace confab::sfu
