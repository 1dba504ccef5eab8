// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/agents/room_dispatches.h"

#include <algorithm>

#include "token/deployment.h"
#include "token/ids.h"

namespace confab::room {
namespace {

std::int64_t nanoseconds(UnixTime time) {
    return time.us() * 1000;
}

// Who took its leave, or was made to, is done; whoever was lost failed (DSP-27).
bool is_failure(livekit::DisconnectReason reason) {
    return reason == livekit::CONNECTION_TIMEOUT || reason == livekit::SIGNAL_CLOSE ||
           reason == livekit::STATE_MISMATCH || reason == livekit::JOIN_FAILURE ||
           reason == livekit::MEDIA_FAILURE || reason == livekit::UNKNOWN_REASON;
}

}  // namespace

// ---------------------------------------------------------------- dispatches

void RoomDispatches::start(const Wanted& wanted) {
    livekit::AgentDispatch info;
    if (wanted.empty()) add(info);
    for (const livekit::RoomAgentDispatch& one : wanted) {
        if (dispatches_.size() >= kMaxDispatches) break;
        if (!token::deployment_error(one.deployment()).empty()) continue;
        info.set_agent_name(one.agent_name());
        info.set_metadata(one.metadata());
        info.set_restart_policy(one.restart_policy());
        info.set_deployment(one.deployment());
        *info.mutable_attributes() = one.attributes();
        add(info);
    }
    agents_changed();
}

RoomDispatches::Dispatch& RoomDispatches::add(livekit::AgentDispatch info) {
    info.set_id(token::make_id(token::kAgentDispatchPrefix, scope_->ids.rng()));
    info.set_room(host_->job_room().name());
    info.clear_state();
    info.mutable_state()->set_created_at(nanoseconds(scope_->clock.wall));
    return dispatches_.emplace_back(Dispatch{std::move(info), {}});
}

RoomDispatches::Dispatch* RoomDispatches::find(const std::string& id) {
    const auto at = std::find_if(dispatches_.begin(), dispatches_.end(),
                                 [&](const Dispatch& one) { return one.info.id() == id; });
    return at == dispatches_.end() ? nullptr : &*at;
}

ServiceResult<livekit::AgentDispatch> RoomDispatches::create(const livekit::AgentDispatch& wanted) {
    if (dispatches_.size() >= kMaxDispatches)
        return service_error(ServiceCode::kFailedPrecondition,
                             "the room has too many agent dispatches");
    Dispatch& dispatch = add(wanted);
    const livekit::AgentDispatch made = dispatch.info;
    evaluate(dispatch);
    return made;
}

ServiceResult<livekit::AgentDispatch> RoomDispatches::remove(const std::string& id) {
    if (find(id) == nullptr) return service_error(ServiceCode::kNotFound, "dispatch ID not found");
    livekit::AgentDispatch removed = list(id).agent_dispatches(0);
    removed.mutable_state()->set_deleted_at(nanoseconds(scope_->clock.wall));
    for (auto at = jobs_.begin(); at != jobs_.end();) {
        const auto job = at++;
        if (job->second.job.dispatch_id() != id) continue;
        const livekit::JobState state = job->second.job.state();
        withdraw(job);
        if (state.status() != livekit::JS_RUNNING) continue;
        const Participant* agent = roster_->find(state.participant_identity());
        if (agent != nullptr && agent->agent())
            todo_.insert({scope_->now() + kLeaveTime, {Due::kRemoval, agent->sid()}});
    }
    std::erase_if(dispatches_, [&](const Dispatch& one) { return one.info.id() == id; });
    return removed;
}

livekit::ListAgentDispatchResponse RoomDispatches::list(const std::string& id) const {
    std::map<std::string, std::map<std::uint64_t, const livekit::Job*>> jobs;
    for (const auto& [job_id, job] : jobs_)
        jobs[job.job.dispatch_id()][job.order] = &job.job;
    livekit::ListAgentDispatchResponse result;
    for (const Dispatch& dispatch : dispatches_) {
        if (!id.empty() && dispatch.info.id() != id) continue;
        livekit::AgentDispatch& shown = *result.add_agent_dispatches();
        shown = dispatch.info;
        for (const auto& [order, job] : jobs[dispatch.info.id()])
            *shown.mutable_state()->add_jobs() = *job;
    }
    return result;
}

// ---------------------------------------------------------------- launching

void RoomDispatches::agents_changed() {
    for (Dispatch& dispatch : dispatches_)
        evaluate(dispatch);
}

// All that it has not launched yet and that somebody may take now; also for those who are here
// already (DSP-21).
void RoomDispatches::evaluate(Dispatch& dispatch) {
    launch(dispatch, {livekit::JT_ROOM, ""}, nullptr);
    const auto is_wanted = [&](livekit::JobType type) {
        return std::any_of(scope_->agents.begin(), scope_->agents.end(), [&](const auto& kind) {
            return kind.type == type && kind.agent_name == dispatch.info.agent_name();
        });
    };
    if (!is_wanted(livekit::JT_PARTICIPANT) && !is_wanted(livekit::JT_PUBLISHER)) return;
    for (const auto& [identity, p] : roster_->participants()) {
        if (p->dependent()) continue;
        launch(dispatch, {livekit::JT_PARTICIPANT, p->sid()}, p.get());
        if (p->info.is_publisher()) launch(dispatch, {livekit::JT_PUBLISHER, p->sid()}, p.get());
    }
}

// One job for each namespace (DSP-22), once.
void RoomDispatches::launch(Dispatch& dispatch, const Purpose& purpose, const Participant* p) {
    if (dispatch.launched.contains(purpose)) return;
    for (const AgentKind& kind : scope_->agents) {
        if (kind.type != purpose.first || kind.agent_name != dispatch.info.agent_name() ||
            kind.deployment != dispatch.info.deployment())
            continue;
        if (make_job(dispatch, kind, purpose, p, 0)) dispatch.launched.insert(purpose);
    }
}

bool RoomDispatches::make_job(const Dispatch& dispatch, const AgentKind& kind,
                              const Purpose& purpose, const Participant* p, int restarts) {
    if (open_jobs_ >= kMaxOpenJobs) return false;
    Job made;
    livekit::Job& job = made.job;
    job.set_id(token::make_id(token::kAgentJobPrefix, scope_->ids.rng()));
    job.set_dispatch_id(dispatch.info.id());
    job.set_type(purpose.first);
    *job.mutable_room() = host_->job_room();
    if (p != nullptr) *job.mutable_participant() = host_->describe(*p);
    job.set_namespace_(kind.ns);
    job.set_metadata(dispatch.info.metadata());
    job.set_agent_name(dispatch.info.agent_name());
    job.set_deployment(dispatch.info.deployment());
    *job.mutable_attributes() = dispatch.info.attributes();
    job.set_enable_recording(scope_->config.agent_recording);
    job.set_enable_redaction(scope_->config.agent_redaction);
    job.mutable_state();
    if (!scope_->out.launch(LaunchAgentJob{job})) return false;
    made.purpose = purpose;
    made.order = ++last_order_;
    made.restarts = restarts;
    const std::string id = job.id();
    jobs_.emplace(id, std::move(made));
    ++open_jobs_;
    return true;
}

// ---------------------------------------------------------------- participants

void RoomDispatches::came(const Participant& p) {
    const auto [begin, end] = by_identity_.equal_range(p.identity());
    for (auto at = begin; at != end; ++at)
        jobs_.at(at->second).end_at = Timestamp::never();  // the agent is back
    if (p.dependent()) return;
    for (Dispatch& dispatch : dispatches_)
        launch(dispatch, {livekit::JT_PARTICIPANT, p.sid()}, &p);
}

void RoomDispatches::published(const Participant& p) {
    if (p.dependent()) return;
    for (Dispatch& dispatch : dispatches_)
        launch(dispatch, {livekit::JT_PUBLISHER, p.sid()}, &p);
}

void RoomDispatches::left(const Participant& p) {
    const auto [begin, end] = by_identity_.equal_range(p.identity());
    for (auto at = begin; at != end; ++at)
        agent_left(p, jobs_.find(at->second));
    if (p.dependent()) return;
    for (Dispatch& dispatch : dispatches_)
        for (const livekit::JobType type : {livekit::JT_PARTICIPANT, livekit::JT_PUBLISHER})
            dispatch.launched.erase({type, p.sid()});
    for (auto at = jobs_.begin(); at != jobs_.end();) {  // nobody is to begin with it any more
        const auto job = at++;
        if (job->second.purpose.second == p.sid() &&
            job->second.job.state().status() == livekit::JS_PENDING)
            withdraw(job);
    }
}

// A session that takes over leaves the job as it is (DSP-27).
void RoomDispatches::agent_left(const Participant& p, Jobs::iterator at) {
    const livekit::DisconnectReason reason = p.info.disconnect_reason();
    if (!p.agent() || reason == livekit::DUPLICATE_IDENTITY) return;
    Job& job = at->second;
    const bool failed = is_failure(reason);
    job.outcome = failed ? livekit::JS_FAILED : livekit::JS_SUCCESS;
    job.end_at = scope_->now() + (failed ? kReturnTime : kStatusTime);
    todo_.insert({job.end_at, {Due::kJobEnds, at->first}});
}

// ---------------------------------------------------------------- jobs

void RoomDispatches::job_changed(const livekit::Job& told, bool lost) {
    const auto at = jobs_.find(told.id());
    const livekit::JobStatus status = told.state().status();
    const bool ends = status == livekit::JS_SUCCESS || status == livekit::JS_FAILED;
    if (at == jobs_.end() || !at->second.open()) {  // it was withdrawn meanwhile
        if (!ends) scope_->out.end_job({told.id(), false});
        return;
    }
    livekit::Job& job = at->second.job;
    const std::string agent = job.state().participant_identity();
    if (lost && roster_->find(agent) != nullptr) return;  // its agent is well; when it goes we see
    if (ends) {
        if (at->second.runs()) {
            return finish(at, status, told.state().error());
        }
        *job.mutable_state() = told.state();
        --open_jobs_;
        return forget_old(std::string(job.dispatch_id()));
    }
    *job.mutable_state() = told.state();
    job.mutable_state()->set_status(livekit::JS_RUNNING);
    by_identity_.insert({job.state().participant_identity(), told.id()});
    host_->job_webhook("agent_job_started", job);
}

void RoomDispatches::finish(Jobs::iterator at, livekit::JobStatus status,
                            const std::string& error) {
    Job& ended = at->second;
    livekit::JobState& state = *ended.job.mutable_state();
    const auto [begin, end] = by_identity_.equal_range(state.participant_identity());
    const auto running =
        std::find_if(begin, end, [&](const auto& entry) { return entry.second == at->first; });
    if (running != end) by_identity_.erase(running);
    state.set_status(status);
    state.set_error(error);
    state.set_ended_at(nanoseconds(scope_->clock.wall));
    state.set_updated_at(nanoseconds(scope_->clock.wall));
    --open_jobs_;
    host_->job_webhook("agent_job_ended", ended.job);
    if (status == livekit::JS_FAILED) plan_restart(ended, at->first);
    forget_old(std::string(ended.job.dispatch_id()));
}

void RoomDispatches::forget_old(const std::string& dispatch) {
    std::map<std::uint64_t, Jobs::iterator> over;
    for (auto at = jobs_.begin(); at != jobs_.end(); ++at)
        if (!at->second.open() && at->second.job.dispatch_id() == dispatch)
            over.emplace(at->second.order, at);
    for (auto at = over.begin(); over.size() > kMaxEndedJobs; at = over.erase(at))
        jobs_.erase(at->second);
}

// Nobody is to work on it any more; it is not listed any more either.
void RoomDispatches::withdraw(Jobs::iterator at) {
    if (at->second.open()) scope_->out.end_job({at->first, false});
    if (at->second.runs())
        finish(at, livekit::JS_SUCCESS, {});
    else if (at->second.open())
        --open_jobs_;
    jobs_.erase(at);
}

void RoomDispatches::plan_restart(const Job& job, const std::string& id) {
    const Dispatch* dispatch = find(job.job.dispatch_id());
    if (dispatch == nullptr || job.restarts >= kMaxRestarts ||
        dispatch->info.restart_policy() == livekit::JRP_NEVER)
        return;
    const Duration pause = kFirstRestart * (std::int64_t{1} << job.restarts);
    todo_.insert({scope_->now() + pause, {Due::kRestart, id}});
}

void RoomDispatches::restart(const std::string& id) {
    const auto at = jobs_.find(id);
    Dispatch* dispatch = at == jobs_.end() ? nullptr : find(at->second.job.dispatch_id());
    if (dispatch == nullptr) return;
    const Job& failed = at->second;
    const Participant* p = nullptr;
    if (!failed.purpose.second.empty()) {
        p = roster_->find_sid(failed.purpose.second);
        if (p == nullptr) return;
    }
    const AgentKind kind{failed.purpose.first, failed.job.agent_name(), failed.job.namespace_(),
                         failed.job.deployment()};
    (void)make_job(*dispatch, kind, failed.purpose, p, failed.restarts + 1);
}

void RoomDispatches::room_ends() {
    dispatches_.clear();  // nothing is started again
    while (!jobs_.empty())
        withdraw(jobs_.begin());
    todo_.clear();
}

// ---------------------------------------------------------------- time

// Unless its agent came back, or somebody told how it ended.
void RoomDispatches::end_due(Jobs::iterator at, Timestamp now) {
    if (!at->second.runs() || at->second.end_at > now) return;
    const bool failed = at->second.outcome == livekit::JS_FAILED;
    scope_->out.end_job({at->first, true});
    finish(at, at->second.outcome, failed ? "agent worker left the room" : "");
}

void RoomDispatches::handle_timeout(Timestamp now) {
    while (!todo_.empty() && todo_.begin()->first <= now) {
        const Todo todo = std::move(todo_.begin()->second);
        todo_.erase(todo_.begin());
        switch (todo.what) {
            case Due::kJobEnds:
                if (const auto at = jobs_.find(todo.id); at != jobs_.end()) end_due(at, now);
                break;
            case Due::kRestart:
                restart(todo.id);
                break;
            case Due::kRemoval:
                if (Participant* agent = roster_->find_sid(todo.id)) host_->remove_agent(*agent);
                break;
        }
    }
}

Timestamp RoomDispatches::next_deadline() const {
    return todo_.empty() ? Timestamp::never() : todo_.begin()->first;
}

}  // namespace confab::room
