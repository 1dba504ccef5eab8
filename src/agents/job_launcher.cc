// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/job_launcher.h"

#include <algorithm>

#include "agents/methods.h"
#include "rpc/typed.h"

namespace confab::agents {
namespace {

// What others than us answer says names and namespaces, not which go together.
std::set<WorkerKey> kinds_of(const ::rpc::CheckEnabledResponse& response) {
    std::set<WorkerKey> kinds;
    for (const ::rpc::AgentKind& kind : response.kinds())
        kinds.insert({kind.type(), kind.agent_name(), kind.namespace_(), kind.deployment()});
    if (!kinds.empty()) return kinds;
    std::set<livekit::JobType> types;
    if (response.room_enabled()) types.insert(livekit::JT_ROOM);
    if (response.publisher_enabled()) types.insert(livekit::JT_PUBLISHER);
    if (response.participant_enabled()) types.insert(livekit::JT_PARTICIPANT);
    for (const livekit::JobType type : types)
        for (const std::string& name : response.agent_names())
            for (const std::string& ns : response.namespaces())
                kinds.insert({type, name, ns, ""});
    return kinds;
}

}  // namespace

void JobLauncher::start(Timestamp now) {
    const std::weak_ptr<JobLauncher> weak = weak_from_this();
    worker_registered_ = bus_.subscribe(kWorkerRegistered, {""}, [weak](const std::string&) {
        const auto self = weak.lock();
        if (self == nullptr || std::exchange(self->capacity_told_, true)) return;
        self->later([self = self.get()](Timestamp when) {
            self->capacity_told_ = false;
            self->capacity(when);
        });
    });
    job_ended_ = bus_.subscribe(kJobEnded, {}, [weak](const std::string& payload) {
        const auto self = weak.lock();
        if (self)
            self->later([self = self.get(), payload](Timestamp) { self->over(payload, false); });
    });
    job_lost_ = bus_.subscribe(kJobLost, {}, [weak](const std::string& payload) {
        const auto self = weak.lock();
        if (self)
            self->later([self = self.get(), payload](Timestamp) { self->over(payload, true); });
    });
    gather(now);
}

// ---------------------------------------------------------------- kinds of workers

void JobLauncher::gather(Timestamp now) {
    next_gather_ = now + kGatherAgain;
    if (gathers_ >= kMaxGathers) {  // the last of them may have asked too early
        next_gather_ = now + kGatherTime;
        return;
    }
    ++gathers_;
    const std::uint64_t number = ++last_gather_;
    const auto collected = std::make_shared<std::set<WorkerKey>>();
    const std::weak_ptr<JobLauncher> weak = weak_from_this();
    rpc::CallOptions options;
    options.timeout = kGatherTime;
    bus_.gather(
        now, kCheckEnabled, {}, ::rpc::CheckEnabledRequest().SerializeAsString(), options,
        [weak, collected](const rpc::Outcome& outcome) {
            ::rpc::CheckEnabledResponse response;
            if (!outcome || !response.ParseFromString(*outcome)) return;
            const std::set<WorkerKey> kinds = kinds_of(response);
            collected->insert(kinds.begin(), kinds.end());
            if (const auto self = weak.lock()) self->merge(kinds);
        },
        [weak, collected, number] {
            if (const auto self = weak.lock()) self->gathered(number, *collected);
        });
}

// At once what is new: jobs wait for it.
void JobLauncher::merge(const std::set<WorkerKey>& kinds) {
    const std::size_t known = kinds_.size();
    kinds_.insert(kinds.begin(), kinds.end());
    if (kinds_.size() != known) host_.kinds_known(kinds_);
}

// Whoever did not answer the last question is not there any more.
void JobLauncher::gathered(std::uint64_t number, const std::set<WorkerKey>& kinds) {
    --gathers_;
    if (number != last_gather_ || kinds == kinds_) return;
    kinds_ = kinds;
    host_.kinds_known(kinds_);
}

void JobLauncher::capacity(Timestamp now) {
    gather(now);
    for (auto at = lines_.begin(); at != lines_.end();) {
        const auto line = at++;
        line->second.retry = Timestamp::never();
        line->second.backoff = kFirstRetry;
        ask_next(now, line);
    }
}

// ---------------------------------------------------------------- asking

void JobLauncher::launch(Timestamp now, livekit::Job job) {
    if (jobs_.size() >= kMaxJobs || waiting_ >= kMaxWaiting)
        return fail(std::move(job), "too many jobs wait for a worker");
    const WorkerKey key = key_of(job);
    const std::string id = job.id();
    Entry entry;
    entry.job = std::move(job);
    entry.give_up = now + kMaxWait;
    const auto [at, is_new] = jobs_.emplace(id, std::move(entry));
    if (!is_new) return;
    give_ups_.insert({at->second.give_up, id});
    const auto line = lines_.try_emplace(key).first;
    line->second.waiting.push_back(id);
    ++waiting_;
    ask_next(now, line);
}

void JobLauncher::ask_next(Timestamp now, Lines::iterator at) {
    Line& line = at->second;
    while (line.retry.is_never() && line.asked < line.window && !line.waiting.empty()) {
        const std::string id = std::move(line.waiting.front());
        line.waiting.pop_front();
        --waiting_;
        ++line.asked;
        ask(now, at->first, jobs_.at(id));
    }
    if (line.asked == 0 && line.waiting.empty()) lines_.erase(at);
}

void JobLauncher::ask(Timestamp now, const WorkerKey& key, Entry& entry) {
    entry.stage = Stage::kAsked;
    rpc::CallOptions options;
    options.timeout = kRequestTimeout;
    const std::weak_ptr<JobLauncher> weak = weak_from_this();
    rpc::call<::rpc::JobRequestResponse>(
        bus_, now, kJobRequest, {agent_topic(key), std::string(type_word(key.type))}, entry.job,
        options, [weak, id = entry.job.id()](Outcome outcome) {
            const auto self = weak.lock();
            if (!self) return;
            self->later([self = self.get(), id, outcome = std::move(outcome)](Timestamp when) {
                self->answered(when, id, outcome);
            });
        });
}

void JobLauncher::answered(Timestamp now, const std::string& job, const Outcome& outcome) {
    const auto at = jobs_.find(job);
    const auto line = lines_.find(key_of(at->second.job));
    --line->second.asked;
    if (outcome) {
        line->second.window = std::min(line->second.window * 2, kMaxAsked);
        line->second.backoff = kFirstRetry;
        took(now, at, outcome->state());
    } else {
        refused(now, at, line->second);
    }
    ask_next(now, line);
}

void JobLauncher::took(Timestamp now, Entries::iterator at, const livekit::JobState& state) {
    Entry& entry = at->second;
    if (entry.unwanted) {
        terminate(now, at->first, entry.reason);
        return drop(at);
    }
    *entry.job.mutable_state() = state;
    const livekit::Job job = entry.job;
    if (state.status() == livekit::JS_SUCCESS || state.status() == livekit::JS_FAILED) {
        drop(at);
    } else {
        entry.stage = Stage::kRunning;
        give_ups_.erase({entry.give_up, at->first});
    }
    host_.job_changed(job, false);
}

// It waits on, before those that came later.
void JobLauncher::refused(Timestamp now, Entries::iterator at, Line& line) {
    line.window = 1;
    if (line.retry.is_never()) {
        line.retry = now + line.backoff;
        line.backoff = std::min(line.backoff * 2, kLastRetry);
    }
    if (at->second.unwanted) return drop(at);
    at->second.stage = Stage::kWaiting;
    line.waiting.push_front(at->first);
    ++waiting_;
}

void JobLauncher::fail(livekit::Job job, const std::string& error) {
    job.mutable_state()->set_status(livekit::JS_FAILED);
    job.mutable_state()->set_error(error);
    host_.job_changed(job, false);
}

void JobLauncher::drop(Entries::iterator at) {
    give_ups_.erase({at->second.give_up, at->first});
    jobs_.erase(at);
}

// ---------------------------------------------------------------- the end of jobs

void JobLauncher::end(Timestamp now, const std::string& job, ::rpc::JobTerminateReason reason) {
    const auto at = jobs_.find(job);
    if (at == jobs_.end()) return;
    switch (at->second.stage) {
        case Stage::kWaiting: {
            const auto line = lines_.find(key_of(at->second.job));
            waiting_ -= std::erase(line->second.waiting, job);
            drop(at);
            return ask_next(now, line);
        }
        case Stage::kAsked:
            at->second.unwanted = true;
            at->second.reason = reason;
            return;
        case Stage::kRunning:
            terminate(now, job, reason);
            return drop(at);
    }
}

void JobLauncher::forget(const std::string& job) {
    const auto at = jobs_.find(job);
    if (at != jobs_.end() && at->second.stage == Stage::kRunning) drop(at);
}

void JobLauncher::terminate(Timestamp now, const std::string& job,
                            ::rpc::JobTerminateReason reason) {
    ::rpc::JobTerminateRequest request;
    request.set_job_id(job);
    request.set_reason(reason);
    rpc::call<::rpc::JobTerminateResponse>(
        bus_, now, kJobTerminate, {job}, request, {},
        [](const Result<::rpc::JobTerminateResponse, rpc::Error>&) {
            // Whoever does not know it has no such job.
        });
}

void JobLauncher::over(const std::string& payload, bool lost) {
    livekit::Job told;
    if (!told.ParseFromString(payload)) return;
    const auto at = jobs_.find(told.id());
    if (at == jobs_.end() || at->second.stage != Stage::kRunning) return;
    livekit::Job job = std::move(at->second.job);
    *job.mutable_state() = told.state();
    drop(at);
    host_.job_changed(job, lost);
}

// ---------------------------------------------------------------- time

void JobLauncher::give_up(Timestamp now) {
    while (!give_ups_.empty() && give_ups_.begin()->first <= now) {
        const std::string id = give_ups_.begin()->second;
        const livekit::Job job = jobs_.at(id).job;
        give_ups_.erase(give_ups_.begin());
        end(now, id, ::rpc::TERMINATION_REQUESTED);
        fail(job, "no worker took the job in time");
    }
}

void JobLauncher::handle_timeout(Timestamp now) {
    while (!todo_.empty()) {
        const auto fn = std::move(todo_.front());
        todo_.pop_front();
        fn(now);
    }
    give_up(now);
    if (next_gather_ <= now) gather(now);
    for (auto at = lines_.begin(); at != lines_.end();) {
        const auto line = at++;
        if (line->second.retry > now) continue;
        line->second.retry = Timestamp::never();
        ask_next(now, line);
    }
}

Timestamp JobLauncher::next_deadline() const {
    if (!todo_.empty()) return Timestamp::micros(0);
    Timestamp next = next_gather_;
    if (!give_ups_.empty()) next = earlier(next, give_ups_.begin()->first);
    for (const auto& [key, line] : lines_)
        next = earlier(next, line.retry);
    return next;
}

JobLauncher::Snapshot JobLauncher::snapshot() const {
    Snapshot result;
    result.waiting = waiting_;
    for (const auto& [key, line] : lines_)
        result.asked += line.asked;
    result.running = jobs_.size() - result.waiting - result.asked;
    return result;
}

}  // namespace confab::agents
