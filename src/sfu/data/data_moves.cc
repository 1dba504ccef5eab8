// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/data_moves.h"

#include <algorithm>

namespace confab::sfu {

using Stage = LinkedFence::Stage;

void DataMoves::begin(PeerId peer, WorkerIndex to) {
    DataRoomMember* m = parts_.rooms.find(peer);
    if (m == nullptr) return;
    const auto ask = [&](DataRoomMember& one, WorkerIndex goes_to) {
        const DataRoom& room = *one.room;
        one.leaving = DataRoomMember::Leaving{++rounds_, room.others, {}};
        for (const WorkerIndex worker : room.others) {
            if (goes_to != parts_.self && worker != goes_to)
                one.leaving->unpassed.push_back(worker);
            parts_.links.add_fence(
                worker,
                {room.id, one.info.member, parts_.self, goes_to, worker, rounds_, Stage::kAsked},
                Stage::kAsked);
        }
    };
    ask(*m, to);
    // Where it is only seen nothing is said to it.
    for (DataRoomMember* copy : m->copies)
        ask(*copy, parts_.self);
}

bool DataMoves::may_leave(PeerId peer) const {
    const DataRoomMember* m = parts_.rooms.find(peer);
    if (m == nullptr) return true;
    const auto clear = [](const DataRoomMember* one) {
        return !one->leaving ||
               (one->leaving->unanswered.empty() && one->leaving->unpassed.empty());
    };
    return clear(m) && std::all_of(m->copies.begin(), m->copies.end(), clear);
}

void DataMoves::stay(PeerId peer) {
    DataRoomMember* m = parts_.rooms.find(peer);
    if (m == nullptr) return;
    m->leaving.reset();
    for (DataRoomMember* copy : m->copies)
        copy->leaving.reset();
    parts_.windows.note_opened();
}

void DataMoves::handle(const LinkedFence& fence) {
    if (fence.home >= parts_.links.workers() || fence.to >= parts_.links.workers()) return;
    if (fence.stage == Stage::kPassing)
        return parts_.links.add_fence(fence.home, fence, Stage::kPassed);
    if (fence.stage != Stage::kAsked) {
        DataRoomMember* m = parts_.rooms.find(fence.room, fence.member);
        if (m == nullptr || !m->leaving || m->leaving->round != fence.round) return;
        const bool answered = fence.stage == Stage::kAnswered;
        std::erase(answered ? m->leaving->unanswered : m->leaving->unpassed, fence.by);
        return;
    }
    DataRoom* room = parts_.rooms.find(fence.room);
    if (room == nullptr) return answer(fence);
    // One member leaves a worker at a time.
    std::erase_if(room->fences, [&](const LinkedFence& one) { return one.home == fence.home; });
    room->fences.push_back(fence);
    answer_fences(*room);
}

void DataMoves::answer_fences(DataRoom& room) {
    std::erase_if(room.fences, [&](const LinkedFence& fence) {
        if (!knows(room, fence.to)) return false;
        answer(fence);
        return true;
    });
}

bool DataMoves::knows(const DataRoom& room, WorkerIndex worker) const {
    return worker == parts_.self ||
           std::find(room.others.begin(), room.others.end(), worker) != room.others.end();
}

void DataMoves::answer(const LinkedFence& fence) {
    parts_.links.add_fence(fence.home, fence, Stage::kAnswered);
    if (fence.to != parts_.self && fence.to != fence.home)
        parts_.links.add_fence(fence.to, fence, Stage::kPassing);
}

}  // namespace confab::sfu
