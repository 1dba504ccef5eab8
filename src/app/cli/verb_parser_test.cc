// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the words of a command line mean: truth, templates, dashes.
#include "app/cli/verb_parser.h"

#include "app/cli/cli_testing.h"
#include "livekit_room.pb.h"

namespace confab::app::cli {

using testing::has;
using testing::Machine;

namespace {

std::string room_of(Machine& m, const char* verb, const std::vector<std::string>& more) {
    std::vector<std::string> words{"room", verb};
    words.insert(words.end(), more.begin(), more.end());
    m.answer("livekit.RoomService/CreateRoom", livekit::Room{});
    m.answer("livekit.RoomService/DeleteRoom", livekit::DeleteRoomResponse{});
    REQUIRE(m.run(words).code == 0);
    return std::string(verb) == "create" ? m.last<livekit::CreateRoomRequest>().name()
                                         : m.last<livekit::DeleteRoomRequest>().room();
}

}  // namespace

TEST_CASE("flags of yes and no: 1, t, 0 and f are values, what is neither is a usage error") {
    Machine m;
    m.answer("livekit.RoomService/MutePublishedTrack", livekit::MuteRoomTrackResponse{});
    const auto muted = [&](const std::string& flag) {
        m.asked.clear();
        REQUIRE(m.run({"room", "mute-track", "TR_1", "-r", "demo", "-i", "anna", flag}).code == 0);
        return m.last<livekit::MuteRoomTrackRequest>().muted();
    };
    for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"})
        CHECK_MESSAGE(!muted("--unmute=" + std::string(yes)), yes);
    for (const char* no : {"0", "f", "F", "false", "FALSE", "False"})
        CHECK_MESSAGE(muted("--unmute=" + std::string(no)), no);
    m.answer("livekit.RoomService/CreateRoom", livekit::Room{});
    CHECK(m.run({"room", "create", "demo", "--sync-streams=1"}).code == 0);
    CHECK(m.last<livekit::CreateRoomRequest>().sync_streams());
    m.asked.clear();
    const Outcome o = m.run({"room", "create", "demo", "--sync-streams=yes"});
    CHECK(o.code == kExitUsage);
    CHECK(o.err ==
          "error: --sync-streams `yes` is neither true nor false; see `confab room create "
          "--help`\n");
    CHECK(m.run({"token", "create", "--list", "--no-publish=maybe"}).code == kExitUsage);
    CHECK(m.asked.empty());
}

TEST_CASE("templates: in flags of what is made; a name by position or to be found stays [LKC-06]") {
    Machine m;
    CHECK(room_of(m, "create", {"--name", "100%Y"}) == "1002027");
    CHECK(room_of(m, "create", {"--name", "100%%Y"}) == "100%Y");
    CHECK(room_of(m, "create", {"100%Y"}) == "100%Y");
    CHECK(room_of(m, "delete", {"100%Y"}) == "100%Y");
    CHECK(room_of(m, "delete", {"--room", "100%Y"}) == "100%Y");
    m.asked.clear();
    CHECK(has(m.run({"room", "create", "a", "--name", "b"}).err, "is given twice"));
    CHECK(has(m.run({"room", "create", "--help"}).out, "--name NAME"));
    CHECK(m.asked.empty());
}

TEST_CASE("as lk: one dash does for a long name; groups have help, -v the version") {
    Machine m;
    m.program = "lk";
    m.answer("livekit.RoomService/ListRooms", livekit::ListRoomsResponse{});
    m.answer("livekit.RoomService/SendData", livekit::SendDataResponse{});
    CHECK(m.run_bare({"-dev", "-url", "http://own", "room", "list", "-json"}).out == "{}\n");
    CHECK(m.asked.back().url == "http://own/twirp/livekit.RoomService/ListRooms");
    CHECK(m.run({"room", "send-data", "-room=demo", "-data", "-topic", "-topic", "t"}).code == 0);
    CHECK(m.last<livekit::SendDataRequest>().data() == "-topic");
    CHECK(m.last<livekit::SendDataRequest>().topic() == "t");
    CHECK(m.run({"token", "create", "-join", "-room", "r"}).code == 0);
    CHECK(m.run({"room", "list", "-jsn"}).code == kExitUsage);
    for (const std::vector<std::string>& group :
         {std::vector<std::string>{"room"}, {"sip", "inbound"}}) {
        const Outcome o = m.run_bare(group);
        CHECK(o.code == 0);
        CHECK(has(o.out, "\nCommands:\n"));
    }
    CHECK(m.run_bare({"-v"}).out == m.run_bare({"--version"}).out);
    CHECK(has(m.run_bare({"-v"}).out, "confab "));
    CHECK(has(m.run_bare({"a", "deploy"}).err, "error: `agent deploy` is of"));
    m.program = "confab";
    CHECK(m.run_bare({"room", "list", "-url", "http://own", "--dev"}).code == kExitUsage);
    CHECK(m.run_bare({"room"}).code == kExitUsage);
}

}  // namespace confab::app::cli
