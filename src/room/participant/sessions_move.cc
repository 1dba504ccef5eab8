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
    // Should its connection be dead already, its resume tells these again, and who left here since
    // it was.
    std::vector<livekit::ParticipantInfo> gone = others;
    for (livekit::ParticipantInfo& info : news_->departed_since(scope_->now() - silence() * 2))
        gone.push_back(std::move(info));
    p.moves.left(scope_->now(), gone);
    if (!others.empty()) p.signal.send(update_message(std::move(others)));
}

void Sessions::welcome(Participant& p) {
    p.seat = scope_->placement.keep(news_->key(), p.worker);
    if (!p.grants.video) p.grants.video.emplace();
    p.grants.video->room = news_->info().name();
    p.info.set_state(livekit::ParticipantInfo::ACTIVE);
    p.info.clear_disconnect_reason();
    p.info.set_joined_at(scope_->clock.wall.s());
    p.info.set_joined_at_ms(scope_->clock.wall.ms());
    livekit::SignalResponse response;
    response.set_refresh_token(tell_moved(p));
    // From here alone Rust clients take it for what they connect with next.
    if (!response.refresh_token().empty()) p.signal.send(std::move(response));
    host_->changed(p, true);
    host_->webhook("participant_joined", p);
}

std::string Sessions::tell_moved(Participant& p) {
    livekit::RoomMovedResponse moved;
    *moved.mutable_room() = news_->told();
    std::string token = next_token(p);
    moved.set_token(token);
    for (const auto& [identity, other] : roster_->participants())
        if (other.get() != &p && !other->hidden())
            *moved.add_other_participants() = host_->describe(*other);
    send_moved(p, std::move(moved));
    return token;
}

void Sessions::send_moved(Participant& p, livekit::RoomMovedResponse moved) {
    *moved.mutable_participant() = host_->describe(p);
    livekit::SignalResponse response;
    *response.mutable_room_moved() = std::move(moved);
    p.signal.send(std::move(response));
}

// Who is there it hears when it joins.
bool Sessions::send_away(Participant& p, const livekit::Room& to) {
    if (!p.grants.video) p.grants.video.emplace();
    std::string here = std::exchange(p.grants.video->room, to.name());
    livekit::RoomMovedResponse moved;
    *moved.mutable_room() = to;
    moved.set_token(next_token(p));
    if (moved.token().empty()) {
        p.grants.video->room = std::move(here);
        return false;
    }
    say_farewell(p);
    livekit::SignalResponse token;
    token.set_refresh_token(moved.token());
    send_moved(p, std::move(moved));
    p.signal.send(std::move(token));
    end(p, {livekit::MIGRATION, true, livekit::LeaveRequest::RECONNECT});
    return true;
}

}  // namespace confab::room
