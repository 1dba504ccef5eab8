// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sessions by themselves: what the other parts of a room would do is written down by a small host.
#include "room/participant/sessions.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "room/roster/part_testing.h"

namespace confab::room {
namespace {

using testing::PartWorld;
using testing::test_join;
using Response = livekit::SignalResponse;
using Texts = std::vector<std::string>;

// What came to the host, in order, as text.
struct Host : SessionsHost {
    void came(Participant& p, const JoinParams&) override { note("came", p); }
    void open_links(Participant& p) override { note("open", p); }
    void subscribe_existing(Participant& p) override { note("subscribe", p); }
    void add_track(Participant& p, const livekit::AddTrackRequest& request) override {
        note("add " + request.cid(), p);
    }
    void take_first_offer(Participant& p, const livekit::SessionDescription& offer) override {
        note("offer " + offer.sdp(), p);
    }
    void drop_media(Participant& p) override { note("drop", p); }
    void forget(Participant& p) override { note("forget", p); }
    Transport transport(const Participant&) const override { return link; }
    void restart_links(Participant& p) override { note("restart", p); }
    void try_other_transport(Participant& p) override { note("other transport", p); }
    void client_gave_up(Participant& p, livekit::ReconnectReason reason) override {
        if (reason != livekit::RR_UNKNOWN) note(livekit::ReconnectReason_Name(reason), p);
    }
    livekit::ParticipantInfo describe(const Participant& p) const override { return p.info; }
    const std::string& shown(Participant& p) override {
        p.shown = encoded_other(p.info);
        return p.shown;
    }
    void describe_media(const Participant&, livekit::JoinResponse& join) const override {
        join.set_sif_trailer("trailer");
    }
    void changed(Participant& p, bool immediate) override {
        note(livekit::ParticipantInfo::State_Name(p.info.state()) + (immediate ? " now" : ""), p);
    }
    void webhook(const char* event, const Participant& p) override { note(event, p); }
    void tell_speakers() override { calls.emplace_back("speakers"); }
    std::uint32_t last_data_sequence(const Participant&) const override { return 12; }
    void repeat_mutes(Participant& p, Timestamp) override { note("mutes again", p); }
    void repeat_news(Participant& p, Timestamp) override { note("news again", p); }
    bool media_overdue(const Participant&) const override { return overdue; }
    void handle_media_timeout(Participant& p) override { note("media timeout", p); }

