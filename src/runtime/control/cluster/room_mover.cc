// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/room_mover.h"

#include <algorithm>
#include <utility>

namespace confab::control {

void RoomMover::start(Timestamp now, std::deque<Room> rooms) {
    rooms_ = std::move(rooms);
    due_ = now;
}

void RoomMover::handle_timeout(Timestamp now) {
    while (!rooms_.empty() && due_ <= now) {
        const Room room = std::move(rooms_.front());
        rooms_.pop_front();
        const double seconds =
            static_cast<double>(std::max<std::size_t>(room.participants, 1)) / std::max(rate_, 1.0);
        due_ = std::max(due_, now - Duration::seconds(1)) +
               Duration::micros(static_cast<std::int64_t>(seconds * 1e6));
        move_(now, room.key);
    }
}

}  // namespace confab::control
