// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/roster/departures.h"

#include <doctest/doctest.h>

namespace confab::room {
namespace {

livekit::ParticipantInfo person(const std::string& sid) {
    livekit::ParticipantInfo info;
    info.set_sid(sid);
    info.set_identity("of " + sid);
    info.set_state(livekit::ParticipantInfo::DISCONNECTED);
    info.set_disconnect_reason(livekit::PARTICIPANT_REMOVED);
    info.set_metadata("long");
    return info;
}

Timestamp at(std::int64_t seconds) {
    return Timestamp::micros(seconds * 1'000'000);
}

}  // namespace

TEST_CASE(
    "Departures: those at the moment asked for and later, in order, with the reason [SIG-63]") {
    Departures departures;
    for (const int second : {10, 20, 30})
        departures.note(at(second), person("PA_" + std::to_string(second)));
    const auto since = departures.since(at(20));
    REQUIRE(since.size() == 2);
    CHECK(since[0].sid() == "PA_20");
    CHECK(since[0].identity() == "of PA_20");
    CHECK(since[0].state() == livekit::ParticipantInfo::DISCONNECTED);
    CHECK(since[0].disconnect_reason() == livekit::PARTICIPANT_REMOVED);
    CHECK(since[0].metadata().empty());
    CHECK(since[1].sid() == "PA_30");
}

TEST_CASE("Departures: the oldest are forgotten, by number and by age") {
    for (const std::size_t count :
         {Departures::kMaxKept - 1, Departures::kMaxKept, Departures::kMaxKept + 1}) {
        Departures departures;
        for (std::size_t i = 0; i < count; ++i)
            departures.note(at(1), person(std::to_string(i)));
        const auto all = departures.since(at(0));
        CHECK(all.size() == std::min(count, Departures::kMaxKept));
        CHECK(all.back().sid() == std::to_string(count - 1));
    }
    Departures departures;
    departures.note(at(0), person("old"));
    departures.note(at(90), person("kept"));
    CHECK(departures.since(at(0)).size() == 2);
    departures.note(at(91), person("new"));
    CHECK(departures.since(at(0)).size() == 2);
    CHECK(departures.since(at(0))[0].sid() == "kept");
}

TEST_CASE("Departures: why somebody left is known while it is kept [API-11]") {
    Departures departures;
    departures.note(at(10), person("PA_10"));
    CHECK(departures.reason("PA_10") == livekit::PARTICIPANT_REMOVED);
    CHECK(departures.reason("PA_other") == livekit::UNKNOWN_REASON);
}

}  // namespace confab::room
