// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/link/foreign_paths.h"

namespace confab::sfu {

void ForeignPaths::note(Timestamp now, const ice::Path& path, WorkerIndex owner) {
    if (find_proved(now, path) != nullptr) return;
    while (!order_.empty() && now - order_.front().noted >= kPeriod)
        forget_unproved(order_.front().path);
    if (const auto known = unproved_.find(path); known != unproved_.end()) {
        *known->second = {path, owner, now};
        order_.splice(order_.end(), order_, known->second);
        return;
    }
    if (unproved_.size() >= kMaxUnproved) forget_unproved(order_.front().path);
    order_.push_back({path, owner, now});
    unproved_.emplace(path, std::prev(order_.end()));
}

void ForeignPaths::prove(Timestamp now, const ice::Path& path, WorkerIndex owner) {
    if (WorkerIndex* known = find_proved(now, path)) {
        *known = owner;
        return;
    }
    // One that was never noted here, or gave way meanwhile, is as good.
    if (new_ >= kMaxProved) return note(now, path, owner);
    ++new_;
    forget_unproved(path);
    current_.emplace(path, owner);
}

std::optional<WorkerIndex> ForeignPaths::use(Timestamp now, const ice::Path& path) {
    if (size() == 0) return std::nullopt;
    if (const WorkerIndex* proved = find_proved(now, path)) return *proved;
    const auto found = unproved_.find(path);
    if (found == unproved_.end() || now - found->second->noted >= kPeriod) return std::nullopt;
    return found->second->owner;
}

std::optional<WorkerIndex> ForeignPaths::owner(const ice::Path& path) const {
    for (const auto* table : {&current_, &previous_})
        if (const auto found = table->find(path); found != table->end()) return found->second;
    const auto found = unproved_.find(path);
    return found == unproved_.end() ? std::nullopt : std::optional(found->second->owner);
}

void ForeignPaths::erase(const ice::Path& path) {
    current_.erase(path);
    previous_.erase(path);
    forget_unproved(path);
}

void ForeignPaths::forget_unproved(const ice::Path& path) {
    const auto found = unproved_.find(path);
    if (found == unproved_.end()) return;
    const auto place = found->second;
    // `path` may be the one that goes with it.
    unproved_.erase(found);
    order_.erase(place);
}

WorkerIndex* ForeignPaths::find_proved(Timestamp now, const ice::Path& path) {
    if (now - began_ >= kPeriod) begin_period(now);
    if (const auto found = current_.find(path); found != current_.end()) return &found->second;
    auto moved = previous_.extract(path);
    if (moved.empty()) return nullptr;
    return &current_.insert(std::move(moved)).position->second;
}

void ForeignPaths::begin_period(Timestamp now) {
    // After a silence of a whole period nothing was used.
    previous_ = now - began_ >= kPeriod * 2 ? Proved{} : std::move(current_);
    current_ = {};
    new_ = 0;
    began_ = now;
}

}  // namespace confab::sfu
