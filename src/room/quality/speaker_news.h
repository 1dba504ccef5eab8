// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What participants are told of who speaks: those whom they hear, and themselves (01 SIG-134,
// SIG-170, SIG-171; 02 IN-31).
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "room/manager/deadlines.h"
#include "room/quality/speakers.h"
#include "room/roster/roster.h"
#include "room/scope/scope.h"

namespace confab::room {

class SpeakerNews {
  public:
    static constexpr Duration kGather = Duration::millis(20);
    // Longer than a participant may be without signalling. Of more who stopped, the oldest are
    // forgotten.
    static constexpr Duration kStopsKept = Duration::seconds(90);
    static constexpr std::size_t kMaxStops = 256;

    // Whether the first hears the second.
    using Hears = std::function<bool(const Participant&, const Participant&)>;
    // `room` is whose the receivers are in the registry.
    SpeakerNews(const RoomScope& scope, const Room* room, const Roster& roster, Hears hears);

    void handle_levels(const sfu::SpeakerLevels& event);
    // Of one that is seen here while it is elsewhere (API-11).
    void handle_levels(const Participant& p, const std::vector<sfu::SpeakerLevel>& levels);
    // Its track ended; told with the next changes.
    void remove(sfu::ReceiverId receiver) { speakers_.remove(receiver); }
    void tell_changes();
    // To somebody who may have heard nothing since then: who speaks, and who stopped meanwhile.
    void repeat(Participant& p, Timestamp since);
    // It hears nobody here any more.
    void part(Participant& p);
    // It begins to hear somebody, or ends: what it is shown of that one is to follow.
    void hearing_changed(Participant& p, const Participant& speaker);
    // A client tests itself: it speaks for so long, whatever is heard of it.
    void simulate(const Participant& p, Duration time);

    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return earlier(gathered_at_, simulated_.next()); }

  private:
    void levels_noted();
    void note_stops(const std::vector<livekit::SpeakerInfo>& changes);
    void tell(Participant& p, const std::vector<livekit::SpeakerInfo>& changes);
    // As those were told who hear it; nothing while it does not speak.
    std::optional<livekit::SpeakerInfo> told_of(const Participant& speaker) const;
    void tell_simulated(const Participant& p, bool active);

    const RoomScope* scope_;
    const Room* room_;
    const Roster* roster_;
    Hears hears_;
    Speakers speakers_;
    struct Stop {
        Timestamp at;
        std::string sid;
    };
    std::deque<Stop> stops_;
    // Reports of other workers may be on their way.
    Timestamp gathered_at_ = Timestamp::never();
    Deadlines<std::uint64_t> simulated_;  // by participant number
};

}  // namespace confab::room
