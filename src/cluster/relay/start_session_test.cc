// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/relay/start_session.h"

#include <doctest/doctest.h>

#include "base/bytes.h"
#include "base/text.h"
#include "token/room_key.h"

namespace confab::cluster::relay {
namespace {

// What livekit-server 1.13.5 sent for a client of protocol 16.
constexpr std::string_view kRecorded =
    "0aea010a026e641203626f621a0f434f5f346141717a6e64414d695a3648015a2b08011205322e302e301810220"
    "54f7468657232054f746865723a054f746865724a093132372e302e302e317290017b226964656e74697479223a"
    "22626f62222c22766964656f223a7b22726f6f6d4a6f696e223a747275652c22726f6f6d223a226e64222c22636"
    "16e5075626c697368223a747275652c2263616e537562736372696265223a747275652c2263616e5075626c6973"
    "6844617461223a747275652c2263616e5570646174654f776e4d65746164617461223a747275657d7da201040a0"
    "26e64d001a1a380d806";

Result<SessionStart, rpc::Error> read(const std::string& bytes, const token::Limits& limits = {}) {
    const auto batch = decode_batch(BatchKind::kRequests, bytes);
    REQUIRE(batch);
    return decode_start(*batch, limits);
}

SessionStart full() {
    SessionStart start;
    start.room = token::room_key("acme", "standup");
    start.room_must_exist = true;
    token::Grants& grants = start.grants;
    grants.api_key = "APIkey";
    grants.tenant = "acme";
    grants.identity = "bob#screen";
    grants.publishes_for = "bob";
    grants.name = "Bob";
    grants.metadata = "{\"a\":\"\\u0001é\"}";
    grants.attributes = {{"k", "v"}};
    grants.video.emplace();
    grants.video->room_join = true;
    grants.video->room = "standup";
    grants.video->can_publish = false;
    grants.video->hidden = true;
    grants.issued_at = UnixTime::seconds(1'700'000'000);
    grants.expires_at = UnixTime::seconds(1'700'003'600);
    start.client.set_protocol(17);
    start.client.set_address("192.0.2.1");
    start.connection_id = "CO_abcdefghijkl";
    start.node_id = "ND_abcdefghijkl";
    start.single_peer_connection = true;
    start.auto_subscribe = true;
    start.auto_subscribe_data_track = true;
    start.adaptive_stream = true;
    start.disable_ice_lite = true;
    start.subscriber_allow_pause = false;
    start.reconnect = true;
    start.reconnect_reason = livekit::RR_PUBLISHER_FAILED;
    start.participant_sid = "PA_abcdefghijkl";
    start.publisher_offer.emplace().set_sdp("v=0");
    start.add_track_requests.emplace_back().set_cid("cid");
    return start;
}

livekit::StartSession smallest() {
    livekit::StartSession message;
    message.set_room_name("room");
    message.set_identity("bob");
    return message;
}

std::string refusal(const livekit::StartSession& message, const ::rpc::StartDetails& details = {},
                    const token::Limits& limits = {}) {
    const auto start = from_start_session(message, details, limits);
    if (start) return "accepted";
    CHECK(start.error().code == rpc::Code::kInvalidArgument);
    return start.error().text;
}

}  // namespace

TEST_CASE("StartSession: a recorded one is read, and written with the same bytes [NODE-22]") {
    const std::string bytes(as_text(*from_hex(kRecorded)));
    const auto start = read(bytes);
    REQUIRE(start);
    CHECK(start->room == "nd");
    CHECK(!start->room_must_exist);
    CHECK(start->grants.identity == "bob");
    CHECK(start->grants.video->room_join);
    CHECK(start->grants.video->room == "nd");
    CHECK(start->grants.video->can_update_own_metadata == true);
    CHECK(start->grants.expires_at == UnixTime::seconds(1'795'166'625));
    CHECK(!start->grants.issued_at);
    CHECK(start->client.protocol() == 16);
    CHECK(start->client.sdk() == livekit::ClientInfo::JS);
    CHECK(start->connection_id == "CO_4aAqzndAMiZ6");
    CHECK(start->auto_subscribe);
    CHECK(!start->reconnect);
    CHECK(!start->subscriber_allow_pause);
    CHECK(start->node_id.empty());

    ::rpc::RelaySignalRequest again;
    *again.mutable_start_session() = to_start_session(*start);
    CHECK(to_hex(as_bytes(again.SerializeAsString())) == kRecorded);
}

TEST_CASE(
    "StartSession: whether data tracks are wanted is said of a join with one connection "
    "[NODE-22]") {
    SessionStart start = full();
    for (const bool wanted : {false, true}) {
        start.auto_subscribe_data_track = wanted;
        const auto message = to_start_session(start);
        CHECK(message.has_auto_subscribe_data_track());
        CHECK(message.auto_subscribe_data_track() == wanted);
    }
    start.auto_subscribe_data_track = false;
    start.single_peer_connection = false;
    CHECK_FALSE(to_start_session(start).has_auto_subscribe_data_track());
}

TEST_CASE("StartSession: everything arrives as it was [NODE-22]") {
    const SessionStart sent = full();
    const auto got = read(encode_start(sent));
    REQUIRE(got);
    CHECK(got->room == sent.room);
    CHECK(got->room_must_exist);
    const token::Grants& grants = got->grants;
    CHECK(grants.api_key == "APIkey");
    CHECK(grants.tenant == "acme");
    CHECK(grants.identity == "bob#screen");
    CHECK(grants.publishes_for == "bob");
    CHECK(grants.name == "Bob");
    CHECK(grants.metadata == sent.grants.metadata);
    CHECK(grants.attributes == sent.grants.attributes);
    CHECK(grants.video == sent.grants.video);
    CHECK(grants.issued_at == sent.grants.issued_at);
    CHECK(grants.expires_at == sent.grants.expires_at);
    CHECK(got->client.SerializeAsString() == sent.client.SerializeAsString());
    CHECK(got->connection_id == sent.connection_id);
    CHECK(got->node_id == sent.node_id);
    CHECK(got->single_peer_connection);
    CHECK(got->auto_subscribe);
    CHECK(got->auto_subscribe_data_track);
    CHECK(got->adaptive_stream);
    CHECK(got->disable_ice_lite);
    CHECK(got->subscriber_allow_pause == false);
    CHECK(got->reconnect);
    CHECK(got->reconnect_reason == livekit::RR_PUBLISHER_FAILED);
    CHECK(got->participant_sid == sent.participant_sid);
    REQUIRE(got->publisher_offer);
    CHECK(got->publisher_offer->sdp() == "v=0");
    REQUIRE(got->add_track_requests.size() == 1);
    CHECK(got->add_track_requests[0].cid() == "cid");
}

TEST_CASE(
    "StartSession: a room that is made by joining is what the token says [NODE-22] [TOK-08]") {
    SessionStart start = full();
    const auto created = [&] { return to_start_session(start).create_room(); };
    CHECK(created().name() == start.room);
    CHECK(created().ByteSizeLong() == start.room.size() + 2);
    start.grants.room_preset = "classroom";
    livekit::RoomConfiguration& config = start.grants.room_config.emplace();
    config.set_name("not this");
    config.set_empty_timeout(1);
    config.set_departure_timeout(2);
    config.set_max_participants(3);
    config.set_min_playout_delay(4);
    config.set_max_playout_delay(5);
    config.set_sync_streams(true);
    config.set_metadata("md");
    config.mutable_egress()->mutable_room()->set_layout("grid");
    config.add_agents()->set_agent_name("agent");
    (*config.mutable_tags())["k"] = "v";
    const livekit::CreateRoomRequest made = created();
    CHECK(made.name() == start.room);
    CHECK(made.room_preset() == "classroom");
    CHECK(made.empty_timeout() == 1);
    CHECK(made.departure_timeout() == 2);
    CHECK(made.max_participants() == 3);
    CHECK(made.min_playout_delay() == 4);
    CHECK(made.max_playout_delay() == 5);
    CHECK(made.sync_streams());
    CHECK(made.metadata() == "md");
    CHECK(made.egress().room().layout() == "grid");
    REQUIRE(made.agents_size() == 1);
    CHECK(made.agents(0).agent_name() == "agent");
    CHECK(made.tags().at("k") == "v");
}

TEST_CASE("StartSession: what a node leaves out has its default [NODE-22]") {
    const auto start = from_start_session(smallest(), {}, {});
    REQUIRE(start);
    CHECK(!start->auto_subscribe);
    CHECK(!start->auto_subscribe_data_track);
    CHECK(!start->subscriber_allow_pause);
    CHECK(!start->single_peer_connection);
    CHECK(!start->room_must_exist);
    CHECK(!start->publisher_offer);
    CHECK(start->reconnect_reason == livekit::RR_UNKNOWN);
    REQUIRE(start->grants.video);
    CHECK(start->grants.video->room == "room");
    CHECK(!start->grants.video->hidden);
    CHECK(!start->grants.expires_at);
    CHECK(start->grants.tenant.empty());

    // The two grants that stood beside grants_json once; a name there is the token's.
    livekit::StartSession old = smallest();
    old.set_hidden(true);
    old.set_recorder(true);
    old.set_grants_json(R"({"name":"Token","video":{"room":"room"}})");
    const auto grants = from_start_session(old, {}, {})->grants;
    CHECK(grants.video->hidden);
    CHECK(grants.video->recorder);
    CHECK(grants.name == "Token");
    old.set_name("Session");
    CHECK(from_start_session(old, {}, {})->grants.name == "Session");
    // Of a later release.
    old.set_reconnect_reason(static_cast<livekit::ReconnectReason>(77));
    CHECK(from_start_session(old, {}, {})->reconnect_reason == livekit::RR_UNKNOWN);
}

TEST_CASE("StartSession: bounds, each with its text [NODE-22]") {
    livekit::StartSession message = smallest();
    CHECK(refusal(message) == "accepted");
    SUBCASE("no names") {
        message.clear_room_name();
        CHECK(refusal(message) == "no room name");
        message.set_room_name(token::room_key("acme", ""));
        CHECK(refusal(message) == "no room name");
        message = smallest();
        message.clear_identity();
        CHECK(refusal(message) == "identity cannot be empty");
    }
    SUBCASE("long names") {
        token::Limits limits;
        limits.room_name = limits.identity = 4;
        CHECK(refusal(message, {}, limits) == "accepted");
        message.set_room_name("rooms");
        CHECK(refusal(message, {}, limits) == "room name too long");
        message.set_room_name(token::room_key("tenant", "room"));
        CHECK(refusal(message, {}, limits) == "accepted");
        message.set_room_name(token::room_key(std::string(kMaxTenant + 1, 't'), "room"));
        CHECK(refusal(message, {}, limits) == "room name too long");
        message = smallest();
        message.set_identity("bobby");
        CHECK(refusal(message, {}, limits) == "participant identity too long");
    }
    SUBCASE("ids") {
        message.set_connection_id(std::string(kMaxIdText + 1, 'x'));
        CHECK(refusal(message) == "id too long");
        message = smallest();
        message.set_participant_id(std::string(kMaxIdText + 1, 'x'));
        CHECK(refusal(message) == "id too long");
        ::rpc::StartDetails details;
        details.set_node_id(std::string(kMaxIdText + 1, 'x'));
        CHECK(refusal(smallest(), details) == "id too long");
    }
    SUBCASE("grants") {
        for (const char* json : {"x", "[]", "\"a\"", R"({"video":1})", R"({"video":{"room":1}})"}) {
            message.set_grants_json(json);
            CHECK(refusal(message).starts_with("grants cannot be read"));
        }
        message.set_grants_json(std::string(kMaxGrantsJson + 1, ' '));
        CHECK(refusal(message) == "grants too large");
    }
    SUBCASE("tracks and times") {
        for (int i = 0; i < kMaxAddTracks; ++i)
            message.add_add_track_requests();
        CHECK(refusal(message) == "accepted");
        message.add_add_track_requests();
        CHECK(refusal(message) == "too many tracks");
        message = smallest();
        message.set_token_expires_at(std::numeric_limits<std::int64_t>::max());
        CHECK(refusal(message) == "time cannot be read");
        ::rpc::StartDetails details;
        details.set_issued_at(-1);
        CHECK(refusal(smallest(), details) == "time cannot be read");
    }
}

TEST_CASE("StartSession: a first batch without it, or with garbage, is refused [NODE-22]") {
    CHECK(read("").error().text == "the session was not started");
    CHECK(read(std::string("\x0a\x02\x0a\x05", 4)).error().text ==
          "the start of the session cannot be read");
    // The details alone, well formed.
    CHECK(!read(std::string("\xc2\x3e\x00", 3)));
}

}  // namespace confab::cluster::relay
