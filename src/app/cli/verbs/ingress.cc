// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// ingress (05 C.2).
#include "app/cli/call/call.h"
#include "app/cli/output/json_text.h"
#include "app/cli/output/table_text.h"
#include "app/cli/verbs/verbs.h"
#include "livekit_ingress.pb.h"

namespace confab::app::cli {
namespace {

using google::protobuf::Message;

constexpr Param kRequest[] = {
    {.names = "--request,request",
     .help = "The request: JSON, a file with it, or - for stdin",
     .required = true,
     .live = Live::kFile},
};
constexpr Param kList[] = {
    {.names = "-r,--room", .help = "Only of this room", .field = "room_name", .live = Live::kRoom},
    {.names = "--id", .help = "Only this one", .field = "ingress_id", .live = Live::kIngress},
};
constexpr Param kDelete[] = {
    {.names = "--id,id",
     .help = "The ingress",
     .field = "ingress_id",
     .required = true,
     .live = Live::kIngress},
};

constexpr Column kColumns[] = {
    {"IngressID", "ingressId"}, {"Name", "name"}, {"Room", "roomName"},
    {"StreamKey", "streamKey"}, {"URL", "url"},   {"Status", "state.status", "ENDPOINT_INACTIVE"},
    {"Error", "state.error"}};
constexpr Column kOne[] = {{"IngressID", "ingressId"},
                           {"Status", "state.status", "ENDPOINT_INACTIVE"},
                           {"URL", "url"},
                           {"Stream Key", "streamKey"},
                           {"Error", "state.error"}};
std::string lk_lines(const json::Value& info) {
    const std::string id = "IngressID: " + text_at(info, "ingressId");
    const std::string error = text_at(info, "state.error");
    if (!error.empty()) return id + " Error: " + printable(error) + "\n";
    const std::string status = text_at(info, "state.status");
    const bool has_state = info.find("state") != nullptr;
    return id + " Status: " + (status.empty() && has_state ? "ENDPOINT_INACTIVE" : status) +
           "\nURL: " + printable(text_at(info, "url")) +
           " Stream Key: " + printable(text_at(info, "streamKey")) + "\n";
}

constexpr Print kPrint{.shape = Shape::kObject, .columns = kOne, .as_lk = lk_lines};

Result<void, std::string> read_request(Call& call, Message& request) {
    return call.read_json(call.values().text("request"), request);
}

constexpr Verb kVerbs[] = {
    {.group = "ingress",
     .name = "create",
     .help = "Make a place that media can be streamed to",
     .examples = "confab ingress create '{\"input_type\": \"RTMP_INPUT\", \"room_name\": \"demo\","
                 " \"participant_identity\": \"obs\"}'\nconfab ingress create request.json",
     .params = kRequest,
     .api = {"livekit.Ingress/CreateIngress", prototype<livekit::CreateIngressRequest>,
             prototype<livekit::IngressInfo>, grant::kIngress},
     .print = kPrint,
     .prepare = read_request,
     .old_names = "create-ingress"},
    {.group = "ingress",
     .name = "update",
     .help = "Change one that is not in use",
     .examples = "confab ingress update '{\"ingress_id\": \"IN_x\", \"room_name\": \"hall\"}'",
     .params = kRequest,
     .api = {"livekit.Ingress/UpdateIngress", prototype<livekit::UpdateIngressRequest>,
             prototype<livekit::IngressInfo>, grant::kIngress},
     .print = kPrint,
     .prepare = read_request,
     .old_names = "update-ingress"},
    {.group = "ingress",
     .name = "list",
     .help = "List them",
     .examples = "confab ingress list --room demo",
     .params = kList,
     .api = {"livekit.Ingress/ListIngress", prototype<livekit::ListIngressRequest>,
             prototype<livekit::ListIngressResponse>, grant::kIngress},
     .print = {.shape = Shape::kList, .items = "items", .columns = kColumns},
     .old_names = "list-ingress"},
    {.group = "ingress",
     .name = "delete",
     .help = "Take one away; its stream ends",
     .examples = "confab ingress delete IN_4YcpwiJ5Bxys",
     .params = kDelete,
     .api = {"livekit.Ingress/DeleteIngress", prototype<livekit::DeleteIngressRequest>,
             prototype<livekit::IngressInfo>, grant::kIngress},
     .print = kPrint,
     .old_names = "delete-ingress"},
};

}  // namespace

std::span<const Verb> ingress_verbs() {
    return kVerbs;
}

}  // namespace confab::app::cli
