// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: a participant's signalling connection is lost, resumed or refused (01 §3.13, SIG-145…149).
#include <algorithm>
#include <utility>

#include "room/room.h"
#include "room/signal/responses.h"

namespace confab::room {

void Room::refuse_resume(Outbox& out, SessionId session, const JoinParams& params) {
    const ClientTraits traits = traits_of(params.client);
    out.signal(session, leave_message(traits.gates, livekit::STATE_MISMATCH,
                                      livekit::LeaveRequest::RECONNECT));
    out.close(session, 1000);
}

void Room::resume(SessionId session, const JoinParams& params) {
    Participant* found = find(params.grants.identity);
    if (found == nullptr) return refuse_resume(scope_->out, session, params);
    Participant& p = *found;
    if (p.drops.take(scope_->now(), SimulatedDrops::kBeforeMessages))
        return scope_->out.refuse(session, 500, "connection closed by media");
    touch(p);
    p.signal.close();
    p.signal.open(session);
    const Timestamp last_heard = p.presence.resumed(scope_->now());

    if (p.traits.gates.reconnect_response) {
        livekit::SignalResponse response;
        livekit::ReconnectResponse& reconnect = *response.mutable_reconnect();
        for (const livekit::ICEServer& server : ice_servers(p))
            *reconnect.add_ice_servers() = server;
        if (const auto configuration = p.configuration(negotiation_.ice(p)))
            *reconnect.mutable_client_configuration() = *configuration;
        *reconnect.mutable_server_info() = server_info();
        reconnect.set_last_message_seq(data_.last_sequence(p));
        p.signal.send(std::move(response));
    }
    tell_departures(p, last_heard);
    std::vector<livekit::ParticipantInfo> all;
    for (const auto& [identity, other] : roster_.participants())
        if (other.get() == &p || !other->hidden()) all.push_back(describe(*other));
    p.signal.send(update_message(std::move(all)));
    livekit::SignalResponse room_update;
    *room_update.mutable_room_update()->mutable_room() = news_.told();
    p.signal.send(std::move(room_update));
    data_.repeat_handles(p);

    if (p.drops.take(scope_->now(), SimulatedDrops::kAfterMessages)) return p.signal.close();
    send_refresh(p);
    negotiation_.restart(p);
}

// Who left while there was no connection, or while the old one may have been dead already: a client
// that was not heard for its ping interval and the time out after it may have read nothing since.
// Of those who are here again under a new sid nothing is told: clients know people by identity, and
// livekit-client would let go of who follows.
void Room::tell_departures(Participant& p, Timestamp last_heard) {
    auto gone = p.signal.take_missed();
    const Duration silence =
        Duration::seconds(scope_->config.ping_interval_s + scope_->config.ping_timeout_s);
    for (livekit::ParticipantInfo& info : news_.departed_since(last_heard - silence)) {
        const auto known = [&](const auto& other) { return other.sid() == info.sid(); };
        if (std::none_of(gone.begin(), gone.end(), known)) gone.push_back(std::move(info));
    }
    std::erase_if(gone, [&](const livekit::ParticipantInfo& info) {
        const Participant* now = find(info.identity());
        return now != nullptr && (now == &p || !now->hidden());
    });
    if (p.traits.gates.missed_disconnects && !gone.empty())
        p.signal.send(update_message(std::move(gone)));
}

void Room::signal_closed(SessionId session, const std::string& identity) {
    Participant* p = find(identity);
    if (p == nullptr || p->signal.session() != session) return;
    touch(*p);
    p->signal.lost();
    const PeerLink* primary = negotiation_.primary(*p);
    const bool live = primary != nullptr && primary->ever_connected;
    if (!live) end(*p, Ending::silent(livekit::SIGNAL_CLOSE));
}

// ICE or DTLS gave up: the client is told to resume and has Presence::kResumeWindow for it
// (SIG-145).
void Room::connection_failed(Participant& p) {
    if (p.signal.is_open() && p.presence.heard_lately(scope_->now()))
        negotiation_.try_other_transport(p);
    if (p.traits.gates.leave_action)
        p.signal.send(leave_message(p.traits.gates, livekit::CONNECTION_TIMEOUT,
                                    livekit::LeaveRequest::RESUME));
    p.signal.close();
    const PeerLink* primary = negotiation_.primary(p);
    p.presence.link_failed(scope_->now(), primary != nullptr && !primary->connected);
}

}  // namespace confab::room
