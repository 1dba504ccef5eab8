// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// room create, list, update, delete (05 C.2).
#include "app/cli/call/call.h"
#include "app/cli/verbs/verbs.h"
#include "livekit_room.pb.h"

namespace confab::app::cli {
namespace {

using google::protobuf::Message;

constexpr Param kRoomName{.names = "-r,--room,room",
                          .help = "The room",
                          .field = "room",
                          .required = true,
                          .live = Live::kRoom};

constexpr Param kCreate[] = {
    {.names = "--name,name",
     .help = "Its name",
     .field = "name",
     .kind = Kind::kName,
     .required = true},
    {.names = "--room-preset,--room-configuration",
     .help = "A preset of room_configurations",
     .field = "room_preset"},
    {.names = "--metadata", .help = "Metadata of the room", .field = "metadata"},
    {.names = "--max-participants",
     .help = "How many may join; 0: as the server says",
     .field = "max_participants",
     .kind = Kind::kNumber},
    {.names = "--empty-timeout",
     .help = "Seconds that it stays when nobody came",
     .field = "empty_timeout",
     .kind = Kind::kNumber},
    {.names = "--departure-timeout",
     .help = "Seconds that it stays when the last one went",
     .field = "departure_timeout",
     .kind = Kind::kNumber},
    {.names = "--min-playout-delay",
     .help = "Of video, ms",
     .field = "min_playout_delay",
     .kind = Kind::kNumber},
    {.names = "--max-playout-delay",
     .help = "Of video, ms",
     .field = "max_playout_delay",
     .kind = Kind::kNumber},
    {.names = "--sync-streams",
     .help = "Sound and picture of one participant in one stream",
     .field = "sync_streams",
     .kind = Kind::kBool},
    {.names = "--room-egress-file",
     .help = "Record the room: a RoomCompositeEgressRequest as JSON",
     .live = Live::kFile},
    {.names = "--participant-egress-file",
     .help = "Record each participant: an AutoParticipantEgress as JSON",
     .live = Live::kFile},
    {.names = "--track-egress-file",
     .help = "Record each track: an AutoTrackEgress as JSON",
     .live = Live::kFile},
    {.names = "--agents-file",
     .help = "Agents that join: a RoomAgent as JSON",
     .live = Live::kFile},
    {.names = "--replay-enabled",
     .help = "",
     .field = "replay_enabled",
     .kind = Kind::kBool,
     .hidden = true},
};

constexpr Param kList[] = {
    {.names = "--names,names",
     .help = "Only these rooms",
     .field = "names",
     .kind = Kind::kList,
     .live = Live::kRoom},
};
// An old form: one room, by a flag.
constexpr Param kListOne[] = {
    {.names = "-r,--room,room", .help = "The room", .required = true},
};

constexpr Param kUpdate[] = {
    kRoomName,
    {.names = "--metadata", .help = "The new metadata", .field = "metadata", .required = true},
};
constexpr Param kDelete[] = {kRoomName};

constexpr Column kColumns[] = {
    {"RoomID", "sid"},
    {"Name", "name"},
    {"Participants", "numParticipants", "0"},
    {"Publishers", "numPublishers", "0"},
};

Result<void, std::string> read_file(Call& call, const char* flag, Message& message) {
    const auto read = call.read_json(call.values().text(flag), message);
    if (!read) return fail("--" + std::string(flag) + ": " + read.error());
    return {};
}

Result<void, std::string> add_files(Call& call, Message& message) {
    auto& request = static_cast<livekit::CreateRoomRequest&>(message);
    const Values& values = call.values();
    if (values.has("room-egress-file"))
        CONFAB_TRY_VOID(
            read_file(call, "room-egress-file", *request.mutable_egress()->mutable_room()));
    if (values.has("participant-egress-file"))
        CONFAB_TRY_VOID(read_file(call, "participant-egress-file",
                                  *request.mutable_egress()->mutable_participant()));
    if (values.has("track-egress-file"))
        CONFAB_TRY_VOID(
            read_file(call, "track-egress-file", *request.mutable_egress()->mutable_tracks()));
    if (values.has("agents-file")) {
        livekit::RoomAgent agents;
        CONFAB_TRY_VOID(read_file(call, "agents-file", agents));
        *request.mutable_agents() = agents.dispatches();
    }
    return {};
}

constexpr Api kListApi{"livekit.RoomService/ListRooms", prototype<livekit::ListRoomsRequest>,
                       prototype<livekit::ListRoomsResponse>, grant::kList};

Outcome list_one(Call& call) {
    livekit::ListRoomsRequest request;
    livekit::ListRoomsResponse response;
    request.add_names(call.values().text("room"));
    if (const auto asked = call.ask(kListApi, request, response); !asked)
        return call.failed(asked.error());
    if (response.rooms().empty())
        return call.failed("not_found: there is no room " + call.values().text("room"));
    return call.answered(response.rooms(0), {.shape = Shape::kObject});
}

constexpr Verb kVerbs[] = {
    {.group = "room",
     .name = "create",
     .help = "Make a room before somebody joins it",
     .examples = "confab room create demo\n"
                 "confab room create demo --empty-timeout 600 --metadata '{\"topic\": \"tea\"}'",
     .params = kCreate,
     .api = {"livekit.RoomService/CreateRoom", prototype<livekit::CreateRoomRequest>,
             prototype<livekit::Room>, grant::kCreate | grant::kRecord},
     .print = {.shape = Shape::kObject},
     .prepare = add_files,
     .old_names = "create-room"},
    {.group = "room",
     .name = "list",
     .help = "List rooms",
     .examples = "confab room list\nconfab room list demo tea -o yaml\n"
                 "confab room list --field name",
     .params = kList,
     .api = kListApi,
     .print = {.shape = Shape::kList, .items = "rooms", .columns = kColumns},
     .old_names = "list-rooms"},
    {.group = "",
     .name = "list-room",
     .help = "Print one room",
     .examples = "",
     .params = kListOne,
     .run = list_one,
     .hidden = true},
    {.group = "room",
     .name = "update",
     .help = "Change the metadata of a room",
     .examples = "confab room update demo --metadata '{\"topic\": \"coffee\"}'",
     .params = kUpdate,
     .api = {"livekit.RoomService/UpdateRoomMetadata",
             prototype<livekit::UpdateRoomMetadataRequest>, prototype<livekit::Room>,
             grant::kAdmin},
     .print = {.shape = Shape::kObject, .sentence = "Updated room metadata"},
     .old_names = "update-room-metadata"},
    {.group = "room",
     .name = "delete",
     .help = "End a room; who is in it is told to leave",
     .examples = "confab room delete demo",
     .params = kDelete,
     .api = {"livekit.RoomService/DeleteRoom", prototype<livekit::DeleteRoomRequest>,
             prototype<livekit::DeleteRoomResponse>, grant::kCreate},
     .print = {.shape = Shape::kDone, .sentence = "deleted room {room}"},
     .old_names = "delete-room"},
};

}  // namespace

std::span<const Verb> room_verbs() {
    return kVerbs;
}

}  // namespace confab::app::cli
