// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/negotiation.h"

#include <doctest/doctest.h>

#include "client/session/session_parts_testing.h"

namespace confab::client {

TEST_CASE("Negotiation: an offer waits for the answer to the one before [SIG-86]") {
    Parts p(false);
    p.negotiation.want_offer();
    CHECK(p.requests().empty());  // no WebSocket yet
    CHECK_FALSE(p.negotiation.settled());
    p.link.opened(Parts::kNow);
    p.negotiation.want_offer();
    const auto first = p.requests();
    REQUIRE(first.size() == 1);
    CHECK(first[0].offer().id() == 1);
    p.negotiation.want_offer();
    CHECK(p.requests().empty());
    REQUIRE(p.negotiation.take_answer(Parts::kNow, Parts::answer(first[0].offer())).has_value());
    p.negotiation.go_on();
    const auto second = p.requests();
    REQUIRE(second.size() == 2);
    CHECK(second[0].trickle().target() == livekit::PUBLISHER);
    CHECK(second[1].offer().id() == 2);
    CHECK_FALSE(p.negotiation.settled());
    (void)p.negotiation.take_answer(Parts::kNow, Parts::answer(second[1].offer()));
    p.negotiation.go_on();
    CHECK(p.requests().empty());  // its candidate was told
    CHECK(p.negotiation.settled());
}

TEST_CASE("Negotiation: answers to offers that are not the newest change nothing [SIG-86]") {
    Parts p(true);
    const auto first = p.negotiation.offer();
    p.negotiation.forget_offers();  // its WebSocket is gone
    p.link.opened(Parts::kNow);
    p.negotiation.restart_ice(Parts::kNow);
    const auto requests = p.requests();
    REQUIRE(requests.size() == 1);
    CHECK_FALSE(p.negotiation.take_answer(Parts::kNow, Parts::answer(first)).has_value());
    CHECK(p.negotiation.stale_answers() == 1);
    CHECK(p.negotiation.bad() == 0);
    auto never_offered = Parts::answer(requests[0].offer());
    never_offered.set_id(3);
    CHECK_FALSE(p.negotiation.take_answer(Parts::kNow, never_offered).has_value());
    CHECK(p.negotiation.bad() == 1);
    CHECK(p.connections.publisher().remote_credentials().ufrag.empty());
    CHECK(p.negotiation.take_answer(Parts::kNow, Parts::answer(requests[0].offer())).has_value());
}

TEST_CASE("Negotiation: the server may make us offer kMaxSections, not one more [SIG-84]") {
    Parts p(true);
    livekit::MediaSectionsRequirement requirement;
    const std::size_t room = Negotiation::kMaxSections - p.negotiation.sections().sections();
    requirement.set_num_videos(static_cast<std::uint32_t>(room) + 1);
    p.negotiation.take_requirement(requirement);
    CHECK(p.negotiation.bad() == 1);
    requirement.set_num_videos(static_cast<std::uint32_t>(room));
    p.negotiation.take_requirement(requirement);
    CHECK(p.negotiation.bad() == 1);
    CHECK(p.negotiation.sections().sections() == Negotiation::kMaxSections);
}

TEST_CASE("Negotiation: other credentials of the server are a restart of both ends [SIG-81]") {
    Parts p(false);
    p.link.opened(Parts::kNow);
    CHECK(p.negotiation.take_offer(Parts::kNow, Parts::offer(1, "srvr")).has_value());
    REQUIRE(p.connections.downstream() != nullptr);
    const std::string before = p.connections.downstream()->local().ufrag;
    (void)p.negotiation.take_offer(Parts::kNow, Parts::offer(2, "srvr"));
    CHECK(p.connections.downstream()->local().ufrag == before);
    CHECK(p.requests().size() == 3);  // two answers, one candidate
    (void)p.negotiation.take_offer(Parts::kNow, Parts::offer(3, "next"));
    CHECK(p.connections.downstream()->local().ufrag != before);
    const auto restarted = p.requests();
    REQUIRE(restarted.size() == 2);  // with the candidate of the new generation
    CHECK(restarted[0].answer().id() == 3);
}

TEST_CASE("Negotiation: the sync state has the last offer of the side that offers [SIG-146]") {
    for (const bool single : {true, false}) {
        CAPTURE(single);
        Parts p(single);
        p.link.opened(Parts::kNow);
        const auto ours = p.negotiation.offer();
        const auto theirs = Parts::offer(1, "srvr");
        (void)p.negotiation.take_offer(Parts::kNow, theirs);
        (void)p.negotiation.take_answer(Parts::kNow, Parts::answer(ours));
        livekit::SyncState state;
        p.negotiation.describe(state);
        CHECK(state.offer().sdp() == (single ? ours.sdp() : theirs.sdp()));
        CHECK((state.answer().sdp() == Parts::answer(ours).sdp()) == single);
        CHECK(p.negotiation.bad() == (single ? 1 : 0));  // nobody offers to a single one
    }
}

}  // namespace confab::client
