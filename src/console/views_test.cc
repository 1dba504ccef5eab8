// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "console/views.h"

#include <doctest/doctest.h>

#include <limits>

#include "console/json_text.h"
#include "console/room_view.h"

namespace confab::console {
namespace {

json::Value parsed(const std::string& text) {
    INFO(text);
    auto value = json::parse(text);
    REQUIRE(value);
    return *value;
}
double number(const json::Value& object, const char* name) {
    const json::Value* const found = object.find(name);
    REQUIRE(found != nullptr);
    REQUIRE(found->kind == json::Kind::kNumber);
    return found->number;
}
std::string text(const json::Value& object, const char* name) {
    const json::Value* const found = object.find(name);
    REQUIRE(found != nullptr);
    return found->string;
}

}  // namespace

TEST_CASE("Views: numbers are short, and always numbers") {
    CHECK(number_text(0) == "0");
    CHECK(number_text(1.23456) == "1.235");
    CHECK(number_text(-2.5) == "-2.5");
    CHECK(number_text(std::numeric_limits<double>::infinity()) == "0");
    CHECK(number_text(std::numeric_limits<double>::quiet_NaN()) == "0");
}

TEST_CASE("Views: an overview adds up nodes and workers, and names who was refused why") {
    Overview overview;
    overview.version = "0.1";
    overview.now = UnixTime::millis(5000);
    overview.node_id = "ND_a";
    overview.cluster = true;
    overview.nodes.push_back({"ND_a", "10.0.0.1", "eu", "SERVING", 0.25, 2, 5, 7, {}, true});
    overview.nodes.push_back({"ND_b", "10.0.0.2", "eu", "SILENT", 0.5, 1, 3, 2, {}, false});
    overview.workers.push_back({3, {0.5, 100, 200, 1000, 2000}});
    overview.workers.push_back({1, {0.1, 1, 2, 10, 20}});
    overview.joins.admitted = 4;
    overview.joins.connected = 3;
    overview.joins.refuse("invalid API key", 2);
    overview.certificates.push_back(
        {"http", {"a.example", "b.example"}, UnixTime::millis(9000), "acme", "valid", ""});
    const json::Value view = parsed(to_json(overview));
    const json::Value& totals = *view.find("totals");
    CHECK(number(totals, "rooms") == 3);
    CHECK(number(totals, "participants") == 8);
    CHECK(number(totals, "tracks") == 9);
    CHECK(number(totals, "bytes_in_per_s") == 1010);
    CHECK(number(totals, "bytes_out_per_s") == 2020);
    const json::Value& workers = *view.find("workers");
    REQUIRE(workers.items.size() == 2);
    CHECK(number(workers.items[1], "index") == 1);
    CHECK(number(workers.items[0], "load") == 0.5);
    CHECK(number(workers.items[0], "packets_out_per_s") == 200);
    const json::Value& joins = *view.find("joins");
    CHECK(number(joins, "attempted") == 6);
    CHECK(number(joins, "connected") == 3);
    REQUIRE(joins.find("refused")->items.size() == 1);
    CHECK(text(joins.find("refused")->items[0], "reason") == "invalid API key");
    CHECK(number(joins.find("refused")->items[0], "count") == 2);
    const json::Value& node = view.find("nodes")->items[0];
    CHECK(text(node, "id") == "ND_a");
    CHECK(number(node, "cpu") == 0.25);
    CHECK(node.find("self")->boolean);
    const json::Value& certificate = view.find("certificates")->items[0];
    CHECK(certificate.find("names")->items.size() == 2);
    CHECK(number(certificate, "not_after") == 9000);
}

TEST_CASE("Views: settings, deliveries, sessions and errors") {
    const json::Value options = parsed(to_json(
        std::vector<OptionView>{{"port", "7880", true}, {"redis.password", "(set)", false}}));
    const auto& rows = options.find("options")->items;
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].find("default")->boolean);
    CHECK(text(rows[1], "source") == "set");
    const json::Value deliveries = parsed(to_json(std::vector<DeliveryView>{
        {"EV_1", UnixTime::millis(1), "http://a", "room_started", "r", 1, "delivered", 200},
        {"EV_2", UnixTime::millis(2), "http://a", "room_finished", "r", 3, "waiting", 503},
        {"EV_3", UnixTime::millis(3), "http://a", "room_finished", "r", 3, "failed", 0},
        {"EV_4", UnixTime::millis(4), "http://a", "room_finished", "r", 0, "waiting", 0}}));
    const auto& list = deliveries.find("deliveries")->items;
    CHECK(text(list[0], "error").empty());
    CHECK(text(list[1], "error") == "HTTP 503");
    CHECK(text(list[2], "error") == "no answer");
    CHECK(text(list[3], "error").empty());
    const json::Value session =
        parsed(to_json(Session{Role::kViewer, "viewer", false, UnixTime::millis(7000), "id"}));
    CHECK(text(session, "role") == "viewer");
    CHECK(number(session, "expires_at") == 7000);
    CHECK(session.find("id") == nullptr);
    CHECK(error_json("a \"b\"") == R"({"error":"a \"b\""})");
}

