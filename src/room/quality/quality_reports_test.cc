// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who is told of whose quality, with a list of who is heard instead of subscriptions.
#include "room/quality/quality_reports.h"

#include <doctest/doctest.h>

#include "room/roster/part_testing.h"

namespace confab::room {
namespace {

using R = livekit::SignalResponse;

struct World : testing::PartWorld {
    Participant& come(const std::string& identity, std::uint64_t session, int protocol = 17) {
        JoinParams params = testing::test_join("r", identity);
        params.client.set_protocol(protocol);
        Participant& p = join(params, session);
        p.info.set_state(livekit::ParticipantInfo::ACTIVE);
        reports.add(p);
        return p;
    }
    // What each was told last of `of`, by session.
    std::map<std::uint64_t, livekit::ConnectionQuality> told_of(const Participant& of) {
        clock.now = reports.next_deadline();
        reports.handle_timeout(clock.now);
        const Sorted effects = sorted();
        std::map<std::uint64_t, livekit::ConnectionQuality> result;
        for (const auto& [session, messages] : effects.signals)
            for (const R& message : messages)
                for (const auto& info : message.connection_quality().updates())
                    if (info.participant_sid() == of.sid())
                        result[session.value()] = info.quality();
        return result;
    }

    std::vector<const Participant*> heard;
    QualityReports reports{scope, roster, [this](const Participant&) { return heard; }};
};

}  // namespace

TEST_CASE("QualityReports: nobody hears of the hidden, whomever it hears [CQ-04] [SIG-132]") {
    World w;
    Participant& alice = w.come("alice", 1);
    (void)w.come("bob", 2);
    w.heard = {&alice};
    alice.info.mutable_permission()->set_hidden(true);
    CHECK(w.told_of(alice) ==
          std::map<std::uint64_t, livekit::ConnectionQuality>{{1, livekit::EXCELLENT}});
}

TEST_CASE("QualityReports: who has no tracks any more is seen as it is told [CQ-03]") {
    World w;
    Participant& alice = w.come("alice", 1);
    sfu::QualitySample silent;
    silent.rtcp_overdue = true;
    w.reports.note(alice, 1, silent);
    (void)w.told_of(alice);
    REQUIRE(alice.seen.quality);
    REQUIRE(alice.seen.quality->quality == livekit::LOST);
    w.reports.forget(alice, 1);
    CHECK(w.told_of(alice).at(1) == livekit::EXCELLENT);
    CHECK(alice.seen.quality->quality == livekit::EXCELLENT);
}

TEST_CASE("QualityReports: who does not know LOST is told POOR [CQ-01] [SIG-60]") {
    World w;
    Participant& alice = w.come("alice", 1);
    (void)w.come("new", 2, 11);
    (void)w.come("old", 3, 10);
    w.heard = {&alice};
    sfu::QualitySample silent;
    silent.rtcp_overdue = true;
    for (int window = 0; window < 40; ++window)
        w.reports.note(alice, 1, silent);
    const auto told = w.told_of(alice);
    CHECK(told.at(2) == livekit::LOST);
    CHECK(told.at(3) == livekit::POOR);
}

}  // namespace confab::room
