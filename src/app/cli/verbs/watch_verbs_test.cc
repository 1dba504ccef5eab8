// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// top, rooms watch, stats, webhook listen: verbs that go on until they are told to end.
#include "api/webhook/webhook.h"
#include "app/cli/cli_testing.h"
#include "app/cli/output/json_text.h"
#include "app/cli/verbs/node_metrics.h"
#include "confab_webhooks.pb.h"
#include "json/json.h"
#include "livekit_room.pb.h"

namespace confab::app::cli {

using testing::has;
using testing::kNow;
using testing::Machine;

namespace {

livekit::Room room(const char* name, std::uint32_t participants) {
    livekit::Room out;
    out.set_name(name);
    out.set_sid("RM_" + std::string(name));
    out.set_num_participants(participants);
    out.set_creation_time(kNow.us() / 1'000'000 - 3700);
    return out;
}

void set_rooms(Machine& m, const std::vector<livekit::Room>& rooms) {
    livekit::ListRoomsResponse response;
    for (const livekit::Room& one : rooms)
        *response.add_rooms() = one;
    m.answer("livekit.RoomService/ListRooms", response);
}

}  // namespace

TEST_CASE("top: the largest rooms first; a terminal is drawn over, a pipe is not") {
    Machine m;
    set_rooms(m, {room("small", 1), room("large", 9)});
    const Outcome o = m.run({"top", "--count", "2"});
    CHECK(o.code == 0);
    CHECK(has(m.printed, "2 rooms, 10 participants\n(no figures of the node"));
    CHECK(m.printed.find("│ large") < m.printed.find("│ small"));
    CHECK(has(m.printed, "│ 1h1m │"));
    CHECK(!has(m.printed, "\x1b["));
    CHECK(m.now == kNow + Duration::seconds(2));
    m.terminal = true;
    m.printed.clear();
    CHECK(m.run({"top", "--count", "1"}).code == 0);
    CHECK(m.printed.starts_with("\x1b[H"));
    m.printed.clear();
    CHECK(m.run({"top", "--count", "2", "-o", "jsonl", "--interval", "500ms"}).code == 0);
    const std::string line = m.printed.substr(0, m.printed.find('\n'));
    const auto json = json::parse(line);
    REQUIRE(json);
    CHECK(text_at(*json, "rooms") == "2");
    CHECK(text_at(*json, "largest.name") == "large");
    CHECK(has(m.run({"top", "--interval", "1"}).err, "--interval needs a time"));
}

TEST_CASE("top: ends by a signal, and with the first look that fails") {
    Machine m;
    set_rooms(m, {});
    m.on_pause = [&] { m.stop = true; };
    CHECK(m.run({"top"}).code == 0);
    m.stop = false;
    m.refuse("livekit.RoomService/ListRooms", 401, R"({"code":"unauthenticated","msg":"no"})");
    CHECK(m.run({"top"}).code == kExitFailure);
}

TEST_CASE("node figures: sums of samples, rates between two looks; nonsense is passed over") {
    const auto sums = sums_of(
        "# HELP x\nlivekit_packet_total{direction=\"incoming\",country=\"\"} 5\n"
        "livekit_packet_total{country=\"a}b\",direction=\"outgoing\"} 7\nlivekit_room_total 1\n"
        "broken{ 3\nnan NaN\nempty\nlivekit_packet_total{direction=\"incoming\"} 1e1\n");
    CHECK(sums.at("livekit_packet_total") == 22);
    CHECK(sums.at("livekit_packet_total/incoming") == 15);
    CHECK(sums.at("livekit_packet_total/outgoing") == 7);
    CHECK(!sums.contains("nan"));
    NodeMeter meter;
    CHECK(!meter.take("nothing 1\n", kNow).known);
    const NodeFigures first =
        meter.take("livekit_room_total 1\nprocess_cpu_seconds_total 10\n", kNow);
    CHECK(first.known);
    CHECK(!first.rates);
    const NodeFigures second = meter.take(
        "livekit_room_total 1\nprocess_cpu_seconds_total "
        "11\nlivekit_packet_total{direction=\"incoming\"} "
        "100\n",
        kNow + Duration::seconds(2));
    CHECK(second.cpu == doctest::Approx(0.5));
    CHECK(second.packets_in == doctest::Approx(50));
    CHECK(has(node_text(second), "CPU 50 % of a core\nin  50 packets/s"));
    CHECK(has(node_json(second), "\"packetsInPerSecond\":50.000"));
}

TEST_CASE("rooms watch: what is there, starts, changes and finishes") {
    Machine m;
    set_rooms(m, {room("a", 1)});
    int look = 0;
    m.on_pause = [&] {
        if (++look == 1) set_rooms(m, {room("a", 3), room("b", 0)});
        if (look == 2) set_rooms(m, {room("b", 0)});
    };
    CHECK(m.run({"rooms", "watch", "--count", "3"}).code == 0);
    CHECK(m.printed ==
          "2027-01-15T08:00:00Z there a (RM_a): participants 1, publishers 0\n"
          "2027-01-15T08:00:02Z changed a (RM_a): participants 1 → 3, publishers 0\n"
          "2027-01-15T08:00:02Z started b (RM_b): participants 0, publishers 0\n"
          "2027-01-15T08:00:04Z finished a (RM_a): participants 3, publishers 0\n");
    m.printed.clear();
    CHECK(m.run({"rooms", "watch", "--count", "1", "-o", "jsonl"}).code == 0);
    const auto json = json::parse(m.printed);
    REQUIRE(json);
    CHECK(text_at(*json, "event") == "there");
    CHECK(text_at(*json, "room.name") == "b");
}

TEST_CASE("stats: one look unless more are asked for; a room that is not there is an error") {
    Machine m;
    set_rooms(m, {room("demo", 1)});
    livekit::ListParticipantsResponse people;
    auto& anna = *people.add_participants();
    anna.set_identity("anna");
    anna.set_state(livekit::ParticipantInfo::ACTIVE);
    auto& track = *anna.add_tracks();
    track.set_source(livekit::CAMERA);
    track.set_width(640);
    track.set_height(360);
    track.set_mime_type("video/VP8");
    track.set_muted(true);
    m.answer("livekit.RoomService/ListParticipants", people);
    CHECK(m.run({"stats", "demo"}).code == 0);
    CHECK(has(m.printed, "demo (RM_demo)  1 participants, 0 publishers, for 1h1m\n"));
    CHECK(has(m.printed, "CAMERA 640x360 video/VP8 muted"));
    m.printed.clear();
    CHECK(m.run({"stats", "demo", "-o", "json"}).code == 0);
    const auto json = json::parse(m.printed);
    REQUIRE(json);
    CHECK(text_at(*json, "participants.tracks.mimeType") == "video/VP8");
    set_rooms(m, {});
    CHECK(has(m.run({"stats", "demo"}).err, "there is no room demo"));
}

TEST_CASE(
    "webhook listen: signed ones are printed, others refused, and after --count it ends "
    "[HOOK-05]") {
    Machine m;
    const std::string body = R"({"event":"room_started","room":{"name":"demo"}})";
    const std::string signature = api::webhook_authorization(body, {"devkey", "secret"}, kNow, {});
    std::vector<int> statuses;
    m.listens = [&](const WebhookListen& s) -> Result<void, std::string> {
        CHECK(s.address == "127.0.0.1");
        CHECK(s.port == 7888);
        s.ready(7888);
        CHECK(!s.is_over());
        statuses.push_back(s.arrived({"/", "", body}));
        statuses.push_back(s.arrived({"/", signature, body + " "}));
        statuses.push_back(s.arrived({"/", signature, body}));
        s.forwarded(0, "timeout");
        s.forwarded(204, {});
        CHECK(s.is_over());
        return {};
    };
    CHECK(m.run({"webhook", "listen", "--count", "1"}).code == 0);
    CHECK(statuses == std::vector<int>{401, 401, 200});
    CHECK(m.printed == "2027-01-15T08:00:00Z room_started demo\n");
    CHECK(has(m.warned, "listening at http://127.0.0.1:7888/"));
    CHECK(has(m.warned, "refused: it is not signed"));
    CHECK(has(m.warned, "refused: the signature is of another body"));
    CHECK(has(m.warned, "not forwarded: timeout\n"));
    CHECK(has(m.warned, "forwarded: 204\n"));
    m.printed.clear();
    m.listens = [&](const WebhookListen& s) -> Result<void, std::string> {
        CHECK(s.port == 1);
        CHECK(s.forward_url == "http://x/");
        CHECK(s.arrived({"/", "", body}) == 200);
        return {};
    };
    CHECK(m.run({"webhook", "listen", "--port", "1", "--forward", "http://x/", "--no-verify", "-o",
                 "jsonl"})
              .code == 0);
    CHECK(m.printed == body + "\n");
    CHECK(has(m.run({"webhook", "listen", "--port", "65536"}).err, "at most 65535"));
    m.listens = [](const WebhookListen&) -> Result<void, std::string> {
        return fail(std::string("in use"));
    };
    CHECK(m.run({"webhook", "listen"}).code == kExitFailure);
}

TEST_CASE("webhook list and replay: what the outbox of a server has") {
    Machine m;
    confab::ListWebhookEventsResponse events;
    auto& one = *events.add_events();
    one.set_number(5);
    one.set_id("EV_1");
    one.set_event("room_started");
    m.answer("confab.Webhooks/ListEvents", events);
    m.answer("confab.Webhooks/ReplayEvents", confab::ReplayWebhookEventsResponse{});
    CHECK(has(m.run({"webhook", "list", "--event", "room_started", "--limit", "3"}).out,
              "│ EV_1 │ room_started"));
    CHECK(m.last<confab::ListWebhookEventsRequest>().selection().event() == "room_started");
    CHECK(m.asked.back().grants.video->room_list);
    CHECK(m.run({"webhook", "replay", "--id", "EV_1", "--since", "5"}).code == 0);
    CHECK(m.last<confab::ReplayWebhookEventsRequest>().selection().ids(0) == "EV_1");
}

}  // namespace confab::app::cli
