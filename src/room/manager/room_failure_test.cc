// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What throws inside a room ends that room and no other (07 ERR-04).
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>

#include "room/test_support.h"

namespace confab::room {
namespace {

using namespace testing;
using R = livekit::SignalResponse;

}  // namespace

TEST_CASE("RoomManager: an exception in a room's timer ends that room, not the others [ERR-04]") {
    const auto broken = std::make_shared<bool>(false);
    Config config = test_config();
    config.mint_token = [broken](const token::Grants& grants) -> std::string {
        if (*broken && grants.identity == "alice") throw std::runtime_error("injected");
        return "token";
    };
    Harness h(std::move(config));
    const SessionId alice = h.join_active("bad", "alice");
    const SessionId carol = h.join_active("bad", "carol");
    const SessionId bob = h.join_active("good", "bob");
    const std::size_t tokens = h.count(bob, R::kRefreshToken);
    *broken = true;
    h.advance(Duration::seconds(301));  // the next refresh
    CHECK_FALSE(h.manager.has_room("bad"));
    for (const SessionId session : {alice, carol}) {
        CHECK(h.of(session, R::kLeave)[0].leave().action() == livekit::LeaveRequest::RECONNECT);
        CHECK(h.closed.contains(session));
    }
    const auto failures = h.manager.take_failures();
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].room == "bad");
    CHECK(failures[0].what == "injected");
    CHECK(h.manager.has_room("good"));
    CHECK(h.count(bob, R::kRefreshToken) == tokens + 1);
    CHECK_FALSE(h.closed.contains(bob));
    *broken = false;
    CHECK_FALSE(h.refused.contains(h.join(test_join("bad", "alice"))));  // a new room
}

TEST_CASE("RoomManager: a room that could not be made leaves nothing behind [ERR-04]") {
    const auto broken = std::make_shared<bool>(true);
    RoomManager manager(test_config(), 7, [broken, good = seeded_secrets(7)](BytesSpan out) {
        if (*broken) throw std::runtime_error("injected");
        good(out);
    });
    const Clock clock = Harness().clock();
    CHECK_THROWS_AS((void)manager.start_session(clock, test_join("r", "alice")),
                    std::runtime_error);
    CHECK_FALSE(manager.has_room("r"));
    CHECK(manager.list_rooms({}).rooms().empty());
    manager.handle_timeout(clock);
    *broken = false;
    (void)manager.start_session(clock, test_join("r", "alice"));
    CHECK(manager.has_room("r"));
}

TEST_CASE("A stuck subscription that ends its session in a change of rights [SIG-111] [ERR-04]") {
    Config config = test_config();
    config.reconnect_on_subscription_error = true;
    Harness h(std::move(config));
    const SessionId alice = h.join_active("r", "alice");
    JoinParams params = test_join("r", "solo");  // never adds a section, whatever it is asked
    params.single_connection = true;
    params.publisher_offer.emplace();
    params.publisher_offer->set_sdp(make_offer({}));
    const SessionId solo = h.join(params);
    h.publish(alice, "mic", false);
    h.now = h.now + Duration::seconds(16);  // before its timer looks
    livekit::UpdateParticipantRequest request;
    request.set_room("r");
    request.set_identity("solo");
    request.mutable_permission()->set_can_subscribe(true);
    CHECK_NOTHROW((void)h.manager.update_participant(h.clock(), request));
    h.drain();
    REQUIRE(h.count(solo, R::kLeave) == 1);
    CHECK(h.sent(solo).back().has_leave());
    h.advance(Duration::seconds(10));
    CHECK(h.manager.has_room("r"));
    CHECK_FALSE(h.closed.contains(alice));
}

TEST_CASE("An offer after a held one that ended the session is not answered [SIG-86] [SDP-30]") {
    Harness h;
    JoinParams params = test_join("r", "go");
    params.single_connection = true;
    params.client.set_sdk(livekit::ClientInfo::GO);  // its join's offer is held for a moment
    params.publisher_offer.emplace();
    std::string broken = make_offer({});
    for (auto at = broken.find("a=ice-ufrag"); at != std::string::npos;
         at = broken.find("a=ice-ufrag"))
        broken.erase(at, broken.find('\n', at) + 1 - at);
    params.publisher_offer->set_sdp(broken);
    livekit::AddTrackRequest& add = params.add_track_requests.emplace_back();
    add.set_cid("mic");
    add.set_type(livekit::AUDIO);
    add.set_source(livekit::MICROPHONE);
    const SessionId session = h.join(params);
    REQUIRE(h.count(session, R::kTrackPublished) == 1);
    REQUIRE(h.count(session, R::kLeave) == 0);
    h.offer(session, make_offer({{"mic", false, {}}}), 2);
    CHECK(h.count(session, R::kLeave) == 1);
    CHECK(h.commands_of<sfu::SetRemote>().empty());
    CHECK(h.commands_of<sfu::AddReceiver>().empty());
}

}  // namespace confab::room
