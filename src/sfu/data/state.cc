// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DataRooms: what a participant that moves was given, as bytes (02 MC-20). The messages themselves
// are on their way in its connection, or in the memory of its room where it goes on.
#include "base/state/state.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sfu/data/data_rooms.h"

namespace confab::sfu {
namespace {

constexpr std::size_t kMaxSid = 4096;
// Of senders that are known here, and those of which it had something where it was before.
constexpr std::size_t kMaxHad = 2 * DataMemory::kMaxSenders;
// More than the API makes at a time.
constexpr std::size_t kMaxCalls = 10'000;

// Of the one on which it gets messages.
void save_had(const DataRoomMember& m, StateWriter& out) {
    DataSequences all = m.room->memory.newest();
    for (const auto& [sid, sequence] : m.receiver.had)
        if (all.size() < kMaxHad) all.try_emplace(sid, sequence);
    for (const auto& [sid, sequence] : all)
        out.record(1, [&](StateWriter& inner) {
            inner.field(1, sid, kMaxSid);
            inner.field(2, sequence);
        });
}

}  // namespace

void DataRooms::save(PeerId peer, StateWriter& out) {
    const DataRoomMember* m = find(peer);
    if (m == nullptr) return;
    if (m->info.peer == peer) save_had(*m, out);
    // Whichever of its connections is there first, what comes on it counts.
    out.field(2, m->last_sequence);
    out.field(3, m->active);
    for (const auto& [request, acknowledged] : m->calls.awaited())
        out.record(4, [&](StateWriter& inner) {
            inner.field(1, request, kMaxSid);
            inner.field(2, acknowledged);
        });
}

void DataRooms::load(PeerId peer, Timestamp exported, StateReader& in) {
    struct One {
        std::string sid;
        std::uint32_t sequence = 0;
    };
    std::vector<One> all;
    in.list(1, all, kMaxHad, [](StateReader& inner, One& one) {
        inner.field(1, one.sid, kMaxSid);
        inner.field(2, one.sequence);
    });
    std::uint32_t last = 0;
    bool active = false;
    in.field(2, last);
    in.field(3, active);
    struct Call {
        std::string request;
        bool acknowledged = false;
    };
    std::vector<Call> calls;
    in.list(4, calls, kMaxCalls, [](StateReader& inner, Call& one) {
        inner.field(1, one.request, kMaxSid);
        inner.field(2, one.acknowledged);
    });
    DataRoomMember* m = find(peer);
    if (!in.ok() || m == nullptr) return;
    m->last_sequence = std::max(m->last_sequence, last);
    m->active = m->active || active;
    for (const Call& one : calls)
        m->calls.await({{one.request, one.acknowledged}});
    if (m->info.peer != peer) return;
    m->receiver.moved = exported;
    for (One& one : all)
        m->receiver.had[std::move(one.sid)] = one.sequence;
}

bool DataRooms::lags(PeerId peer) {
    const DataRoomMember* m = find(peer);
    if (m == nullptr || m->info.peer != peer) return false;
    return m->receiver.lagging || !m->receiver.held.empty();
}

}  // namespace confab::sfu
