// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/participant/permissions.h"

#include <doctest/doctest.h>

#include <string>

namespace confab::room {
namespace {

using List = livekit::SubscriptionPermission;

List names(std::size_t count) {
    List list;
    for (std::size_t i = 0; i < count; ++i)
        list.add_track_permissions()->set_participant_identity("p" + std::to_string(i));
    return list;
}

}  // namespace

TEST_CASE("SubscriptionAccess: where an entry has an identity its sid says nothing [SIG-10]") {
    SubscriptionAccess access;
    List list;
    livekit::TrackPermission& both = *list.add_track_permissions();
    both.set_participant_identity("bob");
    both.set_participant_sid("PA_eve");
    both.set_all_tracks(true);
    livekit::TrackPermission& sid = *list.add_track_permissions();
    sid.set_participant_sid("PA_carol");
    sid.add_track_sids("TR_1");
    REQUIRE(access.set(list));
    CHECK(access.allows("bob", "PA_bob", "TR_1"));
    CHECK_FALSE(access.allows("eve", "PA_eve", "TR_1"));
    CHECK(access.allows("carol", "PA_carol", "TR_1"));
    CHECK_FALSE(access.allows("carol", "PA_carol", "TR_2"));
    list.set_all_participants(true);
    REQUIRE(access.set(list));
    CHECK(access.allows("eve", "PA_eve", "TR_2"));
}

TEST_CASE("SubscriptionAccess: so many entries and bytes, or nothing changes [SIG-10] [IMM-15]") {
    SubscriptionAccess access;
    REQUIRE(access.set(names(SubscriptionAccess::kMaxEntries)));
    CHECK_FALSE(access.allows("eve", "PA_eve", "TR_1"));
    List more = names(SubscriptionAccess::kMaxEntries + 1);
    more.set_all_participants(true);
    CHECK_FALSE(access.set(more));
    CHECK_FALSE(access.allows("eve", "PA_eve", "TR_1"));
    List long_one = names(1);
    long_one.set_all_participants(true);
    long_one.mutable_track_permissions(0)->set_participant_identity(
        std::string(SubscriptionAccess::kMaxBytes, 'x'));
    CHECK_FALSE(access.set(long_one));
    long_one.mutable_track_permissions(0)->set_participant_identity(
        std::string(SubscriptionAccess::kMaxBytes - 100, 'x'));
    CHECK(access.set(long_one));
}

TEST_CASE("SubscriptionAccess: of two entries for one identity the last one counts [SIG-10]") {
    SubscriptionAccess access;
    List list;
    for (const char* sid : {"TR_1", "TR_2"}) {
        livekit::TrackPermission& entry = *list.add_track_permissions();
        entry.set_participant_identity("bob");
        entry.add_track_sids(sid);
    }
    list.add_track_permissions()->set_participant_identity("carol");
    REQUIRE(access.set(list));
    CHECK_FALSE(access.allows("bob", "PA_bob", "TR_1"));
    CHECK(access.allows("bob", "PA_bob", "TR_2"));
    CHECK_FALSE(access.allows("carol", "PA_carol", "TR_2"));
    // By its sid it is the same one.
    list.add_track_permissions()->set_participant_sid("PA_bob");
    list.mutable_track_permissions(3)->add_track_sids("TR_3");
    REQUIRE(access.set(list, [](const std::string&) { return "bob"; }));
    CHECK_FALSE(access.allows("bob", "PA_bob", "TR_2"));
    CHECK(access.allows("bob", "PA_bob", "TR_3"));
}

TEST_CASE("is_recorder: by kind or by right [SIG-10] [SIG-132]") {
    using Info = livekit::ParticipantInfo;
    livekit::ParticipantPermission permission;
    CHECK(is_recorder(Info::EGRESS, permission));
    for (const auto kind : {Info::STANDARD, Info::AGENT, Info::INGRESS, Info::SIP})
        CHECK_FALSE(is_recorder(kind, permission));
    permission.set_recorder(true);
    CHECK(is_recorder(Info::STANDARD, permission));
}

TEST_CASE("is_dependent: agents, egress and recorders, by kind or by right [SIG-138]") {
    using Info = livekit::ParticipantInfo;
    const livekit::ParticipantPermission none;
    CHECK(is_dependent(Info::AGENT, none));
    CHECK(is_dependent(Info::EGRESS, none));
    CHECK_FALSE(is_dependent(Info::STANDARD, none));
    CHECK_FALSE(is_dependent(Info::INGRESS, none));
    CHECK_FALSE(is_dependent(Info::SIP, none));
    livekit::ParticipantPermission agent;
    agent.set_agent(true);
    CHECK(is_dependent(Info::STANDARD, agent));
    livekit::ParticipantPermission recorder;
    recorder.set_recorder(true);
    CHECK(is_dependent(Info::STANDARD, recorder));
}

TEST_CASE("SubscriptionAccess: replaced as a whole, bad entries change nothing [SIG-10]") {
    SubscriptionAccess access;
    CHECK(access.allows("bob", "PA_b", "TR_1"));
    livekit::SubscriptionPermission list;
    list.add_track_permissions()->set_participant_identity("bob");
    list.mutable_track_permissions(0)->add_track_sids("TR_1");
    CHECK(access.set(list));
    CHECK(access.allows("bob", "PA_b", "TR_1"));
    CHECK_FALSE(access.allows("bob", "PA_b", "TR_2"));
    CHECK_FALSE(access.allows("eve", "PA_e", "TR_1"));
    livekit::SubscriptionPermission bad;
    bad.add_track_permissions()->set_all_tracks(true);
    const std::uint32_t before = access.revision();
    CHECK_FALSE(access.set(bad));
    CHECK(access.allows("bob", "PA_b", "TR_1"));
    CHECK(access.revision() == before);
}

TEST_CASE("SubscriptionAccess: what was set can be had again, under another number [API-11]") {
    SubscriptionAccess access;
    CHECK(access.list().all_participants());
    const std::uint32_t first = access.revision();
    List list = names(2);
    REQUIRE(access.set(list));
    CHECK(access.list().SerializeAsString() == list.SerializeAsString());
    CHECK(access.revision() != first);
    SubscriptionAccess other;
    REQUIRE(other.set(access.list()));
    CHECK_FALSE(other.allows("eve", "PA_eve", "TR_1"));
}

}  // namespace confab::room
