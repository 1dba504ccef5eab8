// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a session is told depends on the protocol version of its client (01 §3.4; 02 SDP-43), and
// the numbers that both sides repeat to each other (01 SIG-85).
#include <doctest/doctest.h>

#include <set>

#include "room/participant/client_traits.h"
#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;
using testing::test_config;
using testing::test_join;
using R = livekit::SignalResponse;

JoinParams old_join(const std::string& identity, std::int32_t protocol) {
    JoinParams params = test_join("r", identity);
    params.client.set_protocol(protocol);
    return params;
}

// A subscriber that the harness neither answers nor connects by itself.
struct Alone {
    explicit Alone(Harness& harness) : h(harness) { h.auto_answer = h.auto_connect = false; }
    ~Alone() { h.auto_answer = h.auto_connect = true; }
    Alone(const Alone&) = delete;
    Alone& operator=(const Alone&) = delete;
    Harness& h;
};

std::string track_sid(Harness& h, SessionId session) {
    return h.of(session, R::kTrackPublished).back().track_published().track().sid();
}

}  // namespace

TEST_CASE("Gates: each one opens right above its version [SDP-43] [SIG-60] [SIG-61]") {
    struct Gate {
        std::int32_t above;
        bool ClientGates::* flag;
    };
    for (const Gate& gate :
         {Gate{2, &ClientGates::subscriber_primary}, Gate{3, &ClientGates::transceiver_reuse},
          Gate{4, &ClientGates::connection_quality}, Gate{6, &ClientGates::track_unpublished},
          Gate{7, &ClientGates::fast_start}, Gate{8, &ClientGates::missed_disconnects},
          Gate{9, &ClientGates::sync_streams}, Gate{10, &ClientGates::quality_lost},
          Gate{11, &ClientGates::identity_reconnect}, Gate{12, &ClientGates::leave_action},
          Gate{14, &ClientGates::request_response_ok}}) {
        CAPTURE(gate.above);
        livekit::ClientInfo client;
        client.set_protocol(gate.above);
        CHECK_FALSE(traits_of(client).gates.*gate.flag);
        client.set_protocol(gate.above + 1);
        CHECK(traits_of(client).gates.*gate.flag);
        client.set_protocol(17);
        CHECK(traits_of(client).gates.*gate.flag);
    }
}

TEST_CASE("Gates: stream ids, ICE-lite and the primary connection as told to clients [SDP-43]") {
    Config config = test_config();
    config.media.ice_lite = true;
    Harness h(std::move(config));
    const auto lite = [&](std::int32_t protocol) {
        (void)h.join(old_join("lite-" + std::to_string(protocol), protocol));
        return h.commands_of<sfu::CreatePeer>().back().ice_lite;
    };
    CHECK_FALSE(lite(5));
    CHECK(lite(6));
    JoinParams other = old_join("firefox", 17);
    other.client.set_browser("firefox");
    (void)h.join(other);
    CHECK_FALSE(h.commands_of<sfu::CreatePeer>().back().ice_lite);
    other = old_join("no-lite", 17);
    other.disable_ice_lite = true;
    (void)h.join(other);
    CHECK_FALSE(h.commands_of<sfu::CreatePeer>().back().ice_lite);
    for (const std::int32_t protocol : {2, 3}) {
        const SessionId session = h.join(old_join("p" + std::to_string(protocol), protocol));
        CHECK(h.sent(session)[0].join().subscriber_primary() == (protocol > 2));
    }
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    const std::string sid = track_sid(h, alice);
    const std::string owner = h.sent(alice)[0].join().participant().sid();
    const auto offered_stream = [&](std::int32_t protocol) {
        const SessionId session = h.join(old_join("s" + std::to_string(protocol), protocol));
        // Publisher-primary: ACTIVE, and subscribed, once its own connection is up.
        h.offer(session, testing::make_offer({}));
        h.advance(Duration::millis(500));
        const std::string sdp = h.of(session, R::kOffer).back().offer().sdp();
        const std::size_t msid = sdp.find("a=msid:") + 7;
        return sdp.substr(msid, sdp.find(' ', msid) - msid);
    };
    CHECK(offered_stream(0) == owner);
    CHECK(offered_stream(1) == owner + "|" + sid);
}

