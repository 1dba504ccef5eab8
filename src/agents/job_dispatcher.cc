// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/job_dispatcher.h"

#include <algorithm>
#include <vector>

#include "agents/job_state.h"
#include "agents/job_token.h"
#include "token/ids.h"

namespace confab::agents {
namespace {

rpc::Error nobody() {
    return {rpc::Code::kResourceExhausted, "no worker takes the job", {}};
}

rpc::Error too_many() {
    return {rpc::Code::kUnavailable, "too many jobs on this node", {}};
}

}  // namespace

template <typename Entry>
void JobDispatcher::set_timer(const std::string& id, Entry& entry, Timestamp deadline) {
    timers_.erase({entry.timer, id});
    entry.timer = deadline;
    if (!deadline.is_never()) timers_.insert({deadline, id});
}

// ---------------------------------------------------------------- offers

void JobDispatcher::request(Clock clock, livekit::Job job, Timestamp expires, Answer answer) {
    const std::string id = job.id();
    if (const auto running = jobs_.find(id); running != jobs_.end())
        return answer(running->second.job.state());
    if (const auto waiting = offers_.find(id); waiting != offers_.end()) {
        waiting->second.answer = std::move(answer);  // asked again: the first is not waited for
        waiting->second.expires = expires;
        return;
    }
    if (offers_.size() >= kMaxOffers || jobs_.size() >= kMaxJobs)
        return answer(tl::make_unexpected(too_many()));
    Offer offer;
    offer.job = std::move(job);
    offer.answer = std::move(answer);
    offer.expires = expires;
    const auto at = offers_.emplace(id, std::move(offer)).first;
    set_timer(id, at->second, expires);
    try_next(clock, at);
}

void JobDispatcher::simulate(Clock clock, Worker& worker,
                             const livekit::SimulateJobRequest& request) {
    if (!request.has_room() || offers_.size() >= kMaxOffers || jobs_.size() >= kMaxJobs ||
        worker.simulated >= kMaxSimulated)
        return;
    Offer offer;
    livekit::Job& job = offer.job;
    job.set_id(token::make_id(token::kAgentJobPrefix, rng_));
    *job.mutable_room() = request.room();
    job.set_namespace_(worker.key.ns);
    job.set_agent_name(worker.key.agent_name);
    if (request.has_participant()) {
        job.set_type(livekit::JT_PUBLISHER);
        *job.mutable_participant() = request.participant();
    }
    offer.simulated = true;
    ++worker.simulated;
    offer.expires = clock.now + kOfferTimeout;
    const std::string id = job.id();
    const auto at = offers_.emplace(id, std::move(offer)).first;
    set_timer(id, at->second, at->second.expires);
    offer_to(clock, at->second, worker);
}

void JobDispatcher::offer_to(Clock clock, Offer& offer, Worker& worker) {
    offer.tried.insert(worker.id);
    offer.open.insert(worker.id);
    offer.latest = worker.id;
    ++worker.unseen;
    livekit::ServerMessage message;
    livekit::Job& job = *message.mutable_availability()->mutable_job();
    job = offer.job;
    hide_tenant(job);
    *job.mutable_state() = running_state(worker.id, clock.wall);
    set_timer(offer.job.id(), offer, earlier(clock.now + kOfferTimeout, offer.expires));
    host_.send(worker.id, message);
}

void JobDispatcher::try_next(Clock clock, Offers::iterator at) {
    Offer& offer = at->second;
    Worker* next =
        offer.simulated ? nullptr : pool_.choose(key_of(offer.job), offer.tried, clock.now, rng_);
    if (next != nullptr) return offer_to(clock, offer, *next);
    if (offer.open.empty()) return finish(at, tl::make_unexpected(nobody()));
    offer.latest.clear();  // one of those who are late may still take it
    set_timer(at->first, offer, offer.expires);
}

void JobDispatcher::finish(Offers::iterator at, Outcome outcome) {
    if (at->second.simulated && !jobs_.contains(at->first))
        if (Worker* worker = pool_.find(*at->second.tried.begin())) --worker->simulated;
    Answer answer = std::move(at->second.answer);
    timers_.erase({at->second.timer, at->first});
    offers_.erase(at);
    if (answer) answer(std::move(outcome));
}

void JobDispatcher::answered(Clock clock, Worker& worker, livekit::AvailabilityResponse answer) {
    const auto at = offers_.find(answer.job_id());
    if (at == offers_.end() || at->second.open.erase(worker.id) == 0) {
        const auto running = jobs_.find(answer.job_id());  // somebody else was faster
        if (answer.available() && running != jobs_.end() && running->second.worker != worker.id)
            tell_termination(worker.id, answer.job_id());
        return;
    }
    worker.silent_until = Timestamp();
    if (answer.available() && !answer.terminate())
        return accept(clock, at, worker, std::move(answer));
    worker.unseen -= std::min<std::size_t>(worker.unseen, 1);
    if (answer.terminate()) {
        livekit::JobState state = running_state(worker.id, clock.wall);
        end_state(state, livekit::JS_SUCCESS, {}, clock.wall);
        return finish(at, std::move(state));
    }
    if (at->second.latest == worker.id || at->second.latest.empty()) try_next(clock, at);
}

void JobDispatcher::accept(Clock clock, Offers::iterator at, Worker& worker,
                           livekit::AvailabilityResponse answer) {
    Offer& offer = at->second;
    if (answer.participant_identity().empty())
        answer.set_participant_identity("agent-" + offer.job.id());
    const auto token = job_token(job_grants(offer.job, answer, worker.permissions), worker.api_key,
                                 keys_, clock.wall);
    if (!token) return try_next(clock, at);  // its key was taken away meanwhile
    Running running{offer.job, worker.id, worker.api_key, offer.simulated};
    *running.job.mutable_state() = running_state(worker.id, clock.wall);
    running.job.mutable_state()->set_participant_identity(answer.participant_identity());
    livekit::ServerMessage message;
    *message.mutable_assignment()->mutable_job() = running.job;
    hide_tenant(*message.mutable_assignment()->mutable_job());
    message.mutable_assignment()->set_token(*token);
    ++worker.jobs;
    host_.send(worker.id, message);
    Running& runs = jobs_.insert_or_assign(at->first, std::move(running)).first->second;
    if (offer.simulated)
        set_timer(at->first, runs, clock.now + kSimulatedTime);
    else
        host_.job_started(runs.job);
    finish(at, runs.job.state());
}

// ---------------------------------------------------------------- jobs

void JobDispatcher::tell_termination(const std::string& worker, const std::string& job) {
    livekit::ServerMessage message;
    message.mutable_termination()->set_job_id(job);
    host_.send(worker, message);
}

JobDispatcher::Running JobDispatcher::remove(Jobs::iterator at) {
    Running running = std::move(at->second);
    timers_.erase({running.timer, at->first});
    jobs_.erase(at);
    if (running.adopted) --adopted_;
    if (Worker* worker = pool_.find(running.worker)) {
        worker->jobs -= std::min<std::size_t>(worker->jobs, 1);
        if (running.simulated) --worker->simulated;
    }
    return running;
}

JobDispatcher::Outcome JobDispatcher::terminate(Clock clock, const std::string& job,
                                                ::rpc::JobTerminateReason reason) {
    const auto at = jobs_.find(job);
    if (at == jobs_.end())
        return tl::make_unexpected(rpc::Error{rpc::Code::kNotFound, "no such job", {}});
    const Running running = remove(at);
    const bool left = reason == ::rpc::AGENT_LEFT_ROOM;
    // Its worker may be about to come back with the agent, as when its program is loaded anew.
    if (!left || !running.worker.empty()) ended_.add(clock.now, job);
    if (!running.worker.empty()) {
        tell_termination(running.worker, job);
    } else {  // it may be back as any of these (05 B.6); the others do not know the job
        for (const auto& [id, worker] : pool_.all())
            if (worker.api_key == running.api_key && worker.key == key_of(running.job))
                tell_termination(id, job);
    }
    livekit::JobState state = running.job.state();
    end_state(state, left ? livekit::JS_FAILED : livekit::JS_SUCCESS,
              left ? "agent worker left the room" : "", clock.wall);
    return state;
}

void JobDispatcher::end(Clock clock, Jobs::iterator at, livekit::JobStatus status,
                        const std::string& error) {
    const std::string id = at->first;
    Running running = remove(at);
    const bool lost = running.worker.empty();
    if (!lost) ended_.add(clock.now, id);
    end_state(*running.job.mutable_state(), status, error, clock.wall);
    if (!running.simulated) host_.job_over(running.job, lost);
}

// What a worker could not say while it was away comes before it says which jobs it has.
void JobDispatcher::updated(Clock clock, Worker& worker, const livekit::UpdateJobStatus& update) {
    const auto at = jobs_.find(update.job_id());
    if (at == jobs_.end()) return;
    Running& running = at->second;
    if (running.worker.empty() && running.api_key == worker.api_key &&
        key_of(running.job) == worker.key)
        take_over(at, worker);
    if (running.worker != worker.id) return;
    if (update.status() == livekit::JS_SUCCESS || update.status() == livekit::JS_FAILED)
        return end(clock, at, update.status(), update.error());
    running.job.mutable_state()->set_updated_at(nanoseconds(clock.wall));
}

void JobDispatcher::take_over(Jobs::iterator at, Worker& worker) {
    Running& running = at->second;
    if (Worker* before = pool_.find(running.worker))
        before->jobs -= std::min<std::size_t>(before->jobs, 1);
    running.worker = worker.id;
    running.job.mutable_state()->set_worker_id(worker.id);
    ++worker.jobs;
    set_timer(at->first, running, Timestamp::never());
    tell_holder(running);
}

void JobDispatcher::tell_holder(const Running& running) {
    livekit::Job told = running.job;
    told.mutable_state()->set_worker_id(running.worker);
    host_.job_held(told);
}

void JobDispatcher::adopt(Clock clock, Worker& worker, const std::string& job) {
    if (adopted_ >= kMaxAdopted || jobs_.size() >= kMaxJobs || offers_.contains(job)) return;
    Running& running = jobs_[job];
    running.job.set_id(job);
    running.job.set_type(worker.key.type);
    running.job.set_agent_name(worker.key.agent_name);
    running.job.set_namespace_(worker.key.ns);
    running.job.set_deployment(worker.key.deployment);
    *running.job.mutable_state() = running_state(worker.id, clock.wall);
    running.worker = worker.id;
    running.api_key = worker.api_key;
    running.adopted = true;
    ++adopted_;
    ++worker.jobs;
    host_.job_started(running.job);
    tell_holder(running);
}

void JobDispatcher::migrated(Clock clock, Worker& worker,
                             const livekit::MigrateJobRequest& request) {
    for (const std::string& id : request.job_ids()) {
        const auto at = jobs_.find(id);
        if (at == jobs_.end()) {
            if (ended_.contains(clock.now, id) || !is_job_id(id))
                tell_termination(worker.id, id);
            else
                adopt(clock, worker, id);
        } else if (at->second.api_key != worker.api_key ||
                   tenant_of(at->second.job) != token::tenant_in(worker.key.ns)) {
            tell_termination(worker.id, id);  // of another project: not its job
        } else if (at->second.worker != worker.id && !at->second.simulated) {
            take_over(at, worker);
        }
    }
}

std::set<std::string> JobDispatcher::busy_workers() const {
    std::set<std::string> busy;
    for (const auto& [id, running] : jobs_)
        if (!running.simulated) busy.insert(running.worker);
    return busy;
}

void JobDispatcher::worker_gone(Clock clock, const std::string& worker) {
    for (auto at = jobs_.begin(); at != jobs_.end();) {
        const auto job = at++;
        if (job->second.worker != worker) continue;
        if (job->second.simulated) {  // nobody else wants it
            (void)remove(job);
            continue;
        }
        job->second.worker.clear();
        set_timer(job->first, job->second, clock.now + kKeptWithoutWorker);
        tell_holder(job->second);
    }
    std::vector<std::string> left;
    for (auto& [id, offer] : offers_)
        if (offer.open.erase(worker) > 0 && (offer.latest == worker || offer.open.empty()))
            left.push_back(id);
    for (const std::string& id : left)
        if (const auto at = offers_.find(id); at != offers_.end()) try_next(clock, at);
}

// ---------------------------------------------------------------- time

void JobDispatcher::offer_due(Clock clock, Offers::iterator at) {
    Offer& offer = at->second;
    if (Worker* late = pool_.find(offer.latest))
        late->silent_until = clock.now + WorkerPool::kSilentTime;
    if (clock.now >= offer.expires) return finish(at, tl::make_unexpected(rpc::timed_out()));
    try_next(clock, at);
}

void JobDispatcher::job_due(Clock clock, Jobs::iterator at) {
    if (at->second.simulated)
        (void)remove(at);
    else
        end(clock, at, livekit::JS_FAILED, "the worker is gone");
}

void JobDispatcher::handle_timeout(Clock clock) {
    while (!timers_.empty() && timers_.begin()->first <= clock.now) {
        const std::string id = timers_.begin()->second;
        timers_.erase(timers_.begin());
        if (const auto offer = offers_.find(id); offer != offers_.end()) {
            offer_due(clock, offer);
        } else if (const auto job = jobs_.find(id); job != jobs_.end()) {
            job_due(clock, job);
        }
    }
}

Timestamp JobDispatcher::next_deadline() const {
    return timers_.empty() ? Timestamp::never() : timers_.begin()->first;
}

}  // namespace confab::agents
