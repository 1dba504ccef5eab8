// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Back-pressure of data (02 §6.3): what a receiver's connection cannot take yet waits in its
// backlog (data_backlog.h). What a sender has waiting anywhere fills its window; while that is
// full, its next messages stay in its own connection, whose SCTP window closes. So memory is
// bounded by the senders, however many receivers lag, and a sender with much to say delays only
// itself.
//
//   sender ─▶ window here ─▶ backlogs here          what is taken opens it
//          ─▶ window.abroad[worker] ═▶ remote window there ─▶ backlogs there ═▶ "taken"
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/slot_map.h"
#include "rtc/sctp/shared_bytes.h"
#include "sfu/data/data_links.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

struct DataWindow {
    // Beyond it the sender is held back: by one message at most, which may be begun before.
    static constexpr std::size_t kMaxBytes = 256 * 1024;

    // Of a sender here: what other workers have not taken yet, which each may hold kMaxBytes of.
    struct Abroad {
        WorkerIndex worker = 0;
        std::size_t bytes = 0;
    };
    std::size_t& at(WorkerIndex worker);
    // Who is no longer there takes nothing any more.
    void keep_only(const std::vector<WorkerIndex>& workers);
    bool full() const;

    RoomId room;
    MemberId sender;                  // none: the API
    std::optional<WorkerIndex> home;  // of a sender on another worker
    std::size_t waiting = 0;          // bytes in backlogs here
    std::size_t held = 0;             // bytes that ever waited here
    std::size_t untold = 0;           // taken here, and `home` does not know it yet
    // Waits here, but not as its sender said it: reports that it filled. So much of what it said is
    // not told to be taken, until they are.
    std::size_t unsaid = 0;
    bool abandoned = false;  // its sender left; it goes when nothing waits any more
    std::vector<Abroad> abroad;
};
using WindowId = Handle<DataWindow>;

// A message that at least one receiver has not taken.
struct PendingMessage {
    sctp::SharedBytes payload;
    std::size_t cost = 0;
    WindowId window;
    std::size_t receivers = 0;  // that have it in their backlogs
};
using PendingId = Handle<PendingMessage>;

class DataWindows {
  public:
    // Of senders who went, waiting in a room; of one beyond it all is to be dropped.
    static constexpr std::size_t kMaxLeftBytes = 4 * 1024 * 1024;

    // Tells the workers of senders elsewhere what was taken here.
    explicit DataWindows(DataLinks& links) : links_(links) {}

    // ------------------------------------------------------------ windows
    WindowId add(RoomId room, MemberId sender);
    DataWindow& at(WindowId id) { return *windows_.find(id); }
    // Its sender went; it stays while something of it waits. False when more than kMaxLeftBytes of
    // such senders wait in the room.
    bool abandon(WindowId id);
    // Of a sender elsewhere: goes if nothing waits.
    bool erase_idle(WindowId id);
    // So much of it was taken here, at once or out of backlogs.
    void note_taken(DataWindow& window, std::size_t bytes);

    // ------------------------------------------------------------ messages that wait
    // One more receiver waits for it; `message` is made for the first one.
    void hold(PendingId& message, const sctp::SharedBytes& payload, WindowId of);
    const PendingMessage& message(PendingId id) const { return *pending_.find(id); }
    // One receiver less does. With the last one its sender's window opens by as much.
    void release(PendingId id);

    // ------------------------------------------------------------ senders held back
    void hold_back(PeerId sender);
    void forget(PeerId sender);
    // Some may go on.
    void note_opened() { opened_ = true; }
    // Those to be looked at again, none unless some may go on.
    std::vector<PeerId> take_held_back();

  private:
    void tell_taken(DataWindow& window);

    DataLinks& links_;
    SlotMap<DataWindow> windows_;
    SlotMap<PendingMessage> pending_;
    std::map<RoomId, std::size_t> left_;  // bytes that wait of senders who went
    std::vector<PeerId> held_back_;       // senders' connections
    bool opened_ = false;
};

// The windows of a room's senders on other workers, as far as something came from them.
class RemoteSenders {
  public:
    // With more, those with nothing waiting go.
    static constexpr std::size_t kMaxIdle = 256;

    WindowId window(DataWindows& windows, RoomId room, MemberId sender, WorkerIndex home);
    // After its sender's last message from there; none if nothing came from it, or if it goes on
    // at another worker and was heard from there.
    WindowId take(DataWindows& windows, MemberId sender, WorkerIndex home);
    void abandon_all(DataWindows& windows);

  private:
    std::map<MemberId, WindowId> by_sender_;
};

}  // namespace confab::sfu
