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
bool is_loss(livekit::DisconnectReason reason) {
    return reason == livekit::CONNECTION_TIMEOUT || reason == livekit::SIGNAL_CLOSE ||
           reason == livekit::STATE_MISMATCH || reason == livekit::JOIN_FAILURE ||
           reason == livekit::MEDIA_FAILURE || reason == livekit::UNKNOWN_REASON;
}

// For whom agents work. Who is only forwarded here could hear nothing of them, and has its own
// where it is.
bool is_served(const Participant& p) {
    return !p.dependent() && !p.forwarded();
}

// Null, too, when somebody of that name is only forwarded here.
Participant* find_here(const Roster& roster, const std::string& identity) {
    Participant* p = roster.find(identity);
    return p == nullptr || p->forwarded() ? nullptr : p;
}

// Whose deployment is the name of none is of any: nodes of others do not tell it.
bool is_deployed(const AgentKind& kind, const std::string& deployment) {
    return kind.deployment == deployment || !token::deployment_error(kind.deployment).empty();
}

bool is_dispatch_id(const std::string& id) {
    return id.starts_with(token::kAgentDispatchPrefix) && token::is_valid_id(id);
}

}  // namespace

// ---------------------------------------------------------------- dispatches

void RoomDispatches::start(const Wanted& wanted, std::string tenant) {
    tenant_ = std::move(tenant);
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
    if (!is_dispatch_id(info.id()))
        info.set_id(token::make_id(token::kAgentDispatchPrefix, scope_->ids.rng()));
    info.set_room(host_->room_name());
    info.clear_state();
    info.mutable_state()->set_created_at(nanoseconds(scope_->clock.wall));
    if (!last_removed_.id().empty()) records_.dispatch_changed(last_removed_.id());
    last_removed_.Clear();
    records_.dispatch_changed(info.id());
    return dispatches_.emplace_back(Dispatch{std::move(info), {}, {}});
}

RoomDispatches::Dispatch* RoomDispatches::find(const std::string& id) {
    const auto at = std::find_if(dispatches_.begin(), dispatches_.end(),
                                 [&](const Dispatch& one) { return one.info.id() == id; });
    return at == dispatches_.end() ? nullptr : &*at;
}

// The node that was asked has given it an id; asking again makes no second one (PSR-17).
ServiceResult<livekit::AgentDispatch> RoomDispatches::create(const livekit::AgentDispatch& wanted) {
    if (const Dispatch* made = find(wanted.id())) return made->info;
    if (dispatches_.size() >= kMaxDispatches)
        return service_error(ServiceCode::kFailedPrecondition,
                             "the room has too many agent dispatches");
    Dispatch& dispatch = add(wanted);
    livekit::AgentDispatch made = dispatch.info;
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
        const Participant* agent = find_here(*roster_, state.participant_identity());
        if (agent != nullptr && agent->agent())
            todo_.insert({scope_->now() + kLeaveTime, {Due::kRemoval, agent->sid(), {}, 0}});
    }
    std::erase_if(dispatches_, [&](const Dispatch& one) { return one.info.id() == id; });
    records_.dispatch_changed(id);
    if (dispatches_.empty()) {
        last_removed_ = removed;
        last_removed_.mutable_state()->clear_jobs();
    }
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
    launch(dispatch, livekit::JT_ROOM, nullptr);
    const auto is_wanted = [&](livekit::JobType type) {
        return std::any_of(scope_->agents.begin(), scope_->agents.end(), [&](const auto& kind) {
            return kind.type == type && kind.tenant == tenant_ &&
                   kind.agent_name == dispatch.info.agent_name();
        });
    };
    if (!is_wanted(livekit::JT_PARTICIPANT) && !is_wanted(livekit::JT_PUBLISHER)) return;
    for (const auto& [identity, p] : roster_->participants()) {
        if (!is_served(*p)) continue;
        launch(dispatch, livekit::JT_PARTICIPANT, p.get());
        if (p->info.is_publisher()) launch(dispatch, livekit::JT_PUBLISHER, p.get());
    }
}

