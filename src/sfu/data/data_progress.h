// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How far each sender is with its numbered packets (01 SIG-121). Control hears of it a little
// later, for resumes: a client that is told an older one sends what came meanwhile again, and here
// it is known.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/time.h"
#include "sfu/data/data_room.h"

namespace confab::sfu {

class DataProgressList {
  public:
    static constexpr Duration kDelay = Duration::millis(100);

    // Each number once, upwards; false for others.
    bool take(Timestamp now, DataRoomMember& from, std::uint32_t sequence) {
        if (sequence <= from.last_sequence) return false;
        from.last_sequence = sequence;
        if (!std::exchange(from.progress_untold, true)) {
            untold_.push_back(&from);
            if (tell_at_.is_never()) tell_at_ = now + kDelay;
        }
        return true;
    }
    void forget(const DataRoomMember& gone) {
        std::erase_if(untold_, [&](const DataRoomMember* m) { return m == &gone; });
    }
    Timestamp next_deadline() const { return tell_at_; }
    // Of whom control is to hear now.
    std::vector<DataRoomMember*> take_due(Timestamp now) {
        if (now < tell_at_) return {};
        tell_at_ = Timestamp::never();
        for (DataRoomMember* m : untold_)
            m->progress_untold = false;
        return std::exchange(untold_, {});
    }

  private:
    std::vector<DataRoomMember*> untold_;
    Timestamp tell_at_ = Timestamp::never();
};

}  // namespace confab::sfu
