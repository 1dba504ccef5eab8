// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// AgentDispatchService (01 API-40).
#include <algorithm>
#include <string>

#include "api/twirp/twirp_call.h"
#include "livekit_agent_dispatch.pb.h"

namespace confab::api {
namespace {

constexpr std::string_view kService = "livekit.AgentDispatchService";
constexpr std::size_t kMaxDeploymentLength = 64;

CheckResult check_deployment(std::string_view deployment) {
    constexpr std::string_view kBlanks = " \t\r\n\v\f";
    if (deployment.size() > kMaxDeploymentLength)
        return service_error(ErrorCode::kInvalidArgument, "deployment exceeds 64 bytes");
    if (deployment.find('_') != deployment.npos)
        return service_error(ErrorCode::kInvalidArgument,
                             "deployment contains reserved character '_'");
    if (deployment.find_first_of(kBlanks) != deployment.npos)
        return service_error(ErrorCode::kInvalidArgument, "deployment contains whitespace");
    return std::nullopt;
}

CheckResult check_create(const token::Grants* grants,
                         const livekit::CreateAgentDispatchRequest& request,
                         const token::Limits& limits) {
    if (auto error = require_admin(grants, request.room())) return error;
    if (auto error = check_deployment(request.deployment())) return error;
    if (token::exceeds(request.metadata().size(), limits.metadata))
        return argument_error("metadata size exceeds limits", std::to_string(limits.metadata));
    if (token::exceeds(token::attributes_size(request.attributes()), limits.attributes))
        return argument_error("attribute size exceeds limits", std::to_string(limits.attributes));
    return std::nullopt;
}

constexpr auto kAdminOfRoom = [](const token::Grants* grants, const auto& request) {
    return require_admin(grants, request.room());
};

// The node of the room answers (RPC-05); nobody does for a room that is nowhere, or while no
// service for agents runs: 503 (API-40).
constexpr rpc::Method kCreate{"AgentDispatchInternal", "CreateDispatch"};
constexpr rpc::Method kDelete{"AgentDispatchInternal", "DeleteDispatch"};
constexpr rpc::Method kList{"AgentDispatchInternal", "ListDispatch"};

}  // namespace

void add_agent_dispatch(TwirpMethods& methods, const token::Limits& limits, rpc::Bus& bus) {
    using namespace livekit;
    const ServiceMethods service(methods, kService);
    service.add<CreateAgentDispatchRequest, AgentDispatch>(
        "CreateDispatch",
        [limits](const token::Grants* grants, const auto& request) {
            return check_create(grants, request, limits);
        },
        [&bus](const CallContext& context, const auto& request, Reply<AgentDispatch> reply) {
            AgentDispatch dispatch;
            dispatch.set_agent_name(request.agent_name());
            dispatch.set_room(request.room());
            dispatch.set_metadata(request.metadata());
            dispatch.set_deployment(request.deployment());
            dispatch.set_restart_policy(request.restart_policy());
            *dispatch.mutable_attributes() = request.attributes();
            ask(bus, context, kCreate, {request.room()}, dispatch, std::move(reply));
        });
    service.add<DeleteAgentDispatchRequest, AgentDispatch>(
        "DeleteDispatch", kAdminOfRoom,
        [&bus](const CallContext& context, const auto& request, Reply<AgentDispatch> reply) {
            ask(bus, context, kDelete, {request.room()}, request, std::move(reply));
        });
    service.add<ListAgentDispatchRequest, ListAgentDispatchResponse>(
        "ListDispatch", kAdminOfRoom,
        [&bus](const CallContext& context, const auto& request,
               Reply<ListAgentDispatchResponse> reply) {
            ask(bus, context, kList, {request.room()}, request, std::move(reply));
        });
}

}  // namespace confab::api
