// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Rooms of a node that goes go on at others (03 OPS-01): one after the other, so that the clients
// that come back are not more at once than the others take. A machine of one thread.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>

#include "base/time.h"

namespace confab::control {

class RoomMover {
  public:
    struct Room {
        std::string key;
        std::size_t participants = 0;
    };
    // Begins to move one; its end here is no matter of this.
    using Move = std::function<void(Timestamp now, const std::string& key)>;

    // `rate`: participants in a second, at least 1. A room goes as a whole.
    RoomMover(double rate, Move move) : rate_(rate), move_(std::move(move)) {}

    // Instead of those of before.
    void start(Timestamp now, std::deque<Room> rooms);
    void stop() { rooms_.clear(); }
    bool is_done() const { return rooms_.empty(); }
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return rooms_.empty() ? Timestamp::never() : due_; }

  private:
    double rate_;
    Move move_;
    std::deque<Room> rooms_;
    Timestamp due_;
};

}  // namespace confab::control
