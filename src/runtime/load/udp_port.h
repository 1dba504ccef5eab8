// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A UDP socket that carries participants of a load. On loopback one socket is enough for thousands:
// each of them sends from an address of its own in 127.0.0.0/8 (IP_PKTINFO, ip(7)), so the server
// sees as many clients, and the destination of a datagram names the participant. Elsewhere each has
// a socket. What the kernel has put together (UDP_GRO, udp(7)) is taken apart here.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/net_address.h"
#include "base/result.h"
#include "base/time.h"
#include "load/histogram.h"
#include "runtime/load/loop.h"
#include "runtime/worker/socket/file_descriptor.h"

namespace confab::load {

// Where datagrams are read into, and sent from; one for all sockets of a thread.
class DatagramBuffers;

struct ArrivedDatagram {
    BytesSpan bytes;
    const SocketAddress& from;
    IpAddress local;  // of a shared socket: whose it is
    Timestamp now;
    Timestamp arrival;  // by the kernel
};

class UdpPort {
  public:
    static constexpr int kBufferSize = 32 * 1024 * 1024;
    static constexpr std::size_t kMaxRounds = 64;

    // Any address of 127.0.0.0/8.
    static Result<UdpPort, std::string> open_loopback();
    static Result<UdpPort, std::string> open(const IpAddress& local);

    int fd() const { return fd_.get(); }
    const SocketAddress& address() const { return address_; }  // of the former the port alone

    // take(ArrivedDatagram) for what is there, up to kMaxRounds readings of the buffers.
    // `lateness` gets how long the first of a batch has waited.
    template <typename Take>
    void receive(DatagramBuffers& buffers, Histogram& lateness, Take&& take);
    void send(DatagramBuffers& buffers, const IpAddress& local, const SocketAddress& remote,
              BytesView datagram);

    // Datagrams that did not fit into the socket.
    std::uint64_t drops() const;

  private:
    static Result<UdpPort, std::string> open(const IpAddress& local, bool shared);

    worker::FileDescriptor fd_;
    SocketAddress address_;
    bool shared_ = false;
};

class DatagramBuffers {
  public:
    struct Received {
        BytesSpan bytes;          // of one datagram or several
        std::size_t segment = 0;  // length of each but the last
        SocketAddress from;
        IpAddress local;  // none if the socket has one alone
        Duration waited;
    };
    static constexpr std::size_t kReadBatch = 16;

    DatagramBuffers();
    ~DatagramBuffers();
    DatagramBuffers(const DatagramBuffers&) = delete;
    DatagramBuffers& operator=(const DatagramBuffers&) = delete;

    // How many messages were read; those of before are gone.
    std::size_t read(int fd);
    Received received(std::size_t index, UnixTime read_at) const;

    void queue(int fd, bool shared, const IpAddress& local, const SocketAddress& remote,
               BytesView datagram);
    // Sends what was queued; what the kernel does not take is lost, as on a network.
    void flush();
    std::uint64_t unsent() const { return unsent_; }

  private:
    struct Arrays;
    std::unique_ptr<Arrays> arrays_;
    std::size_t queued_ = 0;
    int queue_fd_ = -1;
    std::uint64_t unsent_ = 0;
};

template <typename Take>
void UdpPort::receive(DatagramBuffers& buffers, Histogram& lateness, Take&& take) {
    for (std::size_t round = 0; round < kMaxRounds; ++round) {
        const std::size_t count = buffers.read(fd());
        if (count == 0) return;
        const Timestamp now = monotonic_now();
        const UnixTime wall = wall_now();
        for (std::size_t i = 0; i < count; ++i) {
            const DatagramBuffers::Received received = buffers.received(i, wall);
            if (i == 0) lateness.add(received.waited);
            const Timestamp arrival = now - received.waited;
            for (std::size_t at = 0; at < received.bytes.size(); at += received.segment) {
                const std::size_t size = std::min(received.segment, received.bytes.size() - at);
                take(ArrivedDatagram{received.bytes.subspan(at, size), received.from,
                                     received.local, now, arrival});
            }
        }
        if (count < DatagramBuffers::kReadBatch) return;
    }
}

}  // namespace confab::load