TEST_CASE("Fast start: above protocol 7 tracks are offered before ACTIVE [SIG-62]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    const std::string sid = track_sid(h, alice);
    const auto offered = [&](SessionId session) {
        for (const R& offer : h.of(session, R::kOffer))
            for (const auto& [mid, track] : offer.offer().mid_to_track_id())
                if (track == sid) return true;
        return false;
    };
    SessionId slow;
    {
        const Alone alone(h);
        slow = h.join(old_join("slow", 7));
        const SessionId fast = h.join(old_join("fast", 8));
        h.advance(Duration::millis(500));
        CHECK_FALSE(offered(slow));
        CHECK(h.count(slow, R::kSubscriptionPermissionUpdate) == 0);
        CHECK(h.count(fast, R::kSubscriptionPermissionUpdate) == 1);
        CHECK(h.commands_of<sfu::AddDownTrack>().empty());
    }
    h.advance(Duration::millis(500));  // both answer now
    h.event(sfu::PeerStateChanged{});  // lets the harness react
    h.advance(Duration::millis(500));
    CHECK(offered(slow));
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 2);
}

// Two of different protocols who have heard of alice and her track.
struct Onlookers : Harness {
    struct Seen {
        SessionId older;
        SessionId newer;
        std::string old_sid;
    };
    Onlookers() : seen{join(old_join("older", 11)), join(old_join("newer", 12)), {}} {
        const SessionId first = join_active("r", "alice");
        publish(first, "mic", false);
        advance(Duration::seconds(4));
        seen.old_sid = sent(first)[0].join().participant().sid();
        (void)take(seen.older);
        (void)take(seen.newer);
    }
    Seen seen;
};

TEST_CASE("A second session of one identity: who hears of the first one's end [SIG-64] [SIG-133]") {
    Onlookers h;
    const SessionId older = h.seen.older, newer = h.seen.newer;
    const std::string& old_sid = h.seen.old_sid;
    const SessionId second = h.join_active("r", "alice");
    h.advance(Duration::seconds(4));
    const std::string new_sid = h.sent(second)[0].join().participant().sid();
    const auto states = [&](SessionId session, const std::string& sid) {
        std::vector<livekit::ParticipantInfo::State> result;
        for (const R& update : h.of(session, R::kUpdate))
            for (const auto& info : update.update().participants())
                if (info.sid() == sid) result.push_back(info.state());
        return result;
    };
    using States = std::vector<livekit::ParticipantInfo::State>;
    CHECK(states(older, old_sid) == States{livekit::ParticipantInfo::DISCONNECTED});
    CHECK(states(newer, old_sid).empty());
    for (const SessionId session : {older, newer}) {
        const States seen = states(session, new_sid);
        REQUIRE_FALSE(seen.empty());
        CHECK(seen.back() == livekit::ParticipantInfo::ACTIVE);
    }
}

// Clients let go of the tracks that a new session does not have yet.
TEST_CASE("A new session in place of one that did not leave is told when it is ACTIVE [SIG-133]") {
    Onlookers h;
    const SessionId older = h.seen.older, newer = h.seen.newer;
    const std::string& old_sid = h.seen.old_sid;
    SessionId second;
    {
        const Alone alone(h);
        second = h.join(test_join("r", "alice"));
    }
    const std::string new_sid = h.sent(second)[0].join().participant().sid();
    CHECK(h.count(newer, R::kUpdate) == 0);
    REQUIRE(h.count(older, R::kUpdate) == 1);
    const livekit::ParticipantInfo gone = h.of(older, R::kUpdate)[0].update().participants(0);
    CHECK(gone.sid() == old_sid);
    CHECK(gone.state() == livekit::ParticipantInfo::DISCONNECTED);
    CHECK(gone.tracks().empty());
    h.advance(Duration::millis(100));
    h.event(sfu::PeerStateChanged{});  // lets the harness react
    h.publish(second, "mic", false);
    h.advance(Duration::seconds(4));
    for (const SessionId session : {older, newer}) {
        std::size_t told = 0;
        for (const R& update : h.of(session, R::kUpdate))
            for (const auto& info : update.update().participants()) {
                if (info.sid() != new_sid) continue;
                ++told;
                CHECK(info.state() == livekit::ParticipantInfo::ACTIVE);
                CHECK(info.tracks_size() == 1);
            }
        CHECK(told > 0);
    }
}

