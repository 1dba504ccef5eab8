// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Publications: what a participant publishes goes with it to another room (01 API-12).
#include <utility>

#include "room/publish/publications.h"

namespace confab::room {

PublishFlow Publications::take(Participant& p) {
    for (auto& [sid, track] : flow(p).tracks()) {
        host_->track_ending({&p, &track});
        release(p, track, Receivers::kLiveOn);
        track.regressed = false;
        if (!track.announced) continue;
        scope_->out.observe(PublicationStep{track.info.type(), TrackStep::kEnd});
        host_->track_unpublished(p, track.info);
    }
    PublishFlow published = std::move(flow(p));
    members_.erase(p.number);
    return published;
}

void Publications::add(Participant& p, PublishFlow published) {
    Member& m = members_[p.number];
    m.flow = std::move(published);
    for (const auto& [sid, track] : m.flow.tracks()) {
        for (const CodecSlot& slot : track.slots) {
            if (!slot.receiver) continue;
            scope_->media.receivers[*slot.receiver] = {room_, &p, sid};
            scope_->out.command(p.worker, sfu::MoveReceiver{*slot.receiver, id_});
        }
        for (const Ssrc ssrc : track.ssrcs)
            ssrcs_->add(ssrc);
        if (track.announced) announced_.add(p, track);
    }
}

void Publications::announce_all(Participant& p) {
    for (const auto& [sid, track] : flow(p).tracks()) {
        if (!track.announced) continue;
        scope_->out.observe(PublicationStep{track.info.type(), TrackStep::kAttempt});
        scope_->out.observe(PublicationStep{track.info.type(), TrackStep::kSuccess});
        host_->track_announced({&p, &track});
    }
}

}  // namespace confab::room
