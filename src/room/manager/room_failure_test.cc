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

// Rooms "bad" and "good"; what alice's next token, or ICE servers, cost is an exception.
struct Broken {
    std::shared_ptr<std::string> what = std::make_shared<std::string>();
    Harness h{config(what)};
    SessionId alice = h.join_active("bad", "alice");
    SessionId carol = h.join_active("bad", "carol");
    SessionId bob = h.join_active("good", "bob");

    static Config config(const std::shared_ptr<std::string>& what) {
        Config config = test_config();
        config.mint_token = [what](const token::Grants& grants) -> std::string {
            if (*what == "token" && grants.identity == "alice")
                throw std::runtime_error("injected");
            return "token";
        };
        config.ice_servers = [what](const IceUser&) -> std::vector<livekit::ICEServer> {
            if (*what == "servers") throw std::runtime_error("injected");
            return {};
        };
        return config;
    }
    void check_only_bad_ended() {
        CHECK_FALSE(h.manager.has_room("bad"));
        REQUIRE(h.count(carol, R::kLeave) == 1);
        CHECK(h.of(carol, R::kLeave)[0].leave().action() == livekit::LeaveRequest::RECONNECT);
        CHECK(h.closed.contains(alice));
        CHECK(h.closed.contains(carol));
        const auto failures = h.manager.take_failures();
        REQUIRE(failures.size() == 1);
        CHECK(failures[0].room == "bad");
        CHECK(failures[0].what == "injected");
        CHECK(h.manager.has_room("good"));
        CHECK_FALSE(h.closed.contains(bob));
        what->clear();
        CHECK_FALSE(h.refused.contains(h.join(test_join("bad", "alice"))));  // a new room
    }
};

}  // namespace

TEST_CASE(
    "RoomManager: an exception in a service call ends that room, and the caller is told it "
    "[ERR-04]") {
    Broken b;
    livekit::UpdateParticipantRequest request;
    request.set_room("bad");
    request.set_identity("alice");
    request.set_name("Alice");  // a new token follows
    *b.what = "token";
    ServiceResult<livekit::ParticipantInfo> result;
    REQUIRE_NOTHROW(result = b.h.manager.update_participant(b.h.clock(), request));
    b.h.drain();
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ServiceCode::kInternal);
    CHECK(result.error().text == "the room failed and was ended");
    b.check_only_bad_ended();
}

TEST_CASE("RoomManager: an exception in a request ends that room only [ERR-04]") {
    Broken b;
    livekit::SignalRequest request;
    request.mutable_update_metadata()->set_name("Alice");
    *b.what = "token";
    REQUIRE_NOTHROW(b.h.send(b.alice, request));
    b.check_only_bad_ended();
}

TEST_CASE("RoomManager: an exception in a join refuses it and ends that room only [ERR-04]") {
    Broken b;
    *b.what = "servers";
    SessionId dora;
    REQUIRE_NOTHROW(dora = b.h.join(test_join("bad", "dora")));
    REQUIRE(b.h.refused.contains(dora));
    CHECK(b.h.refused.at(dora).status == 500);
    CHECK(b.h.manager.snapshot().sessions == 3);  // hers is none
    b.check_only_bad_ended();
}

TEST_CASE("RoomManager: an exception in a resume ends that room only [ERR-04]") {
    Broken b;
    JoinParams again = test_join("bad", "alice");
    again.reconnect = true;
    b.h.close(b.alice);
    *b.what = "servers";
    SessionId resumed;
    REQUIRE_NOTHROW(resumed = b.h.join(again));
    CHECK(b.h.refused.contains(resumed));
    b.h.closed[b.alice] = 1000;  // closed by itself
    b.check_only_bad_ended();
}

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
    const SessionId session = manager.start_session(clock, test_join("r", "alice"));
    bool refused = false;
    while (const auto effect = manager.poll_effect())
        if (const auto* refusal = std::get_if<RefuseSession>(&*effect))
            refused = refusal->session == session && refusal->status == 500;
    CHECK(refused);
    REQUIRE(manager.take_failures().size() == 1);
    livekit::CreateRoomRequest request;
    request.set_name("r");
    const auto made = manager.create_room(clock, request);
    REQUIRE_FALSE(made);
    CHECK(made.error().code == ServiceCode::kInternal);
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
