// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// room, room participants, tracks, dispatch: flags in, requests out, answers printed.
#include "app/cli/cli_testing.h"
#include "json/json.h"
#include "livekit_agent_dispatch.pb.h"
#include "livekit_room.pb.h"

namespace confab::app::cli {

using testing::has;
using testing::Machine;

namespace {

livekit::Room demo() {
    livekit::Room room;
    room.set_sid("RM_a");
    room.set_name("demo");
    room.set_num_participants(2);
    room.set_creation_time(1'799'996'300);
    return room;
}

}  // namespace

TEST_CASE("room create: every flag is in the request, the room is printed as JSON [LKC-04]") {
    Machine m;
    m.answer("livekit.RoomService/CreateRoom", demo());
    m.files["agents.json"] = {R"({"dispatches": [{"agent_name": "echo"}]})", 0644};
    m.files["tracks.json"] = {R"({"filepath": "/out/{track_id}"})", 0644};
    const Outcome o = m.run({"room",
                             "create",
                             "demo",
                             "--empty-timeout",
                             "60",
                             "--departure-timeout",
                             "5",
                             "--min-playout-delay",
                             "1",
                             "--max-playout-delay",
                             "2",
                             "--sync-streams",
                             "--room-preset",
                             "p",
                             "--metadata",
                             "m",
                             "--max-participants",
                             "7",
                             "--agents-file",
                             "agents.json",
                             "--track-egress-file",
                             "tracks.json"});
    CHECK(o.code == 0);
    CHECK(o.err == "Using dev credentials\n");
    CHECK(o.out ==
          "{\n  \"sid\": \"RM_a\",\n  \"name\": \"demo\",\n  \"creationTime\": \"1799996300\",\n"
          "  \"numParticipants\": 2\n}\n");
    const auto request = m.last<livekit::CreateRoomRequest>();
    CHECK(request.ShortDebugString() ==
          "name: \"demo\" empty_timeout: 60 max_participants: 7 metadata: \"m\" egress { tracks { "
          "filepath: \"/out/{track_id}\" } } min_playout_delay: 1 max_playout_delay: 2 "
          "sync_streams: true departure_timeout: 5 room_preset: \"p\" agents { agent_name: "
          "\"echo\" }");
    CHECK(m.asked.back().url == "http://localhost:7880/twirp/livekit.RoomService/CreateRoom");
    CHECK(m.asked.back().grants.video->room_create);
    CHECK(!m.asked.back().grants.video->room_admin);
}

TEST_CASE(
    "room create: by position, by flag, by the old name; without a name it says so [LKC-09]") {
    Machine m;
    m.answer("livekit.RoomService/CreateRoom", demo());
    for (const std::vector<std::string>& form : {std::vector<std::string>{"room", "create", "demo"},
                                                 {"room", "create", "--name", "demo"},
                                                 {"create-room", "--name", "demo"}}) {
        CHECK(m.run(form).code == 0);
        CHECK(m.last<livekit::CreateRoomRequest>().name() == "demo");
    }
    const Outcome o = m.run({"room", "create"});
    CHECK(o.code == kExitUsage);
    CHECK(o.err == "error: NAME (or --name) is missing; see `confab room create --help`\n");
    CHECK(m.run({"room", "create", "demo", "surplus"}).code == kExitUsage);
    CHECK(m.run({"room", "create", "demo", "--empty-timeout", "soon"}).err ==
          "error: --empty-timeout `soon` is no whole number; see `confab room create --help`\n");
}

TEST_CASE("room create: an egress file that is none is named, unknown fields are errors [LKC-05]") {
    Machine m;
    m.files["bad.json"] = {R"({"no_such": 1})", 0644};
    CHECK(has(m.run({"room", "create", "demo", "--room-egress-file", "gone.json"}).err,
              "error: --room-egress-file: `gone.json` is neither a file nor JSON\n"));
    CHECK(has(m.run({"room", "create", "demo", "--room-egress-file", "bad.json"}).err, "no_such"));
    CHECK(m.asked.empty());
}

TEST_CASE("room list: a table; JSON, lines, YAML and single fields when asked for [LKC-04]") {
    Machine m;
    livekit::ListRoomsResponse response;
    *response.add_rooms() = demo();
    response.add_rooms()->set_name("tea \x1b[31m");
    m.answer("livekit.RoomService/ListRooms", response);
    CHECK(m.run({"room", "list"}).out ==
          "┌────────┬───────────┬──────────────┬────────────┐\n"
          "│ RoomID │ Name      │ Participants │ Publishers │\n"
          "├────────┼───────────┼──────────────┼────────────┤\n"
          "│ RM_a   │ demo      │ 2            │ 0          │\n"
          "│        │ tea �[31m │ 0            │ 0          │\n"
          "└────────┴───────────┴──────────────┴────────────┘\n");
    for (const std::vector<std::string>& form : {std::vector<std::string>{"room", "list", "-j"},
                                                 {"room", "list", "--json"},
                                                 {"room", "list", "-o", "json"},
                                                 {"list-rooms", "--output=json"}}) {
        const Outcome o = m.run(form);
        const auto json = json::parse(o.out);
        REQUIRE(json);
        CHECK(json->find("rooms")->items.size() == 2);
    }
    CHECK(m.run({"room", "list", "-o", "jsonl", "demo"}).out ==
          "{\"sid\":\"RM_a\",\"name\":\"demo\",\"creationTime\":\"1799996300\","
          "\"numParticipants\":2}\n{\"name\":\"tea \\u001b[31m\"}\n");
    CHECK(m.last<livekit::ListRoomsRequest>().names(0) == "demo");
    CHECK(m.run({"room", "list", "-o", "yaml"}).out ==
          "rooms:\n  - sid: RM_a\n    name: demo\n    creationTime: \"1799996300\"\n"
          "    numParticipants: 2\n  - name: \"tea \\u001b[31m\"\n");
    CHECK(m.run({"room", "list", "--field", "sid"}).out == "RM_a\n");
    CHECK(m.run({"room", "list", "-o", "xml"}).err ==
          "error: --output `xml` is none of table, json, jsonl, yaml; see `confab room list "
          "--help`\n");
    m.answer("livekit.RoomService/ListRooms", livekit::ListRoomsResponse{});
    CHECK(m.run({"room", "list", "-o", "json"}).out == "{}\n");
    CHECK(m.run({"room", "list", "-o", "jsonl"}).out == "");
}

TEST_CASE("room update and delete: roomAdmin of the room; a sentence, or data alone [LKC-04]") {
    Machine m;
    m.answer("livekit.RoomService/UpdateRoomMetadata", demo());
    m.answer("livekit.RoomService/DeleteRoom", livekit::DeleteRoomResponse{});
    CHECK(has(m.run({"room", "update", "demo", "--metadata", "x"}).out,
              "Updated room metadata\n{\n  \"sid\""));
    CHECK(m.asked.back().grants.video->room_admin);
    CHECK(m.asked.back().grants.video->room == "demo");
    CHECK(
        m.run({"room", "update", "--room", "demo", "--metadata", "x", "-j"}).out.starts_with("{"));
    CHECK(m.run({"room", "delete", "demo"}).out == "deleted room demo\n");
    CHECK(m.run({"room", "delete", "demo", "-o", "json"}).out == "{}\n");
    CHECK(m.asked.back().grants.video->room_create);
}

TEST_CASE("list-room: the old name prints one room, or says that there is none [LKC-09]") {
    Machine m;
    livekit::ListRoomsResponse response;
    m.answer("livekit.RoomService/ListRooms", response);
    CHECK(m.run({"list-room", "--room", "demo"}).err ==
          "Using dev credentials\nerror: not_found: there is no room demo\n");
    *response.add_rooms() = demo();
    m.answer("livekit.RoomService/ListRooms", response);
    CHECK(has(m.run({"list-room", "--room", "demo"}).out, "\"sid\": \"RM_a\""));
}

TEST_CASE("room participants: list, get, remove, forward, move [LKC-09]") {
    Machine m;
    livekit::ListParticipantsResponse all;
    auto& anna = *all.add_participants();
    anna.set_identity("anna");
    anna.set_sid("PA_1");
    anna.set_state(livekit::ParticipantInfo::ACTIVE);
    anna.add_tracks()->set_sid("TR_1");
    m.answer("livekit.RoomService/ListParticipants", all);
    m.answer("livekit.RoomService/GetParticipant", anna);
    m.answer("livekit.RoomService/RemoveParticipant", livekit::RemoveParticipantResponse{});
    m.answer("livekit.RoomService/ForwardParticipant", livekit::ForwardParticipantResponse{});
    m.answer("livekit.RoomService/MoveParticipant", livekit::MoveParticipantResponse{});
    CHECK(has(m.run({"room", "participants", "list", "demo"}).out,
              "│ anna     │ ACTIVE │ 1      │      │ PA_1          │\n"));
    CHECK(has(m.run({"list-participants", "--room", "demo"}).out, "anna"));
    CHECK(has(m.run({"room", "participants", "get", "anna", "-r", "demo"}).out,
              "\"identity\": \"anna\""));
    CHECK(m.run({"remove-participant", "--room", "demo", "--identity", "anna"}).out ==
          "removed participant anna\n");
    for (const char* verb : {"forward", "move"}) {
        CHECK(m.run({"room", "participants", verb, "--room", "demo", "--identity", "anna",
                     "--destination-room", "hall"})
                  .code == 0);
        CHECK(m.asked.back().grants.video->destination_room == "hall");
        CHECK(m.last<livekit::MoveParticipantRequest>().destination_room() == "hall");
    }
    CHECK(m.run({"room", "participants", "move", "anna", "--room", "demo"}).code == kExitUsage);
}

TEST_CASE("room participants update: permissions are merged with those it has") {
    Machine m;
    livekit::ParticipantInfo anna;
    anna.set_identity("anna");
    anna.mutable_permission()->set_can_publish(true);
    anna.mutable_permission()->set_can_subscribe(true);
    anna.mutable_permission()->add_can_publish_sources(livekit::CAMERA);
    m.answer("livekit.RoomService/GetParticipant", anna);
    m.answer("livekit.RoomService/UpdateParticipant", anna);
    CHECK(m.run({"room", "participants", "update", "anna", "--room", "demo", "--permissions",
                 R"({"can_publish": false, "hidden": true})", "--name", "Anna", "--attribute",
                 "a=1", "--attribute", "b="})
              .code == 0);
    CHECK(m.last<livekit::UpdateParticipantRequest>().ShortDebugString() ==
          "room: \"demo\" identity: \"anna\" permission { can_subscribe: true hidden: true "
          "can_publish_sources: CAMERA } name: \"Anna\" attributes { key: \"a\" value: \"1\" } "
          "attributes { key: \"b\" value: \"\" }");
    CHECK(m.run({"room", "participants", "update", "anna", "--room", "demo", "--permissions",
                 R"({"canPublishSources": ["MICROPHONE"]})"})
              .code == 0);
    CHECK(m.last<livekit::UpdateParticipantRequest>().permission().can_publish_sources_size() == 1);
    CHECK(has(m.run({"room", "participants", "update", "anna", "--room", "demo", "--permissions",
                     R"({"can_fly": true})"})
                  .err,
              "can_fly"));
    CHECK(has(m.run({"room", "participants", "update", "anna", "--room", "demo"}).err,
              "nothing is to change"));
}

TEST_CASE("tracks: mute unless unmute is said, subscribe likewise, data to some or all") {
    Machine m;
    m.answer("livekit.RoomService/MutePublishedTrack", livekit::MuteRoomTrackResponse{});
    m.answer("livekit.RoomService/UpdateSubscriptions", livekit::UpdateSubscriptionsResponse{});
    m.answer("livekit.RoomService/SendData", livekit::SendDataResponse{});
    const std::vector<std::string> mute{"room", "mute-track", "TR_1", "-r", "demo", "-i", "anna"};
    const auto with = [](std::vector<std::string> words, const char* more) {
        words.emplace_back(more);
        return words;
    };
    CHECK(m.run(mute).out == "Muted track [TR_1]\n");
    CHECK(m.last<livekit::MuteRoomTrackRequest>().muted());
    CHECK(m.run(with(mute, "-u")).out == "Unmuted track [TR_1]\n");
    CHECK(!m.last<livekit::MuteRoomTrackRequest>().muted());
    CHECK(m.run(with(with(mute, "-u"), "-m")).code == kExitFailure);
    const std::vector<std::string> subscribe{
        "update-subscriptions", "TR_1", "TR_2", "-r", "demo", "-i", "ben"};
    CHECK(m.run(subscribe).out == "Subscribed to tracks [TR_1, TR_2]\n");
    CHECK(m.run(with(subscribe, "-S")).out == "Unsubscribed from tracks [TR_1, TR_2]\n");
    CHECK(!m.last<livekit::UpdateSubscriptionsRequest>().subscribe());
    CHECK(m.run({"room", "send-data", "[1,2]", "-r", "demo", "--topic", "t", "--identity", "a",
                 "--identity", "b,c"})
              .code == 0);
    const auto data = m.last<livekit::SendDataRequest>();
    CHECK(data.data() == "[1,2]");
    CHECK(data.topic() == "t");
    CHECK(data.destination_identities_size() == 3);
    CHECK(m.run({"send-data", "--data", "x", "--room", "demo"}).code == 0);
    CHECK(!m.last<livekit::SendDataRequest>().has_topic());
}

TEST_CASE("dispatch: list, get, create and delete, with JSON") {
    Machine m;
    livekit::AgentDispatch one;
    one.set_id("AD_1");
    one.set_room("demo");
    one.set_agent_name("echo");
    livekit::ListAgentDispatchResponse all;
    *all.add_agent_dispatches() = one;
    m.answer("livekit.AgentDispatchService/ListDispatch", all);
    m.answer("livekit.AgentDispatchService/CreateDispatch", one);
    m.answer("livekit.AgentDispatchService/DeleteDispatch", one);
    CHECK(has(m.run({"dispatch", "list", "demo"}).out, "│ AD_1       │ demo │ echo      │"));
    CHECK(m.run({"dispatch", "get", "demo", "AD_1", "--field", "agentName"}).out == "echo\n");
    CHECK(m.last<livekit::ListAgentDispatchRequest>().dispatch_id() == "AD_1");
    CHECK(m.run({"dispatch", "create", "--new-room", "--agent-name", "echo"}).out ==
          "Dispatch created\nDispatchID: AD_1\nRoom: demo\nAgentName: echo\n");
    CHECK(m.last<livekit::CreateAgentDispatchRequest>().room() == "room-010203040506");
    CHECK(has(m.run({"dispatch", "create", "--agent-name", "echo"}).err, "no room; give --room"));
    CHECK(m.run({"dispatch", "delete", "demo", "AD_1", "-j"}).out.starts_with("{"));
    CHECK(m.last<livekit::DeleteAgentDispatchRequest>().dispatch_id() == "AD_1");
}

}  // namespace confab::app::cli
