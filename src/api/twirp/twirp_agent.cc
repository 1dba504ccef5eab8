// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// AgentDispatchService (01 API-40).
#include <algorithm>
#include <string>

#include "api/twirp/twirp.h"
#include "api/twirp/twirp_call.h"
#include "base/rng.h"
#include "livekit_agent_dispatch.pb.h"
#include "token/deployment.h"
#include "token/ids.h"

namespace confab::api {
namespace {

constexpr std::string_view kService = "livekit.AgentDispatchService";

// What upstream says of the first byte that may not be in it.
std::string deployment_error(const std::string& deployment) {
    const std::string_view error = token::deployment_error(deployment);
    if (error.empty() || deployment.size() > token::kMaxDeploymentLength) return std::string(error);
    const auto is_bad = [](char c) { return !token::deployment_error({&c, 1}).empty(); };
    const auto bad = std::find_if(deployment.begin(), deployment.end(), is_bad);
    if (*bad == '_') return std::string(token::deployment_error("_"));
    return "deployment contains whitespace or control byte at position " +
           std::to_string(bad - deployment.begin());
}

CheckResult check_create(const token::Grants* grants,
                         const livekit::CreateAgentDispatchRequest& request,
                         const token::Limits& limits) {
    if (auto error = require_admin(grants, request.room())) return error;
    // differs from upstream, where an admin of no room makes a room without a name (DSP-24).
    if (request.room().empty())
        return service_error(ErrorCode::kInvalidArgument, "room is required");
    std::string error = deployment_error(request.deployment());
    if (error.empty() && token::exceeds(request.metadata().size(), limits.metadata))
        error = "metadata size exceeds limits";
    if (error.empty() &&
        token::exceeds(token::attributes_size(request.attributes()), limits.attributes))
        error = "attribute size exceeds limits";
    if (!error.empty()) return service_error(ErrorCode::kInvalidArgument, error);
    return std::nullopt;
}

constexpr auto kAdminOfRoom = [](const token::Grants* grants, const auto& request) {
    return require_admin(grants, request.room());
};

// The node of the room answers (RPC-05); nobody does for a room that is nowhere, or while no
// service for agents runs: 503 (API-40).
// Where the dispatches of that room are asked for.
rpc::Topic topic_of(const CallContext& context, const std::string& room) {
    return {token::room_key(context.tenant, room)};
}

constexpr rpc::Method kCreate{"AgentDispatchInternal", "CreateDispatch"};
constexpr rpc::Method kDelete{"AgentDispatchInternal", "DeleteDispatch"};
constexpr rpc::Method kList{"AgentDispatchInternal", "ListDispatch"};

// The id is made here: the node of the room may be one that makes none (RPC-05).
livekit::AgentDispatch dispatch_of(const livekit::CreateAgentDispatchRequest& request, Rng& rng) {
    livekit::AgentDispatch dispatch;
    dispatch.set_id(token::make_id(token::kAgentDispatchPrefix, rng));
    dispatch.set_agent_name(request.agent_name());
    dispatch.set_room(request.room());
    dispatch.set_metadata(request.metadata());
    dispatch.set_deployment(request.deployment());
    dispatch.set_restart_policy(request.restart_policy());
    *dispatch.mutable_attributes() = request.attributes();
    return dispatch;
}

}  // namespace

void add_agent_dispatch(TwirpMethods& methods, const TwirpOptions& options, RoomServicePort& rooms,
                        rpc::Bus& bus) {
    using namespace livekit;
    const ServiceMethods service(methods, kService);
    service.add<CreateAgentDispatchRequest, AgentDispatch>(
        "CreateDispatch",
        [limits = options.limits](const token::Grants* grants, const auto& request) {
            return check_create(grants, request, limits);
        },
        [&bus, &rooms, auto_create = options.auto_create, rng = Rng(options.seed)](
            const CallContext& context, const auto& request, Reply<AgentDispatch> reply) mutable {
            const AgentDispatch wanted = dispatch_of(request, rng);
            if (!auto_create)
                return ask(bus, context, kCreate, topic_of(context, request.room()), wanted,
                           std::move(reply));
            // A live room stays as it is (ROOM-02).
            CreateRoomRequest create;
            create.set_name(request.room());
            rooms.create_room(context, create,
                              [&bus, context, wanted,
                               reply = std::move(reply)](Result<Room, ServiceError> room) mutable {
                                  if (!room)
                                      return reply(tl::make_unexpected(std::move(room.error())));
                                  ask(bus, context, kCreate, topic_of(context, wanted.room()),
                                      wanted, std::move(reply));
                              });
        });
    service.add<DeleteAgentDispatchRequest, AgentDispatch>(
        "DeleteDispatch", kAdminOfRoom,
        [&bus](const CallContext& context, const auto& request, Reply<AgentDispatch> reply) {
            ask(bus, context, kDelete, topic_of(context, request.room()), request,
                std::move(reply));
        });
    service.add<ListAgentDispatchRequest, ListAgentDispatchResponse>(
        "ListDispatch", kAdminOfRoom,
        [&bus](const CallContext& context, const auto& request,
               Reply<ListAgentDispatchResponse> reply) {
            ask(bus, context, kList, topic_of(context, request.room()), request, std::move(reply));
        });
}

}  // namespace confab::api
