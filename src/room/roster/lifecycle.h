// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who counts in a room, and when an empty one ends (01 ROOM-05, SIG-138): empty_timeout counts from
// creation while nobody but dependents was ever present, departure_timeout from the last departure
// of anybody afterwards. Who counts is what each one present is now, never what it was when it
// came.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace confab::room {

// What one participant adds to the counts of its room; nothing when it is not present.
struct Standing {
    bool present = false;  // keeps the room open and counts to max_participants
    bool publisher = false;
    bool recorder = false;
};

class HeadCount {
  public:
    // One participant's standing changes; `was` is what this call left there last.
    void change(Standing& was, const Standing& is);
    std::uint32_t present() const { return present_; }
    std::uint32_t publishers() const { return publishers_; }
    std::uint32_t recorders() const { return recorders_; }

  private:
    std::uint32_t present_ = 0;
    std::uint32_t publishers_ = 0;
    std::uint32_t recorders_ = 0;
};

class Lifecycle {
  public:
    Lifecycle(Timestamp created, std::uint32_t empty_timeout_s, std::uint32_t departure_timeout_s);

    // After every change: how many are present that keep the room open.
    void set_present(Timestamp now, std::uint32_t present);
    // Anybody went, dependents included.
    void left(Timestamp now) { last_left_ = now; }
    bool expired(Timestamp now) const { return now >= next_deadline(); }
    Timestamp next_deadline() const;

  private:
    Timestamp created_;
    Duration empty_timeout_;
    Duration departure_timeout_;
    std::uint32_t present_ = 0;
    bool ever_present_ = false;
    Timestamp last_left_;
};

}  // namespace confab::room
