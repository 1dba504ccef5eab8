// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who gets which token for which room, and who none.
#include "runtime/control/routes/meeting_tokens.h"

#include <doctest/doctest.h>

#include "token/permission.h"

namespace confab::control {
namespace {

const std::string kMeetingId = "0123456789abcdef";
const std::string kGuestId = "0011aabbccdd";
const std::string kMeeting = "standup~" + kMeetingId;

Result<TokenRequest, TokenRefusal> parse(std::string_view text) {
    const auto body = json::parse(text);
    return parse_token_request(body ? &*body : nullptr);
}

Result<TokenAnswer, TokenRefusal> answer(const TokenRequest& request,
                                         const token::Grants* bearer = nullptr) {
    return answer_token_request(request, bearer, kMeetingId, kGuestId);
}

TokenRequest ann(const std::string& room) {
    return {room, "ann", "Ann", "m", false, false, {}};
}

token::Grants admin_of(const std::string& room) {
    token::Grants grants;
    grants.video.emplace();
    grants.video->room_admin = true;
    grants.video->room = room;
    return grants;
}

TokenAnswer opened() {
    TokenRequest request = ann("standup");
    request.lobby = true;
    return answer(request).value();
}

}  // namespace

TEST_CASE("Meeting tokens: what the name of a room says [DEMO-02]") {
    CHECK(kind_of_room("standup") == RoomKind::kOpen);
    CHECK(kind_of_room("") == RoomKind::kOpen);
    CHECK(kind_of_room(kMeeting) == RoomKind::kMeeting);
    for (const std::string& name :
         {std::string("~"), std::string("a~"), "~" + kMeetingId, kMeeting + "0",
          kMeeting.substr(0, kMeeting.size() - 1), lobby_of(kMeeting), kMeeting + "~",
          std::string("a~0123456789ABCDEF"), "a~b~" + kMeetingId, std::string("a~lobby")}) {
        CAPTURE(name);
        CHECK(kind_of_room(name) == RoomKind::kReserved);
    }
}

TEST_CASE("Meeting tokens: requests are objects with a room and somebody [TOK-15]") {
    for (const char* text : {"", "[]", "7"}) {
        const auto refused = parse(text);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().status == 400);
        CHECK(refused.error().text == "the body must be a JSON object with room_name");
    }
    for (const char* text : {"{}", R"({"room_name":"r"})", R"({"participant_name":"a"})",
                             R"({"room_name":["r"],"participant_name":"a"})"}) {
        CAPTURE(text);
        const auto refused = parse(text);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().text == "room_name and participant_name are needed");
    }
    const auto least = parse(R"({"room_name":"r","participant_name":"Ann"})");
    REQUIRE(least);
    CHECK(least->identity == "Ann");
    CHECK_FALSE(least->lobby);
    CHECK_FALSE(least->admit);
    const auto all =
        parse(R"({"room_name":"r","participant_name":"Ann","participant_identity":"a",)"
              R"("participant_metadata":"m","lobby":true,"admit":true,"host_key":"a.b.c"})");
    REQUIRE(all);
    CHECK(all->identity == "a");
    CHECK(all->metadata == "m");
    CHECK(all->lobby);
    CHECK(all->admit);
    CHECK(all->host_key == "a.b.c");
    const auto text = parse(R"({"room_name":"r","participant_name":"a","lobby":"true","admit":1})");
    REQUIRE(text);
    CHECK_FALSE(text->lobby);
    CHECK_FALSE(text->admit);
}

TEST_CASE("Meeting tokens: an open room has no host, whoever asks [DEMO-02]") {
    const token::Grants admin = admin_of("r");
    for (const token::Grants* bearer : {static_cast<const token::Grants*>(nullptr), &admin}) {
        const auto open = answer(ann("r"), bearer);
        REQUIRE(open);
        CHECK(open->room.empty());
        CHECK_FALSE(open->waiting);
        CHECK_FALSE(open->host_key);
        CHECK_FALSE(open->lobby_key);
        CHECK(open->participant.identity == "ann");
        CHECK(open->participant.metadata == "m");
        token::VideoGrant expected;
        expected.room_join = true;
        expected.room = "r";
        expected.can_update_own_metadata = true;
        CHECK(open->participant.video == expected);
    }
}

