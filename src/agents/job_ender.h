// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Tells whoever has them that jobs are to end (03 RPC-08), until it was heard: a job that runs on
// unheard would hold its worker, and its place on the worker's node, for ever.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "base/time.h"
#include "rpc/bus.h"
#include "rpc_agent.pb.h"

namespace confab::agents {

class JobEnder : public std::enable_shared_from_this<JobEnder> {
  public:
    // Calls on their way; the others have to wait, so that the end of many rooms at once does not
    // fill the bus.
    static constexpr std::size_t kMaxAsked = 1024;
    // Of more than these, the further ones are not told. No fewer than a launcher has jobs.
    static constexpr std::size_t kMaxJobs = 100'000;
    // Then it is given up, the pause twice as long each time. A worker's node that is silent for a
    // minute has lost the job anyway.
    static constexpr int kMaxTries = 6;
    static constexpr Duration kFirstRetry = Duration::seconds(1);

    // `bus` must outlive it. Made as a shared_ptr: answers on the bus may come after its end.
    explicit JobEnder(rpc::Bus& bus) : bus_(bus) {}

    void end(Timestamp now, const std::string& job, ::rpc::JobTerminateReason reason);

    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;
    std::size_t size() const { return jobs_.size(); }

  private:
    struct Ending {
        ::rpc::JobTerminateReason reason = ::rpc::TERMINATION_REQUESTED;
        int tries = 0;
    };
    void ask(Timestamp now);
    void answered(Timestamp now, const std::string& job, bool heard);

    rpc::Bus& bus_;
    std::map<std::string, Ending> jobs_;
    std::deque<std::string> waiting_;
    std::size_t asked_ = 0;
    std::deque<std::pair<std::string, bool>> answers_;  // wait for handle_timeout()
    std::set<std::pair<Timestamp, std::string>> retries_;
};

}  // namespace confab::agents
