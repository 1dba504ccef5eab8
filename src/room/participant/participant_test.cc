// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a participant is at first, and what it would be given to come again.
#include "room/participant/participant.h"

#include <doctest/doctest.h>

#include "room/roster/part_testing.h"

namespace confab::room {
namespace {

using testing::PartWorld;
using testing::test_join;
using Attributes = std::map<std::string, std::string>;

Attributes attributes_of(const Participant& p) {
    return {p.info.attributes().begin(), p.info.attributes().end()};
}

}  // namespace

TEST_CASE("Participant: an attribute of its token without a value is there [DSP-11]") {
    PartWorld w;
    JoinParams params = test_join("r", "alice");
    params.grants.attributes = {{"mood", "fine"}, {"lk.agent_name", ""}};
    CHECK(attributes_of(w.join(params, 1)) == params.grants.attributes);
}

TEST_CASE("Participant: a token has what it is by then, and the rights of the first [TOK-12]") {
    PartWorld w;
    JoinParams params = test_join("r", "alice");
    params.grants.name = "Al";
    params.grants.metadata = "old";
    params.grants.attributes = {{"mood", "fine"}, {"hat", "red"}};
    params.grants.api_key = "APIx";
    Participant& p = w.join(params, 1);
    p.info.set_name("Alice");
    p.info.set_metadata("new");
    p.info.mutable_attributes()->erase("hat");
    (*p.info.mutable_attributes())["mood"] = "better";
    const token::Grants now = p.current_grants();
    CHECK(now.name == "Alice");
    CHECK(now.metadata == "new");
    CHECK(now.attributes == Attributes{{"mood", "better"}});
    CHECK(now.identity == "alice");
    CHECK(now.api_key == "APIx");
    CHECK(now.video.has_value());
}

TEST_CASE("Participant: is told of a relay only where TLS is all that is left [SIG-69] [ICE-19]") {
    PartWorld w;
    const Participant& p = w.join("alice", 1);
    CHECK_FALSE(p.configuration(IcePreference::kAny));
    REQUIRE(p.configuration(IcePreference::kTcp));
    CHECK(p.configuration(IcePreference::kTcp)->force_relay() == livekit::UNSET);
    REQUIRE(p.configuration(IcePreference::kTls));
    CHECK(p.configuration(IcePreference::kTls)->force_relay() == livekit::ENABLED);
}

TEST_CASE("Participant: answers to the sids it had before it moved, to so many [API-12]") {
    PartWorld w;
    Participant& p = w.join("alice", 1);
    const std::string first = p.sid();
    CHECK(p.first_sid() == first);
    for (std::size_t i = 0; i < Participant::kMaxEarlierSids - 1; ++i)
        p.take_new_sid("PA_" + std::to_string(i));
    CHECK(p.answers_to(first));
    p.take_new_sid("PA_x");
    CHECK(p.sid() == "PA_x");
    CHECK(p.answers_to("PA_x"));
    CHECK(p.answers_to(first));
    CHECK(p.answers_to("PA_0"));
    // The one of its join stays.
    p.take_new_sid("PA_y");
    CHECK(p.answers_to(first));
    CHECK(p.first_sid() == first);
    CHECK_FALSE(p.answers_to("PA_0"));
    CHECK(p.answers_to("PA_1"));
    CHECK(p.answers_to("PA_x"));
    CHECK_FALSE(p.answers_to(""));
}

}  // namespace confab::room
