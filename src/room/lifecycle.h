// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// When an empty room ends (01 ROOM-05): empty_timeout counts from creation while nobody but
// dependents ever joined, departure_timeout from the last departure of anybody afterwards.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace confab::room {

class Lifecycle {
  public:
    Lifecycle(Timestamp created, std::uint32_t empty_timeout_s, std::uint32_t departure_timeout_s);

    void joined(bool dependent);
    void left(Timestamp now, bool dependent);
    bool expired(Timestamp now) const { return now >= next_deadline(); }
    Timestamp next_deadline() const;

  private:
    Timestamp created_;
    Duration empty_timeout_;
    Duration departure_timeout_;
    std::uint32_t present_ = 0;  // without dependents
    bool ever_joined_ = false;
    Timestamp last_left_;
};

}  // namespace confab::room
