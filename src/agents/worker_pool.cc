// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/worker_pool.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace confab::agents {
namespace {

// What counts for a worker that has nothing left and takes jobs all the same.
constexpr double kLeast = 0.001;

double left_by_load(const Worker& worker) {
    return std::max(kLeast, 1 - worker.load);
}

// Those who answer go before those who did not; null if all are tried.
template <typename Weight>
Worker* draw(const std::vector<Worker*>& from, Rng& rng, Weight&& weight) {
    double sum = 0;
    for (const Worker* worker : from)
        sum += std::max(0.0, weight(*worker));
    if (sum <= 0) return nullptr;
    double point = rng.unit() * sum;
    Worker* last = nullptr;
    for (Worker* worker : from) {
        const double share = std::max(0.0, weight(*worker));
        if (share <= 0) continue;
        last = worker;
        point -= share;
        if (point < 0) break;
    }
    return last;
}

}  // namespace

double Worker::load_per_job() const {
    if (jobs == 0 || load <= 0) return WorkerPool::kLoadPerJob;
    return load / static_cast<double>(jobs);
}

Worker& WorkerPool::add(Worker worker) {
    const std::string id = worker.id;
    return workers_[id] = std::move(worker);
}

void WorkerPool::remove(const std::string& id) {
    workers_.erase(id);
}

Worker* WorkerPool::find(const std::string& id) {
    const auto found = workers_.find(id);
    return found == workers_.end() ? nullptr : &found->second;
}

bool WorkerPool::has(const WorkerKey& key) const {
    return std::any_of(workers_.begin(), workers_.end(),
                       [&](const auto& entry) { return entry.second.key == key; });
}

std::set<WorkerKey> WorkerPool::keys() const {
    std::set<WorkerKey> result;
    for (const auto& [id, worker] : workers_)
        result.insert(worker.key);
    return result;
}

void WorkerPool::update(Worker& worker, const livekit::UpdateWorkerStatus& status) {
    if (status.has_status()) worker.available = status.status() == livekit::WS_AVAILABLE;
    worker.load = std::max(0.0, static_cast<double>(status.load()));
    worker.unseen = 0;
}

Worker* WorkerPool::choose(const WorkerKey& key, const std::set<std::string>& tried, Timestamp now,
                           Rng& rng) {
    std::vector<Worker*> prompt;
    std::vector<Worker*> silent;
    for (auto& [id, worker] : workers_) {
        if (worker.key != key || !worker.takes_jobs() || tried.contains(id)) continue;
        (now < worker.silent_until ? silent : prompt).push_back(&worker);
    }
    const std::vector<Worker*>& candidates = prompt.empty() ? silent : prompt;
    if (Worker* chosen =
            draw(candidates, rng, [](const Worker& w) { return 1 - w.expected_load(); }))
        return chosen;
    // All have been offered as much as they may take: what they said last decides.
    return draw(candidates, rng, left_by_load);
}

double WorkerPool::affinity(const WorkerKey& key, double target_load) const {
    constexpr double kLittle = 0.001;
    double left = 0;
    double little = 0;
    for (const auto& [id, worker] : workers_) {
        if (worker.key != key || !worker.takes_jobs()) continue;
        left += std::max(0.0, target_load - worker.load);
        little = std::max(little, kLittle * left_by_load(worker));
    }
    if (little <= 0) return -1;
    return left > 0 ? left : little;
}

}  // namespace confab::agents
