// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who speaks in the rooms that publish here: the levels of all microphones of a room in one report
// per interval (02 IN-30, IN-31).
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "base/timer_wheel.h"
#include "sfu/inbound/receiver.h"
#include "sfu/peer/timed.h"
#include "sfu/shard/event_outlets.h"

namespace confab::sfu {

class Speakers {
  public:
    static constexpr Duration kMinInterval = Duration::millis(50);

    // Both outlive this.
    Speakers(EventOutlets& events, TimerWheel& wheel) : events_(events), wheel_(wheel) {}

    // The first microphone of a room says how often the room is reported.
    void add(Timestamp now, Receiver& microphone);
    // It came from another worker, where it may have spoken in the last report.
    void moved_here(const Receiver& microphone);
    // Ignored if it is none. With the last one the reports of the room end.
    void remove(const Receiver& microphone);
    std::size_t rooms() const { return rooms_.size(); }

    // Multiples of the interval: workers that share a room report at the same moment.
    static Timestamp next_tick(Timestamp now, Duration interval);

  private:
    struct Microphone {
        Receiver* receiver = nullptr;
        bool spoke = false;  // in the last report
    };
    struct Room final : Timed {
        Room(Speakers& speakers, RoomId id, Duration every)
            : of(speakers), room(id), interval(every) {}
        void on_timer(DueTimers&, Timestamp now) override { of.report(now, *this); }
        Speakers& of;
        RoomId room;
        TimerNode timer{static_cast<Timed*>(this)};
        Duration interval;
        std::vector<Microphone> microphones;
    };
    void report(Timestamp now, Room& room);

    EventOutlets& events_;
    TimerWheel& wheel_;
    std::unordered_map<RoomId, std::unique_ptr<Room>> rooms_;
};

}  // namespace confab::sfu
