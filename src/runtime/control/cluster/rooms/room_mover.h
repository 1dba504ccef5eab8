// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Rooms of a node that goes go on at others (03 OPS-01): one after the other, so that the clients
// that come back are not more at once than the others take. A machine of one thread.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/callback.h"
#include "base/time.h"

namespace confab::control {

class RoomMover {
  public:
    struct Room {
        std::string key;
        std::size_t participants = 0;
    };
    // Begins to move one; `moved` when it is elsewhere, or nobody takes it. May come after stop().
    using Move = std::function<void(Timestamp now, const std::string& key, Callback<> moved)>;

    // `rate`: participants in a second, at least 1. A room goes as a whole.
    RoomMover(double rate, Move move) : rate_(rate), move_(std::move(move)) {}

    // Instead of those of before, of which nothing is told any more. `done` in a turn.
    void start(Timestamp now, std::deque<Room> rooms, std::function<void()> done);
    void stop();
    bool is_done() const { return !done_; }
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;

  private:
    double rate_;
    Move move_;
    bool has_ended() const { return done_ && rooms_.empty() && *under_way_ == 0; }

    std::deque<Room> rooms_;
    std::shared_ptr<std::size_t> under_way_ = std::make_shared<std::size_t>(0);
    std::function<void()> done_;
    Timestamp due_;
};

}  // namespace confab::control
