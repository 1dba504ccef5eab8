// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/speakers.h"

#include <algorithm>
#include <utility>

namespace confab::sfu {

void Speakers::add(Timestamp now, Receiver& microphone) {
    auto& room = rooms_[microphone.config().room];
    if (!room) {
        const Duration interval =
            std::max(microphone.config().audio_level.update_interval, kMinInterval);
        room = std::make_unique<Room>(*this, microphone.config().room, interval);
        wheel_.schedule(room->timer, next_tick(now, interval));
    }
    room->microphones.push_back({&microphone, false});
}

void Speakers::moved_here(const Receiver& microphone) {
    const auto found = rooms_.find(microphone.config().room);
    if (found == rooms_.end()) return;
    for (Microphone& m : found->second->microphones)
        if (m.receiver == &microphone) m.spoke = true;
}

void Speakers::remove(const Receiver& microphone) {
    const auto found = rooms_.find(microphone.config().room);
    if (found == rooms_.end()) return;
    std::erase_if(found->second->microphones,
                  [&](const Microphone& m) { return m.receiver == &microphone; });
    if (found->second->microphones.empty()) rooms_.erase(found);
}

void Speakers::report(Timestamp now, Room& room) {
    SpeakerLevels levels;
    levels.room = room.room;
    for (Microphone& microphone : room.microphones) {
        const Receiver& receiver = *microphone.receiver;
        SpeakerLevel one{receiver.id(), 0, false};
        if (!receiver.streams().empty() && !receiver.muted()) {
            const rtp::AudioLevel& level = receiver.streams().front()->audio_level();
            one.level = level.level(now);
            one.active = level.is_active(now);
        }
        // Who fell silent is listed once more, so that the room hears of it.
        if (one.active || microphone.spoke) levels.levels.push_back(one);
        microphone.spoke = one.active;
    }
    if (!levels.levels.empty()) events_.emit(std::move(levels));
    wheel_.schedule(room.timer, next_tick(now, room.interval));
}

Timestamp Speakers::next_tick(Timestamp now, Duration interval) {
    const std::int64_t passed = (now - Timestamp()).us() / interval.us();
    return Timestamp() + interval * (passed + 1);
}

}  // namespace confab::sfu
