// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What one control shard holds of the media workers: a mailbox for each, and the bell that they
// ring. Only for the thread of that shard. A shard that stops reading stops only its own events:
// they wait in the workers, while those of other shards go on.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/worker/mailbox.h"

namespace confab::worker {

struct WorkerEvent {
    sfu::WorkerIndex worker = 0;
    sfu::Event event;
};

class ControlPort {
  public:
    // One inbox per worker; they outlive this.
    explicit ControlPort(const std::vector<std::unique_ptr<WorkerInbox>>& inboxes);
    ControlPort(const ControlPort&) = delete;
    ControlPort& operator=(const ControlPort&) = delete;

    // Number of workers.
    std::size_t size() const { return lanes_.size(); }

    // ------------------------------------------------------------ to the workers
    // Never blocks: what does not fit the ring waits here and goes with the next call. Packets of
    // the API on their way to one worker, in the ring or waiting for it, are at most kMaxDataBytes;
    // more are dropped and counted. Other commands are as many as the rooms' state makes; a worker
    // that left kMaxWaiting of them unread, or kMaxWaitingBytes, hangs, and gets no more but those
    // that end what it has.
    static constexpr std::size_t kMaxDataBytes = std::size_t{16} << 20U;
    static constexpr std::size_t kMaxWaiting = std::size_t{1} << 20U;
    static constexpr std::size_t kMaxWaitingBytes = std::size_t{256} << 20U;
    void send(sfu::WorkerIndex worker, sfu::Command command);
    std::uint64_t commands_dropped() const { return commands_dropped_; }
    // Rings the workers that got commands; call once per turn of the control loop.
    void flush();
    // Something did not fit: call flush() again soon, as nobody tells when there is room.
    bool commands_waiting() const;

    // ------------------------------------------------------------ from the workers
    // Readable when events wait; announce_sleep(), has_events(), wait, awake().
    int event_fd() const { return wakeup_.fd(); }
    void announce_sleep() { wakeup_.announce_sleep(); }
    void awake() { wakeup_.awake(); }
    bool has_events() const;
    // Worker by worker in turn.
    std::optional<WorkerEvent> poll_event();
    // The newest snapshot of a worker, a second old at most while it is well.
    const Mailbox::Published& snapshot(std::size_t worker);
    // When the worker that has been silent longest told about itself.
    Timestamp oldest_snapshot();

    // ------------------------------------------------------------ the workers' side
    Mailbox& mailbox(std::size_t worker) { return lanes_[worker]->mailbox; }
    Wakeup& bell() { return wakeup_; }

  private:
    struct Lane {
        Mailbox mailbox;
        WorkerInbox* inbox = nullptr;
        std::deque<sfu::Command> waiting;
        std::size_t waiting_bytes = 0;
        std::uint64_t data_bytes_sent = 0;  // since the start; not what was dropped
        bool ring_bell = false;

        bool is_full() const;
        std::uint64_t data_on_its_way() const {
            return data_bytes_sent - mailbox.data_bytes_taken.load(std::memory_order_acquire);
        }
    };
    Wakeup wakeup_;
    std::vector<std::unique_ptr<Lane>> lanes_;  // by worker
    std::uint64_t commands_dropped_ = 0;
    std::size_t next_worker_ = 0;
};

}  // namespace confab::worker
