// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// AgentDispatchService (01 API-40).
#include <algorithm>
#include <string>

#include "api/twirp/twirp_call.h"

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

// Calls `use(port)`, or answers 501 when agents are not part of this server.
template <typename T, typename F>
void with_port(AgentDispatchPort* port, Reply<T>& reply, F use) {
    if (port != nullptr) return use(*port);
    reply(tl::unexpected(
        native_error(ErrorCode::kUnimplemented, std::string(kService) + " is not available")));
}

}  // namespace

void TwirpRouter::add_agent_dispatch() {
    using namespace livekit;
    AgentDispatchPort* port = agents_;
    const token::Limits limits = options_.limits;
    add<CreateAgentDispatchRequest, AgentDispatch>(
        kService, "CreateDispatch",
        [limits](const token::Grants* grants, const auto& r) {
            return check_create(grants, r, limits);
        },
        [port](const CallContext& context, const auto& r, Reply<AgentDispatch> reply) {
            with_port(port, reply,
                      [&](auto& p) { p.create_dispatch(context, r, std::move(reply)); });
        });
    add<DeleteAgentDispatchRequest, AgentDispatch>(
        kService, "DeleteDispatch", kAdminOfRoom,
        [port](const CallContext& context, const auto& r, Reply<AgentDispatch> reply) {
            with_port(port, reply,
                      [&](auto& p) { p.delete_dispatch(context, r, std::move(reply)); });
        });
    add<ListAgentDispatchRequest, ListAgentDispatchResponse>(
        kService, "ListDispatch", kAdminOfRoom,
        [port](const CallContext& context, const auto& r, Reply<ListAgentDispatchResponse> reply) {
            with_port(port, reply, [&](auto& p) { p.list_dispatch(context, r, std::move(reply)); });
        });
}

}  // namespace confab::api
