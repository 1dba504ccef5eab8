// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a room tells its participants of itself and of each other: participant updates at once or at
// the tick (01 SIG-131, SIG-133), room_update with counts at most every five seconds and with what
// was changed on purpose at once (SIG-136).
#pragma once

#include <optional>
#include <vector>

#include "room/roster/broadcaster.h"
#include "room/roster/departures.h"
#include "room/roster/roster.h"
#include "room/scope/room_codecs.h"
#include "room/scope/scope.h"

namespace confab::room {

class RoomNews {
  public:
    static constexpr Duration kCountersInterval = Duration::seconds(5);  // SIG-136

    RoomNews(const RoomScope& scope, Roster& roster);

    // Before anything else: the room as it is made, and by what it is found (token/room_key.h).
    void set_room(livekit::Room info, std::string key);
    const std::string& key() const { return key_; }
    // Without counts and codecs.
    const livekit::Room& info() const { return info_; }
    // Without counts.
    livekit::Room described() const;
    // As clients were told, for joins and resumes.
    livekit::Room told() const { return with_counts(told_); }
    // With the counts of now.
    livekit::Room snapshot() const { return with_counts(counts()); }

    void participant_changed(livekit::ParticipantInfo info, bool immediate);
    // To all but itself it is gone.
    void participant_hidden(livekit::ParticipantInfo info);
    // Who left since then and was to be seen.
    std::vector<livekit::ParticipantInfo> departed_since(Timestamp since) const {
        return departures_.since(since);
    }
    livekit::DisconnectReason departure_reason(const std::string& sid) const {
        return departures_.reason(sid);
    }
    void counts_changed();
    void recording_changed();
    void set_metadata(const std::string& metadata);

    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;

  private:
    struct Counts {
        std::uint32_t participants = 0;
        std::uint32_t publishers = 0;
        bool recording = false;
    };
    Counts counts() const;
    livekit::Room with_counts(const Counts& counts) const;
    void deliver(Broadcaster::Update update);
    void deliver_batch(std::vector<livekit::ParticipantInfo> batch);
    void send_room_update();

    const RoomScope* scope_;
    Roster* roster_;
    std::string key_;
    livekit::Room info_;
    const RoomCodecs::Shown* codecs_;  // as they are when the room is made
    Counts told_;
    Timestamp counts_told_;
    bool counts_dirty_ = false;
    Broadcaster broadcaster_;
    Departures departures_;
};

}  // namespace confab::room
