// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How the distances of groups of packets change on their way (draft-ietf-rmcat-gcc-02 §5.1, §5.2):
// packets sent within 5 ms are one group, and so are packets that a link held up and then let go
// together. Each complete group is compared with the one before.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace confab::bwe {

struct GroupDelta {
    Duration sent;      // between the last packets of two groups, as sent
    Duration arrival;   // and as they arrived
    Duration complete;  // when the newer group was complete, by the receiver's clock
};

class InterArrival {
  public:
    static constexpr Duration kGroup = Duration::millis(5);
    static constexpr Duration kBurstGap = Duration::millis(5);
    static constexpr Duration kMaxBurst = Duration::millis(100);
    // The receiver's clock went so much further than ours: it was set, nothing is learnt from it.
    static constexpr Duration kClockJump = Duration::seconds(3);
    static constexpr int kMaxReordered = 3;  // groups in a row that arrive before the one before

    // A packet that arrived, in order of numbers; `now`: when its feedback came.
    std::optional<GroupDelta> add(Timestamp sent, Duration arrival, Timestamp now);
    void reset() { *this = InterArrival(); }

  private:
    struct Group {
        Timestamp first_sent;
        Timestamp last_sent;
        Duration first_arrival;
        Duration complete;
        Timestamp told;
    };
    bool belongs(Timestamp sent, Duration arrival) const;
    std::optional<GroupDelta> compare();

    std::optional<Group> current_;
    std::optional<Group> previous_;
    int reordered_ = 0;
};

}  // namespace confab::bwe
