// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/signal/unpublished.h"

#include "room/signal/responses.h"

namespace confab::room {

void tell_unpublished(Timestamp now, Participant& p, const std::string& track_sid) {
    p.ended.track_ended(now, track_sid);
    p.signal.send(unpublished_message(p.traits.gates, track_sid));
}

void tell_data_unpublished(Timestamp now, Participant& p, const livekit::DataTrackInfo& info) {
    p.ended.data_track_ended(now, info);
    p.signal.send(data_unpublished_message(info));
}

void repeat_unpublished(Timestamp now, Participant& p, Timestamp since) {
    const EndedNews::Ended ended = p.ended.repeat(now, since);
    for (const std::string& sid : ended.tracks)
        p.signal.send(unpublished_message(p.traits.gates, sid));
    for (const livekit::DataTrackInfo& info : ended.data_tracks)
        p.signal.send(data_unpublished_message(info));
}

}  // namespace confab::room
