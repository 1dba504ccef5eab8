// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A worker's side of its mailboxes, one for each control shard: commands in, events and figures
// out. Only for the worker's own thread.
#pragma once

#include <memory>
#include <vector>

#include "runtime/worker/control_port.h"

namespace confab::sfu {
class Shard;
}

namespace confab::worker {

class WorkerPorts {
  public:
    // Of all control shards together; what is left is read in the next turn, behind the packets
    // that came meanwhile.
    static constexpr std::size_t kMaxCommandsPerTurn = 64;

    // `ports`: one for each control shard; they outlive this.
    WorkerPorts(sfu::WorkerIndex self, const std::vector<std::unique_ptr<ControlPort>>& ports);

    std::size_t size() const { return ends_.size(); }
    bool has_commands() const;
    // One command of each control shard in turn, so that a flood of one keeps no other waiting.
    void read_commands(Timestamp now, sfu::Shard& shard);
    // Each event to the control shard it is for. What finds no room waits in the shard.
    void send_events(sfu::Shard& shard);
    // Of the last send_events(): something found no room, and nobody tells when there is.
    bool events_wait() const { return events_wait_; }
    void publish(const Mailbox::Published& figures);

  private:
    struct End {
        Mailbox& mailbox;
        Wakeup& bell;
    };
    std::vector<End> ends_;  // by control shard
    std::size_t next_ = 0;   // whose command is read next
    bool events_wait_ = false;
};

}  // namespace confab::worker
