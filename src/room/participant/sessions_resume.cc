// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sessions: a signalling connection is lost, resumed or refused (01 §3.13, SIG-145…149).
#include <algorithm>
#include <utility>

#include "room/participant/sessions.h"
#include "room/scope/join_errors.h"
#include "room/signal/responses.h"

namespace confab::room {

void Sessions::refuse_resume(Outbox& out, SessionId session, const JoinParams& params) {
    const ClientTraits traits = traits_of(params.client);
    constexpr auto kAction = livekit::LeaveRequest::RECONNECT;
    if (can_follow(traits.gates, kAction))
        out.signal(session, leave_message(traits.gates, livekit::STATE_MISMATCH, kAction));
    out.close(session, close_code(traits.gates, kAction));
}

void Sessions::resume(SessionId session, const JoinParams& params, bool moved) {
    Participant* found = roster_->find(params.grants.identity);
    if (found == nullptr) return refuse_resume(scope_->out, session, params);
    Participant& p = *found;
    if (p.drops.take(scope_->now(), SimulatedDrops::kBeforeMessages))
        return scope_->out.refuse({session, join_errors::kClosedByMedia.status,
                                   std::string(join_errors::kClosedByMedia.text),
                                   "the client asked for it (simulate)"});
    roster_->touch(p);
    p.signal.close();
    p.signal.open(session);
    const Timestamp since = p.presence.resumed(scope_->now()) - silence();
    host_->client_gave_up(p, params.reconnect_reason);
    // It says where it believes to be; Rust clients name the sid of their join, whatever they heard
    // since. To be told twice does no harm there.
    const bool missed_move =
        moved || (params.participant_sid != p.sid() && p.moves.moved_since(since));

    if (p.traits.gates.reconnect_response) send_reconnect(p);
    if (missed_move) tell_moved(p);
    host_->repeat_mutes(p, since);
    tell_departures(p, since, missed_move);
    std::vector<livekit::ParticipantInfo> all;
    for (const auto& [identity, other] : roster_->participants())
        if (other.get() == &p || !other->hidden()) all.push_back(host_->describe(*other));
    p.signal.send(update_message(std::move(all)));
    livekit::SignalResponse room_update;
    *room_update.mutable_room_update()->mutable_room() = news_->told();
    p.signal.send(std::move(room_update));
    host_->repeat_news(p, since);

    if (p.drops.take(scope_->now(), SimulatedDrops::kAfterMessages)) return p.signal.close();
    send_token(p);
    host_->restart_links(p);
}

void Sessions::send_reconnect(Participant& p) {
    const IcePreference ice = host_->transport(p).ice;
    livekit::SignalResponse response;
    livekit::ReconnectResponse& reconnect = *response.mutable_reconnect();
    for (const livekit::ICEServer& server : ice_servers(p, ice))
        *reconnect.add_ice_servers() = server;
    if (const auto configuration = p.configuration(ice))
        *reconnect.mutable_client_configuration() = *configuration;
    *reconnect.mutable_server_info() = server_info();
    reconnect.set_last_message_seq(host_->last_data_sequence(p));
    p.signal.send(std::move(response));
}

// A connection may have been dead already: a client that was not heard for its ping interval and
// the time out after it may have read nothing since.
Duration Sessions::silence() const {
    return Duration::seconds(scope_->config.ping_interval_s + scope_->config.ping_timeout_s);
}

// Who left while there was no connection, or since then, and whom it left itself. Of those who are
// here again under a new sid nothing is told: clients know people by identity, and livekit-client
// would let go of who follows.
void Sessions::tell_departures(Participant& p, Timestamp since, bool missed_move) {
    auto gone = p.signal.take_missed();
    std::vector<livekit::ParticipantInfo> more = news_->departed_since(since);
    if (missed_move)
        for (livekit::ParticipantInfo& info : p.moves.gone())
            more.push_back(std::move(info));
    for (livekit::ParticipantInfo& info : more) {
        const auto known = [&](const auto& other) { return other.sid() == info.sid(); };
        if (std::none_of(gone.begin(), gone.end(), known)) gone.push_back(std::move(info));
    }
    std::erase_if(gone, [&](const livekit::ParticipantInfo& info) {
        const Participant* now = roster_->find(info.identity());
        return now != nullptr && (now == &p || !now->hidden());
    });
    if (p.traits.gates.missed_disconnects && !gone.empty())
        p.signal.send(update_message(std::move(gone)));
}

void Sessions::signal_closed(SessionId session, const std::string& identity) {
    Participant* p = roster_->find(identity);
    if (p == nullptr || p->signal.session() != session) return;
    roster_->touch(*p);
    p->signal.lost();
    if (!host_->transport(*p).ever_connected) end(*p, Ending::silent(livekit::SIGNAL_CLOSE));
}

// ICE or DTLS gave up: the client is told to resume and has Presence::kResumeWindow for it
// (SIG-145).
void Sessions::connection_failed(Participant& p) {
    if (is_reachable(p)) host_->try_other_transport(p);
    leave_path(p);
}

bool Sessions::is_reachable(const Participant& p) const {
    return p.signal.is_open() && p.presence.heard_lately(scope_->now());
}

void Sessions::leave_path(Participant& p) {
    constexpr auto kAction = livekit::LeaveRequest::RESUME;
    if (p.traits.gates.leave_action)
        p.signal.send(leave_message(p.traits.gates, livekit::CONNECTION_TIMEOUT, kAction));
    p.signal.close(close_code(p.traits.gates, kAction));
    p.presence.link_failed(scope_->now(), host_->transport(p).lost);
}

}  // namespace confab::room
