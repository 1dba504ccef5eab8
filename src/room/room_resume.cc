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
    if (p.drop_resume_without_messages && scope_->now() < p.drop_resume_until) {
        p.drop_resume_without_messages = false;
        scope_->out.refuse(session, 500, "connection closed by media");
        return;
    }
    touch(p);
    p.signal.close();
    p.signal.open(session);
    const Timestamp last_heard = std::exchange(p.last_signal, scope_->now());
    expect_media(p, kRecoverWindow);

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

    if (p.drop_resume_after_messages && scope_->now() < p.drop_resume_until) {
        p.drop_resume_after_messages = false;
        p.signal.close();
        return;
    }
    send_refresh(p);
    negotiation_.restart(p);
}

// Who left while there was no connection, or while the old one may have been dead already: a client
// that was not heard for its ping interval and the time out after it may have read nothing since.
void Room::tell_departures(Participant& p, Timestamp last_heard) {
    auto gone = p.signal.take_missed();
    const Duration silence =
        Duration::seconds(scope_->config.ping_interval_s + scope_->config.ping_timeout_s);
    for (livekit::ParticipantInfo& info : news_.departed_since(last_heard - silence)) {
        const auto known = [&](const auto& other) { return other.sid() == info.sid(); };
        if (info.sid() != p.sid() && std::none_of(gone.begin(), gone.end(), known))
            gone.push_back(std::move(info));
    }
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
    if (!live) end(*p, livekit::SIGNAL_CLOSE, Ending::kSilent);
}

// ICE or DTLS gave up: the client is told to resume and has kResumeWindow for it (SIG-145).
void Room::connection_failed(Participant& p) {
    constexpr Duration kSignalAlive = Duration::seconds(15);
    if (p.signal.is_open() && scope_->now() - p.last_signal < kSignalAlive)
        negotiation_.try_other_transport(p);
    if (p.traits.gates.leave_action)
        p.signal.send(leave_message(p.traits.gates, livekit::CONNECTION_TIMEOUT,
                                    livekit::LeaveRequest::RESUME));
    p.signal.close();
    const PeerLink* primary = negotiation_.primary(p);
    if (primary != nullptr && !primary->connected)
        p.media_lost_at = earlier(p.media_lost_at, scope_->now());
    p.resume_deadline = scope_->now() + kResumeWindow;
    if (!p.media_lost_at.is_never())
        p.resume_deadline = earlier(p.resume_deadline, p.media_lost_at + kMaxWithoutMedia);
}

// A resume is no proof of life: who lost its media has until then to bring it back.
void Room::expect_media(Participant& p, Duration within) {
    p.resume_deadline = Timestamp::never();
    if (p.media_lost_at.is_never()) return;
    p.resume_deadline = earlier(scope_->now() + within, p.media_lost_at + kMaxWithoutMedia);
}

void Room::media_returned(Participant& p) {
    if (p.media_lost_at.is_never()) return;
    p.media_lost_at = Timestamp::never();
    // Without signalling, what is left of the time for a resume goes on.
    if (p.signal.is_open()) p.resume_deadline = Timestamp::never();
}

}  // namespace confab::room
