// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "netem/path.h"

#include <algorithm>
#include <utility>

namespace confab::netem {

Path::Path(const Conditions& conditions, std::vector<TimedChange> schedule, std::uint64_t seed,
           Timestamp start)
    : conditions_(conditions),
      schedule_(std::move(schedule)),
      start_(start),
      rng_(seed),
      up_{Link(to_profile(conditions.up), rng_.fork()), {}},
      down_{Link(to_profile(conditions.down), rng_.fork()), {}} {}

void Path::apply_to(Timestamp now, Direction direction, const Change& change) {
    Side& s = side(direction);
    if (change.kind == Change::Kind::kOutage) {
        s.outage_until = std::max(s.outage_until, now + change.length);
        s.link.set_outage(s.outage_until);
        return;
    }
    LinkSpec& spec = direction == Direction::kUp ? conditions_.up : conditions_.down;
    // parse_change() has read it before; a text that is none alters nothing.
    spec = parse_link_spec(change.spec, spec).value_or(spec);
    s.link.set_profile(now, to_profile(spec));
}

void Path::apply(Timestamp now, const Change& change) {
    ++version_;
    switch (change.kind) {
        case Change::Kind::kLink:
        case Change::Kind::kOutage:
            if (change.up) apply_to(now, Direction::kUp, change);
            if (change.down) apply_to(now, Direction::kDown, change);
            break;
        case Change::Kind::kRebind:
            ++rebinds_;
            break;
        case Change::Kind::kUdp:
            conditions_.udp_dropped = change.udp_dropped;
            break;
        case Change::Kind::kTcp:
            conditions_.tcp = change.tcp;
            if (change.tcp == TcpMode::kRefuse) ++cuts_;
            break;
        case Change::Kind::kCutTcp:
            ++cuts_;
            break;
    }
}

void Path::handle_timeout(Timestamp now) {
    while (next_deadline() <= now) {
        const TimedChange& due = schedule_[next_change_++];
        // An outage has its length from its own time on, however late this is called.
        apply(start_ + due.at, due.change);
    }
}

Timestamp Path::next_deadline() const {
    if (next_change_ == schedule_.size()) return Timestamp::never();
    return start_ + schedule_[next_change_].at;
}

}  // namespace confab::netem
