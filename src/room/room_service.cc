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
    apply_metadata(p, metadata);
    if (request.has_permission()) set_permission(p, request.permission());
}

}  // namespace confab::room
