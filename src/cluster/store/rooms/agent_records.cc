// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/rooms/agent_records.h"

#include <utility>

namespace confab::cluster::store {

void AgentRecords::put(Timestamp now, Name name, std::string bytes) {
    forget(name);
    if (bytes.size() > kMaxHeld - bytes_) {
        ++dropped_;
        return;
    }
    bytes_ += bytes.size();
    waiting_.insert(name);
    records_[std::move(name)] = std::move(bytes);
    flush(now);
}

void AgentRecords::remove(Timestamp now, Name name) {
    forget(name);
    if (waiting_.size() < kMaxWaiting)
        waiting_.insert(std::move(name));
    else
        ++dropped_;
    flush(now);
}

void AgentRecords::forget(const Name& name) {
    const auto at = records_.find(name);
    if (at == records_.end()) return;
    bytes_ -= at->second.size();
    records_.erase(at);
}

void AgentRecords::close(const std::string& room) {
    const auto first = records_.lower_bound({room, Kind::kDispatch, {}});
    auto at = first;
    for (; at != records_.end() && at->first.room == room; ++at)
        bytes_ -= at->second.size();
    records_.erase(first, at);
    auto due = waiting_.lower_bound({room, Kind::kDispatch, {}});
    while (due != waiting_.end() && due->room == room)
        due = waiting_.erase(due);
}

void AgentRecords::handle_up(Timestamp now) {
    again_at_ = Timestamp::never();
    for (const auto& [name, bytes] : records_)
        waiting_.insert(name);
    flush(now);
}

void AgentRecords::handle_timeout(Timestamp now) {
    if (now < again_at_) return;
    again_at_ = Timestamp::never();
    flush(now);
}

void AgentRecords::flush(Timestamp now) {
    while (again_at_.is_never() && on_the_way_ < kMaxOnTheWay && !waiting_.empty()) {
        const Name name = *waiting_.begin();
        waiting_.erase(waiting_.begin());
        ++on_the_way_;
        write(now, name);
    }
}

void AgentRecords::write(Timestamp now, const Name& name) {
    const auto record = records_.find(name);
    const bool is_put = record != records_.end();
    auto done = [this, name, is_put](Timestamp at, const Result<bool, Failure>& answer) {
        written(at, name, is_put, answer);
    };
    const bool is_job = name.kind == Kind::kJob;
    if (!is_put)
        return is_job ? store_.remove_job(now, name.room, name.id, std::move(done))
                      : store_.remove_dispatch(now, name.room, name.id, std::move(done));
    if (is_job) return store_.put_job(now, name.room, record->second, std::move(done));
    store_.put_dispatch(now, name.room, record->second, std::move(done));
}

// What is no record stays unwritten. What was written for a room that is not here any more may be
// the next node's by now: it is not touched again.
void AgentRecords::written(Timestamp now, const Name& name, bool was_put,
                           const Result<bool, Failure>& done) {
    using Code = Failure::Code;
    --on_the_way_;
    if (done || done.error().code == Code::kInvalid || done.error().code == Code::kTooLarge)
        return flush(now);
    if (!was_put || records_.contains(name)) waiting_.insert(name);
    again_at_ = now + kAgain;
}

}  // namespace confab::cluster::store