TEST_CASE("Meeting tokens: who opens a meeting is its host, and of nothing else [DEMO-03]") {
    const TokenAnswer host = opened();
    CHECK(host.room == kMeeting);
    CHECK_FALSE(host.waiting);
    CHECK(host.participant.identity == "ann");
    token::VideoGrant expected;
    expected.room_join = true;
    expected.room_admin = true;
    expected.room = kMeeting;
    expected.can_update_own_metadata = true;
    CHECK(host.participant.video == expected);
    token::VideoGrant key;
    key.room_admin = true;
    key.room = kMeeting;
    REQUIRE(host.host_key);
    CHECK(host.host_key->video == key);
    REQUIRE(host.lobby_key);
    key.room = lobby_of(kMeeting);
    CHECK(host.lobby_key->video == key);
}

TEST_CASE("Meeting tokens: a guest waits in the lobby, without any right [DEMO-03]") {
    const auto guest = answer(ann(kMeeting));
    REQUIRE(guest);
    CHECK(guest->waiting);
    CHECK(guest->room == kMeeting);
    CHECK_FALSE(guest->host_key);
    CHECK_FALSE(guest->lobby_key);
    CHECK(guest->participant.identity == "ann-" + kGuestId);
    REQUIRE(guest->participant.video);
    CHECK(guest->participant.video->room == lobby_of(kMeeting));
    CHECK(guest->participant.video->room_join);
    CHECK_FALSE(guest->participant.video->room_admin);
    const auto permission = token::to_permission(*guest->participant.video);
    CHECK_FALSE(permission.can_publish());
    CHECK_FALSE(permission.can_publish_data());
    CHECK_FALSE(permission.can_subscribe());
    CHECK_FALSE(permission.can_update_metadata());
    CHECK(permission.hidden());
}

TEST_CASE("Meeting tokens: a host comes back, and lets in who waits, by its key [DEMO-03]") {
    const TokenAnswer host = opened();
    const auto back = answer(ann(kMeeting), &*host.host_key);
    REQUIRE(back);
    CHECK(back->participant.video == host.participant.video);
    CHECK(back->host_key);
    CHECK(back->lobby_key);

    TokenRequest request = ann(kMeeting);
    request.identity = "ann-" + kGuestId;
    request.admit = true;
    for (const token::Grants* bearer : {&*host.host_key, &host.participant}) {
        const auto let_in = answer(request, bearer);
        REQUIRE(let_in);
        CHECK_FALSE(let_in->waiting);
        CHECK_FALSE(let_in->host_key);
        CHECK_FALSE(let_in->lobby_key);
        CHECK(let_in->participant.identity == request.identity);
        token::VideoGrant expected;
        expected.room_join = true;
        expected.room = kMeeting;
        expected.can_update_own_metadata = true;
        CHECK(let_in->participant.video == expected);
    }
}

TEST_CASE("Meeting tokens: nobody else becomes a host or lets anybody in [DEMO-03]") {
    TokenRequest request = ann(kMeeting);
    const auto refused = [&](const token::Grants* bearer) {
        const auto refusal = answer(request, bearer);
        return !refusal && refusal.error().status == 403;
    };
    const token::Grants other_room = admin_of("other~" + kMeetingId);
    const token::Grants lobby = *opened().lobby_key;
    const token::Grants guest = answer(request)->participant;
    token::Grants let_in = admin_of(kMeeting);
    let_in.video->room_admin = false;
    let_in.video->room_join = true;
    token::Grants of_a_tenant = admin_of(kMeeting);
    of_a_tenant.tenant = "t";
    token::Grants without = admin_of(kMeeting);
    without.video.reset();
    for (const bool admit : {false, true}) {
        request.admit = admit;
        for (const token::Grants& bearer : {other_room, lobby, guest, let_in, of_a_tenant, without})
            CHECK(refused(&bearer));
    }
    CHECK(refused(nullptr));
}

TEST_CASE("Meeting tokens: no token for a lobby, no meeting with the name of one [DEMO-03]") {
    const token::Grants admin = admin_of(lobby_of(kMeeting));
    for (const std::string& room : {lobby_of(kMeeting), std::string("a~b")}) {
        for (const token::Grants* bearer : {static_cast<const token::Grants*>(nullptr), &admin}) {
            const auto refusal = answer(ann(room), bearer);
            REQUIRE_FALSE(refusal);
            CHECK(refusal.error().status == 400);
        }
    }
    TokenRequest again = ann(kMeeting);
    again.lobby = true;
    const auto refusal = answer(again);
    REQUIRE_FALSE(refusal);
    CHECK(refusal.error().status == 400);
}

}  // namespace confab::control
