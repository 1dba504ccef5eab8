// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A UDP socket of the TURN server. Unlike those of the media workers it may be bound to any
// address: then each datagram says which address it came to, and each answer leaves from the one it
// names (IP_PKTINFO; 02 TURN-19). Never blocks.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/net_address.h"
#include "base/result.h"
#include "runtime/worker/socket/file_descriptor.h"

namespace confab::turn_server {

struct Datagram {
    SocketAddress from;
    SocketAddress local;  // where it came to
    BytesView bytes;
};

// What is received at once; one for all sockets of a thread.
class DatagramBatch {
  public:
    static constexpr std::size_t kSize = 32;
    static constexpr std::size_t kMaxDatagram = 2048;  // larger ones are dropped (TURN-15)

    DatagramBatch();
    ~DatagramBatch();

  private:
    friend class DatagramSocket;
    struct Messages;
    std::unique_ptr<Messages> messages_;
    std::array<Datagram, kSize> datagrams_;
};

class DatagramSocket {
  public:
    // The error names address and reason. Port 0 lets the kernel choose.
    static Result<DatagramSocket, std::string> open(const SocketAddress& local);

    // Only to send by a socket that is read elsewhere and may end before.
    static Result<DatagramSocket, std::string> share(int fd);

    int fd() const { return fd_.get(); }
    const SocketAddress& local() const { return local_; }

    // What waits, kSize at most; valid until the batch is used again.
    std::span<const Datagram> receive(DatagramBatch& batch);
    // False: the kernel did not take it. `from`: one of our addresses where the socket is bound to
    // any; its port is ours.
    bool send(const SocketAddress& from, const SocketAddress& to, BytesView bytes);

  private:
    DatagramSocket() = default;

    worker::FileDescriptor fd_;
    SocketAddress local_;
};

}  // namespace confab::turn_server
