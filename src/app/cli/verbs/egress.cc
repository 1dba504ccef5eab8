// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// egress (05 C.2).
#include <algorithm>
#include <array>
#include <memory>

#include "app/cli/call/call.h"
#include "app/cli/call/templates.h"
#include "app/cli/output/json_text.h"
#include "app/cli/output/table_text.h"
#include "app/cli/verbs/verbs.h"
#include "base/text.h"
#include "livekit_egress.pb.h"

namespace confab::app::cli {
namespace {

using google::protobuf::Message;

// A recorder has to be found and to begin.
constexpr Duration kStartTime = Duration::seconds(30);

constexpr Param kStart[] = {
    {.names = "--type",
     .help = "What is recorded; without it a room, put together",
     .choices = "room-composite,participant,track,track-composite,web"},
    {.names = "--request,request",
     .help = "The request: JSON, a file with it, or - for stdin",
     .required = true,
     .live = Live::kFile},
};
constexpr Param kList[] = {
    {.names = "--id,ids",
     .help = "Only these; repeatable",
     .kind = Kind::kList,
     .live = Live::kEgress},
    {.names = "-r,--room", .help = "Only of this room", .field = "room_name", .live = Live::kRoom},
    {.names = "-a,--active", .help = "Only those that run", .field = "active", .kind = Kind::kBool},
    {.names = "--limit", .help = "Not more than these many", .kind = Kind::kNumber},
};
constexpr Param kStop[] = {
    {.names = "--id,ids",
     .help = "Which; repeatable",
     .kind = Kind::kList,
     .required = true,
     .live = Live::kEgress},
};
constexpr Param kId{.names = "--id,id",
                    .help = "Which",
                    .field = "egress_id",
                    .required = true,
                    .live = Live::kEgress};
constexpr Param kLayout[] = {
    kId,
    {.names = "--layout", .help = "The new layout", .field = "layout", .required = true},
};
constexpr Param kStream[] = {
    kId,
    {.names = "--add-urls",
     .help = "Addresses to stream to as well; repeatable",
     .field = "add_output_urls",
     .kind = Kind::kList},
    {.names = "--remove-urls",
     .help = "Addresses not to stream to any more; repeatable",
     .field = "remove_output_urls",
     .kind = Kind::kList},
};
constexpr Param kRequestOnly[] = {
    {.names = "--request,request",
     .help = "The request: JSON, a file with it, or - for stdin",
     .required = true,
     .live = Live::kFile},
};

struct Type {
    std::string_view name;
    std::string_view old_name;
    Api api;
};
constexpr std::array<Type, 5> kTypes{{
    {"room-composite",
     "start-room-composite-egress",
     {"livekit.Egress/StartRoomCompositeEgress", prototype<livekit::RoomCompositeEgressRequest>,
      prototype<livekit::EgressInfo>, grant::kRecord}},
    {"participant",
     "start-participant-egress",
     {"livekit.Egress/StartParticipantEgress", prototype<livekit::ParticipantEgressRequest>,
      prototype<livekit::EgressInfo>, grant::kRecord}},
    {"track",
     "start-track-egress",
     {"livekit.Egress/StartTrackEgress", prototype<livekit::TrackEgressRequest>,
      prototype<livekit::EgressInfo>, grant::kRecord}},
    {"track-composite",
     "start-track-composite-egress",
     {"livekit.Egress/StartTrackCompositeEgress", prototype<livekit::TrackCompositeEgressRequest>,
      prototype<livekit::EgressInfo>, grant::kRecord}},
    {"web",
     "start-web-egress",
     {"livekit.Egress/StartWebEgress", prototype<livekit::WebEgressRequest>,
      prototype<livekit::EgressInfo>, grant::kRecord}},
}};

// The member of EgressInfo that says what is recorded.
struct Source {
    const char* member;
    const char* type;
    std::array<const char*, 3> parts;  // "/" between the first and the others, "," between those
};
constexpr std::array<Source, 5> kSources{{
    {"roomComposite", "room_composite", {"roomName", nullptr, nullptr}},
    {"web", "web", {"url", nullptr, nullptr}},
    {"participant", "participant", {"roomName", "identity", nullptr}},
    {"trackComposite", "track_composite", {"roomName", "videoTrackId", "audioTrackId"}},
    {"track", "track", {"roomName", "trackId", nullptr}},
}};

const Source* source_of(const json::Value& item) {
    for (const Source& source : kSources)
        if (item.find(source.member) != nullptr) return &source;
    return nullptr;
}

std::string type_text(const json::Value& item) {
    const Source* const source = source_of(item);
    return source == nullptr ? "" : source->type;
}

std::string source_text(const json::Value& item) {
    const Source* const source = source_of(item);
    if (source == nullptr) return text_at(item, "roomName");
    const json::Value& request = *item.find(source->member);
    std::string text = text_at(request, source->parts[0]);
    std::string others;
    for (const char* part : {source->parts[1], source->parts[2]})
        if (part != nullptr && !text_at(request, part).empty())
            others += (others.empty() ? "" : ",") + text_at(request, part);
    return others.empty() ? text : text + "/" + others;
}

std::string started_text(const json::Value& item) {
    const auto nanos = parse_decimal<std::uint64_t>(text_at(item, "startedAt"));
    return nanos ? rfc3339(UnixTime::micros(static_cast<std::int64_t>(*nanos / 1000))) : "";
}

constexpr Column kColumns[] = {{"EgressID", "egressId"},
                               {"Status", "status", "EGRESS_STARTING"},
                               {"Type", "", "", type_text},
                               {"Source", "", "", source_text},
                               {"Started At", "", "", started_text},
                               {"Error", "error"}};
constexpr Column kOne[] = {
    {"EgressID", "egressId"}, {"Status", "status", "EGRESS_STARTING"}, {"Error", "error"}};
std::string lk_line(const json::Value& info) {
    const std::string id = "EgressID: " + text_at(info, "egressId");
    const std::string error = text_at(info, "error");
    if (!error.empty()) return id + " Error: " + printable(error) + "\n";
    const std::string status = text_at(info, "status");
    return id + " Status: " + (status.empty() ? "EGRESS_STARTING" : status) + "\n";
}

constexpr Print kInfo{.shape = Shape::kObject, .columns = kOne, .as_lk = lk_line};
constexpr Print kInfos{.shape = Shape::kList, .items = "items", .columns = kColumns};

Outcome start_as(Call& call, const Type& type) {
    const std::unique_ptr<Message> request(type.api.request().New());
    livekit::EgressInfo info;
    call.set_timeout(kStartTime);
    if (const auto read = call.read_json(call.values().text("request"), *request); !read)
        return call.failed(read.error());
    if (const auto asked = call.ask(type.api, *request, info); !asked)
        return call.failed(asked.error());
    return call.answered(info, kInfo);
}

Outcome start(Call& call) {
    const std::string wanted =
        call.values().has("type") ? call.values().text("type") : std::string(kTypes[0].name);
    for (const Type& type : kTypes)
        if (type.name == wanted) return start_as(call, type);
    return call.failed("unknown --type " + wanted);
}

template <std::size_t I>
Outcome start_old(Call& call) {
    return start_as(call, kTypes[I]);
}

constexpr Api kListApi{"livekit.Egress/ListEgress", prototype<livekit::ListEgressRequest>,
                       prototype<livekit::ListEgressResponse>, grant::kRecord};
constexpr Api kStopApi{"livekit.Egress/StopEgress", prototype<livekit::StopEgressRequest>,
                       prototype<livekit::EgressInfo>, grant::kRecord};

// One call for each id, as the API takes one.
Outcome list(Call& call) {
    livekit::ListEgressResponse all;
    std::vector<std::string> ids = call.values().list("id");
    if (ids.empty()) ids.emplace_back();
    for (const std::string& id : ids) {
        livekit::ListEgressRequest request;
        livekit::ListEgressResponse response;
        if (const auto filled = call.fill(request); !filled) return call.failed(filled.error());
        if (!id.empty()) request.set_egress_id(id);
        if (const auto asked = call.ask(kListApi, request, response); !asked)
            return call.failed(asked.error());
        all.mutable_items()->MergeFrom(response.items());
    }
    const auto limit = static_cast<int>(
        std::min<std::uint64_t>(call.values().number("limit", 1'000'000), 1'000'000));
    if (all.items_size() > limit)
        all.mutable_items()->DeleteSubrange(limit, all.items_size() - limit);
    return call.answered(all, kInfos);
}

// All are tried; one that fails makes the end a failure.
Outcome stop(Call& call) {
    livekit::ListEgressResponse stopped;
    std::string errors;
    for (const std::string& id : call.values().list("id")) {
        livekit::StopEgressRequest request;
        request.set_egress_id(id);
        if (const auto asked = call.ask(kStopApi, request, *stopped.add_items()); !asked) {
            stopped.mutable_items()->RemoveLast();
            errors += (errors.empty() ? "" : "\nerror: ") + id + ": " + asked.error();
        }
    }
    std::string out;
    if (call.settings().form.is_machine()) {
        out = printed(answer_of(stopped, kInfos), kInfos, call.settings().form, "");
    } else {
        for (const livekit::EgressInfo& info : stopped.items())
            out += "Stopping Egress " + info.egress_id() + "\n";
    }
    Outcome outcome = errors.empty() ? call.done({}) : call.failed(errors);
    outcome.out = std::move(out);
    return outcome;
}

constexpr Verb old_start(std::size_t index, Run run) {
    return {.group = "",
            .name = kTypes[index].old_name,
            .help = "Start a recording or stream",
            .examples = "",
            .params = kRequestOnly,
            .run = run,
            .hidden = true};
}

constexpr Verb kVerbs[] = {
    {.group = "egress",
     .name = "start",
     .help = "Start a recording or stream",
     .examples = "confab egress start '{\"room_name\": \"demo\", \"layout\": \"speaker\","
                 " \"file_outputs\": [{\"filepath\": \"/out/demo.mp4\"}]}'\n"
                 "confab egress start --type track request.json",
     .params = kStart,
     .run = start},
    {.group = "egress",
     .name = "list",
     .help = "List recordings and streams",
     .examples = "confab egress list --active\nconfab egress list --room demo -o json",
     .params = kList,
     .run = list,
     .old_names = "list-egress"},
    {.group = "egress",
     .name = "stop",
     .help = "End them",
     .examples = "confab egress stop --id EG_WVVuvVXPBcYe",
     .params = kStop,
     .run = stop,
     .old_names = "stop-egress"},
    {.group = "egress",
     .name = "update-layout",
     .help = "Change the layout of one that runs",
     .examples = "confab egress update-layout --id EG_WVVuvVXPBcYe --layout grid",
     .params = kLayout,
     .api = {"livekit.Egress/UpdateLayout", prototype<livekit::UpdateLayoutRequest>,
             prototype<livekit::EgressInfo>, grant::kRecord},
     .print = kInfo,
     .old_names = "update-layout"},
    {.group = "egress",
     .name = "update-stream",
     .help = "Change where a stream goes",
     .examples = "confab egress update-stream --id EG_WVVuvVXPBcYe"
                 " --add-urls rtmp://live.example.com/app/key",
     .params = kStream,
     .api = {"livekit.Egress/UpdateStream", prototype<livekit::UpdateStreamRequest>,
             prototype<livekit::EgressInfo>, grant::kRecord},
     .print = kInfo,
     .old_names = "update-stream"},
    old_start(0, start_old<0>),
    old_start(1, start_old<1>),
    old_start(2, start_old<2>),
    old_start(3, start_old<3>),
    old_start(4, start_old<4>),
};

}  // namespace

std::span<const Verb> egress_verbs() {
    return kVerbs;
}

}  // namespace confab::app::cli
