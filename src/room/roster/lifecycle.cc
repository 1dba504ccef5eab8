// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/roster/lifecycle.h"

#include "base/check.h"

namespace confab::room {
namespace {

void step(std::uint32_t& count, bool was, bool is) {
    CONFAB_CHECK(!was || count > 0);
    count = count + (is ? 1U : 0U) - (was ? 1U : 0U);
}

}  // namespace

void HeadCount::change(Standing& was, const Standing& is) {
    step(present_, was.present, is.present);
    step(publishers_, was.publisher, is.publisher);
    step(recorders_, was.recorder, is.recorder);
    was = is;
}

Lifecycle::Lifecycle(Timestamp created, std::uint32_t empty_timeout_s,
                     std::uint32_t departure_timeout_s)
    : created_(created),
      empty_timeout_(Duration::seconds(empty_timeout_s)),
      departure_timeout_(Duration::seconds(departure_timeout_s)),
      last_left_(created) {}

void Lifecycle::set_present(Timestamp now, std::uint32_t present) {
    // Who becomes a dependent leaves the room to itself like one who goes.
    if (present_ > 0 && present == 0) last_left_ = now;
    ever_present_ = ever_present_ || present > 0;
    present_ = present;
}

Timestamp Lifecycle::next_deadline() const {
    if (present_ > 0) return Timestamp::never();
    return ever_present_ ? last_left_ + departure_timeout_ : created_ + empty_timeout_;
}

}  // namespace confab::room