TEST_CASE("Offer ids: random start, one more each time, any answer is taken [SDP-02] [SIG-85]") {
    std::set<std::uint32_t> first_ids;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        Harness h(test_config(), seed);
        const SessionId session = h.join_active("r", "alice");
        const std::uint32_t id = h.of(session, R::kOffer)[0].offer().id();
        CHECK(id >= 2);
        CHECK(id <= 257);
        first_ids.insert(id);
    }
    CHECK(first_ids.size() > 20);

    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    h.auto_answer = false;
    const SessionId bob = h.join(test_join("r", "bob"));
    const livekit::SessionDescription offer = h.of(bob, R::kOffer).back().offer();
    livekit::SignalRequest answer;
    answer.mutable_answer()->set_type("answer");
    answer.mutable_answer()->set_sdp(testing::make_answer(offer.sdp()));
    answer.mutable_answer()->set_id(offer.id() + 100);
    h.send(bob, answer);
    CHECK(h.count(bob, R::kLeave) == 0);
    h.advance(Duration::millis(300));
    CHECK(h.of(bob, R::kOffer).back().offer().id() == offer.id() + 1);
    // What the client counts comes back as it was, zero included.
    for (const std::uint32_t id : {0U, 7U, 7U, 3U}) {
        h.offer(bob, testing::make_offer({}), id);
        CHECK(h.of(bob, R::kAnswer).back().answer().id() == id);
    }
}

TEST_CASE("mid_to_track_id names every sending section each time [SDP-02] [SIG-84]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    const std::string mic = track_sid(h, alice);
    const SessionId bob = h.join_active("r", "bob");
    h.advance(Duration::millis(300));
    h.publish(alice, "cam", true);
    const std::string cam = track_sid(h, alice);
    h.advance(Duration::millis(300));
    const auto sids = [](const livekit::SessionDescription& description) {
        std::set<std::string> result;
        for (const auto& [mid, sid] : description.mid_to_track_id())
            result.insert(sid);
        return result;
    };
    CHECK(sids(h.of(bob, R::kOffer).back().offer()) == std::set<std::string>{mic, cam});

    JoinParams params = test_join("r", "carol");
    params.single_connection = true;
    params.publisher_offer.emplace();
    params.publisher_offer->set_sdp(testing::make_offer({}, 2, 2));
    const SessionId carol = h.join(params);
    CHECK(sids(h.of(carol, R::kAnswer).back().answer()) == std::set<std::string>{mic, cam});
    h.offer(carol, testing::make_offer({}, 2, 2), 2);
    CHECK(sids(h.of(carol, R::kAnswer).back().answer()) == std::set<std::string>{mic, cam});
}

TEST_CASE("ICE servers and force_relay in join and reconnect [ICE-19] [SDK-20]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const livekit::JoinResponse& join = h.sent(alice)[0].join();
    REQUIRE(join.ice_servers_size() == 1);
    CHECK(join.ice_servers(0).urls(0) == "stun:stun.example.org:3478");
    CHECK_FALSE(join.server_version().empty());
    CHECK(join.server_info().version() == join.server_version());
    CHECK_FALSE(join.has_client_configuration());

    livekit::SignalRequest tls;
    tls.mutable_simulate()->set_switch_candidate_protocol(livekit::TLS);
    h.send(alice, tls);
    h.close(alice);
    JoinParams params = test_join("r", "alice");
    params.reconnect = true;
    const SessionId again = h.join(params);
    REQUIRE(h.sent(again)[0].has_reconnect());
    const livekit::ReconnectResponse& reconnect = h.sent(again)[0].reconnect();
    REQUIRE(reconnect.ice_servers_size() == 1);
    CHECK(reconnect.client_configuration().force_relay() == livekit::ENABLED);
    CHECK_FALSE(reconnect.server_info().version().empty());
    CHECK(reconnect.server_info().protocol() == 17);
    // Nothing of ours is held back for it: its relay comes to us over UDP.
    CHECK(h.of(again, R::kTrickle).size() == 2);

    // The next session of the identity hears it in join.
    const SessionId next = h.join(test_join("r", "alice"));
    CHECK(h.sent(next)[0].join().client_configuration().force_relay() == livekit::ENABLED);
}

}  // namespace confab::room
