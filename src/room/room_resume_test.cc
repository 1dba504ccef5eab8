// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What was on its way when a signalling connection died, noticed or not, is said again to who
// resumes: through RoomManager's requests.
#include <doctest/doctest.h>

#include <algorithm>

#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;
using testing::make_answer;
using testing::make_offer;
using testing::test_join;
using R = livekit::SignalResponse;

SessionId resume(Harness& h, const std::string& identity) {
    JoinParams params = test_join("r", identity);
    params.reconnect = true;
    return h.join(params);
}

void let_subscribe(Harness& h, const std::string& identity) {
    livekit::UpdateParticipantRequest request;
    request.set_room("r");
    request.set_identity(identity);
    request.mutable_permission()->set_can_subscribe(true);
    request.mutable_permission()->set_can_publish(true);
    REQUIRE(h.manager.update_participant(h.clock(), request));
    h.advance(Duration::millis(300));
}

void answer(Harness& h, SessionId session, const livekit::SessionDescription& offer) {
    livekit::SignalRequest request;
    request.mutable_answer()->set_type("answer");
    request.mutable_answer()->set_id(offer.id());
    request.mutable_answer()->set_sdp(make_answer(offer.sdp()));
    h.send(session, request);
}

}  // namespace

// Nothing else would ever offer again: an offer waits for its answer.
TEST_CASE("Resume: a first offer that nobody read is made again [ICE-14] [SIG-160] [SDP-03]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    JoinParams params = test_join("r", "bob");
    params.grants.video->can_subscribe = false;
    const SessionId bob = h.join(params);
    h.offer(bob, make_offer({}));
    h.close(bob);
    let_subscribe(h, "bob");
    REQUIRE(h.commands_of<sfu::AddDownTrack>().empty());
    const SessionId again = resume(h, "bob");
    REQUIRE(h.count(again, R::kReconnect) == 1);
    REQUIRE(h.count(again, R::kOffer) == 1);
    CHECK(h.of(again, R::kOffer)[0].offer().sdp().find("m=audio") != std::string::npos);
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 1);
    CHECK(h.commands_of<sfu::RestartIce>().empty());  // it has no peer yet
}

TEST_CASE("Resume: a first offer whose answer died is made again, once [ICE-14] [SIG-160]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    JoinParams params = test_join("r", "bob");
    params.grants.video->can_subscribe = false;
    const SessionId bob = h.join(params);
    h.offer(bob, make_offer({}));
    h.auto_answer = false;
    let_subscribe(h, "bob");
    REQUIRE(h.count(bob, R::kOffer) == 1);
    const livekit::SessionDescription lost = h.of(bob, R::kOffer)[0].offer();
    const SessionId again = resume(h, "bob");  // the old connection was dead and looked alive
    h.advance(Duration::seconds(1));
    REQUIRE(h.count(again, R::kOffer) == 1);
    const livekit::SessionDescription offer = h.of(again, R::kOffer)[0].offer();
    CHECK(offer.id() == lost.id() + 1);
    answer(h, again, lost);
    CHECK(h.commands_of<sfu::AddDownTrack>().empty());
    answer(h, again, offer);
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 1);
    CHECK(h.count(again, R::kOffer) == 1);
}

}  // namespace confab::room
