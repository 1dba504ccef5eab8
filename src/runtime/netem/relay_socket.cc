// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/netem/relay_socket.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "netem/packet_queue.h"
#include "runtime/worker/socket/socket_address.h"

namespace confab::netsim {
namespace {

constexpr int kBufferSize = 8'388'608;

std::string describe(const char* what, const SocketAddress& address) {
    return std::string(what) + " " + address.to_string() + ": " + std::strerror(errno);
}

// Beyond the limits of net.core where we may.
void enlarge(int fd) {
    if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kBufferSize, sizeof kBufferSize) != 0)
        (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kBufferSize, sizeof kBufferSize);
    if (::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &kBufferSize, sizeof kBufferSize) != 0)
        (void)::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kBufferSize, sizeof kBufferSize);
}

}  // namespace

struct SocketBatch::Messages {
    std::array<mmsghdr, kSize> headers{};
    std::array<iovec, kSize> buffers{};
    std::array<worker::KernelAddress, kSize> addresses{};
    std::array<std::array<std::uint8_t, netem::kMaxDatagram>, kSize> bytes;
};

SocketBatch::SocketBatch() : messages_(std::make_unique<Messages>()) {}
SocketBatch::~SocketBatch() = default;

Result<RelaySocket, std::string> RelaySocket::open(const SocketAddress& at) {
    const int family = at.ip.is_v6() ? AF_INET6 : AF_INET;
    RelaySocket result;
    result.fd_ =
        worker::FileDescriptor(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!result.fd_) return fail(describe("socket", at));
    enlarge(result.fd());
    return result;
}

Result<RelaySocket, std::string> RelaySocket::listen(const SocketAddress& local) {
    CONFAB_TRY(RelaySocket result, open(local));
    const worker::KernelAddress address = worker::to_kernel(local);
    if (::bind(result.fd(), address.get(), address.size) != 0)
        return fail(describe("listen udp", local));
    worker::KernelAddress bound;
    bound.size = sizeof bound.storage;
    if (::getsockname(result.fd(), bound.get(), &bound.size) != 0)
        return fail(describe("getsockname", local));
    result.local_ = worker::from_kernel(bound.storage);
    return result;
}

Result<RelaySocket, std::string> RelaySocket::connect(const SocketAddress& server) {
    CONFAB_TRY(RelaySocket result, open(server));
    const worker::KernelAddress address = worker::to_kernel(server);
    if (::connect(result.fd(), address.get(), address.size) != 0)
        return fail(describe("connect udp", server));
    result.is_connected_ = true;
    return result;
}

std::span<const Datagram> RelaySocket::receive(SocketBatch& batch) {
    SocketBatch::Messages& messages = *batch.messages_;
    for (std::size_t i = 0; i < SocketBatch::kSize; ++i) {
        msghdr& header = messages.headers[i].msg_hdr;
        messages.buffers[i] = {messages.bytes[i].data(), messages.bytes[i].size()};
        header = {};
        header.msg_iov = &messages.buffers[i];
        header.msg_iovlen = 1;
        if (is_connected_) continue;
        header.msg_name = &messages.addresses[i].storage;
        header.msg_namelen = sizeof messages.addresses[i].storage;
    }
    int count = -1;
    // An error that ICMP told is given once, and is none of what waits behind it.
    for (int attempt = 0; count < 0 && attempt < 8; ++attempt) {
        count = ::recvmmsg(fd(), messages.headers.data(), SocketBatch::kSize, 0, nullptr);
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {};
    }
    std::size_t filled = 0;
    for (std::size_t i = 0; count > 0 && i < static_cast<std::size_t>(count); ++i) {
        const mmsghdr& message = messages.headers[i];
        if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) continue;
        Datagram& datagram = batch.datagrams_[filled++];
        datagram.from =
            is_connected_ ? SocketAddress() : worker::from_kernel(messages.addresses[i].storage);
        datagram.bytes = BytesView(messages.bytes[i]).first(message.msg_len);
    }
    return std::span(batch.datagrams_).first(filled);
}

std::size_t RelaySocket::send(SocketBatch& batch,
                              std::span<const netem::DatagramRelay::Outgoing> packets) {
    SocketBatch::Messages& messages = *batch.messages_;
    const std::size_t size = std::min(packets.size(), SocketBatch::kSize);
    for (std::size_t i = 0; i < size; ++i) {
        msghdr& header = messages.headers[i].msg_hdr;
        const BytesView bytes = packets[i].bytes;
        // The kernel's interface takes no const.
        messages.buffers[i] = {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
        header = {};
        header.msg_iov = &messages.buffers[i];
        header.msg_iovlen = 1;
        if (is_connected_) continue;
        worker::write_kernel(packets[i].to, messages.addresses[i]);
        header.msg_name = messages.addresses[i].get();
        header.msg_namelen = messages.addresses[i].size;
    }
    std::size_t sent = 0;
    std::size_t at = 0;
    while (at < size) {
        const int count =
            ::sendmmsg(fd(), &messages.headers[at], static_cast<unsigned>(size - at), MSG_NOSIGNAL);
        if (count > 0) {
            sent += static_cast<std::size_t>(count);
            at += static_cast<std::size_t>(count);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        } else {
            ++at;  // this one alone: refused by the other end, or its address is none
        }
    }
    return sent;
}

std::uint64_t RelaySocket::dropped() const {
    std::array<std::uint32_t, SK_MEMINFO_VARS> figures{};
    socklen_t size = sizeof figures;
    if (::getsockopt(fd(), SOL_SOCKET, SO_MEMINFO, figures.data(), &size) != 0) return 0;
    return figures[SK_MEMINFO_DROPS];
}

}  // namespace confab::netsim
