// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/job_launcher.h"

#include <algorithm>

#include "agents/kinds.h"
#include "agents/methods.h"
#include "rpc/typed.h"

namespace confab::agents {
void JobLauncher::start(Timestamp now) {
    const std::weak_ptr<JobLauncher> weak = weak_from_this();
    worker_registered_ =
        bus_.subscribe(kWorkerRegistered, {""}, [weak](const std::string& payload) {
            if (const auto self = weak.lock()) self->told_of_room(payload);
        });
    const auto hear = [&](const rpc::Method& method, auto&& handle) {
        return bus_.subscribe(method, {}, [weak, handle](const std::string& payload) {
            const auto self = weak.lock();
            if (!self) return;
            self->later([self = self.get(), handle, payload](Timestamp when) {
                handle(*self, when, payload);
            });
        });
    };
    job_ended_ = hear(kJobEnded, [](JobLauncher& self, Timestamp when, const std::string& payload) {
        self.over(when, payload, false);
    });
    job_lost_ = hear(kJobLost, [](JobLauncher& self, Timestamp when, const std::string& payload) {
        self.over(when, payload, true);
    });
    job_held_ = hear(kJobHeld, [](JobLauncher& self, Timestamp, const std::string& payload) {
        self.held(payload);
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
    since_gather_.clear();
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

// Whoever did not answer the last question is not there any more, but for who has come since.
void JobLauncher::gathered(std::uint64_t number, std::set<WorkerKey> kinds) {
    --gathers_;
    if (number != last_gather_) return;
    kinds.merge(since_gather_);
    if (kinds == kinds_) return;
    kinds_ = std::move(kinds);
    host_.kinds_known(kinds_);
}

// Others than us do not say of which kind.
void JobLauncher::told_of_room(const std::string& payload) {
    ::rpc::CheckEnabledResponse told;
    const bool is_read = told.ParseFromString(payload);
    const std::set<WorkerKey> kinds = is_read ? kinds_of(told) : std::set<WorkerKey>{};
    if (told_.empty() && !told_all_) later([this](Timestamp now) { capacity(now); });
    told_.insert(kinds.begin(), kinds.end());
    if (!kinds.empty() && told_.size() <= kMaxTold) return;
    told_all_ = true;
    told_.clear();
}

void JobLauncher::capacity(Timestamp now) {
    const std::set<WorkerKey> told = std::exchange(told_, {});
    const bool all = std::exchange(told_all_, false);
    const bool known = std::includes(kinds_.begin(), kinds_.end(), told.begin(), told.end());
    if (all || !known)
        gather(now);
    else if (gathers_ > 0)
        since_gather_.insert(told.begin(), told.end());
    for (auto at = lines_.begin(); at != lines_.end();) {
        const auto line = at++;
        if (!all && !told.contains(line->first)) continue;
        line->second.jobs.capacity(now);
        ask_next(now, line);
    }
}

// ---------------------------------------------------------------- asking

void JobLauncher::launch(Timestamp now, livekit::Job job) {
    if (jobs_.size() >= kMaxJobs) return give_up(std::move(job), "too many jobs on this node");
    const std::string id = job.id();
    const auto [at, is_new] = jobs_.try_emplace(id);
    if (!is_new) return;
    at->second.job = std::move(job);
    ++counts_[static_cast<std::size_t>(Stage::kWaiting)];
    by_room_[room_key_of(at->second.job)].insert(id);
    set_over(at, now + kMaxWait);
    const auto line = lines_.try_emplace(key_of(at->second.job)).first;
    line->second.jobs.add(id);
    ask_next(now, line);
    if (at->second.stage != Stage::kWaiting) return;  // the line may be gone, too
    crowd_out(at, line->second.jobs);
    ask_next(now, line);
}

void JobLauncher::adopt(livekit::Job job) {
    if (jobs_.size() >= kMaxJobs) return;
    const auto [at, is_new] = jobs_.try_emplace(job.id());
    if (!is_new) return;
    by_room_[room_key_of(job)].insert(job.id());
    at->second.job = std::move(job);
    at->second.stage = Stage::kRunning;
    ++counts_[static_cast<std::size_t>(Stage::kRunning)];
}

void JobLauncher::ask_next(Timestamp now, Lines::iterator at) {
    Line& line = at->second;
    while (const auto id = line.jobs.take(now)) {
        Entry& entry = jobs_.at(*id);
        set_stage(entry, Stage::kAsked);
        ask(now, at->first, entry);
    }
    due_.erase({line.due, at->first});
    if (line.jobs.is_empty()) {
        lines_.erase(at);
        return;
    }
    line.due = line.jobs.next_deadline();
    if (!line.due.is_never()) due_.insert({line.due, at->first});
}

void JobLauncher::ask(Timestamp now, const WorkerKey& key, const Entry& entry) {
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
    if (outcome) {
        line->second.jobs.accepted(job);
        took(now, at, outcome->state());
    } else {
        not_taken(now, at, line->second.jobs, outcome.error().code);
    }
    ask_next(now, line);
}

void JobLauncher::took(Timestamp now, Entries::iterator at, const livekit::JobState& state) {
    Entry& entry = at->second;
    const bool ended =
        state.status() == livekit::JS_SUCCESS || state.status() == livekit::JS_FAILED;
    if (entry.unwanted) {
        if (!ended) ender_->end(now, at->first, entry.reason);
        return drop(at);
    }
    *entry.job.mutable_state() = state;
    const livekit::Job job = entry.job;
    if (ended) {
        drop(at);
    } else {
        set_stage(entry, Stage::kRunning);
        set_over(at, Timestamp::never());
    }
    host_.job_changed(job, ended ? JobChange::kEnded : JobChange::kRuns);
}

// Nobody that has room: so it is for all of its kind. Anything else is about this job.
void JobLauncher::not_taken(Timestamp now, Entries::iterator at, JobLine& line, rpc::Code why) {
    if (why == rpc::Code::kUnavailable) {
        line.nobody_there(now, at->first);
    } else {
        line.refused(now, at->first);
    }
    if (at->second.unwanted) {
        line.remove(at->first);
        return drop(at);
    }
    set_stage(at->second, Stage::kWaiting);
    crowd_out(at, line);
}

void JobLauncher::crowd_out(Entries::iterator at, JobLine& line) {
    if (!line.is_crowded() && count(Stage::kWaiting) <= kMaxWaiting) return;
    line.remove(at->first);
    livekit::Job job = at->second.job;
    drop(at);
    give_up(std::move(job), "too many jobs wait for a worker");
}

void JobLauncher::give_up(livekit::Job job, const std::string& error) {
    job.mutable_state()->set_status(livekit::JS_FAILED);
    job.mutable_state()->set_error(error);
    host_.job_changed(job, JobChange::kGivenUp);
}

// ---------------------------------------------------------------- entries

void JobLauncher::set_stage(Entry& entry, Stage stage) {
    --counts_.at(static_cast<std::size_t>(entry.stage));
    ++counts_.at(static_cast<std::size_t>(stage));
    entry.stage = stage;
}

void JobLauncher::set_over(Entries::iterator at, Timestamp when) {
    overs_.erase({at->second.over_at, at->first});
    at->second.over_at = when;
    if (!when.is_never()) overs_.insert({when, at->first});
}

void JobLauncher::drop(Entries::iterator at) {
    overs_.erase({at->second.over_at, at->first});
    --counts_.at(static_cast<std::size_t>(at->second.stage));
    const auto room = by_room_.find(room_key_of(at->second.job));
    room->second.erase(at->first);
    if (room->second.empty()) by_room_.erase(room);
    jobs_.erase(at);
}

// ---------------------------------------------------------------- the end of jobs

void JobLauncher::end(Timestamp now, const std::string& job, ::rpc::JobTerminateReason reason) {
    const auto at = jobs_.find(job);
    if (at == jobs_.end()) return;
    switch (at->second.stage) {
        case Stage::kWaiting: {
            const auto line = lines_.find(key_of(at->second.job));
            line->second.jobs.remove(job);
            drop(at);
            return ask_next(now, line);
        }
        case Stage::kAsked:
            at->second.unwanted = true;
            at->second.reason = reason;
            return;
        case Stage::kRunning:
        case Stage::kLost:
            ender_->end(now, job, reason);
            return drop(at);
    }
}

void JobLauncher::forget(const std::string& job) {
    const auto at = jobs_.find(job);
    if (at == jobs_.end()) return;
    if (at->second.stage == Stage::kRunning || at->second.stage == Stage::kLost) drop(at);
}

void JobLauncher::room_over(Timestamp now, const std::string& room_key) {
    const auto found = by_room_.find(room_key);
    if (found == by_room_.end()) return;
    const std::set<std::string> jobs = found->second;
    for (const std::string& job : jobs)
        end(now, job, ::rpc::TERMINATION_REQUESTED);
}

// Of one that was lost the worker may have come back, and tell its end after all.
void JobLauncher::over(Timestamp now, const std::string& payload, bool lost) {
    livekit::Job told;
    if (!told.ParseFromString(payload)) return;
    const auto at = jobs_.find(told.id());
    if (at == jobs_.end()) return;
    const Stage stage = at->second.stage;
    if (stage != Stage::kRunning && (lost || stage != Stage::kLost)) return;
    *at->second.job.mutable_state() = told.state();
    const livekit::Job job = at->second.job;
    if (lost) {
        set_stage(at->second, Stage::kLost);
        set_over(at, now + kKeepLost);
    } else {
        drop(at);
    }
    host_.job_changed(job, lost ? JobChange::kLost : JobChange::kEnded);
}

// Only by workers of its kind: any other might say that it has it.
void JobLauncher::held(const std::string& payload) {
    livekit::Job told;
    if (!told.ParseFromString(payload)) return;
    const auto at = jobs_.find(told.id());
    if (at == jobs_.end() || at->second.stage != Stage::kRunning ||
        key_of(told) != key_of(at->second.job))
        return;
    at->second.job.mutable_state()->set_worker_id(told.state().worker_id());
    const livekit::Job job = at->second.job;
    host_.job_changed(job, JobChange::kRuns);
}

// ---------------------------------------------------------------- time

void JobLauncher::over_due(Timestamp now) {
    while (!overs_.empty() && overs_.begin()->first <= now) {
        const auto at = jobs_.find(overs_.begin()->second);
        const Stage stage = at->second.stage;
        const bool unwanted = at->second.unwanted;
        livekit::Job job = at->second.job;
        set_over(at, Timestamp::never());
        if (stage == Stage::kLost) {
            drop(at);
            continue;
        }
        end(now, job.id(), ::rpc::TERMINATION_REQUESTED);
        if (!unwanted) give_up(std::move(job), "no worker took the job in time");
    }
}

void JobLauncher::handle_timeout(Timestamp now) {
    while (!todo_.empty()) {
        const auto fn = std::move(todo_.front());
        todo_.pop_front();
        fn(now);
    }
    over_due(now);
    if (ender_->next_deadline() <= now) ender_->handle_timeout(now);
    if (next_gather_ <= now) gather(now);
    while (!due_.empty() && due_.begin()->first <= now)
        ask_next(now, lines_.find(due_.begin()->second));
}

Timestamp JobLauncher::next_deadline() const {
    if (!todo_.empty()) return Timestamp::micros(0);
    Timestamp next = earlier(next_gather_, ender_->next_deadline());
    if (!overs_.empty()) next = earlier(next, overs_.begin()->first);
    return due_.empty() ? next : earlier(next, due_.begin()->first);
}

JobLauncher::Snapshot JobLauncher::snapshot() const {
    return {count(Stage::kWaiting), count(Stage::kAsked), count(Stage::kRunning)};
}

}  // namespace confab::agents
