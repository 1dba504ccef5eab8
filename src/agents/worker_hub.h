// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// All agent workers that are connected to this node, and what other nodes ask of them over the bus:
// which kinds there are, jobs for them, and the end of jobs. Frames of the sockets in and out.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "agents/job_dispatcher.h"
#include "agents/worker_pool.h"
#include "agents/worker_session.h"
#include "rpc/bus.h"

namespace confab::agents {

struct WorkerFrame {
    std::string worker;
    Frame frame;
};
// Its connection ends, with a close frame or without one (WRK-02).
struct WorkerEnd {
    std::string worker;
    bool cut = false;
    std::string why;  // for the log
};
using WorkerOutput = std::variant<WorkerFrame, WorkerEnd>;

struct HubOptions {
    livekit::ServerInfo server;  // as workers are told
    double target_load = 0.7;    // agents.target_load
};

class WorkerHub final : private DispatcherHost {
  public:
    static constexpr std::size_t kMaxWorkers = 10'000;
    static constexpr std::size_t kMaxStarved = 1'000;  // kinds; of more, nobody is told
    static constexpr Duration kDrainTime = Duration::seconds(5);
    static constexpr Duration kLookForIdle = Duration::seconds(1);  // while it drains

    // All must outlive it; `bus` is that of this node.
    WorkerHub(rpc::Bus& bus, const token::KeyProvider& keys, HubOptions options,
              std::uint64_t seed);

    // ---- sockets
    // Whether one more is taken; WRK-15: to be asked before the upgrade.
    bool takes_workers() const { return !draining_ && sessions_.size() < kMaxWorkers; }
    // The id of the worker on a new socket, whose token is of that key and tenant.
    std::string connect(Clock clock, std::string api_key, std::string tenant = {});
    void handle_message(Clock clock, const std::string& worker, bool text,
                        std::string_view payload);
    // Also after WorkerEnd.
    void disconnected(Clock clock, const std::string& worker);
    std::optional<WorkerOutput> poll_output();

    // Workers whose API key is gone or has become another tenant's are cut; they get no job from
    // now on.
    void keys_changed();

    // WRK-13: no more jobs; the workers are let go one by one, to register elsewhere. Whoever has a
    // job stays as long as that: where there is no other node its agent would end with it.
    void drain(Clock clock);
    // Workers may come again; those that were let go are.
    void undrain();

    void handle_timeout(Clock clock);
    Timestamp next_deadline() const;

    struct Snapshot {
        std::size_t connected = 0;
        std::size_t registered = 0;
        std::size_t offers = 0;
        std::size_t jobs = 0;
    };
    Snapshot snapshot() const {
        return {sessions_.size(), pool_.size(), dispatcher_.offers(), dispatcher_.jobs()};
    }

  private:
    struct Connection {
        WorkerSession session;
        std::string api_key;
        std::string tenant;
        bool ended = false;
    };
    using Topic = std::pair<std::string, livekit::JobType>;  // agent topic

    // ---- DispatcherHost
    void send(const std::string& worker, const livekit::ServerMessage& message) override;
    void job_started(const livekit::Job& job) override;
    void job_held(const livekit::Job& job) override;
    void job_over(const livekit::Job& job, bool lost) override;

    void handle(Clock clock, Connection& connection, WorkerEvent event);
    void add_worker(Connection& connection, Registered registered);
    void update(Worker& worker, const livekit::UpdateWorkerStatus& status);
    void flush(Connection& connection);
    void end(Connection& connection, bool cut, std::string why);
    void serve(const WorkerKey& key);
    double affinity(const rpc::Request& request);
    void tell_capacity(const Worker& worker);
    ::rpc::CheckEnabledResponse kinds() const;
    void let_go(Clock clock);

    rpc::Bus& bus_;
    const token::KeyProvider& keys_;
    HubOptions options_;
    Rng rng_;
    WorkerPool pool_;
    JobDispatcher dispatcher_;
    std::map<std::string, Connection> sessions_;                 // by worker id
    std::set<std::pair<Timestamp, std::string>> registrations_;  // who has to register until when
    std::deque<WorkerOutput> outputs_;
    std::set<WorkerKey> starved_;  // kinds that somebody asked for in vain
    bool draining_ = false;
    std::deque<std::string> to_let_go_;
    Duration drain_step_ = Duration::zero();
    Timestamp next_drain_ = Timestamp::never();
    std::set<std::string> busy_;  // who stays, as of busy_known_
    Timestamp busy_known_ = Timestamp::never();
    std::map<Topic, rpc::Registration> served_;
    std::map<std::string, rpc::Registration> running_;  // JobTerminate, by job id
    rpc::Registration check_enabled_;
    Clock clock_;  // of the input being handled
};

}  // namespace confab::agents
