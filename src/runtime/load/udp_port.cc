// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/load/udp_port.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "runtime/worker/socket/receive_time.h"
#include "runtime/worker/socket/socket_address.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace confab::load {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::size_t kSendBatch = 64;
constexpr std::size_t kSendSize = 1600;

// Stamp, length of segments, destination.
constexpr std::size_t kReadControl =
    CMSG_SPACE(sizeof(timespec)) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(in_pktinfo));
constexpr std::size_t kSendControl = CMSG_SPACE(sizeof(in_pktinfo));

void enlarge(int fd, int forced, int option) {
    const int size = UdpPort::kBufferSize;
    if (::setsockopt(fd, SOL_SOCKET, forced, &size, sizeof size) != 0)
        (void)::setsockopt(fd, SOL_SOCKET, option, &size, sizeof size);
}

template <typename T>
T value_of(const cmsghdr& header) {
    T value{};
    std::memcpy(&value, CMSG_DATA(&header), sizeof value);
    return value;
}

}  // namespace

// ---------------------------------------------------------------- sockets

Result<UdpPort, std::string> UdpPort::open_loopback() {
    return open(IpAddress::v4(INADDR_ANY), true);
}
Result<UdpPort, std::string> UdpPort::open(const IpAddress& local) {
    return open(local, false);
}

