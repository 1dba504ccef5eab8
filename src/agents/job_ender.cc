// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/job_ender.h"

#include "agents/methods.h"
#include "rpc/typed.h"

namespace confab::agents {

void JobEnder::end(Timestamp now, const std::string& job, ::rpc::JobTerminateReason reason) {
    if (jobs_.size() >= kMaxJobs || !jobs_.emplace(job, Ending{reason}).second) return;
    waiting_.push_back(job);
    ask(now);
}

void JobEnder::ask(Timestamp now) {
    while (asked_ < kMaxAsked && !waiting_.empty()) {
        const std::string job = std::move(waiting_.front());
        waiting_.pop_front();
        Ending& ending = jobs_.at(job);
        ++ending.tries;
        ++asked_;
        ::rpc::JobTerminateRequest request;
        request.set_job_id(job);
        request.set_reason(ending.reason);
        rpc::call<::rpc::JobTerminateResponse>(
            bus_, now, kJobTerminate, {job}, request, {},
            [weak = weak_from_this(),
             job](const Result<::rpc::JobTerminateResponse, rpc::Error>& outcome) {
                const bool heard = outcome || outcome.error().code == rpc::Code::kNotFound;
                if (const auto self = weak.lock()) self->answers_.emplace_back(job, heard);
            });
    }
}

// Nobody there (kUnavailable) may be a node that is away for a moment.
void JobEnder::answered(Timestamp now, const std::string& job, bool heard) {
    --asked_;
    const auto at = jobs_.find(job);
    if (heard || at->second.tries >= kMaxTries) {
        jobs_.erase(at);
        return;
    }
    retries_.insert({now + kFirstRetry * (std::int64_t{1} << (at->second.tries - 1)), job});
}

void JobEnder::handle_timeout(Timestamp now) {
    while (!answers_.empty()) {
        const auto [job, heard] = std::move(answers_.front());
        answers_.pop_front();
        answered(now, job, heard);
    }
    while (!retries_.empty() && retries_.begin()->first <= now) {
        waiting_.push_back(retries_.begin()->second);
        retries_.erase(retries_.begin());
    }
    ask(now);
}

Timestamp JobEnder::next_deadline() const {
    if (!answers_.empty()) return Timestamp();
    return retries_.empty() ? Timestamp::never() : retries_.begin()->first;
}

}  // namespace confab::agents
