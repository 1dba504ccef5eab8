// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A worker's way to the others: link messages of its shard, and datagrams and TCP streams that
// arrived at the wrong worker (02 DES-03, DES-40). Only for the worker's own thread.
#pragma once

#include <memory>
#include <vector>

#include "runtime/worker/mailbox.h"

namespace confab::worker {

class WorkerLinks final : public sfu::ShardLinks {
  public:
    WorkerLinks(sfu::WorkerIndex self, std::vector<std::unique_ptr<WorkerInbox>>& inboxes);

    bool push(sfu::WorkerIndex to, const sfu::LinkMessage& message, BytesView bytes) override;
    // False: the ring is full and it is lost, as datagrams are.
    bool push_datagram(sfu::WorkerIndex to, const ice::Path& path, BytesView bytes,
                       Timestamp arrival);
    // A full ring closes the stream: the client opens another one.
    bool push_stream(sfu::WorkerIndex to, TcpHandOver stream);

    // Wakes the workers that were sent something; once per turn (DES-42).
    void ring_bells();
    std::uint64_t ring_full() const { return ring_full_; }

  private:
    PeerSlot* claim(sfu::WorkerIndex to);
    void publish(sfu::WorkerIndex to);

    sfu::WorkerIndex self_;
    std::vector<std::unique_ptr<WorkerInbox>>& inboxes_;
    std::vector<bool> bells_;
    std::uint64_t ring_full_ = 0;
};

}  // namespace confab::worker