// One job for each namespace (DSP-22), once.
void RoomDispatches::launch(Dispatch& dispatch, livekit::JobType type, const Participant* p) {
    for (const AgentKind& kind : scope_->agents) {
        if (kind.type != type || kind.tenant != tenant_ ||
            kind.agent_name != dispatch.info.agent_name() ||
            !is_deployed(kind, dispatch.info.deployment()))
            continue;
        const Purpose purpose{type, p == nullptr ? std::string() : p->sid(), kind.ns};
        if (dispatch.launched.contains(purpose)) continue;
        if (make_job(dispatch, purpose, p, 0))
            dispatch.launched.insert(purpose);
        else
            evaluate_later();
    }
}

void RoomDispatches::evaluate_later() {
    if (std::exchange(evaluates_later_, true)) return;
    todo_.insert({scope_->now() + kLaunchAgain, {Due::kEvaluate, {}, {}, 0}});
}

// False where there is no place for it.
bool RoomDispatches::make_job(const Dispatch& dispatch, const Purpose& purpose,
                              const Participant* p, int restarts) {
    if (open_jobs_ >= kMaxOpenJobs) return false;
    Job made;
    livekit::Job& job = made.job;
    job.set_id(token::make_id(token::kAgentJobPrefix, scope_->ids.rng()));
    job.set_dispatch_id(dispatch.info.id());
    job.set_type(purpose.type);
    *job.mutable_room() = host_->job_room();
    if (p != nullptr) *job.mutable_participant() = host_->describe(*p);
    job.set_namespace_(purpose.ns);
    job.set_metadata(dispatch.info.metadata());
    job.set_agent_name(dispatch.info.agent_name());
    job.set_deployment(dispatch.info.deployment());
    *job.mutable_attributes() = dispatch.info.attributes();
    job.set_enable_recording(scope_->config.agent_recording);
    job.set_enable_redaction(scope_->config.agent_redaction);
    job.mutable_state();
    if (!scope_->out.launch(LaunchAgentJob{job, tenant_})) return false;
    made.purpose = purpose;
    made.order = ++last_order_;
    made.restarts = restarts;
    const std::string id = job.id();
    if (p != nullptr) by_sid_.insert({purpose.sid, id});
    jobs_.emplace(id, std::move(made));
    ++open_jobs_;
    return true;
}

// ---------------------------------------------------------------- participants

void RoomDispatches::came(const Participant& p) {
    if (p.forwarded()) return;
    const auto [begin, end] = by_identity_.equal_range(p.identity());
    for (auto at = begin; at != end; ++at)
        jobs_.at(at->second).end_at = Timestamp::never();  // the agent is back
    if (p.dependent()) return;
    came_along(p);
    for (Dispatch& dispatch : dispatches_)
        launch(dispatch, livekit::JT_PARTICIPANT, &p);
}

void RoomDispatches::published(const Participant& p) {
    if (!is_served(p)) return;
    for (Dispatch& dispatch : dispatches_)
        launch(dispatch, livekit::JT_PUBLISHER, &p);
}

void RoomDispatches::left(const Participant& p) {
    if (p.forwarded()) return;
    const auto [begin, end] = by_identity_.equal_range(p.identity());
    for (auto at = begin; at != end;) {
        const auto job = at++;  // a moved agent's goes with its job
        agent_left(p, jobs_.find(job->second));
    }
    if (p.dependent()) return;
    for (Dispatch& dispatch : dispatches_) {
        for (const livekit::JobType type : {livekit::JT_PARTICIPANT, livekit::JT_PUBLISHER}) {
            auto at = dispatch.launched.lower_bound({type, p.sid(), {}});
            while (at != dispatch.launched.end() && at->type == type && at->sid == p.sid())
                at = dispatch.launched.erase(at);
        }
    }
    const auto [first, last] = by_sid_.equal_range(p.sid());
    for (auto at = first; at != last;) {  // nobody is to begin with it any more
        const auto job = jobs_.find((at++)->second);
        if (!job->second.runs()) withdraw(job);
    }
}

