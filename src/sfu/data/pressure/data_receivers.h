// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The receiving end of data on this worker (02 §6.3): a message goes on the receiver's connection,
// is held until its channels open, or waits in its backlog while it lags.
//
// A receiver that is behind holds back those who send to it (data_windows.h), unless it takes next
// to nothing: then it holds nobody back, and what waits for it counts for the room instead. With a
// slow_threshold (DataLimits) that is told by its drained rate: one below it loses what it
// does not take at once, one above it or of which nothing is known yet is waited for (02 DC-21).
#pragma once

#include <cstdint>
#include <vector>

#include "sfu/data/data_message.h"
#include "sfu/data/data_port.h"
#include "sfu/data/data_room.h"

namespace confab::sfu {

class DataReceivers {
  public:
    // More than this unacknowledged on a connection: messages wait in the backlog, where senders
    // take turns.
    static constexpr std::size_t kMaxUnacknowledged = 256 * 1024;
    // With a slow_threshold: what the receiver takes in a second, this at least. What is under way
    // to one that turns out to be slow delays the rest.
    static constexpr std::size_t kMinUnacknowledged = 16 * 1024;
    // Of lossy messages and frames as much always waits, whatever the latency aimed at (02 DC-23).
    static constexpr std::size_t kAlwaysBuffered = 8 * 1024;
    // A receiver that lags must take kMinTaken in each kPatience; else it holds nobody back for
    // kPenalty, and until nothing waits for it.
    static constexpr Duration kPatience = Duration::seconds(5);
    static constexpr std::size_t kMinTaken = 64 * 1024;
    static constexpr Duration kPenalty = Duration::seconds(60);
    static constexpr Duration kTick = Duration::millis(500);
    // For such receivers, and from the API, which nobody can hold back; more is dropped.
    static constexpr std::size_t kMaxOwnBytes = 4 * 1024 * 1024;

    DataReceivers(DataPort& port, DataWindows& windows, const DataLimits& limits = {})
        : port_(port), windows_(windows), limits_(limits) {}

    // Its connection or its channels may be up; what it missed comes then.
    void note_state(Timestamp now, DataRoomMember& m);
    // A message for it. `window` is its sender's; `pending` what waits of it for others already.
    void give(Timestamp now, DataRoomMember& to, const DataMessage& message, WindowId window,
              PendingId& pending);
    // While it waits it counts for `window`, behind what its sender said before.
    struct Reliable {
        const sctp::SharedBytes& payload;
        MemberId sender;  // none: the API
        WindowId window;
    };
    void send_reliable(Timestamp now, DataRoomMember& to, const Reliable& message,
                       PendingId& pending);
    void send_lossy(Timestamp now, DataRoomMember& to, DataChannel channel,
                    const sctp::SharedBytes& payload);
    // Its connection may take more.
    void made_room(Timestamp now, DataRoomMember& m);
    void drop_backlog(DataRoomMember& m);
    // It is gone, and with it what was under way.
    void closed(DataRoomMember& m);
    // The window's sender went; of what too much waits is dropped.
    void leave_behind(DataRoom& room, WindowId window);

    bool lagging() const { return !lagging_.empty(); }
    Timestamp next_deadline() const { return tick_at_; }
    // Those who lag, for made_room() and judge(), once in kTick.
    std::vector<DataRoomMember*> take_due(Timestamp now);
    // Whether it takes enough to hold its senders back.
    void judge(Timestamp now, DataRoomMember& m);

    std::uint64_t dropped() const { return dropped_; }

  private:
    void replay(Timestamp now, DataRoomMember& m);
    void start_lagging(Timestamp now, DataRoomMember& m);
    void stop_lagging(DataRoomMember& m);
    void set_aside(Timestamp now, DataRoomMember& m);
    bool keep(Timestamp now, DataRoomMember& to, const Reliable& message, PendingId& pending);

    // All that waits is on connections, and so much at most (02 DC-24): nobody is held back.
    bool limited() const { return limits_.max_buffered > 0 && limits_.slow_threshold == 0; }
    bool overfull(const DataRoomMember& m, DataChannel channel) const;
    // What it has not acknowledged; measured, where it is asked for.
    std::size_t measure(Timestamp now, DataRoomMember& m, DataChannel channel);
    sctp::SendStatus send(Timestamp now, DataRoomMember& to, DataChannel channel,
                          const sctp::SharedBytes& payload);
    bool takes_more(Timestamp now, DataRoomMember& m);
    bool too_slow(Timestamp now, DataRoomMember& m);

    DataPort& port_;
    DataWindows& windows_;
    DataLimits limits_;
    std::vector<DataRoomMember*> lagging_;
    Timestamp tick_at_ = Timestamp::never();
    std::uint64_t dropped_ = 0;
};

}  // namespace confab::sfu
