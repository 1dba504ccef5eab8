// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// room participants (05 C.2).
#include "app/cli/call/call.h"
#include "app/cli/call/key_values.h"
#include "app/cli/call/request_fields.h"
#include "app/cli/verbs/verbs.h"
#include "base/text.h"
#include "livekit_room.pb.h"
#include "proto/json_read.h"

namespace confab::app::cli {
namespace {

using google::protobuf::Message;

constexpr Param kRoom{.names = "-r,--room",
                      .help = "The room",
                      .field = "room",
                      .required = true,
                      .live = Live::kRoom};
constexpr Param kIdentity{.names = "-i,--identity,identity",
                          .help = "Who",
                          .field = "identity",
                          .required = true,
                          .live = Live::kIdentity};

constexpr Param kList[] = {
    {.names = "-r,--room,room",
     .help = "The room",
     .field = "room",
     .required = true,
     .live = Live::kRoom},
};
constexpr Param kOne[] = {kRoom, kIdentity};
constexpr Param kOther[] = {
    kRoom,
    kIdentity,
    {.names = "--destination-room",
     .help = "The other room",
     .field = "destination_room",
     .required = true,
     .live = Live::kRoom},
};
constexpr Param kUpdate[] = {
    kRoom,
    kIdentity,
    {.names = "--metadata", .help = "The new metadata", .field = "metadata"},
    {.names = "--name", .help = "The new name", .field = "name"},
    {.names = "--permissions",
     .help = "What changes of the permissions, as JSON: '{\"can_publish\": false}'"},
    {.names = "--attribute",
     .help = "Attribute key=value, without a value: away with it; repeatable",
     .kind = Kind::kTexts},
};

std::string track_count(const json::Value& item) {
    const json::Value* const tracks = item.find("tracks");
    return std::to_string(tracks == nullptr ? 0 : tracks->items.size());
}

constexpr Column kColumns[] = {
    {"Identity", "identity"}, {"State", "state", "JOINING"}, {"Tracks", "", "", track_count},
    {"Name", "name"},         {"ParticipantID", "sid"},
};

constexpr Api kGet{"livekit.RoomService/GetParticipant",
                   prototype<livekit::RoomParticipantIdentity>, prototype<livekit::ParticipantInfo>,
                   grant::kAdmin};

// What the JSON names replaces what was, everything else stays as the participant has it.
Result<void, std::string> merge_permissions(const std::string& text,
                                            livekit::ParticipantPermission& permission) {
    livekit::ParticipantPermission checked;
    CONFAB_TRY_VOID(read_json_text(text, checked));
    const auto json = json::parse(text);
    if (!json || json->kind != json::Kind::kObject)
        return fail(std::string("the JSON is no ParticipantPermission"));
    if (json->find("can_publish_sources") != nullptr || json->find("canPublishSources") != nullptr)
        permission.clear_can_publish_sources();
    if (proto::read_json(*json, permission) != proto::JsonRead::kDone)
        return fail(std::string("the JSON is no ParticipantPermission"));
    return {};
}

Result<void, std::string> add_permissions(Call& call, livekit::UpdateParticipantRequest& request) {
    livekit::RoomParticipantIdentity who;
    livekit::ParticipantInfo now;
    who.set_room(request.room());
    who.set_identity(request.identity());
    CONFAB_TRY_VOID(call.ask(kGet, who, now));
    *request.mutable_permission() = now.permission();
    CONFAB_TRY(const std::string text, call.read_given(call.values().text("permissions")));
    const auto merged = merge_permissions(text, *request.mutable_permission());
    if (!merged) return fail("--permissions: " + merged.error());
    return {};
}

Result<void, std::string> add_changes(Call& call, Message& message) {
    auto& request = static_cast<livekit::UpdateParticipantRequest&>(message);
    const Values& values = call.values();
    if (!values.has("metadata") && !values.has("permissions") && !values.has("name") &&
        !values.has("attribute"))
        return fail(
            std::string("nothing is to change; give --metadata, --permissions, --name or "
                        "--attribute"));
    CONFAB_TRY(const KeyValues attributes, read_attributes(values.list("attribute")));
    request.mutable_attributes()->insert(attributes.begin(), attributes.end());
    if (values.has("permissions")) return add_permissions(call, request);
    return {};
}

constexpr Verb kVerbs[] = {
    {.group = "room participants",
     .name = "list",
     .help = "List who is in a room",
     .examples = "confab room participants list demo",
     .params = kList,
     .api = {"livekit.RoomService/ListParticipants", prototype<livekit::ListParticipantsRequest>,
             prototype<livekit::ListParticipantsResponse>, grant::kAdmin},
     .print = {.shape = Shape::kList, .items = "participants", .columns = kColumns},
     .old_names = "list-participants"},
    {.group = "room participants",
     .name = "get",
     .help = "Print one participant with all tracks",
     .examples = "confab room participants get anna --room demo",
     .params = kOne,
     .api = kGet,
     .print = {.shape = Shape::kObject},
     .old_names = "get-participant"},
    {.group = "room participants",
     .name = "update",
     .help = "Change metadata, name, attributes and permissions",
     .examples = "confab room participants update anna --room demo --metadata hello\n"
                 "confab room participants update anna -r demo"
                 " --permissions '{\"can_publish\": false}'",
     .params = kUpdate,
     .api = {"livekit.RoomService/UpdateParticipant", prototype<livekit::UpdateParticipantRequest>,
             prototype<livekit::ParticipantInfo>, grant::kAdmin},
     .print = {.shape = Shape::kObject, .sentence = "participant {identity} is updated"},
     .prepare = add_changes,
     .old_names = "update-participant"},
    {.group = "room participants",
     .name = "remove",
     .help = "Put a participant out of a room",
     .examples = "confab room participants remove anna --room demo",
     .params = kOne,
     .api = {"livekit.RoomService/RemoveParticipant", prototype<livekit::RoomParticipantIdentity>,
             prototype<livekit::RemoveParticipantResponse>, grant::kAdmin},
     .print = {.shape = Shape::kDone, .sentence = "removed participant {identity}"},
     .old_names = "remove-participant"},
    {.group = "room participants",
     .name = "forward",
     .help = "Show a participant in a second room, too",
     .examples = "confab room participants forward anna --room demo --destination-room hall",
     .params = kOther,
     .api = {"livekit.RoomService/ForwardParticipant",
             prototype<livekit::ForwardParticipantRequest>,
             prototype<livekit::ForwardParticipantResponse>, grant::kAdmin},
     .print = {.shape = Shape::kDone,
               .sentence = "participant {identity} of {room} is seen in {destination-room}, too"}},
    {.group = "room participants",
     .name = "move",
     .help = "Move a participant to another room",
     .examples = "confab room participants move anna --room demo --destination-room hall",
     .params = kOther,
     .api = {"livekit.RoomService/MoveParticipant", prototype<livekit::MoveParticipantRequest>,
             prototype<livekit::MoveParticipantResponse>, grant::kAdmin},
     .print = {.shape = Shape::kDone,
               .sentence = "moved participant {identity} from {room} to {destination-room}"}},
};

}  // namespace

std::span<const Verb> participant_verbs() {
    return kVerbs;
}

}  // namespace confab::app::cli
