// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/roster.h"

#include <doctest/doctest.h>

namespace confab::client {
namespace {

using Info = livekit::ParticipantInfo;

Info info(const std::string& sid, std::uint32_t version, const std::string& metadata = "") {
    Info one;
    one.set_sid(sid);
    one.set_identity("of " + sid);
    one.set_version(version);
    one.set_metadata(metadata);
    one.set_state(livekit::ParticipantInfo::ACTIVE);
    return one;
}

void update(Roster& roster, Info one) {
    roster.update(std::make_shared<const Info>(std::move(one)));
}

TEST_CASE("Roster: others come, change and go; we are no other") {
    Roster roster;
    roster.join(info("PA_me", 1));
    update(roster, info("PA_a", 1));
    update(roster, info("PA_b", 1));
    update(roster, info("PA_me", 2, "mine"));
    REQUIRE(roster.size() == 2);
    CHECK(roster.self().metadata() == "mine");
    REQUIRE(roster.find_identity("of PA_b") != nullptr);
    Info gone = info("PA_a", 2);
    gone.set_state(livekit::ParticipantInfo::DISCONNECTED);
    update(roster, gone);
    CHECK(roster.find("PA_a") == nullptr);
    CHECK(roster.size() == 1);
}

TEST_CASE("Roster: has another revision when tracks may have come or gone, else the same") {
    Roster roster;
    roster.join(info("PA_me", 1));
    std::uint64_t before = roster.revision();
    update(roster, info("PA_a", 1));
    CHECK(roster.revision() == before);
    Info publishes = info("PA_a", 2);
    publishes.add_tracks()->set_sid("TR_a");
    update(roster, publishes);
    CHECK(roster.revision() != before);
    before = roster.revision();
    update(roster, info("PA_b", 1));
    CHECK(roster.revision() == before);
    update(roster, info("PA_a", 3));  // without its track
    CHECK(roster.revision() != before);
    publishes.set_version(4);
    update(roster, publishes);
    before = roster.revision();
    publishes.set_version(5);
    publishes.set_state(livekit::ParticipantInfo::DISCONNECTED);
    publishes.clear_tracks();
    update(roster, publishes);
    CHECK(roster.revision() != before);
}

TEST_CASE("Roster: an older version changes nothing [SIG-133]") {
    Roster roster;
    roster.join(info("PA_me", 5));
    update(roster, info("PA_a", 3, "new"));
    update(roster, info("PA_a", 2, "old"));
    update(roster, info("PA_me", 4, "old"));
    CHECK(roster.find("PA_a")->metadata() == "new");
    CHECK(roster.self().metadata().empty());
    update(roster, info("PA_a", 3, "same version, newer news"));
    CHECK(roster.find("PA_a")->metadata() == "same version, newer news");
}

TEST_CASE("Roster: who takes an identity over ends the session before it [SIG-133]") {
    Roster roster;
    roster.join(info("PA_me", 1));
    update(roster, info("PA_a", 7));
    Info twin = info("PA_b", 1);
    twin.set_identity("of PA_a");
    update(roster, twin);
    REQUIRE(roster.size() == 1);
    CHECK(roster.find_identity("of PA_a")->sid() == "PA_b");
    // The late end of the one before takes nothing away.
    Info gone = info("PA_a", 8);
    gone.set_state(livekit::ParticipantInfo::DISCONNECTED);
    update(roster, gone);
    CHECK(roster.find_identity("of PA_a") != nullptr);
    CHECK(roster.let_go() == std::set<std::string>{"PA_b"});
    Info over = twin;
    over.set_state(livekit::ParticipantInfo::DISCONNECTED);
    update(roster, over);
    CHECK(roster.let_go().empty());
}

TEST_CASE("Roster: a join forgets the room before") {
    Roster roster;
    roster.join(info("PA_me", 1));
    update(roster, info("PA_a", 1));
    roster.join(info("PA_again", 1));
    CHECK(roster.others().empty());
    CHECK(roster.self().sid() == "PA_again");
}

TEST_CASE("Roster: keeps kMaxParticipants, and who is known may come back") {
    Roster roster;
    roster.join(info("PA_me", 1));
    for (std::size_t i = 0; i < Roster::kMaxParticipants + 2; ++i)
        update(roster, info("PA_" + std::to_string(i), 1));
    CHECK(roster.size() == Roster::kMaxParticipants);
    CHECK(roster.find("PA_" + std::to_string(Roster::kMaxParticipants)) == nullptr);
    Info again = info("PA_new", 1);
    again.set_identity("of PA_7");
    update(roster, again);
    CHECK(roster.size() == Roster::kMaxParticipants);
    CHECK(roster.find("PA_7") == nullptr);
    CHECK(roster.find_identity("of PA_7") == roster.find("PA_new"));
}

}  // namespace
}  // namespace confab::client
