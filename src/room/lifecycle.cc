// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/lifecycle.h"

namespace confab::room {

Lifecycle::Lifecycle(Timestamp created, std::uint32_t empty_timeout_s,
                     std::uint32_t departure_timeout_s)
    : created_(created),
      empty_timeout_(Duration::seconds(empty_timeout_s)),
      departure_timeout_(Duration::seconds(departure_timeout_s)),
      last_left_(created) {}

void Lifecycle::joined(bool dependent) {
    if (dependent) return;
    ++present_;
    ever_joined_ = true;
}

void Lifecycle::left(Timestamp now, bool dependent) {
    last_left_ = now;
    if (!dependent && present_ > 0) --present_;
}

Timestamp Lifecycle::next_deadline() const {
    if (present_ > 0) return Timestamp::never();
    return ever_joined_ ? last_left_ + departure_timeout_ : created_ + empty_timeout_;
}

}  // namespace confab::room
