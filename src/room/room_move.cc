// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: a participant goes to another room, or comes from one, with its connections and tracks
// (01 API-12, SIG-50; docs/design/moving.md).
#include <utility>

#include "room/room.h"
#include "token/ids.h"

namespace confab::room {

Transfer Room::release(Participant& p) {
    Transfer leaving;
    p.closing = true;  // nothing is said to it, or negotiated, because of what ends here
    speakers_.part(p);
    leaving.published = publications_.take(p);
    subscriptions_.drop_all(p);
    leaving.subscriber = subscriptions_.remove(p);
    leaving.data = data_.take(p);
    leaving.links = negotiation_.take(p);
    quality_.remove(p);
    sessions_.say_farewell(p);
    p.info.set_state(livekit::ParticipantInfo::DISCONNECTED);
    p.info.set_disconnect_reason(livekit::MIGRATION);
    dispatches_.left(p);
    egress_.left(p);
    leaving.participant = roster_.take(p);
    changed(p, p.info.is_publisher());
    webhook("participant_left", &p, nullptr);
    speakers_.tell_changes();
    news_.counts_changed();
    news_.recording_changed();
    return leaving;
}

void Room::admit(Transfer coming) {
    if (Participant* old = roster_.find(coming.participant->identity()))
        sessions_.end(*old, {livekit::DUPLICATE_IDENTITY});
    coming.participant->take_new_sid(token::make_id(token::kParticipantPrefix, scope_->ids.rng()));
    Participant& p = roster_.add(std::move(coming.participant));
    p.closing = false;
    negotiation_.put(p, std::move(coming.links));
    publications_.add(p, std::move(coming.published));
    subscriptions_.add(p, std::move(coming.subscriber));
    data_.put(p, std::move(coming.data));
    quality_.add(p);
    sessions_.welcome(p);
    dispatches_.came(p);
    publications_.announce_all(p);
    data_.announce_all(p);
    session_wiring_.subscribe_existing(p);
    news_.counts_changed();
    news_.recording_changed();
}

}  // namespace confab::room
