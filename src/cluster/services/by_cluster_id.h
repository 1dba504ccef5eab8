// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Asks the services of one cluster id after the other, until one of them is there (03 RPC-31: those
// that are configured with a cluster_id are asked by it, all others without).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cluster/psrpc/retry.h"
#include "cluster/services/turns.h"
#include "rpc/bus.h"

namespace confab::cluster::services {

class ByClusterId {
  public:
    // In this order; "" are those without one, as is an empty list. `bus` and `turns` outlive it.
    ByClusterId(psrpc::Retrier& bus, Turns& turns, std::vector<std::string> ids)
        : bus_(bus), turns_(turns), ids_(std::move(ids)) {
        if (ids_.empty()) ids_.emplace_back();
    }

    // As Retrier::call; all but the last of them are asked once.
    void call(Timestamp now, const rpc::Method& method, std::string request,
              rpc::CallOptions options, const psrpc::RetryPlan& plan, rpc::Reply done) {
        ask(now,
            std::make_shared<Call>(
                Call{method, std::move(request), std::move(options), plan, std::move(done)}),
            0);
    }

  private:
    struct Call {
        rpc::Method method;
        std::string request;
        rpc::CallOptions options;
        psrpc::RetryPlan plan;
        rpc::Reply done;
    };

    void ask(Timestamp now, const std::shared_ptr<Call>& call, std::size_t index) {
        const bool is_last = index + 1 == ids_.size();
        psrpc::RetryPlan plan = call->plan;
        if (!is_last) plan.attempts = 1;
        bus_.call(now, call->method, {ids_[index]}, call->request, call->options, plan,
                  [this, call, index, is_last](rpc::Outcome outcome) {
                      if (is_last || outcome || !is_nobody(outcome.error(), call->plan))
                          return call->done(std::move(outcome));
                      turns_.post([this, call, index](Timestamp at) { ask(at, call, index + 1); });
                  });
    }

    // Who took it and then said so has been asked: another one would be a second call.
    static bool is_nobody(const rpc::Error& error, const psrpc::RetryPlan& plan) {
        return error == rpc::no_response() ||
               (plan.when_exhausted && error.code == rpc::Code::kResourceExhausted);
    }

    psrpc::Retrier& bus_;
    Turns& turns_;
    std::vector<std::string> ids_;
};

}  // namespace confab::cluster::services
