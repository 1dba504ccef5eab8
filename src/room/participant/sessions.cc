// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/participant/sessions.h"

#include <memory>
#include <utility>

#include "room/signal/responses.h"

namespace confab::room {
namespace {

// Whether a session that ends before it was active failed, or was only not wanted any more.
bool is_failure(livekit::DisconnectReason reason) {
    return reason == livekit::JOIN_FAILURE || reason == livekit::CONNECTION_TIMEOUT ||
           reason == livekit::STATE_MISMATCH || reason == livekit::MEDIA_FAILURE;
}

// differs from upstream: there who resumes stays, with or without media. New connections may find
// a way where these found none; after DISCONNECT a client that is there would stay away for good.
Ending not_back(const Participant& p) {
    const auto action =
        p.signal.is_open() ? livekit::LeaveRequest::RECONNECT : livekit::LeaveRequest::DISCONNECT;
    return {livekit::CONNECTION_TIMEOUT, true, action};
}

}  // namespace

bool Sessions::is_full_for(const JoinParams& params) const {
    const std::uint32_t limit = news_->info().max_participants();
    if (limit == 0) return false;
    // Who counts already gives its place to whoever comes under its name.
    const Participant* old = roster_->find(params.grants.identity);
    if (old != nullptr && old->standing.present) return false;
    if (is_dependent(params.grants.kind, token::to_permission(params.grants))) return false;
    return roster_->heads().present() >= limit;
}

void Sessions::join(SessionId session, const JoinParams& params) {
    if (Participant* old = roster_->find(params.grants.identity))
        end(*old, {livekit::DUPLICATE_IDENTITY});

    auto owned =
        std::make_unique<Participant>(*scope_, params, scope_->placement.take(news_->key()));
    Participant& p = roster_->add(std::move(owned));
    host_->came(p, params);

    observe(JoinReached{JoinState::kInit});
    p.signal.open(session);
    send_join(p);
    observe(JoinReached{JoinState::kConnected});
    observe(OperationDone{Operation::kParticipantJoin, {}});
    p.info.set_state(livekit::ParticipantInfo::JOINED);
    host_->changed(p, false);
    send_token(p);
    start_links(p, params);
    news_->counts_changed();
    news_->recording_changed();
}

void Sessions::send_join(Participant& p) {
    const SessionsHost::Transport transport = host_->transport(p);
    livekit::SignalResponse response;
    livekit::JoinResponse& join = *response.mutable_join();
    *join.mutable_room() = news_->told();
    *join.mutable_participant() = host_->describe(p);
    join.set_server_version(scope_->config.server_version);
    for (const livekit::ICEServer& server : ice_servers(p, transport.ice))
        *join.add_ice_servers() = server;
    join.set_subscriber_primary(transport.subscriber_primary);
    if (const auto configuration = p.configuration(transport.ice))
        *join.mutable_client_configuration() = *configuration;
    join.set_server_region(scope_->config.region);
    join.set_ping_timeout(scope_->config.ping_timeout_s);
    join.set_ping_interval(scope_->config.ping_interval_s);
    *join.mutable_server_info() = server_info();
    host_->describe_media(p, join);
    join.set_fast_publish(p.info.permission().can_publish() &&
                          transport.ice == IcePreference::kAny);
    const auto shown = [&](Participant& other) -> const std::string& {
        return host_->shown(other);
    };
    p.signal.send_join(std::move(response), roster_->pages().list(p, shown));
}

void Sessions::start_links(Participant& p, const JoinParams& params) {
    host_->open_links(p);
    // Existing tracks first, so that the answer to the join's offer holds them (SIG-82).
    if (params.single_connection || p.traits.gates.fast_start) host_->subscribe_existing(p);
    if (!params.single_connection) return;
    for (const livekit::AddTrackRequest& request : params.add_track_requests)
        host_->add_track(p, request);
    if (params.publisher_offer) host_->take_first_offer(p, *params.publisher_offer);
}

void Sessions::set_active(Participant& p) {
    p.presence.activated();
    p.info.set_state(livekit::ParticipantInfo::ACTIVE);
    observe(JoinReached{JoinState::kActive});
    observe(JoinReached{JoinState::kSuccess});
    observe(SessionActive{p.client.protocol(), p.presence.since_join(scope_->now())});
    host_->changed(p, p.info.is_publisher());
    host_->webhook("participant_joined", p);
    host_->subscribe_existing(p);
}

// The media plane tells of one of its connections.
void Sessions::handle_link(Participant& p, const LinkNews& link) {
    switch (link.failure) {
        case LinkNews::Failure::kNone:
            break;
        case LinkNews::Failure::kPath:
            return connection_failed(p);
        case LinkNews::Failure::kHandshake:
            return end(p, Ending::full_reconnect());
    }
    if (link.up && link.primary) p.presence.media_returned(p.signal.is_open());
    // The primary connection, or with a publisher-primary client the publisher's (SIG-81).
    if (link.first && link.primary && p.info.state() == livekit::ParticipantInfo::JOINED)
        set_active(p);
}

void Sessions::handle_timeout(Participant& p) {
    const Timestamp now = scope_->now();
    switch (p.presence.due(now)) {
        case Presence::End::kNone:
            break;
        case Presence::End::kNeverActive:
            return end(p, {livekit::JOIN_FAILURE});
        case Presence::End::kNotBack:
            return end(p, not_back(p));
    }
    if (host_->media_overdue(p)) return end(p, Ending::full_reconnect());
    if (p.refresh_at <= now) send_token(p);
    host_->handle_media_timeout(p);
}

std::string Sessions::next_token(Participant& p) {
    p.refresh_at = scope_->now() + kRefreshInterval;
    if (!scope_->config.mint_token) return {};
    return scope_->config.mint_token(p.current_grants());
}

void Sessions::send_token(Participant& p) {
    if (p.forwarded()) return;
    livekit::SignalResponse response;
    response.set_refresh_token(next_token(p));
    if (!response.refresh_token().empty()) p.signal.send(std::move(response));
}

void Sessions::end(Participant& p, const Ending& ending) {
    const livekit::DisconnectReason reason = ending.reason;
    if (p.closing) return;
    p.closing = true;
    const bool was_active = p.active();
    if (ending.with_leave && can_follow(p.traits.gates, ending.action))
        p.signal.send(leave_message(p.traits.gates, reason, ending.action));
    p.signal.close(close_code(p.traits.gates, ending.action));
    host_->drop_media(p);
    if (was_active && !p.forwarded())
        observe(SessionOver{p.client.protocol(), p.presence.since_join(scope_->now())});
    if (!was_active)
        observe(JoinReached{is_failure(reason) ? JoinState::kFailure : JoinState::kCanceled});

    p.info.set_state(livekit::ParticipantInfo::DISCONNECTED);
    p.info.set_disconnect_reason(reason);
    roster_->remove(p);
    host_->forget(p);

    // A session that took the identity over makes the end of the old one known (SIG-133).
    host_->changed(p, p.info.is_publisher() && reason != livekit::DUPLICATE_IDENTITY);
    scope_->out.participant_over(p.info.sid());
    for (const std::string& before : p.earlier_sids)  // what it was given then went along
        scope_->out.participant_over(before);
    news_->recording_changed();  // a recorder's own end says that there is none any more
    host_->webhook(was_active ? "participant_left" : "participant_connection_aborted", p);
    host_->tell_speakers();
    news_->counts_changed();
}

void Sessions::end_all(livekit::DisconnectReason reason) {
    // differs from upstream: after DISCONNECT a client stays away for good, but a node that stops
    // is started again, or another one takes over (SIG-143).
    const auto action = reason == livekit::SERVER_SHUTDOWN ? livekit::LeaveRequest::RECONNECT
                                                           : livekit::LeaveRequest::DISCONNECT;
    for (Participant* p : roster_->everyone())
        end(*p, {reason, true, action});
}

std::vector<livekit::ICEServer> Sessions::ice_servers(const Participant& p,
                                                      IcePreference ice) const {
    if (!scope_->config.ice_servers) return {};
    return scope_->config.ice_servers(
        {p.first_sid(), p.grants.api_key, ice == IcePreference::kTls});
}

livekit::ServerInfo Sessions::server_info() const {
    livekit::ServerInfo result;
    result.set_version(scope_->config.server_version);
    result.set_protocol(scope_->config.protocol);
    result.set_region(scope_->config.region);
    result.set_node_id(scope_->config.node_id);
    result.set_agent_protocol(1);
    return result;
}

}  // namespace confab::room
