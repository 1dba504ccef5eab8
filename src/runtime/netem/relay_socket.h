// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The UDP sockets of the impairment relay: datagrams in by recvmmsg, out by sendmmsg. Never blocks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/net_address.h"
#include "base/result.h"
#include "netem/datagram_relay.h"
#include "runtime/worker/socket/file_descriptor.h"

namespace confab::netsim {

struct Datagram {
    SocketAddress from;
    BytesView bytes;
};

// What is received and sent at once; one for all sockets of a thread.
class SocketBatch {
  public:
    static constexpr std::size_t kSize = 64;

    SocketBatch();
    ~SocketBatch();

  private:
    friend class RelaySocket;
    struct Messages;
    std::unique_ptr<Messages> messages_;
    std::array<Datagram, kSize> datagrams_;
};

class RelaySocket {
  public:
    // Bound to `local`, port 0 lets the kernel choose. The error names address and reason.
    static Result<RelaySocket, std::string> listen(const SocketAddress& local);
    // With a port of its own, towards `server`.
    static Result<RelaySocket, std::string> connect(const SocketAddress& server);

    int fd() const { return fd_.get(); }
    const SocketAddress& local() const { return local_; }

    // What waits, a batch at most; valid until the batch is used again. Refusals of the other end
    // (ICMP) are no datagrams.
    std::span<const Datagram> receive(SocketBatch& batch);
    // Sends to `to` of each, a connected socket to where it is connected. Returns how many the
    // kernel took; the others are lost. At most a batch.
    std::size_t send(SocketBatch& batch, std::span<const netem::DatagramRelay::Outgoing> packets);
    // Datagrams that the kernel dropped because this was not read fast enough.
    std::uint64_t dropped() const;

  private:
    RelaySocket() = default;
    static Result<RelaySocket, std::string> open(const SocketAddress& at);

    worker::FileDescriptor fd_;
    SocketAddress local_;
    bool is_connected_ = false;
};

}  // namespace confab::netsim
