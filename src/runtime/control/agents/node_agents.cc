// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/agents/node_agents.h"

#include <utility>

#include "livekit_agent_dispatch.pb.h"
#include "rpc/typed.h"
#include "runtime/control/shards/home_reply.h"
#include "runtime/telemetry/log.h"
#include "token/room_key.h"

namespace confab::control {
namespace {

constexpr rpc::Method kCreateDispatch{"AgentDispatchInternal", "CreateDispatch"};
constexpr rpc::Method kDeleteDispatch{"AgentDispatchInternal", "DeleteDispatch"};
constexpr rpc::Method kListDispatch{"AgentDispatchInternal", "ListDispatch"};

rpc::Code to_code(room::ServiceCode code) {
    switch (code) {
        case room::ServiceCode::kInvalidArgument:
            return rpc::Code::kInvalidArgument;
        case room::ServiceCode::kNotFound:
            return rpc::Code::kNotFound;
        case room::ServiceCode::kFailedPrecondition:
            return rpc::Code::kFailedPrecondition;
        case room::ServiceCode::kUnavailable:
            return rpc::Code::kUnavailable;
        case room::ServiceCode::kInternal:
            return rpc::Code::kInternal;
    }
    return rpc::Code::kUnknown;
}

room::AgentKinds to_room(const std::set<agents::WorkerKey>& kinds) {
    room::AgentKinds result;
    for (const agents::WorkerKey& key : kinds) {
        const token::RoomName ns = token::split_room_key(key.ns);
        result.insert({key.type, key.agent_name, std::string(ns.name), key.deployment,
                       std::string(ns.tenant)});
    }
    return result;
}

}  // namespace

NodeAgents::NodeAgents(net::EventLoop& home, rpc::Bus& bus, const token::KeyProvider& keys,
                       AgentOptions options, std::uint64_t seed, Shards shards)
    : home_(home),
      bus_(bus),
      shards_(std::move(shards)),
      hub_(bus, keys, std::move(options.hub), seed),
      sockets_(hub_, options.websocket),
      launcher_(
          std::make_shared<agents::JobLauncher>(bus, static_cast<agents::LauncherHost&>(*this))) {
    launcher_->start(net::EventLoop::now());
}

void NodeAgents::handle(AgentEffect effect) {
    const Timestamp now = net::EventLoop::now();
    if (auto* wanted = std::get_if<room::LaunchAgentJob>(&effect)) {
        livekit::Job& job = wanted->job;
        job.set_namespace_(token::room_key(wanted->tenant, job.namespace_()));
        launcher_->launch(now, std::move(job));
    } else if (auto* runs = std::get_if<room::AdoptAgentJob>(&effect)) {
        livekit::Job& job = runs->job;
        job.set_namespace_(token::room_key(runs->tenant, job.namespace_()));
        launcher_->adopt(std::move(job));
    } else if (const auto* end = std::get_if<room::EndAgentJob>(&effect)) {
        using Why = room::EndAgentJob::Why;
        if (end->why == Why::kAgentMoved) return launcher_->forget(end->job);
        launcher_->end(
            now, end->job,
            end->why == Why::kAgentLeft ? ::rpc::AGENT_LEFT_ROOM : ::rpc::TERMINATION_REQUESTED);
    } else if (const auto* served = std::get_if<room::RoomServed>(&effect)) {
        if (served->open) return serve(served->room);
        served_.erase(served->room);
        launcher_->room_over(now, served->room);
    }
}

Timestamp NodeAgents::turn(Timestamp now) {
    if (launcher_->next_deadline() <= now) launcher_->handle_timeout(now);
    if (hub_.next_deadline() <= now) hub_.handle_timeout(agents_clock());
    sockets_.flush();
    return earlier(launcher_->next_deadline(), hub_.next_deadline());
}

// ---------------------------------------------------------------- to the rooms

void NodeAgents::kinds_known(const std::set<agents::WorkerKey>& kinds) {
    shards_.each([kinds = to_room(kinds)](ControlPlane& plane) {
        plane.rooms().set_agents(plane.clock(), kinds);
        plane.wake();
    });
}

void NodeAgents::job_changed(const livekit::Job& job, agents::JobChange change) {
    telemetry::log_info("agent job", {{"jobID", job.id()},
                                      {"room", job.room().name()},
                                      telemetry::LogField::if_any("tenant", agents::tenant_of(job)),
                                      {"agentName", job.agent_name()},
                                      {"status", livekit::JobStatus_Name(job.state().status())},
                                      {"workerID", job.state().worker_id()},
                                      {"error", job.state().error()}});
    const bool lost = change == agents::JobChange::kLost;
    const std::string room = agents::room_key_of(job);
    shards_.of_room(room, [room, job, lost](ControlPlane& plane) {
        plane.rooms().job_changed(plane.clock(), room, job, lost);
        plane.wake();
    });
}

// ---------------------------------------------------------------- calls about dispatches

template <auto kCall, typename Request, typename Response>
void NodeAgents::serve_call(const std::string& room, const rpc::Method& method,
                            std::vector<rpc::Registration>& kept) {
    using Outcome = Result<Response, rpc::Error>;
    auto registration = rpc::serve<Request, Response>(
        bus_, method, {room},
        [this](Request request, const rpc::Request& call, Callback<Outcome> reply) {
            const std::string& name = call.topic.front();
            request.set_room(name);
            HomeReply<Outcome> answer(home_, std::move(reply));
            shards_.of_room(name, [request = std::move(request),
                                   answer = std::move(answer)](ControlPlane& plane) mutable {
                auto result = (plane.rooms().*kCall)(plane.clock(), request);
                plane.wake();
                if (result) return answer(*std::move(result));
                answer(tl::make_unexpected(
                    rpc::Error{to_code(result.error().code), result.error().text, {}}));
            });
        });
    if (registration) kept.push_back(std::move(*registration));
}

void NodeAgents::serve(const std::string& room) {
    using Rooms = room::RoomManager;
    std::vector<rpc::Registration>& kept = served_[room];
    kept.clear();
    kept.reserve(3);
    serve_call<&Rooms::create_dispatch, livekit::AgentDispatch, livekit::AgentDispatch>(
        room, kCreateDispatch, kept);
    serve_call<&Rooms::delete_dispatch, livekit::DeleteAgentDispatchRequest,
               livekit::AgentDispatch>(room, kDeleteDispatch, kept);
    serve_call<&Rooms::list_dispatch, livekit::ListAgentDispatchRequest,
               livekit::ListAgentDispatchResponse>(room, kListDispatch, kept);
}

}  // namespace confab::control
