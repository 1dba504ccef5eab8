// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// dispatch (05 C.2).
#include "app/cli/call/call.h"
#include "app/cli/call/templates.h"
#include "app/cli/verbs/verbs.h"
#include "livekit_agent_dispatch.pb.h"

namespace confab::app::cli {
namespace {

using google::protobuf::Message;

constexpr Param kRoom{.names = "-r,--room,room",
                      .help = "The room",
                      .field = "room",
                      .required = true,
                      .live = Live::kRoom};
constexpr Param kId{.names = "--id,id",
                    .help = "The dispatch",
                    .field = "dispatch_id",
                    .required = true,
                    .live = Live::kDispatch};
constexpr Param kList[] = {kRoom};
constexpr Param kOne[] = {kRoom, kId};
constexpr Param kCreate[] = {
    {.names = "-r,--room,room",
     .help = "The room",
     .field = "room",
     .kind = Kind::kName,
     .live = Live::kRoom},
    {.names = "--new-room", .help = "A new room, with a name of its own", .kind = Kind::kBool},
    {.names = "--agent-name,--agent",
     .help = "Which agent; those without a name cannot be asked for",
     .field = "agent_name",
     .required = true},
    {.names = "--metadata", .help = "What the agent is told", .field = "metadata"},
    {.names = "--deployment", .help = "Which of its versions", .field = "deployment"},
};

constexpr Column kColumns[] = {{"DispatchID", "id"},
                               {"Room", "room"},
                               {"AgentName", "agentName"},
                               {"Deployment", "deployment"},
                               {"Metadata", "metadata"}};
constexpr Column kOneColumns[] = {
    {"DispatchID", "id"}, {"Room", "room"}, {"AgentName", "agentName"}, {"Metadata", "metadata"}};

constexpr Print kListed{.shape = Shape::kList, .items = "agent_dispatches", .columns = kColumns};
constexpr Api kListApi{"livekit.AgentDispatchService/ListDispatch",
                       prototype<livekit::ListAgentDispatchRequest>,
                       prototype<livekit::ListAgentDispatchResponse>, grant::kAdmin};

Result<void, std::string> choose_room(Call& call, Message& message) {
    auto& request = static_cast<livekit::CreateAgentDispatchRequest&>(message);
    if (call.values().flag("new-room")) request.set_room(expanded("room-%x", call.host()));
    if (request.room().empty())
        return fail(std::string("no room; give --room, or --new-room for one of its own"));
    return {};
}

constexpr Verb kVerbs[] = {
    {.group = "dispatch",
     .name = "list",
     .help = "List the agents that a room asked for",
     .examples = "confab dispatch list demo",
     .params = kList,
     .api = kListApi,
     .print = kListed},
    {.group = "dispatch",
     .name = "get",
     .help = "Print one of them",
     .examples = "confab dispatch get demo AD_Hc3dNm2Lqjzp",
     .params = kOne,
     .api = kListApi,
     .print = kListed},
    {.group = "dispatch",
     .name = "create",
     .help = "Ask an agent to join a room",
     .examples = "confab dispatch create --room demo --agent-name echo\n"
                 "confab dispatch create --new-room --agent-name echo --metadata hello",
     .params = kCreate,
     .api = {"livekit.AgentDispatchService/CreateDispatch",
             prototype<livekit::CreateAgentDispatchRequest>, prototype<livekit::AgentDispatch>,
             grant::kAdmin},
     .print = {.shape = Shape::kObject, .columns = kOneColumns, .sentence = "Dispatch created"},
     .prepare = choose_room},
    {.group = "dispatch",
     .name = "delete",
     .help = "Take it back; the agent leaves",
     .examples = "confab dispatch delete demo AD_Hc3dNm2Lqjzp",
     .params = kOne,
     .api = {"livekit.AgentDispatchService/DeleteDispatch",
             prototype<livekit::DeleteAgentDispatchRequest>, prototype<livekit::AgentDispatch>,
             grant::kAdmin},
     .print = {.shape = Shape::kObject, .columns = kOneColumns, .sentence = "Dispatch deleted"}},
};

}  // namespace

std::span<const Verb> dispatch_verbs() {
    return kVerbs;
}

}  // namespace confab::app::cli
