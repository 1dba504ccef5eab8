// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The path that everybody behind a relay shares: a link up, one down, what holds now, and what
// changes when. The relays of datagrams and of streams ask it; nothing here carries bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/rng.h"
#include "base/time.h"
#include "netem/changes.h"
#include "netem/link.h"

namespace confab::netem {

class Path {
  public:
    // `schedule` in the order of its times, counted from `start`.
    Path(const Conditions& conditions, std::vector<TimedChange> schedule, std::uint64_t seed,
         Timestamp start);

    // At any time, beside the schedule.
    void apply(Timestamp now, const Change& change);
    // What of the schedule is due.
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;

    const Conditions& conditions() const { return conditions_; }
    const LinkSpec& spec(Direction d) const {
        return d == Direction::kUp ? conditions_.up : conditions_.down;
    }
    Link& link(Direction d) { return side(d).link; }
    const Link& link(Direction d) const { return side(d).link; }
    // Nothing passes before.
    Timestamp outage_until(Direction d) const { return side(d).outage_until; }
    // How often so far. A relay that finds a higher number than before acts on it.
    std::uint32_t rebinds() const { return rebinds_; }
    std::uint32_t cuts() const { return cuts_; }
    // Another one after each change.
    std::uint32_t version() const { return version_; }
    // A generator of its own for another part of the same run.
    Rng fork_rng() { return rng_.fork(); }

  private:
    struct Side {
        Link link;
        Timestamp outage_until;
    };
    Side& side(Direction d) { return d == Direction::kUp ? up_ : down_; }
    const Side& side(Direction d) const { return d == Direction::kUp ? up_ : down_; }
    void apply_to(Timestamp now, Direction direction, const Change& change);

    Conditions conditions_;
    std::vector<TimedChange> schedule_;
    std::size_t next_change_ = 0;
    Timestamp start_;
    Rng rng_;
    Side up_;
    Side down_;
    std::uint32_t rebinds_ = 0;
    std::uint32_t cuts_ = 0;
    std::uint32_t version_ = 0;
};

}  // namespace confab::netem
