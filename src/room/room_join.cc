// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: how participants come, become active and go (01 §3.6, §3.12).
#include "room/publish/codec_lists.h"
#include "room/room.h"
#include "room/signal/responses.h"

namespace confab::room {
namespace {

// Whether a session that ends before it was active failed, or was only not wanted any more.
bool is_failure(livekit::DisconnectReason reason) {
    return reason == livekit::JOIN_FAILURE || reason == livekit::CONNECTION_TIMEOUT ||
           reason == livekit::STATE_MISMATCH || reason == livekit::MEDIA_FAILURE;
}

}  // namespace

bool Room::is_full_for(const JoinParams& params) const {
    const std::uint32_t limit = news_.info().max_participants();
    if (limit == 0 || find(params.grants.identity) != nullptr) return false;
    if (is_dependent(params.grants.kind, token::to_permission(params.grants))) return false;
    return roster_.heads().present() >= limit;
}

void Room::join(SessionId session, const JoinParams& params) {
    if (Participant* old = find(params.grants.identity)) end(*old, {livekit::DUPLICATE_IDENTITY});

    auto owned = std::make_unique<Participant>(*scope_, params, scope_->placement.take(name()));
    Participant& p = roster_.add(std::move(owned));
    negotiation_.add(p, params);
    publications_.add(p);
    subscriptions_.add(p, params.auto_subscribe, params.adaptive_stream);
    data_.add(p, params.auto_subscribe_data_track);
    quality_.add(p);

    observe(JoinReached{JoinState::kInit});
    p.signal.open(session);
    send_join(p);
    observe(JoinReached{JoinState::kConnected});
    observe(OperationDone{Operation::kParticipantJoin, {}});
    p.info.set_state(livekit::ParticipantInfo::JOINED);
    changed(p, false);
    send_refresh(p);
    start_links(p, params);
    news_.counts_changed();
    news_.recording_changed();
}

void Room::send_join(Participant& p) {
    livekit::SignalResponse response;
    livekit::JoinResponse& join = *response.mutable_join();
    *join.mutable_room() = news_.told();
    *join.mutable_participant() = describe(p);
    join.set_server_version(scope_->config.server_version);
    for (const livekit::ICEServer& server : ice_servers(p))
        *join.add_ice_servers() = server;
    join.set_subscriber_primary(negotiation_.subscriber_primary(p));
    if (const auto configuration = p.configuration(negotiation_.ice(p)))
        *join.mutable_client_configuration() = *configuration;
    join.set_server_region(scope_->config.region);
    join.set_ping_timeout(scope_->config.ping_timeout_s);
    join.set_ping_interval(scope_->config.ping_interval_s);
    *join.mutable_server_info() = server_info();
    join.set_sif_trailer(subscriptions_.settings().sif_trailer);
    for (const livekit::Codec& codec : publish_codecs(publications_.codecs(), p.traits.sdp))
        *join.add_enabled_publish_codecs() = codec;
    join.set_fast_publish(p.info.permission().can_publish() &&
                          negotiation_.ice(p) == IcePreference::kAny);
    std::string others;
    for (const auto& [identity, other] : roster_.participants())
        if (other.get() != &p && !other->hidden()) others += shown(*other);
    p.signal.send_join(std::move(response), std::move(others));
}

void Room::start_links(Participant& p, const JoinParams& params) {
    negotiation_.open(p);
    // Existing tracks first, so that the answer to the join's offer holds them (SIG-82).
    if (params.single_connection || p.traits.gates.fast_start) subscribe_existing(p);
    if (!params.single_connection) return;
    for (const livekit::AddTrackRequest& request : params.add_track_requests)
        publications_.add_track(p, request);
    if (params.publisher_offer) negotiation_.handle_first_offer(p, *params.publisher_offer);
}

void Room::subscribe_existing(Participant& p) {
    subscriptions_.subscribe_existing(p);
    if (!p.closing) data_.reconcile(p);  // a subscription that is stuck may have ended it
}

void Room::set_active(Participant& p) {
    p.presence.activated();
    p.info.set_state(livekit::ParticipantInfo::ACTIVE);
    observe(JoinReached{JoinState::kActive});
    observe(JoinReached{JoinState::kSuccess});
    observe(SessionActive{p.client.protocol(), p.presence.since_join(scope_->now())});
    changed(p, p.info.is_publisher());
    webhook("participant_joined", &p, nullptr);
    subscribe_existing(p);
}

void Room::drop_media_of(Participant& p) {
    publications_.unpublish_all(p);
    subscriptions_.drop_all(p);
    data_.unpublish_all(p);
    negotiation_.remove(p);
}

void Room::end(Participant& p, const Ending& ending) {
    const livekit::DisconnectReason reason = ending.reason;
    if (p.closing) return;
    p.closing = true;
    const bool was_active = p.active();
    if (ending.with_leave) p.signal.send(leave_message(p.traits.gates, reason, ending.action));
    p.signal.close();
    drop_media_of(p);
    if (was_active)
        observe(SessionOver{p.client.protocol(), p.presence.since_join(scope_->now())});
    else
        observe(JoinReached{is_failure(reason) ? JoinState::kFailure : JoinState::kCanceled});

    p.info.set_state(livekit::ParticipantInfo::DISCONNECTED);
    p.info.set_disconnect_reason(reason);
    roster_.remove(p);
    quality_.remove(p);
    data_.remove(p);
    subscriptions_.remove(p);
    publications_.remove(p);

    // A session that took the identity over makes the end of the old one known (SIG-133).
    changed(p, p.info.is_publisher() && reason != livekit::DUPLICATE_IDENTITY);
    webhook(was_active ? "participant_left" : "participant_connection_aborted", &p, nullptr);
    speakers_.tell_changes();
    news_.counts_changed();
    news_.recording_changed();
}

void Room::full_reconnect(Participant& p) {
    end(p, Ending::full_reconnect());
}

void Room::remove(Participant& p, livekit::DisconnectReason reason) {
    end(p, {reason});
}

void Room::close(livekit::DisconnectReason reason) {
    // differs from upstream: after DISCONNECT a client stays away for good, but a node that stops
    // is started again, or another one takes over (SIG-143).
    const auto action = reason == livekit::SERVER_SHUTDOWN ? livekit::LeaveRequest::RECONNECT
                                                           : livekit::LeaveRequest::DISCONNECT;
    for (Participant* p : roster_.everyone())
        end(*p, {reason, true, action});
    observe(RoomOver{scope_->now() - created_});
    webhook("room_finished", nullptr, nullptr);
}

}  // namespace confab::room
