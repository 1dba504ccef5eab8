// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/roster.h"

#include <doctest/doctest.h>

namespace confab::client {
namespace {

livekit::ParticipantInfo info(const std::string& sid, std::uint32_t version,
                              const std::string& metadata = "") {
    livekit::ParticipantInfo one;
    one.set_sid(sid);
    one.set_identity("of " + sid);
    one.set_version(version);
    one.set_metadata(metadata);
    one.set_state(livekit::ParticipantInfo::ACTIVE);
    return one;
}

TEST_CASE("Roster: others come, change and go; we are no other") {
    Roster roster;
    roster.join(info("PA_me", 1));
    roster.update(info("PA_a", 1));
    roster.update(info("PA_b", 1));
    roster.update(info("PA_me", 2, "mine"));
    REQUIRE(roster.others().size() == 2);
    CHECK(roster.self().metadata() == "mine");
    REQUIRE(roster.find_identity("of PA_b") != nullptr);
    livekit::ParticipantInfo gone = info("PA_a", 2);
    gone.set_state(livekit::ParticipantInfo::DISCONNECTED);
    roster.update(gone);
    CHECK(roster.find("PA_a") == nullptr);
    CHECK(roster.others().size() == 1);
}

TEST_CASE("Roster: an older version changes nothing [SIG-133]") {
    Roster roster;
    roster.join(info("PA_me", 5));
    roster.update(info("PA_a", 3, "new"));
    roster.update(info("PA_a", 2, "old"));
    roster.update(info("PA_me", 4, "old"));
    CHECK(roster.find("PA_a")->metadata() == "new");
    CHECK(roster.self().metadata().empty());
    roster.update(info("PA_a", 3, "same version, newer news"));
    CHECK(roster.find("PA_a")->metadata() == "same version, newer news");
}

TEST_CASE("Roster: who takes an identity over ends the session before it [SIG-133]") {
    Roster roster;
    roster.join(info("PA_me", 1));
    roster.update(info("PA_a", 7));
    livekit::ParticipantInfo twin = info("PA_b", 1);
    twin.set_identity("of PA_a");
    roster.update(twin);
    REQUIRE(roster.others().size() == 1);
    CHECK(roster.find_identity("of PA_a")->sid() == "PA_b");
    // The late end of the one before takes nothing away.
    livekit::ParticipantInfo gone = info("PA_a", 8);
    gone.set_state(livekit::ParticipantInfo::DISCONNECTED);
    roster.update(gone);
    CHECK(roster.find_identity("of PA_a") != nullptr);
    CHECK(roster.let_go() == std::set<std::string>{"PA_b"});
    livekit::ParticipantInfo over = twin;
    over.set_state(livekit::ParticipantInfo::DISCONNECTED);
    roster.update(over);
    CHECK(roster.let_go().empty());
}

TEST_CASE("Roster: a join forgets the room before") {
    Roster roster;
    roster.join(info("PA_me", 1));
    roster.update(info("PA_a", 1));
    roster.join(info("PA_again", 1));
    CHECK(roster.others().empty());
    CHECK(roster.self().sid() == "PA_again");
}

TEST_CASE("Roster: keeps kMaxParticipants, and who is known may come back") {
    Roster roster;
    roster.join(info("PA_me", 1));
    for (std::size_t i = 0; i < Roster::kMaxParticipants + 2; ++i)
        roster.update(info("PA_" + std::to_string(i), 1));
    CHECK(roster.others().size() == Roster::kMaxParticipants);
    CHECK(roster.find("PA_" + std::to_string(Roster::kMaxParticipants)) == nullptr);
    livekit::ParticipantInfo again = info("PA_new", 1);
    again.set_identity("of PA_7");
    roster.update(again);
    CHECK(roster.others().size() == Roster::kMaxParticipants);
    CHECK(roster.find("PA_7") == nullptr);
    CHECK(roster.find_identity("of PA_7") == roster.find("PA_new"));
}

}  // namespace
}  // namespace confab::client
