// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/psrpc/retry.h"

#include <utility>

namespace confab::cluster::psrpc {
namespace {

bool is_retried(const RetryPlan& plan, rpc::Code code) {
    return code == rpc::Code::kDeadlineExceeded || code == rpc::Code::kUnavailable ||
           (plan.when_exhausted && code == rpc::Code::kResourceExhausted);
}

}  // namespace

Retrier::~Retrier() {
    for (const auto& [id, call] : calls_)
        bus_.cancel(call.under_way);
}

rpc::CallId Retrier::call(Timestamp now, const rpc::Method& method, rpc::Topic topic,
                          std::string request, rpc::CallOptions options, const RetryPlan& plan,
                          rpc::Reply done) {
    const rpc::CallId id(++last_);
    Call call{method,
              std::move(topic),
              std::move(request),
              std::move(options),
              plan,
              std::move(done),
              0,
              plan.pause,
              {}};
    call.options.timeout = plan.timeout;
    // One too many: refused in the next turn, like any last attempt that failed.
    const bool full = calls_.size() >= kMaxCalls;
    if (full) call.attempts = plan.attempts;
    calls_.emplace(id, std::move(call));
    if (full)
        alarms_.set(id, now);
    else
        attempt(now, id);
    return id;
}

void Retrier::cancel(rpc::CallId id) {
    const auto it = calls_.find(id);
    if (it == calls_.end()) return;
    bus_.cancel(it->second.under_way);
    alarms_.cancel(id);
    calls_.erase(it);
}

void Retrier::attempt(Timestamp now, rpc::CallId id) {
    Call& call = calls_.at(id);
    ++call.attempts;
    call.under_way =
        bus_.call(now, call.method, call.topic, call.request, call.options,
                  [this, id, alive = std::weak_ptr<const bool>(alive_)](rpc::Outcome outcome) {
                      if (!alive.expired()) finished(id, std::move(outcome));
                  });
    call.options.timeout = call.options.timeout.scaled(call.plan.growth) + call.plan.added;
}

void Retrier::finished(rpc::CallId id, rpc::Outcome outcome) {
    const auto it = calls_.find(id);
    if (it == calls_.end()) return;
    Call& call = it->second;
    if (!outcome && is_retried(call.plan, outcome.error().code) &&
        call.attempts < call.plan.attempts) {
        // Its time is not known in here: the pause begins with the next turn.
        pauses_[id] = call.pause.scaled(1 + rng_.unit());
        call.pause = call.pause * 2;
        alarms_.set(id, Timestamp::micros(0));
        return;
    }
    rpc::Reply done = std::move(call.done);
    calls_.erase(it);
    done(std::move(outcome));
}

void Retrier::handle_timeout(Timestamp now) {
    while (const auto id = alarms_.pop(now)) {
        const auto pause = pauses_.extract(*id);
        const bool waits = !pause.empty() && pause.mapped() > Duration::zero();
        const auto it = calls_.find(*id);
        if (it == calls_.end()) continue;
        if (waits)
            alarms_.set(*id, now + pause.mapped());
        else if (it->second.attempts >= it->second.plan.attempts)
            finished(*id, fail(rpc::Error{
                              rpc::Code::kResourceExhausted, "too many calls are waiting", {}}));
        else
            attempt(now, *id);
    }
}

}  // namespace confab::cluster::psrpc
