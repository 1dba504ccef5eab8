// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/roster/departures.h"

namespace confab::room {

void Departures::note(Timestamp now, const livekit::ParticipantInfo& info) {
    while (!kept_.empty() && (kept_.size() >= kMaxKept || now - kept_.front().at > kKept))
        kept_.pop_front();
    Departure& departure = kept_.emplace_back();
    departure.at = now;
    // What a client needs to forget somebody; tracks and texts would only be kept here.
    departure.info.set_sid(info.sid());
    departure.info.set_identity(info.identity());
    departure.info.set_state(livekit::ParticipantInfo::DISCONNECTED);
    departure.info.set_version(info.version());
    departure.info.set_disconnect_reason(info.disconnect_reason());
}

std::vector<livekit::ParticipantInfo> Departures::since(Timestamp since) const {
    std::vector<livekit::ParticipantInfo> result;
    for (const Departure& departure : kept_)
        if (departure.at >= since) result.push_back(departure.info);
    return result;
}

livekit::DisconnectReason Departures::reason(const std::string& sid) const {
    for (const Departure& departure : kept_)
        if (departure.info.sid() == sid) return departure.info.disconnect_reason();
    return livekit::UNKNOWN_REASON;
}

}  // namespace confab::room