// A session that takes over leaves the job as it is (DSP-27).
void RoomDispatches::agent_left(const Participant& p, Jobs::iterator at) {
    const livekit::DisconnectReason reason = p.info.disconnect_reason();
    if (!p.agent() || reason == livekit::DUPLICATE_IDENTITY) return;
    using Why = EndAgentJob::Why;
    const bool moved = reason == livekit::MIGRATION;
    if (moved || reason == livekit::PARTICIPANT_REMOVED) {  // it is not to come back
        scope_->out.end_job({at->first, moved ? Why::kAgentMoved : Why::kUnwanted});
        return finish(at, livekit::JS_SUCCESS, {});
    }
    Job& job = at->second;
    const bool lost = is_loss(reason);
    const bool failed = lost || reason == livekit::AGENT_ERROR;
    job.outcome = failed ? livekit::JS_FAILED : livekit::JS_SUCCESS;
    job.reloads = job.job.state().worker_id().empty();
    job.reload_at = scope_->now() + kReloadTime;
    end_after(at, lost ? kReturnTime : kStatusTime);
}

void RoomDispatches::end_after(Jobs::iterator at, Duration time) {
    at->second.end_at = scope_->now() + time;
    todo_.insert({at->second.end_at, {Due::kJobEnds, at->first, {}, 0}});
}

// ---------------------------------------------------------------- jobs

void RoomDispatches::job_changed(const livekit::Job& told, bool lost) {
    const auto at = jobs_.find(told.id());
    const livekit::JobStatus status = told.state().status();
    const bool ends = status == livekit::JS_SUCCESS || status == livekit::JS_FAILED;
    if (at == jobs_.end() || !at->second.open()) {  // it was withdrawn meanwhile
        if (!ends) scope_->out.end_job({told.id(), EndAgentJob::Why::kUnwanted});
        return;
    }
    livekit::Job& job = at->second.job;
    const std::string agent = job.state().participant_identity();
    if (lost && find_here(*roster_, agent) != nullptr)
        return;  // its agent is well; when it goes we see
    if (ends && at->second.runs()) return finish(at, status, told.state().error());
    if (ends) return never_ran(at, told.state());
    const bool ran = at->second.runs();
    const bool is_worker_away = told.state().worker_id().empty();
    if (ran && is_worker_away && at->second.is_done()) return end_now(at);
    if (told.state().worker_id() != job.state().worker_id()) at->second.reloads = true;
    *job.mutable_state() = told.state();
    job.mutable_state()->set_status(livekit::JS_RUNNING);
    records_.job_changed(told.id());
    if (ran) return;
    by_identity_.insert({job.state().participant_identity(), told.id()});
    host_->job_webhook("agent_job_started", job);
}

// Out of the indices of open jobs; to be called before its state changes.
void RoomDispatches::settle(Jobs::iterator at) {
    const auto forget = [&](auto& index, const std::string& key) {
        const auto [begin, end] = index.equal_range(key);
        const auto found =
            std::find_if(begin, end, [&](const auto& entry) { return entry.second == at->first; });
        if (found != end) index.erase(found);
    };
    forget(by_identity_, at->second.job.state().participant_identity());
    forget(by_sid_, at->second.purpose.sid);
    forget(awaits_, at->second.job.participant().identity());
    --open_jobs_;
}

void RoomDispatches::finish(Jobs::iterator at, livekit::JobStatus status,
                            const std::string& error) {
    settle(at);
    tell_end(at->second, status, error);
    if (status == livekit::JS_FAILED) plan_restart(at->second);
    if (Dispatch* dispatch = find(at->second.job.dispatch_id())) keep_ended(*dispatch, at->first);
}

void RoomDispatches::tell_end(Job& ended, livekit::JobStatus status, const std::string& error) {
    livekit::JobState& state = *ended.job.mutable_state();
    state.set_status(status);
    state.set_error(error);
    state.set_ended_at(nanoseconds(scope_->clock.wall));
    state.set_updated_at(nanoseconds(scope_->clock.wall));
    records_.job_changed(ended.job.id());
    host_->job_webhook("agent_job_ended", ended.job);
}

