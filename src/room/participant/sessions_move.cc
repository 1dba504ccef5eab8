// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sessions: what a participant is told that moves to another room and keeps its session (01 API-12,
// SIG-50).
#include <utility>

#include "room/participant/sessions.h"
#include "room/signal/responses.h"

namespace confab::room {

// Clients that keep what they know of others until they are told otherwise (Rust) are told.
void Sessions::say_farewell(Participant& p) {
    std::vector<livekit::ParticipantInfo> others;
    for (const auto& [identity, other] : roster_->participants()) {
        if (other.get() == &p || other->hidden()) continue;
        livekit::ParticipantInfo& gone = others.emplace_back();
        gone.set_sid(other->sid());
        gone.set_identity(identity);
        gone.set_state(livekit::ParticipantInfo::DISCONNECTED);
        gone.set_version(other->info.version() + 1);
    }
    if (!others.empty()) p.signal.send(update_message(std::move(others)));
}

void Sessions::welcome(Participant& p) {
    p.seat = scope_->placement.keep(news_->info().name(), p.worker);
    if (!p.grants.video) p.grants.video.emplace();
    p.grants.video->room = news_->info().name();
    p.info.set_state(livekit::ParticipantInfo::ACTIVE);
    p.info.clear_disconnect_reason();
    p.info.set_joined_at(scope_->clock.wall.s());
    p.info.set_joined_at_ms(scope_->clock.wall.ms());
    tell_moved(p);
    host_->changed(p, true);
    host_->webhook("participant_joined", p);
}

void Sessions::tell_moved(Participant& p) {
    livekit::SignalResponse response;
    livekit::RoomMovedResponse& moved = *response.mutable_room_moved();
    *moved.mutable_room() = news_->told();
    moved.set_token(next_token(p));
    *moved.mutable_participant() = host_->describe(p);
    for (const auto& [identity, other] : roster_->participants())
        if (other.get() != &p && !other->hidden())
            *moved.add_other_participants() = host_->describe(*other);
    p.signal.send(std::move(response));
}

}  // namespace confab::room
