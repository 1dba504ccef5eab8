// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: what the server API asks of one participant (01 API-06, API-07).
#include "room/room.h"
#include "room/signal/responses.h"

namespace confab::room {

const livekit::TrackInfo* Room::mute_track(Participant& p, const std::string& sid, bool muted) {
    livekit::SignalResponse response;
    response.mutable_mute()->set_sid(sid);
    response.mutable_mute()->set_muted(muted);
    p.signal.send(std::move(response));
    return publications_.mute(p, sid, muted);
}

void Room::update_participant(Participant& p, const livekit::UpdateParticipantRequest& request) {
    livekit::UpdateParticipantMetadata metadata;
    metadata.set_name(request.name());
    metadata.set_metadata(request.metadata());
    *metadata.mutable_attributes() = request.attributes();
    requests_.apply_metadata(p, metadata);
    if (request.has_permission()) set_permission(p, request.permission());
}

void Room::set_permission(Participant& p, const livekit::ParticipantPermission& permission) {
    if (permission.hidden() && !p.hidden()) hide(p);
    p.info.mutable_permission()->CopyFrom(permission);
    if (!p.grants.video) p.grants.video.emplace();
    token::set_permission(*p.grants.video, permission);
    publications_.rights_changed(p);
    if (!permission.can_publish()) p.info.set_is_publisher(false);
    data_.update(p);
    if (!permission.can_publish_data()) data_.unpublish_all(p);
    subscriptions_.rights_changed(p);
    if (p.closing) return;
    data_.reconcile(p);
    roster_.count(p);
    changed(p, true);
    send_refresh(p);
    news_.counts_changed();
    news_.recording_changed();
}

}  // namespace confab::room
