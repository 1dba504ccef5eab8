// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which other worker a path belongs to, as the last check that came over it said (02 DES-03 mode
// B). Anybody can send such checks, with any source address: so that a flood of them does not push
// out the paths of calls, what is in use stays and what is new is refused when the table is full.
// Entries that nothing came over for one to two periods are dropped.
#pragma once

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/time.h"
#include "rtc/ice/path.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

class ForeignPaths {
  public:
    static constexpr std::size_t kMaxNew = 65'536;  // in a period; more are not remembered
    static constexpr Duration kPeriod = Duration::seconds(30);  // consent checks come each 2 to 5 s

    // A check over `path` named a peer of `owner`.
    void note(Timestamp now, const ice::Path& path, WorkerIndex owner) {
        if (WorkerIndex* known = find(now, path)) {
            *known = owner;
        } else if (new_ < kMaxNew) {
            ++new_;
            current_.emplace(path, owner);
        }
    }
    // Whose the path is; keeps the entry alive.
    std::optional<WorkerIndex> use(Timestamp now, const ice::Path& path) {
        if (current_.empty() && previous_.empty()) return std::nullopt;
        const WorkerIndex* owner = find(now, path);
        return owner == nullptr ? std::nullopt : std::optional(*owner);
    }
    std::optional<WorkerIndex> owner(const ice::Path& path) const {
        for (const auto* table : {&current_, &previous_})
            if (const auto found = table->find(path); found != table->end()) return found->second;
        return std::nullopt;
    }
    void erase(const ice::Path& path) {
        current_.erase(path);
        previous_.erase(path);
    }
    std::size_t size() const { return current_.size() + previous_.size(); }

  private:
    WorkerIndex* find(Timestamp now, const ice::Path& path) {
        if (now - began_ >= kPeriod) begin_period(now);
        if (const auto found = current_.find(path); found != current_.end()) return &found->second;
        auto moved = previous_.extract(path);
        if (moved.empty()) return nullptr;
        return &current_.insert(std::move(moved)).position->second;
    }
    void begin_period(Timestamp now) {
        // After a silence of a whole period nothing was used.
        previous_ = now - began_ >= kPeriod * 2 ? Table{} : std::move(current_);
        current_ = {};
        new_ = 0;
        began_ = now;
    }

    using Table = std::unordered_map<ice::Path, WorkerIndex>;
    Table current_;   // used or noted in this period
    Table previous_;  // not used since the one before
    std::size_t new_ = 0;
    Timestamp began_;
};

}  // namespace confab::sfu
