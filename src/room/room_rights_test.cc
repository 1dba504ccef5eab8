// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Rights as sessions meet them: each test goes through RoomManager's requests and looks at what the
// clients and the media plane are told.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;
using testing::test_config;
using testing::test_join;
using R = livekit::SignalResponse;

SessionId join_active(Harness& h, const JoinParams& params) {
    const SessionId session = h.join(params);
    h.advance(Duration::millis(300));
    return session;
}

// The identities of all participants that a session was ever told of, joined by spaces.
std::string told_of(Harness& h, SessionId session) {
    std::set<std::string> names;
    for (const R& frame : h.sent(session)) {
        for (const auto& info : frame.join().other_participants())
            names.insert(info.identity());
        for (const auto& info : frame.update().participants())
            names.insert(info.identity());
    }
    std::string result;
    for (const std::string& name : names)
        result += name + " ";
    return result;
}

// The newest that a session was told of somebody.
livekit::ParticipantInfo last_told(Harness& h, SessionId session, const std::string& identity) {
    livekit::ParticipantInfo result;
    for (const R& frame : h.of(session, R::kUpdate))
        for (const auto& info : frame.update().participants())
            if (info.identity() == identity) result = info;
    return result;
}

std::string published_sid(Harness& h, SessionId session, std::size_t index) {
    return h.of(session, R::kTrackPublished).at(index).track_published().track().sid();
}

livekit::SignalRequest only_for(const std::string& identity) {
    livekit::SignalRequest request;
    auto& access = *request.mutable_subscription_permission();
    access.set_all_participants(false);
    if (!identity.empty()) {
        auto& entry = *access.add_track_permissions();
        entry.set_participant_identity(identity);
        entry.set_all_tracks(true);
    }
    return request;
}

}  // namespace

TEST_CASE(
    "Access list: holds for tracks and subscribers that come after it [SIG-10] [SIG-112] "
    "[SIG-42]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    h.send(alice, only_for("carol"));
    h.publish(alice, "mic", false);
    h.advance(Duration::millis(300));
    CHECK(h.commands_of<sfu::AddDownTrack>().empty());
    const auto told = h.of(bob, R::kSubscriptionPermissionUpdate);
    REQUIRE(told.size() == 1);
    CHECK_FALSE(told[0].subscription_permission_update().allowed());
    CHECK(told[0].subscription_permission_update().track_sid() == published_sid(h, alice, 0));

    const SessionId carol = h.join_active("r", "carol");
    h.advance(Duration::millis(300));
    REQUIRE(h.commands_of<sfu::AddDownTrack>().size() == 1);
    CHECK(h.of(carol, R::kSubscriptionPermissionUpdate)[0]
              .subscription_permission_update()
              .allowed());
    const SessionId dave = h.join_active("r", "dave");
    h.advance(Duration::millis(300));
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 1);

    // Asking for it by hand does not help.
    livekit::SignalRequest ask;
    ask.mutable_subscription()->add_track_sids(published_sid(h, alice, 0));
    ask.mutable_subscription()->set_subscribe(true);
    h.send(dave, ask);
    h.advance(Duration::millis(300));
    CHECK(h.commands_of<sfu::AddDownTrack>().size() == 1);
}

TEST_CASE(
    "Own metadata: without the grant nothing changes and the answer says so [TOK-11] [SIG-14]") {
    Harness h;
    const SessionId bob = h.join_active("r", "bob");
    for (const bool granted : {false, true}) {
        JoinParams params = test_join("r", granted ? "may" : "may-not");
        params.grants.video->can_update_own_metadata = granted;
        params.grants.metadata = "before";
        const SessionId session = join_active(h, params);
        livekit::SignalRequest request;
        auto& update = *request.mutable_update_metadata();
        update.set_name("N");
        update.set_metadata("after");
        (*update.mutable_attributes())["k"] = "v";
        update.set_request_id(9);
        h.send(session, request);
        h.advance(Duration::seconds(4));
        const auto answer = h.of(session, R::kRequestResponse).back().request_response();
        CHECK(answer.request_id() == 9);
        CHECK(answer.reason() ==
              (granted ? livekit::RequestResponse::OK : livekit::RequestResponse::NOT_ALLOWED));
        const livekit::ParticipantInfo seen = last_told(h, bob, params.grants.identity);
        CHECK(seen.identity() == params.grants.identity);
        CHECK(seen.metadata() == (granted ? "after" : "before"));
        CHECK(seen.attributes().contains("k") == granted);
        CHECK((seen.name() == "N") == granted);
    }
}

TEST_CASE("Own metadata: each limit to the byte [ROOM-07] [SIG-14]") {
    Config config = test_config();
    config.limits.participant_name = 4;
    config.limits.metadata = 5;
    config.limits.attributes = 6;
    Harness h(std::move(config));
    const SessionId session = h.join_active("r", "alice");
    const auto answer = [&](std::size_t name, std::size_t metadata, std::size_t attribute) {
        livekit::SignalRequest request;
        auto& update = *request.mutable_update_metadata();
        update.set_name(std::string(name, 'n'));
        update.set_metadata(std::string(metadata, 'm'));
        if (attribute > 0) (*update.mutable_attributes())["k"] = std::string(attribute - 1, 'v');
        h.send(session, request);
        return h.of(session, R::kRequestResponse).back().request_response().reason();
    };
    using Response = livekit::RequestResponse;
    CHECK(answer(4, 0, 0) == Response::OK);
    CHECK(answer(5, 0, 0) == Response::LIMIT_EXCEEDED);
    CHECK(answer(0, 5, 0) == Response::OK);
    CHECK(answer(0, 6, 0) == Response::LIMIT_EXCEEDED);
    CHECK(answer(0, 0, 6) == Response::OK);
    CHECK(answer(0, 0, 7) == Response::LIMIT_EXCEEDED);
    // What is too long changes nothing of the rest either.
    CHECK(answer(3, 6, 0) == Response::LIMIT_EXCEEDED);
    h.advance(Duration::seconds(4));
    livekit::RoomParticipantIdentity who;
    who.set_room("r");
    who.set_identity("alice");
    const auto info = h.manager.get_participant(who);
    REQUIRE(info);
    CHECK(info->name() == "nnnn");
    CHECK(info->metadata() == "mmmmm");
}