TEST_CASE("Views: a room shows who is in it and how they are, and no secret") {
    room::RoomFigures room;
    room.room.set_name("r");
    room.room.set_turn_password("secret");
    room::ParticipantFigures p;
    p.info.set_identity("alice");
    p.info.set_state(livekit::ParticipantInfo::ACTIVE);
    p.info.set_joined_at_ms(1234);
    (*p.info.mutable_attributes())["a"] = "b";
    livekit::TrackInfo& info = *p.info.add_tracks();
    info.set_sid("TR_1");
    info.set_type(livekit::VIDEO);
    info.set_source(livekit::CAMERA);
    livekit::TrackInfo& quiet = *p.info.add_tracks();
    quiet.set_sid("TR_2");
    p.client.set_sdk(livekit::ClientInfo::JS);
    p.client.set_browser("Firefox");
    p.link.path = sfu::ConnectionType::kTurn;
    p.link.rtt = Duration::micros(12'345);
    p.link.quality = room::QualityScore{livekit::GOOD, 3.5F};
    room::TrackFigures track;
    track.sid = "TR_1";
    track.layers.push_back({livekit::MEDIUM, 640, 360, 400'000, 25});
    track.bytes_per_second = 50'000;
    track.lost = 0.01;
    track.subscribers = 2;
    p.tracks.push_back(track);
    p.bytes_out_per_second = 70'000;
    room.data = {1, 2, 3, 4};
    room.participants.push_back(p);
    room.participants.push_back({});

    const std::string json = to_json(room, "acme");
    CHECK(json.find("secret") == std::string::npos);
    const json::Value view = parsed(json);
    CHECK(text(view, "tenant") == "acme");
    CHECK(text(*view.find("room"), "name") == "r");
    const json::Value& alice = view.find("participants")->items[0];
    CHECK(text(alice, "state") == "active");
    CHECK(number(alice, "joined_at") == 1234);
    CHECK(text(alice, "path") == "turn");
    CHECK(number(alice, "rtt_ms") == doctest::Approx(12.345));
    CHECK(text(alice, "quality") == "good");
    CHECK(number(alice, "score") == 3.5);
    CHECK(number(alice, "bytes_in_per_s") == 50'000);
    CHECK(number(alice, "bytes_out_per_s") == 70'000);
    const json::Value& data = *view.find("data");
    CHECK(number(data, "messages_in_per_s") == 1);
    CHECK(number(data, "bytes_in_per_s") == 2);
    CHECK(number(data, "messages_out_per_s") == 3);
    CHECK(number(data, "bytes_out_per_s") == 4);
    CHECK(text(*alice.find("client"), "sdk") == "js");
    CHECK(text(*alice.find("attributes"), "a") == "b");
    const json::Value& shown = alice.find("tracks")->items[0];
    CHECK(text(shown, "kind") == "video");
    CHECK(text(shown, "source") == "camera");
    CHECK(number(shown, "lost_fraction") == 0.01);
    CHECK(number(shown, "subscribers") == 2);
    CHECK(text(shown.find("layers")->items[0], "quality") == "medium");
    CHECK(number(shown.find("layers")->items[0], "fps") == 25);
    // Of a track, or somebody, nothing is known yet.
    CHECK(alice.find("tracks")->items[1].find("subscribers")->is_null());
    const json::Value& other = view.find("participants")->items[1];
    CHECK(text(other, "path").empty());
    CHECK(other.find("rtt_ms")->is_null());
    CHECK(other.find("score")->is_null());
}

TEST_CASE("Views: qualities have the words of the API") {
    CHECK(to_text(livekit::EXCELLENT) == "excellent");
    CHECK(to_text(livekit::POOR) == "poor");
    CHECK(to_text(livekit::LOST) == "lost");
}

}  // namespace confab::console
