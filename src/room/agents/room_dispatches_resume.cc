// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The agents of a room that was another node's (05 DSP-29).
#include <algorithm>
#include <utility>

#include "room/agents/room_dispatches.h"
#include "token/deployment.h"
#include "token/ids.h"

namespace confab::room {
namespace {

bool is_dispatch(const livekit::AgentDispatch& info) {
    return info.id().starts_with(token::kAgentDispatchPrefix) && token::is_valid_id(info.id()) &&
           token::deployment_error(info.deployment()).empty() && info.state().deleted_at() == 0;
}

bool is_job(const livekit::Job& job) {
    return job.id().starts_with(token::kAgentJobPrefix) && token::is_valid_id(job.id());
}

}  // namespace

void RoomDispatches::resume(StoredAgents stored, std::string tenant) {
    tenant_ = std::move(tenant);
    for (livekit::AgentDispatch& info : stored.dispatches) {
        records_.dispatch_changed(info.id());
        if (!is_dispatch(info) || find(info.id()) || dispatches_.size() >= kMaxDispatches) continue;
        info.set_room(host_->room_name());
        info.mutable_state()->clear_jobs();
        dispatches_.push_back({std::move(info), {}, {}});
    }
    constexpr std::size_t kMaxKept = 1'000;  // of a store that others keep everything in
    if (stored.jobs.size() > kMaxKept) stored.jobs.resize(kMaxKept);
    for (livekit::Job& job : stored.jobs)
        resume(std::move(job));
    agents_changed();
}

// A job that failed is begun anew: for the room now, for a participant with its session here.
void RoomDispatches::resume(livekit::Job told) {
    if (!is_job(told) || jobs_.contains(told.id())) return;
    records_.job_changed(told.id());
    Dispatch* dispatch = find(told.dispatch_id());
    const livekit::JobStatus status = told.state().status();
    *told.mutable_room() = host_->job_room();
    if (status == livekit::JS_RUNNING) scope_->out.adopt_job({told, tenant_});
    const bool for_room = told.type() == livekit::JT_ROOM;
    if (dispatch == nullptr || (!for_room && told.participant().identity().empty())) {
        if (status == livekit::JS_RUNNING)
            scope_->out.end_job({told.id(), EndAgentJob::Why::kUnwanted});
        return;
    }
    const Purpose purpose{told.type(), {}, told.namespace_()};
    if (for_room && status != livekit::JS_FAILED) dispatch->launched.insert(purpose);
    const std::string id = told.id();
    const auto at = jobs_.try_emplace(id).first;
    Job& job = at->second;
    job.job = std::move(told);
    job.purpose = purpose;
    job.order = ++last_order_;
    if (status != livekit::JS_RUNNING) return keep_ended(*dispatch, id);
    ++open_jobs_;
    by_identity_.insert({job.job.state().participant_identity(), id});
    if (!for_room) awaits_.insert({job.job.participant().identity(), id});
    // Its agent lost the room with the node, and is on its way.
    job.outcome = livekit::JS_FAILED;
    end_after(at, kArrivalTime);
}

// Who comes first by the name of the participant that a job is for is that one: a store has no more
// of it (RDS-19). Until the job ends, as the agent waits so long, too. Sessions after that are new.
void RoomDispatches::came_along(const Participant& p) {
    const auto [begin, end] = awaits_.equal_range(p.identity());
    for (auto at = begin; at != end; ++at) {
        Job& job = jobs_.at(at->second);
        job.purpose.sid = p.sid();
        *job.job.mutable_participant() = host_->describe(p);
        by_sid_.insert({p.sid(), at->second});
        if (Dispatch* dispatch = find(job.job.dispatch_id()))
            dispatch->launched.insert(job.purpose);
    }
    awaits_.erase(begin, end);
}

// Whose agent has left is over; who was lost may come back there.
void RoomDispatches::room_moves() {
    using Why = EndAgentJob::Why;
    for (auto& [id, job] : jobs_) {
        if (!job.open()) continue;
        const bool is_over =
            job.runs() && !job.end_at.is_never() && job.outcome == livekit::JS_SUCCESS;
        const Why goes_on = job.runs() ? Why::kAgentMoved : Why::kUnwanted;
        scope_->out.end_job({id, is_over ? Why::kAgentLeft : goes_on});
        if (is_over) tell_end(job, livekit::JS_SUCCESS, {});
    }
    finish_turn();
    for (auto* index : {&by_identity_, &by_sid_, &awaits_})
        index->clear();
    dispatches_.clear();
    jobs_.clear();
    todo_.clear();
    open_jobs_ = 0;
}

void RoomDispatches::finish_turn() {
    records_.finish_turn(
        host_->room_key(),
        [this](const std::string& id) -> const livekit::AgentDispatch* {
            if (const Dispatch* dispatch = find(id)) return &dispatch->info;
            return last_removed_.id() == id ? &last_removed_ : nullptr;
        },
        [this](const std::string& id) -> const livekit::Job* {
            const auto at = jobs_.find(id);
            return at == jobs_.end() ? nullptr : &at->second.job;
        });
}

}  // namespace confab::room
