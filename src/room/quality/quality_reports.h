// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Connection quality as a room tells it: every five seconds, to whom something changed (01 SIG-135;
// 02 CQ-04).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "room/quality/quality_view.h"
#include "room/roster/roster.h"

namespace confab::room {

class QualityReports {
  public:
    static constexpr Duration kInterval = Duration::seconds(5);
    // Whom a participant is told about besides itself: those it hears.
    using Heard = std::function<std::vector<const Participant*>(const Participant&)>;

    QualityReports(const RoomScope& scope, const Roster& roster, Heard heard);

    void add(const Participant& p);
    void remove(const Participant& p) { members_.erase(p.number); }
    // Of one track or down-track of the participant, by its id.
    void note(const Participant& p, std::uint64_t track, const sfu::QualitySample& sample);
    // Of one stream of a published track, behind the sample of the whole.
    void note(const Participant& p, std::uint64_t track, const sfu::StreamSample& sample);
    void forget(const Participant& p, std::uint64_t track);
    // QualityView::windows().
    const StreamWindows* windows(const Participant& p, std::uint64_t track) const {
        const auto member = members_.find(p.number);
        return member == members_.end() ? nullptr : member->second.view.windows(track);
    }

    // It may have read nothing of what it was told: it is told all at the next tick.
    void repeat(const Participant& p) { members_.at(p.number).told.clear(); }

    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return members_.empty() ? Timestamp::never() : next_; }

  private:
    struct Member {
        QualityView view;
        std::map<std::string, QualityScore> told;  // by participant sid
    };
    // Ticks are counted from the creation of the room, also after nobody was there.
    void align();
    void report(Participant& p);

    const RoomScope* scope_;
    const Roster* roster_;
    Heard heard_;
    Timestamp created_;
    Timestamp next_;
    std::map<std::uint64_t, Member> members_;  // by participant number
};

}  // namespace confab::room
