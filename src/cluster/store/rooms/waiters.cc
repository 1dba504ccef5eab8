// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/rooms/waiters.h"

#include <iterator>
#include <utility>

namespace confab::cluster::store {

std::uint64_t Waiters::begin(const std::vector<std::string>& rooms) {
    ++last_;
    for (const std::string& room : rooms)
        open_[room].insert(last_);
    return last_;
}

void Waiters::end(std::uint64_t number, const std::vector<std::string>& rooms) {
    for (const std::string& room : rooms) {
        const auto open = open_.find(room);
        if (open == open_.end()) continue;
        open->second.erase(number);
        if (open->second.empty()) open_.erase(open);
        look(room);
    }
}

void Waiters::add(const std::string& room, Timestamp until, bool is_covered, Callback<> done) {
    Waiter waiter{until, {}, std::move(done)};
    if (is_covered) waiter.covered = last_;
    waiters_[room].push_back(std::move(waiter));
    earliest_ = earlier(earliest_, until);
    look(room);
}

void Waiters::cover(const std::string& room) {
    const auto found = waiters_.find(room);
    if (found == waiters_.end()) return;
    for (Waiter& waiter : found->second)
        if (!waiter.covered) waiter.covered = last_;
    look(room);
}

void Waiters::release(const std::string& room) {
    const auto found = waiters_.find(room);
    if (found == waiters_.end()) return;
    take(found->second, [](const Waiter&) { return true; });
    waiters_.erase(found);
}

void Waiters::release_all() {
    for (auto& [room, waiters] : waiters_)
        take(waiters, [](const Waiter&) { return true; });
    waiters_.clear();
}

void Waiters::tell(Timestamp now) {
    if (earliest_ <= now) {
        earliest_ = Timestamp::never();
        for (auto it = waiters_.begin(); it != waiters_.end();) {
            take(it->second, [now](const Waiter& waiter) { return waiter.until <= now; });
            for (const Waiter& waiter : it->second)
                earliest_ = earlier(earliest_, waiter.until);
            it = it->second.empty() ? waiters_.erase(it) : std::next(it);
        }
    }
    while (!ready_.empty()) {
        Callback<> done = std::move(ready_.front());
        ready_.pop_front();
        done();
    }
    if (waiters_.empty()) earliest_ = Timestamp::never();
}

void Waiters::look(const std::string& room) {
    const auto found = waiters_.find(room);
    if (found == waiters_.end()) return;
    const auto open = open_.find(room);
    const std::uint64_t first = open == open_.end() ? last_ + 1 : *open->second.begin();
    take(found->second,
         [first](const Waiter& waiter) { return waiter.covered && *waiter.covered < first; });
    if (found->second.empty()) waiters_.erase(found);
}

template <typename Over>
void Waiters::take(std::vector<Waiter>& waiters, Over&& is_over) {
    std::vector<Waiter> stay;
    for (Waiter& waiter : waiters)
        if (is_over(waiter))
            ready_.push_back(std::move(waiter.done));
        else
            stay.push_back(std::move(waiter));
    waiters = std::move(stay);
}

}  // namespace confab::cluster::store
