// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Calls that are tried again (03 PSR-17): each attempt is a request of its own, so that a handler
// may run more than once and has to bear it. A machine over any rpc::Bus; its owner looks at
// next_deadline() after each turn of the bus.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/rng.h"
#include "base/time.h"
#include "cluster/psrpc/alarms.h"
#include "rpc/bus.h"

namespace confab::cluster::psrpc {

struct RetryPlan {
    std::size_t attempts = 3;
    Duration timeout = Duration::seconds(3);  // of the first attempt
    Duration added = Duration::seconds(2);    // to that of each further one
    double growth = 1;                        // or multiplied with this
    Duration pause;  // before the second attempt, doubled for each further one, times U[1, 2)
    bool when_exhausted = false;  // also after kResourceExhausted
};
inline constexpr RetryPlan kDefaultRetry{};
// RoomManager.CreateRoom (RPC-02).
inline constexpr RetryPlan kCreateRoomRetry{3,    Duration::seconds(10), Duration::zero(), 1, {},
                                            false};
// EgressInternal.StartEgress. Others' servers have kDefaultRetry around it.
inline constexpr RetryPlan kEgressRetry{3, Duration::seconds(10), Duration::zero(),
                                        2, Duration::seconds(1),  true};

class Retrier {
  public:
    static constexpr std::size_t kMaxCalls = 16'384;  // one more is refused

    Retrier(rpc::Bus& bus, std::uint64_t seed) : bus_(bus), rng_(seed) {}
    Retrier(const Retrier&) = delete;
    Retrier& operator=(const Retrier&) = delete;
    // What is under way answers nobody.
    ~Retrier();

    // As rpc::Bus::call; `options.timeout` is the plan's. The last attempt's error is the call's.
    rpc::CallId call(Timestamp now, const rpc::Method& method, rpc::Topic topic,
                     std::string request, rpc::CallOptions options, const RetryPlan& plan,
                     rpc::Reply done);
    void cancel(rpc::CallId id);

    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return alarms_.next(); }
    std::size_t calls() const { return calls_.size(); }

  private:
    struct Call {
        rpc::Method method;
        rpc::Topic topic;
        std::string request;
        rpc::CallOptions options;
        RetryPlan plan;
        rpc::Reply done;
        std::size_t attempts = 0;  // begun
        Duration pause;
        rpc::CallId under_way;
    };
    void attempt(Timestamp now, rpc::CallId id);
    void finished(rpc::CallId id, rpc::Outcome outcome);

    rpc::Bus& bus_;
    Rng rng_;
    std::map<rpc::CallId, Call> calls_;
    // When the next attempts begin; in the past: with the next turn.
    Alarms<rpc::CallId> alarms_;
    std::map<rpc::CallId, Duration> pauses_;  // that begin with the next turn
    std::uint64_t last_ = 0;
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace confab::cluster::psrpc