Result<UdpPort, std::string> UdpPort::open(const IpAddress& local, bool shared) {
    UdpPort port;
    port.shared_ = shared;
    const int family = local.is_v6() ? AF_INET6 : AF_INET;
    port.fd_ =
        worker::FileDescriptor(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    worker::KernelAddress address = worker::to_kernel({local, 0});
    const auto failed = [](const char* what) {
        return fail(std::string(what) + ": " + std::strerror(errno));
    };
    if (!port.fd_) return failed("cannot open a UDP socket");
    if (::bind(port.fd(), address.get(), address.size) != 0)
        return failed("cannot bind a UDP socket");
    const int on = 1;
    if (shared && ::setsockopt(port.fd(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0)
        return failed("no IP_PKTINFO");
    (void)::setsockopt(port.fd(), IPPROTO_UDP, UDP_GRO, &on, sizeof on);
    worker::request_receive_times(port.fd());
    enlarge(port.fd(), SO_RCVBUFFORCE, SO_RCVBUF);
    enlarge(port.fd(), SO_SNDBUFFORCE, SO_SNDBUF);
    address.size = sizeof address.storage;
    (void)::getsockname(port.fd(), address.get(), &address.size);
    port.address_ = worker::from_kernel(address.storage);
    return port;
}

std::uint64_t UdpPort::drops() const {
    std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
    socklen_t size = sizeof info;
    constexpr int kMemInfo = 55;  // SO_MEMINFO
    if (::getsockopt(fd(), SOL_SOCKET, kMemInfo, info.data(), &size) != 0) return 0;
    return info[SK_MEMINFO_DROPS];
}

void UdpPort::send(DatagramBuffers& buffers, const IpAddress& local, const SocketAddress& remote,
                   BytesView datagram) {
    buffers.queue(fd(), shared_, local, remote, datagram);
}

// ---------------------------------------------------------------- buffers

struct DatagramBuffers::Arrays {
    struct alignas(cmsghdr) ReadControl {
        std::array<std::uint8_t, kReadControl> bytes;
    };
    struct alignas(cmsghdr) SendControl {
        std::array<std::uint8_t, kSendControl> bytes;
    };
    std::array<mmsghdr, kReadBatch> read{};
    std::array<iovec, kReadBatch> read_parts{};
    std::array<sockaddr_storage, kReadBatch> from{};
    std::array<ReadControl, kReadBatch> read_control{};
    std::vector<std::uint8_t> memory = std::vector<std::uint8_t>(kReadBatch * kReadSize);

    std::array<mmsghdr, kSendBatch> send{};
    std::array<iovec, kSendBatch> send_parts{};
    std::array<worker::KernelAddress, kSendBatch> to{};
    std::array<SendControl, kSendBatch> send_control{};
    std::array<std::array<std::uint8_t, kSendSize>, kSendBatch> datagrams{};
};

DatagramBuffers::DatagramBuffers() : arrays_(std::make_unique<Arrays>()) {
    for (std::size_t i = 0; i < kReadBatch; ++i) {
        arrays_->read_parts[i] = {&arrays_->memory[i * kReadSize], kReadSize};
        msghdr& message = arrays_->read[i].msg_hdr;
        message.msg_iov = &arrays_->read_parts[i];
        message.msg_iovlen = 1;
        message.msg_name = &arrays_->from[i];
        message.msg_control = arrays_->read_control[i].bytes.data();
    }
}
DatagramBuffers::~DatagramBuffers() = default;

std::size_t DatagramBuffers::read(int fd) {
    for (mmsghdr& one : arrays_->read) {
        one.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
        one.msg_hdr.msg_controllen = kReadControl;
    }
    const int count = ::recvmmsg(fd, arrays_->read.data(), kReadBatch, MSG_DONTWAIT, nullptr);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

DatagramBuffers::Received DatagramBuffers::received(std::size_t index, UnixTime read_at) const {
    mmsghdr& message = arrays_->read[index];
    Received result;
    result.bytes = BytesSpan(arrays_->memory).subspan(index * kReadSize, message.msg_len);
    result.segment = message.msg_len;
    result.from = worker::from_kernel(arrays_->from[index]);
    for (cmsghdr* header = CMSG_FIRSTHDR(&message.msg_hdr); header != nullptr;
         header = CMSG_NXTHDR(&message.msg_hdr, header)) {
        if (header->cmsg_level == IPPROTO_UDP && header->cmsg_type == UDP_GRO)
            result.segment = static_cast<std::size_t>(std::max(1, value_of<int>(*header)));
        if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO)
            result.local = IpAddress::v4(ntohl(value_of<in_pktinfo>(*header).ipi_addr.s_addr));
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_TIMESTAMPNS)
            result.waited = worker::waited(worker::to_unix(value_of<timespec>(*header)), read_at);
    }
    return result;
}

void DatagramBuffers::queue(int fd, bool shared, const IpAddress& local,
                            const SocketAddress& remote, BytesView datagram) {
    // A wildcard socket of IPv4 reaches nothing else.
    if (datagram.size() > kSendSize || (shared && !remote.ip.is_v4())) return;
    if (queued_ == kSendBatch || fd != queue_fd_) flush();
    queue_fd_ = fd;
    const std::size_t i = queued_++;
    std::memcpy(arrays_->datagrams[i].data(), datagram.data(), datagram.size());
    arrays_->send_parts[i] = {arrays_->datagrams[i].data(), datagram.size()};
    arrays_->to[i] = worker::to_kernel(remote);
    msghdr& message = arrays_->send[i].msg_hdr;
    message = {};
    message.msg_name = arrays_->to[i].get();
    message.msg_namelen = arrays_->to[i].size;
    message.msg_iov = &arrays_->send_parts[i];
    message.msg_iovlen = 1;
    if (!shared) return;
    message.msg_control = arrays_->send_control[i].bytes.data();
    message.msg_controllen = kSendControl;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
    in_pktinfo info{};
    info.ipi_spec_dst.s_addr = htonl(local.to_v4());
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
}

// An error belongs to the first datagram that is left (ECONNREFUSED: to one before).
void DatagramBuffers::flush() {
    for (std::size_t at = 0; at < queued_;) {
        const int sent = ::sendmmsg(queue_fd_, &arrays_->send[at],
                                    static_cast<unsigned>(queued_ - at), MSG_DONTWAIT);
        if (sent <= 0) ++unsent_;
        at += static_cast<std::size_t>(std::max(1, sent));
    }
    queued_ = 0;
}

}  // namespace confab::load
