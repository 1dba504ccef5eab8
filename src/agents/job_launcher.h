// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the rooms of this node want of agents, wherever the workers are (05 DSP-01, DSP-02, DSP-23):
// knows which kinds of workers there are, asks for jobs over the bus, and keeps a job that nobody
// takes now until somebody does.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "agents/job_ender.h"
#include "agents/job_line.h"
#include "agents/worker_key.h"
#include "rpc/bus.h"
#include "rpc_agent.pb.h"

namespace confab::agents {

// What became of a job.
enum class JobChange : std::uint8_t {
    kRuns,     // also: with another worker, or without one while that is away
    kEnded,    // as its worker says
    kLost,     // its worker is gone, the agent itself may be there still
    kGivenUp,  // it never ran: too many wait, or it waited too long; the error says which. Whoever
               // wants it still may launch another one later.
};

class LauncherHost {
  public:
    virtual ~LauncherHost() = default;
    // All kinds of workers that there are; whenever that may have changed.
    virtual void kinds_known(const std::set<WorkerKey>& kinds) = 0;
    virtual void job_changed(const livekit::Job& job, JobChange change) = 0;
};

class JobLauncher : public std::enable_shared_from_this<JobLauncher> {
  public:
    static constexpr Duration kRequestTimeout = Duration::seconds(12);  // DSP-02
    static constexpr Duration kMaxWait = Duration::seconds(3600);       // for a worker
    static constexpr Duration kKeepLost = Duration::seconds(3600);  // to be ended, if it is back
    static constexpr Duration kGatherTime = Duration::seconds(1);
    static constexpr std::size_t kMaxGathers = 16;                   // at once
    static constexpr Duration kGatherAgain = Duration::seconds(60);  // at the latest
    // A further one is given up at once.
    static constexpr std::size_t kMaxJobs = 100'000;
    // Of all kinds (JobLine::kMaxWaiting: of one). A further one is given up if nobody takes it
    // now.
    static constexpr std::size_t kMaxWaiting = 50'000;
    static constexpr std::size_t kMaxTold = 1'000;  // kinds with room between two turns; else all

    // Both must outlive it. Made as a shared_ptr: answers on the bus may come after its end.
    JobLauncher(rpc::Bus& bus, LauncherHost& host)
        : bus_(bus), host_(host), ender_(std::make_shared<JobEnder>(bus)) {}
    // Before anything else.
    void start(Timestamp now);

    // The namespace of the job says whose its room is (worker_key.h), here and in what is told.
    void launch(Timestamp now, livekit::Job job);
    // One that runs already, and that another node asked for, is this node's from now on; of more
    // than kMaxJobs nothing more is heard.
    void adopt(livekit::Job job);
    // Nobody wants it any more.
    void end(Timestamp now, const std::string& job, ::rpc::JobTerminateReason reason);
    // A job that runs goes on, and is nobody's here any more.
    void forget(const std::string& job);
    // The room is gone, and with it whoever would end its jobs one by one.
    void room_over(Timestamp now, const std::string& room_key);

    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;
    struct Snapshot {
        std::size_t waiting = 0;
        std::size_t asked = 0;
        std::size_t running = 0;
    };
    Snapshot snapshot() const;

  private:
    enum class Stage : std::uint8_t { kWaiting, kAsked, kRunning, kLost };
    struct Entry {
        livekit::Job job;
        Stage stage = Stage::kWaiting;
        Timestamp over_at = Timestamp::never();  // it is given up, or forgotten if it is lost
        bool unwanted = false;                   // ended while it was asked for
        ::rpc::JobTerminateReason reason = ::rpc::TERMINATION_REQUESTED;
    };
    using Entries = std::map<std::string, Entry>;
    struct Line {
        JobLine jobs;
        Timestamp due = Timestamp::never();
    };
    using Lines = std::map<WorkerKey, Line>;
    using Outcome = Result<::rpc::JobRequestResponse, rpc::Error>;

    // What the bus tells waits for handle_timeout(), which knows the time.
    template <typename F>
    void later(F&& fn) {
        todo_.emplace_back(std::forward<F>(fn));
    }
    void gather(Timestamp now);
    void merge(const std::set<WorkerKey>& kinds);
    void gathered(std::uint64_t number, std::set<WorkerKey> kinds);
    void told_of_room(const std::string& payload);
    void capacity(Timestamp now);
    void ask_next(Timestamp now, Lines::iterator at);
    void ask(Timestamp now, const WorkerKey& key, const Entry& entry);
    void answered(Timestamp now, const std::string& job, const Outcome& outcome);
    void took(Timestamp now, Entries::iterator at, const livekit::JobState& state);
    void not_taken(Timestamp now, Entries::iterator at, JobLine& line, rpc::Code why);
    // Gives it up if too many wait.
    void crowd_out(Entries::iterator at, JobLine& line);
    void give_up(livekit::Job job, const std::string& error);
    void set_stage(Entry& entry, Stage stage);
    void set_over(Entries::iterator at, Timestamp when);
    void drop(Entries::iterator at);
    void over(Timestamp now, const std::string& payload, bool lost);
    void held(const std::string& payload);
    void over_due(Timestamp now);
    std::size_t count(Stage stage) const { return counts_.at(static_cast<std::size_t>(stage)); }

    rpc::Bus& bus_;
    LauncherHost& host_;
    std::shared_ptr<JobEnder> ender_;
    Entries jobs_;
    std::array<std::size_t, 4> counts_{};                   // of them, by stage
    std::map<std::string, std::set<std::string>> by_room_;  // by its key
    std::set<std::pair<Timestamp, std::string>> overs_;
    Lines lines_;
    std::set<std::pair<Timestamp, WorkerKey>> due_;  // of the lines
    std::set<WorkerKey> kinds_;
    std::size_t gathers_ = 0;  // on their way
    std::uint64_t last_gather_ = 0;
    std::set<WorkerKey> since_gather_;  // told while the last one is on its way
    std::set<WorkerKey> told_;          // have room; many at once are one
    bool told_all_ = false;             // which ones was not said
    Timestamp next_gather_ = Timestamp::never();
    std::deque<std::function<void(Timestamp)>> todo_;
    rpc::Registration worker_registered_;
    rpc::Registration job_ended_;
    rpc::Registration job_lost_;
    rpc::Registration job_held_;
};

}  // namespace confab::agents
