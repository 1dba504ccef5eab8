// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Takes egresses away that ended a day ago (RDS-22). At each node; what two do twice does no harm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "cluster/store/commands.h"
#include "redis/port.h"

namespace confab::cluster::store {

class EgressSweeper {
  public:
    static constexpr Duration kFirst = Duration::seconds(10);  // also of nodes that live shortly
    static constexpr Duration kPeriod = Duration::seconds(1800);
    static constexpr Duration kKept = Duration::seconds(86'400);
    static constexpr Duration kRetry = Duration::seconds(60);  // of a sweep that failed
    static constexpr std::size_t kAtOnce = 256;                // in one step

    struct Counts {
        std::uint64_t swept = 0;
        std::uint64_t failed = 0;  // sweeps that were not finished
    };

    // Port and notices outlive it. The first sweep is kFirst after `now`.
    EgressSweeper(redis::Port& port, Notices& notices, Timestamp now)
        : next_(now + kFirst), commands_(port, notices) {}

    // `wall`: what time it is at `now`.
    void handle_timeout(Timestamp now, UnixTime wall);
    Timestamp next_deadline() const { return next_; }
    const Counts& counts() const { return counts_; }

  private:
    using Rooms = std::map<std::string, std::vector<std::string>>;  // their egresses

    void found(Timestamp now, UnixTime wall, Answer answer);
    void step(Timestamp now);
    void deleted(Timestamp now, const std::vector<std::string>& ids, bool in_part);
    void failed(Timestamp now);

    Timestamp next_;
    std::vector<std::pair<std::string, std::string>> old_;  // id and room; in this sweep
    Counts counts_;
    Commands commands_;
};

}  // namespace confab::cluster::store