    void note(const std::string& what, const Participant& p) {
        calls.push_back(what + " " + p.identity());
    }
    Transport link{IcePreference::kAny, true, false, false};
    bool overdue = false;
    Texts calls;
};

std::string text_of(const Response& response) {
    if (response.has_leave())
        return "leave " + livekit::LeaveRequest::Action_Name(response.leave().action()) + " " +
               livekit::DisconnectReason_Name(response.leave().reason());
    if (response.has_update()) {
        std::string result = "update";
        for (const livekit::ParticipantInfo& info : response.update().participants())
            result += (info.state() == livekit::ParticipantInfo::DISCONNECTED ? " -" : " ") +
                      info.identity();
        return result;
    }
    if (response.has_reconnect()) return "reconnect";
    if (response.has_room_update()) return "room_update";
    return response.has_refresh_token() ? "token" : "other";
}

struct World : PartWorld {
    World() {
        livekit::Room room;
        room.set_name("r");
        news.set_room(std::move(room), "r");
    }
    Participant& come(const std::string& identity, std::uint64_t session) {
        return come(test_join("r", identity), session);
    }
    Participant& come(const JoinParams& params, std::uint64_t session) {
        sessions.join(SessionId(session), params);
        return *roster.find(params.grants.identity);
    }
    // One that is up, of whom nothing is left to be read.
    Participant& come_active(const std::string& identity, std::uint64_t session) {
        Participant& p = come(identity, session);
        host.link.ever_connected = true;
        sessions.handle_link(p, first_up());
        (void)told(session);
        (void)calls();
        return p;
    }
    static JoinParams params_of(livekit::ClientInfo::SDK sdk, const std::string& identity) {
        JoinParams params = test_join("r", identity);
        params.client.set_sdk(sdk);
        return params;
    }
    // One of that SDK, of whom nothing is left to be read.
    Participant& come_with(livekit::ClientInfo::SDK sdk, std::uint64_t session) {
        Participant& p = come(params_of(sdk, "device"), session);
        (void)told(session);
        return p;
    }
    static LinkNews first_up() {
        LinkNews link;
        link.up = link.first = link.primary = true;
        return link;
    }
    static LinkNews failure(LinkNews::Failure what) {
        LinkNews link;
        link.failure = what;
        link.primary = true;
        return link;
    }
    void turn() {
        roster.finish_turn([](const Participant& p) { return p.next_deadline(); });
    }
    Texts calls() { return std::exchange(host.calls, {}); }
    // What went to that session since the last call, in order.
    Texts told(std::uint64_t session) {
        Texts result;
        for (const Effect& effect : take()) {
            if (const auto* join = std::get_if<SendJoin>(&effect);
                join != nullptr && join->session == SessionId(session)) {
                result.emplace_back("join");
                last_join = whole(*join);
            }
            if (const auto* signal = std::get_if<SendSignal>(&effect);
                signal != nullptr && signal->session == SessionId(session)) {
                result.push_back(text_of(signal->response));
                last = signal->response;
            }
            if (const auto* close = std::get_if<CloseSession>(&effect);
                close != nullptr && close->session == SessionId(session))
                result.push_back("close " + std::to_string(close->code));
            if (const auto* refuse = std::get_if<RefuseSession>(&effect);
                refuse != nullptr && refuse->session == SessionId(session))
                result.push_back("refuse " + std::to_string(refuse->status));
        }
        return result;
    }