// More than a token may hold: it could not come back.
TEST_CASE("UpdateParticipant: attributes are bounded by what comes of them [ROOM-07] [API-07]") {
    Config config = test_config();
    config.limits.attributes = 8;
    Harness h(std::move(config));
    (void)h.join_active("r", "alice");
    livekit::UpdateParticipantRequest request;
    request.set_room("r");
    request.set_identity("alice");
    request.set_name("Alice");
    const auto set = [&](const std::string& key, const std::string& value) {
        (*request.mutable_attributes())[key] = value;
    };
    set("a", "12345");
    REQUIRE(h.manager.update_participant(h.clock(), request));
    request.clear_attributes();
    request.set_name("Bob");
    set("b", "12345");
    const auto refused = h.manager.update_participant(h.clock(), request);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ServiceCode::kInvalidArgument);
    CHECK(refused.error().text == "attribute size exceeds limits 8");
    // What goes makes room, and of what was refused nothing is done.
    request.clear_name();
    set("a", "");
    set("nothing", "");
    CHECK_FALSE(h.manager.update_participant(h.clock(), request));  // it is too long by itself
    request.mutable_attributes()->erase("nothing");
    const auto info = h.manager.update_participant(h.clock(), request);
    REQUIRE(info);
    CHECK(info->name() == "Alice");
    CHECK(info->attributes().size() == 1);
    CHECK(info->attributes().at("b") == "12345");
    request.set_identity("nobody");
    CHECK(h.manager.update_participant(h.clock(), request).error().code == ServiceCode::kNotFound);
}

TEST_CASE("Sources narrowed: tracks of the others end for all, the rest stays [TOK-13] [TOK-11]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    h.publish(alice, "mic", false);
    h.publish(alice, "cam", true);
    h.advance(Duration::millis(300));
    REQUIRE(h.commands_of<sfu::AddDownTrack>().size() == 2);
    const std::string camera = published_sid(h, alice, 1);

    livekit::UpdateParticipantRequest request;
    request.set_room("r");
    request.set_identity("alice");
    request.mutable_permission()->set_can_publish(true);
    request.mutable_permission()->set_can_subscribe(true);
    request.mutable_permission()->set_can_publish_data(true);
    request.mutable_permission()->add_can_publish_sources(livekit::MICROPHONE);
    REQUIRE(h.manager.update_participant(h.clock(), request));
    h.advance(Duration::seconds(4));

    const auto ended = h.of(alice, R::kTrackUnpublished);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].track_unpublished().track_sid() == camera);
    CHECK(h.commands_of<sfu::RemoveDownTrack>().size() == 1);
    const livekit::ParticipantInfo last = last_told(h, bob, "alice");
    REQUIRE(last.tracks_size() == 1);
    CHECK(last.tracks(0).source() == livekit::MICROPHONE);
    CHECK(last.is_publisher());

    h.add_track(alice, "cam2", true);
    CHECK(h.sent(alice).back().request_response().reason() ==
          livekit::RequestResponse::NOT_ALLOWED);
}

TEST_CASE("Hidden participants stay unseen by one that resumes [SIG-132] [SIG-160]") {
    Harness h;
    (void)h.join_active("r", "alice");
    JoinParams hidden = test_join("r", "ghost");
    hidden.grants.video->hidden = true;
    const SessionId ghost = join_active(h, hidden);
    const SessionId bob = h.join_active("r", "bob");
    h.close(bob);
    JoinParams params = test_join("r", "bob");
    params.reconnect = true;
    const SessionId again = h.join(params);
    h.advance(Duration::seconds(4));
    CHECK(h.count(again, R::kReconnect) == 1);
    CHECK(told_of(h, bob) == "alice ");
    CHECK(told_of(h, again) == "alice bob ");

    // The hidden one itself is told of all, and of itself.
    h.close(ghost);
    hidden.reconnect = true;
    const SessionId back = h.join(hidden);
    CHECK(told_of(h, back) == "alice bob ghost ");
}

TEST_CASE("Subscription limits: exactly that many of each kind, the next when one ends [SIG-112]") {
    for (const std::uint32_t limit : {1U, 2U, 3U}) {
        CAPTURE(limit);
        Config config = test_config();
        config.limits.subscriptions_audio = limit;
        config.limits.subscriptions_video = 1;
        Harness h(std::move(config));
        std::vector<SessionId> publishers;
        for (int i = 0; i < 4; ++i) {
            JoinParams params = test_join("r", "p" + std::to_string(i));
            params.auto_subscribe = false;
            publishers.push_back(join_active(h, params));
            h.publish(publishers.back(), "mic", false);
            h.publish(publishers.back(), "cam", true);
        }
        (void)h.join_active("r", "viewer");
        h.advance(Duration::seconds(1));
        const auto of_kind = [&](sfu::MediaKind kind) {
            const auto all = h.commands_of<sfu::AddDownTrack>();
            return std::count_if(all.begin(), all.end(),
                                 [&](const auto& add) { return add.kind == kind; });
        };
        CHECK(of_kind(sfu::MediaKind::kAudio) == limit);
        CHECK(of_kind(sfu::MediaKind::kVideo) == 1);
    }
}

}  // namespace confab::room
