// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The wall clock of a shard, as its own time goes: the two run on together from a common moment.
#pragma once

#include "base/time.h"

namespace confab::sfu {

class ShardClock {
  public:
    ShardClock(UnixTime wall, Timestamp start) : wall_(wall), start_(start) {}
    UnixTime wall(Timestamp now) const { return wall_ + (now - start_); }
    NtpTime ntp(Timestamp now) const { return NtpTime::from_unix(wall(now)); }

  private:
    UnixTime wall_;
    Timestamp start_;
};

}  // namespace confab::sfu