// Nobody took it for too long, or it had no place in the line: it is made anew later. Or a worker
// refused it for good, or had it for less time than the news of it took.
void RoomDispatches::never_ran(Jobs::iterator at, const livekit::JobState& state) {
    settle(at);
    *at->second.job.mutable_state() = state;
    Dispatch* dispatch = find(at->second.job.dispatch_id());
    if (dispatch == nullptr) return;
    if (state.status() == livekit::JS_FAILED) {
        if (state.worker_id().empty()) {
            dispatch->launched.erase(at->second.purpose);
            evaluate_later();
        } else {
            plan_restart(at->second);
        }
    }
    keep_ended(*dispatch, at->first);
}

void RoomDispatches::keep_ended(Dispatch& dispatch, const std::string& id) {
    dispatch.ended.push_back(id);
    if (dispatch.ended.size() <= kMaxEndedJobs) return;
    records_.job_changed(dispatch.ended.front());
    jobs_.erase(dispatch.ended.front());
    dispatch.ended.pop_front();
}

// Nobody is to work on it any more; it is not listed any more either. Its dispatch must go with it
// if it ended before.
void RoomDispatches::withdraw(Jobs::iterator at) {
    Job& job = at->second;
    if (job.open()) {
        const bool ran = job.runs();
        scope_->out.end_job({at->first, EndAgentJob::Why::kUnwanted});
        settle(at);
        if (ran) tell_end(job, livekit::JS_SUCCESS, {});
    } else {
        records_.job_changed(at->first);
    }
    jobs_.erase(at);
}

void RoomDispatches::plan_restart(const Job& job) {
    const Dispatch* dispatch = find(job.job.dispatch_id());
    if (dispatch == nullptr || job.restarts >= kMaxRestarts ||
        dispatch->info.restart_policy() == livekit::JRP_NEVER)
        return;
    const Duration pause = kFirstRestart * (std::int64_t{1} << job.restarts);
    todo_.insert({scope_->now() + pause,
                  {Due::kRestart, job.job.dispatch_id(), job.purpose, job.restarts + 1}});
}

void RoomDispatches::restart(const Todo& todo) {
    const Dispatch* dispatch = find(todo.id);
    if (dispatch == nullptr) return;
    const Participant* p = nullptr;
    if (todo.purpose.type != livekit::JT_ROOM) {
        p = roster_->find_sid(todo.purpose.sid);
        if (p == nullptr) return;  // it went, or never came here
    }
    if (!make_job(*dispatch, todo.purpose, p, todo.restarts))
        todo_.insert({scope_->now() + kLaunchAgain, todo});
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
    if (at->second.reloads && !failed && now < at->second.reload_at)
        return end_after(at, at->second.reload_at - now);
    end_now(at);
}

void RoomDispatches::end_now(Jobs::iterator at) {
    const bool failed = at->second.outcome == livekit::JS_FAILED;
    scope_->out.end_job({at->first, EndAgentJob::Why::kAgentLeft});
    finish(at, at->second.outcome, failed ? "agent worker left the room" : "");
}

void RoomDispatches::carry_out(const Todo& todo, Timestamp now) {
    switch (todo.what) {
        case Due::kJobEnds:
            if (const auto at = jobs_.find(todo.id); at != jobs_.end()) end_due(at, now);
            return;
        case Due::kRestart:
            return restart(todo);
        case Due::kRemoval:
            if (Participant* agent = roster_->find_sid(todo.id)) host_->remove_agent(*agent);
            return;
        case Due::kEvaluate:
            evaluates_later_ = false;
            return agents_changed();
    }
}

void RoomDispatches::handle_timeout(Timestamp now) {
    while (!todo_.empty() && todo_.begin()->first <= now) {
        const Todo todo = std::move(todo_.begin()->second);
        todo_.erase(todo_.begin());
        carry_out(todo, now);
    }
}

Timestamp RoomDispatches::next_deadline() const {
    return todo_.empty() ? Timestamp::never() : todo_.begin()->first;
}

}  // namespace confab::room
