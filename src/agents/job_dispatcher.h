// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The jobs of this node's workers: offered to one after the other until somebody takes it, assigned
// with a token, followed until they end (05 B.3, B.6). A worker that leaves an offer unanswered
// keeps it while others are asked; the first that accepts has the job (DSP-02, DSP-06). The jobs of
// a worker whose connection broke are kept for a while: it may come back for them. Jobs that it
// brings along and nobody here knows, as after a restart of the server, go on; only of those that
// ended here it is told so (WRK-10), unless they ended for want of their agent while it was away.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "agents/ended_jobs.h"
#include "agents/worker_key.h"
#include "agents/worker_pool.h"
#include "base/callback.h"
#include "base/rng.h"
#include "rpc/error.h"
#include "rpc_agent.pb.h"
#include "token/token.h"

namespace confab::agents {

class DispatcherHost {
  public:
    virtual ~DispatcherHost() = default;
    virtual void send(const std::string& worker, const livekit::ServerMessage& message) = 0;
    // From now until job_over() or terminate() it may be asked to end.
    virtual void job_started(const livekit::Job& job) = 0;
    // Another worker has it, or none: the one it had is away.
    virtual void job_held(const livekit::Job& job) = 0;
    // With its final state. `lost`: its worker did not come back, which says nothing of the agent.
    virtual void job_over(const livekit::Job& job, bool lost) = 0;
};

class JobDispatcher {
  public:
    static constexpr Duration kOfferTimeout = Duration::seconds(5);
    // Longer than the SDKs try to come back: Python 130 s, Node 80 s (WRK-15).
    static constexpr Duration kKeptWithoutWorker = Duration::seconds(150);
    // Beyond either, requests are refused with kUnavailable.
    static constexpr std::size_t kMaxOffers = 10'000;
    static constexpr std::size_t kMaxJobs = 100'000;
    // Of a worker, offers included; Node workers never say that one is over, so that it is
    // forgotten when its agent's token is over.
    static constexpr std::size_t kMaxSimulated = 100;
    static constexpr Duration kSimulatedTime = Duration::seconds(3600);
    // Jobs that workers brought along from elsewhere; of more it is not followed how they go on.
    static constexpr std::size_t kMaxAdopted = 10'000;

    using Outcome = Result<livekit::JobState, rpc::Error>;
    using Answer = Callback<Outcome>;

    // All must outlive it.
    JobDispatcher(WorkerPool& pool, const token::KeyProvider& keys, Rng rng, DispatcherHost& host)
        : pool_(pool), keys_(keys), rng_(rng), host_(host) {}

    // Answered when a worker took it, when all refused, or at `expires`. A job that runs already is
    // answered as it is: the first answer may have been lost.
    void request(Clock clock, livekit::Job job, Timestamp expires, Answer answer);
    // A job that a worker asked for to try itself (WRK-09), offered to nobody else.
    void simulate(Clock clock, Worker& worker, const livekit::SimulateJobRequest& request);
    // RPC-08. The worker is told, and the job forgotten (WRK-11).
    Outcome terminate(Clock clock, const std::string& job, ::rpc::JobTerminateReason reason);

    // ---- what workers say
    void answered(Clock clock, Worker& worker, livekit::AvailabilityResponse answer);
    void updated(Clock clock, Worker& worker, const livekit::UpdateJobStatus& update);
    void migrated(Clock clock, Worker& worker, const livekit::MigrateJobRequest& request);
    // It is not in the pool any more.
    void worker_gone(Clock clock, const std::string& worker);

    // Those with jobs that run, except what they try themselves.
    std::set<std::string> busy_workers() const;

    void handle_timeout(Clock clock);
    Timestamp next_deadline() const;
    std::size_t offers() const { return offers_.size(); }
    std::size_t jobs() const { return jobs_.size(); }

  private:
    struct Offer {
        livekit::Job job;
        Answer answer;
        Timestamp expires;
        std::set<std::string> tried;
        std::set<std::string> open;  // offered and not answered
        std::string latest;          // the one that is waited for
        bool simulated = false;
        Timestamp timer;
    };
    struct Running {
        livekit::Job job;
        std::string worker;  // empty: its connection broke
        std::string api_key;
        bool simulated = false;
        bool adopted = false;
        Timestamp timer = Timestamp::never();
    };
    using Offers = std::map<std::string, Offer>;
    using Jobs = std::map<std::string, Running>;

    void offer_to(Clock clock, Offer& offer, Worker& worker);
    void try_next(Clock clock, Offers::iterator at);
    void finish(Offers::iterator at, Outcome outcome);
    void accept(Clock clock, Offers::iterator at, Worker& worker,
                livekit::AvailabilityResponse answer);
    void end(Clock clock, Jobs::iterator at, livekit::JobStatus status, const std::string& error);
    void adopt(Clock clock, Worker& worker, const std::string& job);
    void take_over(Jobs::iterator at, Worker& worker);
    void tell_holder(const Running& running);
    // Not known any more from now on.
    Running remove(Jobs::iterator at);
    void tell_termination(const std::string& worker, const std::string& job);
    void offer_due(Clock clock, Offers::iterator at);
    void job_due(Clock clock, Jobs::iterator at);
    template <typename Entry>
    void set_timer(const std::string& id, Entry& entry, Timestamp deadline);

    WorkerPool& pool_;
    const token::KeyProvider& keys_;
    Rng rng_;
    DispatcherHost& host_;
    Offers offers_;  // by job id
    Jobs jobs_;
    std::size_t adopted_ = 0;  // of them
    EndedJobs ended_;
    std::set<std::pair<Timestamp, std::string>> timers_;
};

}  // namespace confab::agents
