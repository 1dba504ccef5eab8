// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/rooms/room_mover.h"

#include <algorithm>
#include <utility>

namespace confab::control {

namespace {

// Of a room without participants, in participants: nobody comes back, Redis is written to only.
constexpr double kEmptyRoom = 0.02;

}  // namespace

void RoomMover::start(Timestamp now, std::deque<Room> rooms, std::function<void()> done) {
    stop();
    rooms_ = std::move(rooms);
    done_ = std::move(done);
    due_ = now;
}

void RoomMover::stop() {
    rooms_.clear();
    under_way_ = std::make_shared<std::size_t>(0);
    done_ = nullptr;
}

Timestamp RoomMover::next_deadline() const {
    if (has_ended()) return Timestamp();
    return rooms_.empty() ? Timestamp::never() : due_;
}

void RoomMover::handle_timeout(Timestamp now) {
    while (!rooms_.empty() && due_ <= now) {
        const Room room = std::move(rooms_.front());
        rooms_.pop_front();
        const double weight =
            room.participants == 0 ? kEmptyRoom : static_cast<double>(room.participants);
        const double seconds = weight / std::max(rate_, 1.0);
        due_ = std::max(due_, now - Duration::seconds(1)) +
               Duration::micros(static_cast<std::int64_t>(seconds * 1e6));
        ++*under_way_;
        move_(now, room.key, [under_way = under_way_] { --*under_way; });
    }
    if (has_ended()) std::exchange(done_, nullptr)();
}

}  // namespace confab::control