    RoomNews news{scope, roster};
    Host host;
    Sessions sessions{scope, roster, news, host};
    Response last_join;
    Response last;
};

JoinParams resume_of(const std::string& identity) {
    JoinParams params = test_join("r", identity);
    params.reconnect = true;
    return params;
}

}  // namespace

// ---------------------------------------------------------------- coming

TEST_CASE("Sessions: the join is the first message, and the links come after it [SIG-80]") {
    World w;
    w.come("alice", 1);
    CHECK(w.told(1) == Texts{"join", "token"});
    CHECK(w.calls() == Texts{"came alice", "JOINED alice", "open alice", "subscribe alice"});
    const livekit::JoinResponse& join = w.last_join.join();
    CHECK(join.room().name() == "r");
    CHECK(join.participant().state() == livekit::ParticipantInfo::JOINING);
    CHECK(join.subscriber_primary());
    CHECK(join.sif_trailer() == "trailer");
    CHECK(join.ice_servers_size() == 1);
    CHECK(join.fast_publish());
}

TEST_CASE("Sessions: who is here is listed for who comes, the hidden are not [SIG-132]") {
    World w;
    w.come("alice", 1);
    JoinParams hidden = test_join("r", "eve");
    hidden.grants.video->hidden = true;
    w.come(hidden, 2);
    w.come("bob", 3);
    (void)w.told(3);
    REQUIRE(w.last_join.join().other_participants_size() == 1);
    CHECK(w.last_join.join().other_participants(0).identity() == "alice");
}

TEST_CASE("Sessions: who forces TLS cannot publish at once [SIG-69]") {
    World w;
    w.host.link.ice = IcePreference::kTls;
    w.come("alice", 1);
    (void)w.told(1);
    CHECK_FALSE(w.last_join.join().fast_publish());
    CHECK(w.last_join.join().client_configuration().force_relay() == livekit::ENABLED);
}

TEST_CASE("Sessions: the offer of a join is answered with the tracks that are there [SIG-82]") {
    World w;
    JoinParams params = test_join("r", "alice");
    params.client.set_protocol(7);  // no fast start
    params.single_connection = true;
    params.add_track_requests.emplace_back().set_cid("camera");
    params.publisher_offer.emplace().set_sdp("sdp");
    w.come(params, 1);
    CHECK(w.calls() == Texts{"came alice", "JOINED alice", "open alice", "subscribe alice",
                             "add camera alice", "offer sdp alice"});
    // Of two connections, what the join brings is not for this version.
    params.grants.identity = "bob";
    params.single_connection = false;
    w.come(params, 2);
    CHECK(w.calls() == Texts{"came bob", "JOINED bob", "open bob"});
}

TEST_CASE("Sessions: full is who keeps a room open, and never for who is here [ROOM-06]") {
    World w;
    CHECK_FALSE(w.sessions.is_full_for(test_join("r", "x")));
    livekit::Room room;
    room.set_max_participants(2);
    w.news.set_room(std::move(room), "r");
    w.come("alice", 1);
    CHECK_FALSE(w.sessions.is_full_for(test_join("r", "x")));
    w.come("bob", 2);
    CHECK(w.sessions.is_full_for(test_join("r", "x")));
    CHECK_FALSE(w.sessions.is_full_for(test_join("r", "bob")));
    JoinParams recorder = test_join("r", "recorder");
    recorder.grants.video->recorder = true;
    CHECK_FALSE(w.sessions.is_full_for(recorder));
}

TEST_CASE("Sessions: of one identity the old session ends before the new one comes [SIG-142]") {
    World w;
    Participant& old = w.come("alice", 1);
    old.info.set_is_publisher(true);
    const std::string sid = old.sid();
    (void)w.told(1);
    (void)w.calls();
    Participant& p = w.come("alice", 2);
    CHECK(p.sid() != sid);
    CHECK(w.told(1) == Texts{"leave DISCONNECT DUPLICATE_IDENTITY", "close 1000"});
    // Its end waits for the tick: the join that follows makes it known (SIG-133).
    CHECK(w.calls() == Texts{"drop alice", "forget alice", "DISCONNECTED alice",
                             "participant_connection_aborted alice", "speakers", "came alice",
                             "JOINED alice", "open alice", "subscribe alice"});
    CHECK(w.roster.size() == 1);
}

TEST_CASE("Sessions: active once its primary connection is up, and only once [SIG-137]") {
    World w;
    Participant& p = w.come("alice", 1);
    (void)w.calls();
    LinkNews other = World::first_up();
    other.primary = false;
    other.publisher = true;
    w.sessions.handle_link(p, other);
    CHECK_FALSE(p.active());
    w.sessions.handle_link(p, World::first_up());
    CHECK(w.calls() == Texts{"ACTIVE alice", "participant_joined alice", "subscribe alice"});
    w.sessions.handle_link(p, World::first_up());
    CHECK(w.calls().empty());
    CHECK(p.presence.next_deadline().is_never());
}

// ---------------------------------------------------------------- going

TEST_CASE("Sessions: an end drops what it has before others hear of it, and comes once [SIG-140]") {
    World w;
    Participant& p = w.come_active("alice", 1);
    p.info.set_is_publisher(true);
    w.sessions.end(p, {livekit::PARTICIPANT_REMOVED});
    CHECK(w.told(1) == Texts{"leave DISCONNECT PARTICIPANT_REMOVED", "close 1000"});
    CHECK(w.calls() == Texts{"drop alice", "forget alice", "DISCONNECTED now alice",
                             "participant_left alice", "speakers"});
    CHECK(w.roster.find("alice") == nullptr);
    w.sessions.end(p, {livekit::SERVER_SHUTDOWN});
    CHECK(w.told(1).empty());
    CHECK(w.calls().empty());
    CHECK(p.info.disconnect_reason() == livekit::PARTICIPANT_REMOVED);
}

TEST_CASE("Sessions: an end is told to who serves it beside the room, once [TURN-17]") {
    World w;
    Participant& p = w.come_active("alice", 1);
    const std::string sid = p.info.sid();
    w.sessions.end(p, {livekit::PARTICIPANT_REMOVED});
    w.sessions.end(p, {livekit::PARTICIPANT_REMOVED});
    Texts over;
    for (const Effect& effect : w.take())
        if (const auto* one = std::get_if<ParticipantOver>(&effect)) over.push_back(one->sid);
    CHECK(over == Texts{sid});
}

TEST_CASE("Sessions: a silent end closes the connection and says nothing [SIG-171]") {
    World w;
    Participant& p = w.come_active("alice", 1);
    w.sessions.end(p, Ending::silent(livekit::MIGRATION));
    CHECK(w.told(1) == Texts{"close 1000"});
    CHECK(p.info.disconnect_reason() == livekit::MIGRATION);
}

TEST_CASE("Sessions: statistics know failures from who went before being active") {
    using Reason = livekit::DisconnectReason;
    const auto ended = [](Reason reason) {
        World w;
        Participant& p = w.come("alice", 1);
        (void)w.take();
        w.sessions.end(p, {reason});
        const auto reached = w.sorted().observed<JoinReached>();
        REQUIRE(reached.size() == 1);
        return reached[0].state;
    };
    for (const Reason reason : {livekit::JOIN_FAILURE, livekit::CONNECTION_TIMEOUT,
                                livekit::STATE_MISMATCH, livekit::MEDIA_FAILURE})
        CHECK(ended(reason) == JoinState::kFailure);
    CHECK(ended(livekit::CLIENT_INITIATED) == JoinState::kCanceled);
}

TEST_CASE("Sessions: with the room all go, and come back only after a shutdown [SIG-143]") {
    World w;
    w.come_active("alice", 1);
    w.come_active("bob", 2);
    w.sessions.end_all(livekit::SERVER_SHUTDOWN);
    CHECK(w.told(2) == Texts{"leave RECONNECT SERVER_SHUTDOWN", "close 1000"});
    CHECK(w.roster.empty());
    w.come_active("alice", 3);
    w.sessions.end_all(livekit::ROOM_DELETED);
    CHECK(w.told(3) == Texts{"leave DISCONNECT ROOM_DELETED", "close 1000"});
}

// A leave of any kind is the end for it; a WebSocket that ends is not (client-sdk-esp32 0.3.10).
TEST_CASE("Sessions: who takes each leave for the last is told only of the last [SIG-143]") {
    World w;
    const auto come = [&w](std::uint64_t session) -> Participant& {
        return w.come_with(livekit::ClientInfo::ESP32, session);
    };
    w.sessions.end(come(1), Ending::full_reconnect());
    CHECK(w.told(1) == Texts{"close 1000"});
    come(2);
    w.sessions.end_all(livekit::SERVER_SHUTDOWN);
    CHECK(w.told(2) == Texts{"close 1000"});
    w.sessions.resume(SessionId(4), World::params_of(livekit::ClientInfo::ESP32, "nobody"), false);
    CHECK(w.told(4) == Texts{"close 1000"});
    w.sessions.end(come(3), {livekit::PARTICIPANT_REMOVED});
    CHECK(w.told(3) == Texts{"leave DISCONNECT PARTICIPANT_REMOVED", "close 1000"});
}

// OkHttp reads nothing behind a close frame, and client-sdk-android 2.27 comes back when it hears
// of the end of its socket.
TEST_CASE("Sessions: Android's socket ends without a close frame to bring it back [SIG-145]") {
    World w;
    const auto come = [&w](std::uint64_t session) -> Participant& {
        return w.come_with(livekit::ClientInfo::ANDROID, session);
    };
    w.sessions.handle_link(come(1), World::failure(LinkNews::Failure::kPath));
    CHECK(w.told(1) == Texts{"leave RESUME CONNECTION_TIMEOUT", "close 1006"});
    w.sessions.end(come(2), Ending::full_reconnect());
    CHECK(w.told(2) == Texts{"leave RECONNECT STATE_MISMATCH", "close 1006"});
    w.sessions.resume(SessionId(4), World::params_of(livekit::ClientInfo::ANDROID, "nobody"),
                      false);
    CHECK(w.told(4) == Texts{"leave RECONNECT STATE_MISMATCH", "close 1006"});
    w.sessions.end(come(3), {livekit::PARTICIPANT_REMOVED});
    CHECK(w.told(3) == Texts{"leave DISCONNECT PARTICIPANT_REMOVED", "close 1000"});
}

// ---------------------------------------------------------------- time

TEST_CASE("Sessions: who is not active after a minute goes [SIG-148]") {
    World w;
    Participant& p = w.come("alice", 1);
    (void)w.told(1);
    w.at(59'999);
    w.sessions.handle_timeout(p);
    CHECK(w.told(1).empty());
    w.at(60'000);
    w.sessions.handle_timeout(p);
    CHECK(w.told(1) == Texts{"leave DISCONNECT JOIN_FAILURE", "close 1000"});
}

TEST_CASE("Sessions: a new token every five minutes, with what it may by then [TOK-12]") {
    World w;
    Participant& p = w.come_active("alice", 1);
    w.at(299'999);
    w.sessions.handle_timeout(p);
    CHECK(w.told(1).empty());
    w.at(300'000);
    w.sessions.handle_timeout(p);
    CHECK(w.told(1) == Texts{"token"});
    CHECK(w.last.refresh_token() == "token-for-alice");
    CHECK(p.refresh_at == w.clock.now + Sessions::kRefreshInterval);
    CHECK(w.calls() == Texts{"media timeout alice", "media timeout alice"});
}

TEST_CASE("Sessions: what did not come in time is asked for in a new session [SIG-146]") {
    World w;
    Participant& p = w.come_active("alice", 1);
    w.host.overdue = true;
    w.sessions.handle_timeout(p);
    CHECK(w.told(1) == Texts{"leave RECONNECT STATE_MISMATCH", "close 1000"});
    const Texts calls = w.calls();
    CHECK(std::find(calls.begin(), calls.end(), "media timeout alice") == calls.end());
}

// ---------------------------------------------------------------- connections lost

TEST_CASE("Sessions: a lost connection is to be resumed within five seconds [SIG-145]") {
    World w;
    Participant& p = w.come_active("alice", 1);
    w.at(1'000);
    w.host.link.lost = true;
    w.sessions.handle_link(p, World::failure(LinkNews::Failure::kPath));
    CHECK(w.told(1) == Texts{"leave RESUME CONNECTION_TIMEOUT", "close 1000"});
    CHECK(w.calls() == Texts{"other transport alice"});
    CHECK(p.active());
    w.at(5'999);
    w.sessions.handle_timeout(p);
    CHECK_FALSE(p.closing);
    w.at(6'000);
    w.sessions.handle_timeout(p);
    CHECK(p.closing);
    CHECK(p.info.disconnect_reason() == livekit::CONNECTION_TIMEOUT);
}

TEST_CASE(
    "Sessions: another transport is tried for who is there, not for who fell silent [ICE-15]") {
    World w;
    Participant& silent = w.come_active("alice", 1);
    w.at(1);
    Participant& heard = w.come_active("carol", 3);
    w.at(15'000);
    w.sessions.handle_link(silent, World::failure(LinkNews::Failure::kPath));
    CHECK(w.calls().empty());
    w.sessions.handle_link(heard, World::failure(LinkNews::Failure::kPath));
    CHECK(w.calls() == Texts{"other transport carol"});
    Participant& away = w.come_active("bob", 2);
    away.signal.lost();
    w.sessions.handle_link(away, World::failure(LinkNews::Failure::kPath));
    CHECK(w.calls().empty());
}

TEST_CASE("Sessions: a resume passes on that the client saw a connection fail [SIG-89] [ICE-15]") {
    World w;
    (void)w.come_active("alice", 1);
    JoinParams params = resume_of("alice");
    w.sessions.resume(SessionId(2), params);
    const Texts silent = w.calls();
    CHECK(std::find(silent.begin(), silent.end(), "RR_PUBLISHER_FAILED alice") == silent.end());
    params.reconnect_reason = livekit::RR_PUBLISHER_FAILED;
    w.sessions.resume(SessionId(3), params);
    // Before it is told over what to come.
    CHECK(w.calls().at(0) == "RR_PUBLISHER_FAILED alice");
}

TEST_CASE("Sessions: clients without actions are not told to resume [SIG-65] [SIG-145]") {
    World w;
    JoinParams params = test_join("r", "alice");
    params.client.set_protocol(12);
    Participant& p = w.come(params, 1);
    (void)w.told(1);
    w.sessions.handle_link(p, World::failure(LinkNews::Failure::kPath));
    CHECK(w.told(1) == Texts{"close 1000"});
    CHECK_FALSE(p.closing);
}

TEST_CASE("Sessions: a handshake that failed wants a new session [SIG-146]") {
    World w;
    Participant& p = w.come_active("alice", 1);
    w.sessions.handle_link(p, World::failure(LinkNews::Failure::kHandshake));
    CHECK(w.told(1) == Texts{"leave RECONNECT STATE_MISMATCH", "close 1000"});
    CHECK(p.closing);
}

TEST_CASE("Sessions: media that is back ends the wait for it [SIG-145]") {
    World w;
    Participant& p = w.come_active("alice", 1);
    w.host.link.lost = true;
    w.sessions.handle_link(p, World::failure(LinkNews::Failure::kPath));
    w.sessions.resume(SessionId(2), resume_of("alice"));
    CHECK_FALSE(p.presence.next_deadline().is_never());
    LinkNews back;
    back.up = true;
    w.sessions.handle_link(p, back);  // not the primary one
    CHECK_FALSE(p.presence.next_deadline().is_never());
    back.primary = true;
    w.sessions.handle_link(p, back);
    CHECK(p.presence.next_deadline().is_never());
}

TEST_CASE("Sessions: without signalling only who was ever connected stays [SIG-149]") {
    World w;
    Participant& p = w.come("alice", 1);
    (void)w.told(1);
    w.sessions.signal_closed(SessionId(9), "alice");
    CHECK(p.signal.is_open());
    w.sessions.signal_closed(SessionId(1), "alice");
    CHECK(w.told(1).empty());
    CHECK(p.closing);
    CHECK(p.info.disconnect_reason() == livekit::SIGNAL_CLOSE);
    Participant& stays = w.come_active("bob", 2);
    w.sessions.signal_closed(SessionId(2), "bob");
    CHECK_FALSE(stays.closing);
    CHECK_FALSE(stays.signal.is_open());
}

// ---------------------------------------------------------------- resumes

TEST_CASE("Sessions: a resume closes the old connection and tells all, in order [SIG-160]") {
    World w;
    w.come_active("bob", 2);
    w.come_active("eve", 3).info.mutable_permission()->set_hidden(true);
    Participant& p = w.come_active("alice", 1);
    w.turn();
    w.sessions.resume(SessionId(4), resume_of("alice"));
    auto all = w.take();
    REQUIRE_FALSE(all.empty());
    const auto* closed = std::get_if<CloseSession>(&all.front());
    REQUIRE(closed != nullptr);
    CHECK(closed->session == SessionId(1));
    CHECK(p.signal.session() == SessionId(4));
    CHECK(p.touched);
    CHECK(w.calls() == Texts{"mutes again alice", "news again alice", "restart alice"});

    w.sessions.resume(SessionId(5), resume_of("alice"));
    CHECK(w.told(5) == Texts{"reconnect", "update alice bob", "room_update", "token"});
}

TEST_CASE("Sessions: the reconnect says how far data came, and old JS gets none [SIG-67]") {
    World w;
    w.come_active("alice", 1);
    w.sessions.resume(SessionId(2), resume_of("alice"));
    const auto out = w.sorted().of(2, Response::kReconnect);
    REQUIRE(out.size() == 1);
    CHECK(out[0].reconnect().last_message_seq() == 12);
    CHECK(out[0].reconnect().ice_servers_size() == 1);
    JoinParams old = test_join("r", "bob");
    old.client.set_version("1.6.2");
    w.come(old, 3);
    w.sessions.resume(SessionId(4), resume_of("bob"));
    CHECK(w.told(4) == Texts{"update alice bob", "room_update", "token"});
}

TEST_CASE("Sessions: a resume of who is not there asks for a new session [SIG-147]") {
    World w;
    w.sessions.resume(SessionId(1), resume_of("alice"));
    CHECK(w.told(1) == Texts{"leave RECONNECT STATE_MISMATCH", "close 1000"});
    CHECK(w.calls().empty());
}

TEST_CASE("Sessions: a resume is told who left since it was surely heard [SIG-63] [SIG-160]") {
    const std::int64_t silence =
        (PartWorld().config.ping_interval_s + PartWorld().config.ping_timeout_s) * 1'000;
    World w;
    w.come_active("alice", 1);
    const auto leaves = [&](const std::string& identity) {
        livekit::ParticipantInfo info;
        info.set_sid("PA_" + identity);
        info.set_identity(identity);
        info.set_state(livekit::ParticipantInfo::DISCONNECTED);
        w.news.participant_changed(info, false);
    };
    w.at(9'999);
    leaves("early");
    w.at(10'000);
    leaves("late");
    leaves("back");
    w.come_active("back", 2);  // under a new sid
    w.at(10'000 + silence);
    Participant& p = *w.roster.find("alice");
    p.presence.heard(w.clock.now);
    w.sessions.resume(SessionId(3), resume_of("alice"));
    CHECK(w.told(3) ==
          Texts{"reconnect", "update -late", "update alice back", "room_update", "token"});
}

TEST_CASE("Sessions: who is missed and known to have left is told once [SIG-63]") {
    World w;
    Participant& p = w.come_active("alice", 1);
    p.signal.lost();
    Participant& bob = w.come_active("bob", 2);
    bob.info.set_state(livekit::ParticipantInfo::DISCONNECTED);
    w.news.participant_changed(bob.info, true);
    w.roster.remove(bob);
    (void)w.take();
    w.sessions.resume(SessionId(3), resume_of("alice"));
    CHECK(w.told(3) == Texts{"reconnect", "update -bob", "update alice", "room_update", "token"});
}

TEST_CASE("Sessions: who resumes hidden is not told that an earlier self of it left [SIG-132]") {
    World w;
    Participant& shown = w.come_active("alice", 1);
    shown.info.set_state(livekit::ParticipantInfo::DISCONNECTED);
    w.news.participant_changed(shown.info, true);
    w.come_active("alice", 2).info.mutable_permission()->set_hidden(true);
    w.come_active("bob", 3);
    w.sessions.resume(SessionId(4), resume_of("alice"));
    CHECK(w.told(4) == Texts{"reconnect", "update alice bob", "room_update", "token"});
    w.sessions.resume(SessionId(5), resume_of("bob"));  // for others it is gone
    CHECK(w.told(5) == Texts{"reconnect", "update -alice", "update bob", "room_update", "token"});
}

TEST_CASE("Sessions: resumes that a client asked to fail, each once [SIG-175]") {
    World w;
    Participant& p = w.come_active("alice", 1);
    p.drops.arm(w.clock.now, SimulatedDrops::kBeforeMessages);
    w.sessions.resume(SessionId(2), resume_of("alice"));
    CHECK(w.told(2) == Texts{"refuse 500"});
    CHECK(p.signal.session() == SessionId(1));
    p.drops.arm(w.clock.now, SimulatedDrops::kAfterMessages);
    w.sessions.resume(SessionId(3), resume_of("alice"));
    CHECK(w.told(3) == Texts{"reconnect", "update alice", "room_update", "close 1000"});
    const Texts calls = w.calls();
    CHECK(std::find(calls.begin(), calls.end(), "restart alice") == calls.end());
    w.sessions.resume(SessionId(4), resume_of("alice"));
    CHECK(w.told(4) == Texts{"reconnect", "update alice", "room_update", "token"});
}

}  // namespace confab::room
