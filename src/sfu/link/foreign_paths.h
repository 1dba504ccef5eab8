// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which other worker a path belongs to (02 DES-03 mode B). The name in a check says so at once, but
// anybody can send such checks, with any source address. What the named worker found authentic is
// proved: no forged check moves it or pushes it out. Of the rest the oldest gives way, so that a
// flood must be larger than the table within the moment in which a call's path is proved.
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/time.h"
#include "rtc/ice/path.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

class ForeignPaths {
  public:
    static constexpr std::size_t kMaxUnproved = 65'536;  // then the oldest goes
    // In a period; more stay unproved. A peer has kMaxPaths at most, and a password.
    static constexpr std::size_t kMaxProved = 65'536;
    // Paths over which nothing came for one to two periods are forgotten.
    static constexpr Duration kPeriod = Duration::seconds(30);  // consent checks come each 2 to 5 s

    // A check over `path` named a peer of `owner`.
    void note(Timestamp now, const ice::Path& path, WorkerIndex owner);
    // `owner` found a check over `path` authentic.
    void prove(Timestamp now, const ice::Path& path, WorkerIndex owner);
    // Whose the path is; keeps the entry of a proved one alive.
    std::optional<WorkerIndex> use(Timestamp now, const ice::Path& path);
    std::optional<WorkerIndex> owner(const ice::Path& path) const;
    bool is_proved(const ice::Path& path) const {
        return current_.contains(path) || previous_.contains(path);
    }
    void erase(const ice::Path& path);
    std::size_t size() const { return current_.size() + previous_.size() + unproved_.size(); }

  private:
    WorkerIndex* find_proved(Timestamp now, const ice::Path& path);
    void begin_period(Timestamp now);
    void forget_unproved(const ice::Path& path);

    using Proved = std::unordered_map<ice::Path, WorkerIndex>;
    Proved current_;   // used or proved in this period
    Proved previous_;  // not used since the one before
    std::size_t new_ = 0;
    Timestamp began_;
    struct Unproved {
        ice::Path path;
        WorkerIndex owner = 0;
        Timestamp noted;
    };
    std::list<Unproved> order_;  // oldest first
    std::unordered_map<ice::Path, std::list<Unproved>::iterator> unproved_;
};

}  // namespace confab::sfu
