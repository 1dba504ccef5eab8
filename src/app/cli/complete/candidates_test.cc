// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Completion, as a shell asks for it.
#include "app/cli/cli_testing.h"
#include "livekit_room.pb.h"
#include "livekit_sip.pb.h"

namespace confab::app::cli {

using testing::has;
using testing::Machine;

namespace {

std::string complete(Machine& m, std::vector<std::string> words) {
    words.insert(words.begin(), {"__complete", "--"});
    return m.run_bare(words).out;
}

}  // namespace

TEST_CASE("completion: verbs, groups, commands and flags that begin so [LKC-08]") {
    Machine m;
    CHECK(complete(m, {"ro"}) == "room\nrooms\n");
    CHECK(has(complete(m, {""}), "serve\n"));
    CHECK(!has(complete(m, {""}), "agent\n"));
    CHECK(complete(m, {"room", "p"}) == "participants\n");
    CHECK(complete(m, {"--dev", "room", "participants", "re"}) == "remove\n");
    CHECK(complete(m, {"sip", "in", "c"}) == "create\n");
    CHECK(complete(m, {"room", "create", "--em"}) == "--empty-timeout\n");
    CHECK(has(complete(m, {"room", "list", "--"}), "--url\n"));
    CHECK(complete(m, {"room", "list", "-o", "j"}) == "json\njsonl\n");
    CHECK(complete(m, {"completion", ""}) == "bash\nfish\nzsh\n");
    CHECK(complete(m, {"nothing", ""}) == "");
    CHECK(complete(m, {}) == "");
}

TEST_CASE("completion: names that the server has, asked at most every two seconds [LKC-08]") {
    Machine m;
    livekit::ListRoomsResponse rooms;
    rooms.add_rooms()->set_name("demo");
    rooms.add_rooms()->set_name("den two");
    rooms.add_rooms()->set_name("bad\nname");
    m.answer("livekit.RoomService/ListRooms", rooms);
    CHECK(complete(m, {"--dev", "room", "delete", "d"}) == "demo\nden two\n");
    CHECK(m.asked.size() == 1);
    CHECK(complete(m, {"room", "delete", "--dev", "--room", ""}) == "demo\nden two\n");
    CHECK(m.asked.size() == 1);
    CHECK(m.files.begin()->first.starts_with("/home/me/.cache/confab/names-"));
    m.now = m.now + Duration::seconds(2);
    CHECK(complete(m, {"--dev", "stats", ""}) == "demo\nden two\n");
    CHECK(m.asked.size() == 2);
    livekit::ListParticipantsResponse people;
    people.add_participants()->set_identity("anna");
    people.mutable_participants(0)->add_tracks()->set_sid("TR_1");
    m.answer("livekit.RoomService/ListParticipants", people);
    CHECK(complete(m, {"--dev", "room", "participants", "get", "-r", "demo", ""}) == "anna\n");
    CHECK(m.last<livekit::ListParticipantsRequest>().room() == "demo");
    CHECK(complete(m, {"room", "mute-track", "--dev", "--room=demo", ""}) == "TR_1\n");
    CHECK(complete(m, {"room", "mute-track", "--dev", ""}) == "");
    livekit::ListSIPInboundTrunkResponse trunks;
    trunks.add_items()->set_sip_trunk_id("ST_1");
    m.answer("livekit.SIP/ListSIPInboundTrunk", trunks);
    CHECK(complete(m, {"--dev", "sip", "inbound", "delete", ""}) == "ST_1\n");
}

TEST_CASE("completion: nothing, and no error, where the server cannot be asked; projects by name") {
    Machine m;
    m.http = [](const auto&) -> net::HttpClient::Result {
        return fail(net::HttpClientError::kConnect);
    };
    CHECK(complete(m, {"--dev", "room", "delete", ""}) == "");
    CHECK(complete(m, {"room", "delete", ""}) == "");
    m.files["/home/me/.confab/cli-config.yaml"] = {"projects: [{name: home, url: ws://x}]", 0600};
    CHECK(complete(m, {"room", "list", "--project", ""}) == "home\n");
}

TEST_CASE("completion: scripts name the program as it was called") {
    Machine m;
    m.program = "lk";
    CHECK(has(m.run_bare({"completion", "bash"}).out, "complete -o default -F _lk_complete lk\n"));
    CHECK(has(m.run_bare({"completion", "zsh"}).out, "compdef _lk_complete lk\n"));
    CHECK(has(m.run_bare({"completion", "fish"}).out, "complete -c lk -f"));
    CHECK(m.run_bare({"completion", "tcsh"}).code == kExitUsage);
}

}  // namespace confab::app::cli
