// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A media worker's end of the RelayExchange: what TURN clients send it, and what it sends them.
// Only for the worker's own thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rtc/ice/path.h"
#include "runtime/worker/relay/relay_exchange.h"
#include "sfu/packet/send_batch.h"

namespace confab::worker {

class WorkerRelays {
  public:
    // `exchange` outlives this; null: there is no TURN server here.
    WorkerRelays(std::size_t self, RelayExchange* exchange);

    bool has_input() const { return lane_ != nullptr && !lane_->to_worker.empty(); }
    // The oldest that waits, null when there is none; release() gives its slot back.
    const RelayedDatagram* front();
    void release();
    // The one that it would have come by through the kernel, but for a NAT before this node: from
    // the relayed address that its client was told, so that ICE knows it for a relay (02 ICE-18).
    ice::Path path_of(const RelayedDatagram& datagram) const;

    // Takes from the batch what goes to relayed addresses and has room in the ring, run by run, and
    // wakes the TURN server for it; the sockets send the rest, to where the relayed addresses are.
    void send(sfu::SendBatch& batch);

    // Gives the TURN server what came to our socket for it (wire::is_for_turn) and wakes it with
    // ring_bell(); false: it is not for it, or the port is not shared.
    bool take_client(std::uint16_t socket, const SocketAddress& from, BytesView datagram);
    void ring_bell();

  private:
    std::uint64_t allocation_at(const ice::Path& path) const;
    bool send(std::uint64_t allocation, const sfu::SendRun& run, BytesView datagrams);

    RelayExchange* exchange_;
    RelayExchange::Lane* lane_;
    bool client_waits_ = false;
};

}  // namespace confab::worker
