// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The registered workers of this node and which of them is offered a job (05 B.3, DSP-01 … DSP-08):
// at random, weighted by what its load leaves, among those that say that they are available and
// were not tried yet. What was offered since a worker last told its load counts as load already
// (DSP-03), so that a burst does not all go to the same one. Who has nothing left by its load is
// asked when nobody else is there.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>

#include "agents/worker_key.h"
#include "base/rng.h"
#include "livekit_models.pb.h"

namespace confab::agents {

struct Worker {
    std::string id;  // AW_…
    WorkerKey key;
    std::string api_key;  // of its token
    livekit::ParticipantPermission permissions;
    bool available = true;
    double load = 0;
    std::size_t jobs = 0;       // running
    std::size_t unseen = 0;     // offers that its load does not show yet
    std::size_t simulated = 0;  // offers and jobs that it asked for itself
    Timestamp silent_until;     // it left its last offer unanswered; then that is forgotten
    bool revoked = false;       // its API key is gone

    // What a job adds to it: as its jobs do by what it says, else a guess.
    double load_per_job() const;
    double expected_load() const { return load + static_cast<double>(unseen) * load_per_job(); }
    // By its own word: where the limit is, and whether there is one, only it knows (DSP-06).
    bool takes_jobs() const { return available && !revoked; }
};

class WorkerPool {
  public:
    static constexpr double kLoadPerJob = 0.1;
    // Who left an offer unanswered is asked after the others for so long.
    static constexpr Duration kSilentTime = Duration::seconds(10);

    Worker& add(Worker worker);
    void remove(const std::string& id);
    Worker* find(const std::string& id);
    std::size_t size() const { return workers_.size(); }
    const std::map<std::string, Worker>& all() const { return workers_; }
    bool has(const WorkerKey& key) const;
    std::set<WorkerKey> keys() const;

    // WRK-06: the load is always what was said last, the status only if it was said.
    static void update(Worker& worker, const livekit::UpdateWorkerStatus& status);
    // Null if there is none that takes it and is not in `tried`.
    Worker* choose(const WorkerKey& key, const std::set<std::string>& tried, Timestamp now,
                   Rng& rng);
    // How well this node suits (DSP-01): what is left below the target, over its workers. Where
    // nothing is, a little more than nothing while there is a worker that takes jobs: somebody
    // answers then. Negative without any such worker.
    double affinity(const WorkerKey& key, double target_load) const;

  private:
    std::map<std::string, Worker> workers_;
};

}  // namespace confab::agents
