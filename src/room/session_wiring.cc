// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/session_wiring.h"

#include "room/publish/codec_lists.h"
#include "room/room.h"
#include "room/signal/unpublished.h"

namespace confab::room {

// ---------------------------------------------------------------- coming and going

void SessionWiring::came(Participant& p, const JoinParams& params) {
    room_->negotiation_.add(p, params);
    room_->publications_.add(p);
    room_->subscriptions_.add(p, {{}, params.auto_subscribe, params.adaptive_stream});
    room_->data_.add(p, params.auto_subscribe_data_track);
    room_->quality_.add(p);
    room_->dispatches_.came(p);
}

void SessionWiring::open_links(Participant& p) {
    room_->negotiation_.open(p);
}

void SessionWiring::subscribe_existing(Participant& p) {
    room_->subscriptions_.subscribe_existing(p);
    if (!p.closing) room_->data_.reconcile(p);  // a subscription that is stuck may have ended it
}

void SessionWiring::add_track(Participant& p, const livekit::AddTrackRequest& request) {
    room_->publications_.add_track(p, request);
}

void SessionWiring::take_first_offer(Participant& p, const livekit::SessionDescription& offer) {
    room_->negotiation_.handle_first_offer(p, offer);
}

void SessionWiring::drop_media(Participant& p) {
    room_->publications_.unpublish_all(p);
    room_->subscriptions_.drop_all(p);
    room_->data_.unpublish_all(p);
    room_->negotiation_.remove(p);
}

void SessionWiring::forget(Participant& p) {
    room_->quality_.remove(p);
    room_->data_.remove(p);
    room_->subscriptions_.remove(p);
    room_->publications_.remove(p);
    room_->dispatches_.left(p);
    room_->egress_.left(p);
}

// ---------------------------------------------------------------- connections

SessionsHost::Transport SessionWiring::transport(const Participant& p) const {
    const Negotiation& negotiation = room_->negotiation_;
    Transport result{negotiation.ice(p), negotiation.subscriber_primary(p)};
    for (const PeerLink* link : {negotiation.publisher(p), negotiation.downstream(p)})
        if (link != nullptr && link->ever_connected) result.ever_connected = true;
    if (const PeerLink* primary = negotiation.primary(p)) result.lost = !primary->connected();
    return result;
}

void SessionWiring::restart_links(Participant& p) {
    room_->negotiation_.restart(p);
}

void SessionWiring::try_other_transport(Participant& p) {
    room_->negotiation_.try_other_transport(p);
}

void SessionWiring::client_gave_up(Participant& p, livekit::ReconnectReason reason) {
    if (reason != livekit::RR_UNKNOWN) room_->negotiation_.try_other_transport(p, reason);
}

// ---------------------------------------------------------------- what is told

livekit::ParticipantInfo SessionWiring::describe(const Participant& p) const {
    return room_->describe(p);
}

const std::string& SessionWiring::shown(Participant& p) {
    return room_->shown(p);
}

void SessionWiring::describe_media(const Participant& p, livekit::JoinResponse& join) const {
    join.set_sif_trailer(room_->subscriptions_.settings().sif_trailer);
    for (const livekit::Codec& codec : publish_codecs(room_->publications_.codecs(), p.traits.sdp))
        *join.add_enabled_publish_codecs() = codec;
}

void SessionWiring::changed(Participant& p, bool immediate) {
    room_->changed(p, immediate);
}

void SessionWiring::webhook(const char* event, const Participant& p) {
    room_->webhook(event, &p, nullptr);
}

void SessionWiring::tell_speakers() {
    room_->speakers_.tell_changes();
}

std::uint32_t SessionWiring::last_data_sequence(const Participant& p) const {
    return room_->data_.last_sequence(p);
}

void SessionWiring::repeat_mutes(Participant& p, Timestamp since) {
    room_->publications_.repeat_mutes(p, since);
}

void SessionWiring::repeat_news(Participant& p, Timestamp since) {
    repeat_unpublished(room_->scope_->now(), p, since);
    room_->data_.repeat_news(p, since);
    room_->subscriptions_.repeat_news(p, since);
    room_->publications_.announced().repeat_wishes(p, since);
    room_->speakers_.repeat(p, since);
    room_->quality_.repeat(p);
}

// ---------------------------------------------------------------- time

bool SessionWiring::media_overdue(const Participant& p) const {
    return room_->negotiation_.overdue(p) || room_->publications_.overdue(p);
}

void SessionWiring::handle_media_timeout(Participant& p) {
    const Timestamp now = room_->scope_->now();
    room_->publications_.handle_timeout(p, now);
    room_->subscriptions_.handle_timeout(p, now);
    if (!p.closing) room_->negotiation_.handle_timeout(p);
}

}  // namespace confab::room
