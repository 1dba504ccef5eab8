// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the rooms of this node want of agents, wherever the workers are (05 DSP-01, DSP-02, DSP-23):
// knows which kinds of workers there are, asks for jobs over the bus, and keeps a job that nobody
// takes now until somebody does.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "agents/worker_key.h"
#include "rpc/bus.h"
#include "rpc_agent.pb.h"

namespace confab::agents {

class LauncherHost {
  public:
    virtual ~LauncherHost() = default;
    // All kinds of workers that there are; whenever that may have changed.
    virtual void kinds_known(const std::set<WorkerKey>& kinds) = 0;
    // It runs, or it is over. `lost`: its worker is gone, the agent itself may be there still.
    virtual void job_changed(const livekit::Job& job, bool lost) = 0;
};

class JobLauncher : public std::enable_shared_from_this<JobLauncher> {
  public:
    static constexpr Duration kRequestTimeout = Duration::seconds(12);  // DSP-02
    static constexpr Duration kMaxWait = Duration::seconds(3600);       // for a worker
    static constexpr Duration kFirstRetry = Duration::seconds(1);
    static constexpr Duration kLastRetry = Duration::seconds(30);
    static constexpr Duration kGatherTime = Duration::seconds(1);
    static constexpr std::size_t kMaxGathers = 16;                   // at once
    static constexpr Duration kGatherAgain = Duration::seconds(60);  // at the latest
    // That wait or run; a further one fails at once.
    static constexpr std::size_t kMaxJobs = 100'000;
    static constexpr std::size_t kMaxWaiting = 10'000;
    // Requests of one kind of worker on their way: one after a failure, then twice as many with
    // each success.
    static constexpr std::size_t kMaxAsked = 64;

    // Both must outlive it. Made as a shared_ptr: answers on the bus may come after its end.
    JobLauncher(rpc::Bus& bus, LauncherHost& host) : bus_(bus), host_(host) {}
    // Before anything else.
    void start(Timestamp now);

    void launch(Timestamp now, livekit::Job job);
    // Nobody wants it any more.
    void end(Timestamp now, const std::string& job, ::rpc::JobTerminateReason reason);
    // A job that runs goes on, and is nobody's here any more.
    void forget(const std::string& job);

    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;
    struct Snapshot {
        std::size_t waiting = 0;
        std::size_t asked = 0;
        std::size_t running = 0;
    };
    Snapshot snapshot() const;

  private:
    enum class Stage : std::uint8_t { kWaiting, kAsked, kRunning };
    struct Entry {
        livekit::Job job;
        Stage stage = Stage::kWaiting;
        Timestamp give_up;
        bool unwanted = false;  // ended while it was asked for
        ::rpc::JobTerminateReason reason = ::rpc::TERMINATION_REQUESTED;
    };
    // Jobs for one kind of worker, in order.
    struct Line {
        std::deque<std::string> waiting;
        std::size_t asked = 0;
        std::size_t window = 1;
        Duration backoff = kFirstRetry;
        Timestamp retry = Timestamp::never();  // nothing is asked for before
    };
    using Entries = std::map<std::string, Entry>;
    using Lines = std::map<WorkerKey, Line>;
    using Outcome = Result<::rpc::JobRequestResponse, rpc::Error>;

    // What the bus tells waits for handle_timeout(), which knows the time.
    template <typename F>
    void later(F&& fn) {
        todo_.emplace_back(std::forward<F>(fn));
    }
    void gather(Timestamp now);
    void merge(const std::set<WorkerKey>& kinds);
    void gathered(std::uint64_t number, const std::set<WorkerKey>& kinds);
    void capacity(Timestamp now);
    void ask_next(Timestamp now, Lines::iterator at);
    void ask(Timestamp now, const WorkerKey& key, Entry& entry);
    void answered(Timestamp now, const std::string& job, const Outcome& outcome);
    void took(Timestamp now, Entries::iterator at, const livekit::JobState& state);
    void refused(Timestamp now, Entries::iterator at, Line& line);
    void fail(livekit::Job job, const std::string& error);
    void drop(Entries::iterator at);
    void over(const std::string& payload, bool lost);
    void terminate(Timestamp now, const std::string& job, ::rpc::JobTerminateReason reason);
    void give_up(Timestamp now);

    rpc::Bus& bus_;
    LauncherHost& host_;
    Entries jobs_;
    Lines lines_;
    std::size_t waiting_ = 0;
    std::set<std::pair<Timestamp, std::string>> give_ups_;  // of those that do not run
    std::set<WorkerKey> kinds_;
    std::size_t gathers_ = 0;  // on their way
    std::uint64_t last_gather_ = 0;
    bool capacity_told_ = false;  // many at once are one
    Timestamp next_gather_ = Timestamp::never();
    std::deque<std::function<void(Timestamp)>> todo_;
    rpc::Registration worker_registered_;
    rpc::Registration job_ended_;
    rpc::Registration job_lost_;
};

}  // namespace confab::agents
