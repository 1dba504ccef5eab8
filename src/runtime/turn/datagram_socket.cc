// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/turn/datagram_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "runtime/worker/socket/socket_address.h"

namespace confab::turn_server {
namespace {

constexpr int kBufferSize = 4'194'304;
constexpr std::size_t kControlSize = CMSG_SPACE(sizeof(in6_pktinfo));

struct alignas(cmsghdr) Control {
    std::array<std::uint8_t, kControlSize> bytes;
};

std::string describe(const char* what, const SocketAddress& address) {
    return std::string(what) + " " + address.to_string() + ": " + std::strerror(errno);
}

// The address that a datagram came to.
std::optional<IpAddress> destination(msghdr& header) {
    for (cmsghdr* one = CMSG_FIRSTHDR(&header); one != nullptr; one = CMSG_NXTHDR(&header, one)) {
        if (one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_PKTINFO) {
            in_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(one), sizeof info);
            return IpAddress::v4(ntohl(info.ipi_addr.s_addr));
        }
        if (one->cmsg_level == IPPROTO_IPV6 && one->cmsg_type == IPV6_PKTINFO) {
            in6_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(one), sizeof info);
            std::array<std::uint8_t, 16> bytes;
            std::memcpy(bytes.data(), &info.ipi6_addr, bytes.size());
            return IpAddress::v6_bytes(bytes);
        }
    }
    return std::nullopt;
}

template <typename Info>
void write_control(msghdr& header, Control& control, int level, int type, const Info& info) {
    header.msg_control = control.bytes.data();
    header.msg_controllen = CMSG_SPACE(sizeof info);
    cmsghdr* const one = CMSG_FIRSTHDR(&header);
    one->cmsg_level = level;
    one->cmsg_type = type;
    one->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(one), &info, sizeof info);
}

// Leaves from this address; the interface stays the route's choice.
void leave_from(const IpAddress& ip, msghdr& header, Control& control) {
    control.bytes = {};
    if (ip.is_v4()) {
        in_pktinfo info{};
        info.ipi_spec_dst.s_addr = htonl(ip.to_v4());
        write_control(header, control, IPPROTO_IP, IP_PKTINFO, info);
    } else {
        in6_pktinfo info{};
        std::memcpy(&info.ipi6_addr, ip.bytes().data(), 16);
        write_control(header, control, IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
}

}  // namespace

struct DatagramBatch::Messages {
    std::array<mmsghdr, kSize> headers{};
    std::array<iovec, kSize> buffers{};
    std::array<sockaddr_storage, kSize> addresses{};
    std::array<Control, kSize> controls{};
    std::array<std::array<std::uint8_t, kMaxDatagram>, kSize> bytes;
};

DatagramBatch::DatagramBatch() : messages_(std::make_unique<Messages>()) {}
DatagramBatch::~DatagramBatch() = default;

Result<DatagramSocket, std::string> DatagramSocket::open(const SocketAddress& local) {
    const int family = local.ip.is_v6() ? AF_INET6 : AF_INET;
    DatagramSocket result;
    result.fd_ =
        worker::FileDescriptor(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!result.fd_) return fail(describe("socket", local));
    const int fd = result.fd_.get();
    const int on = 1;
    if (family == AF_INET6) (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (local.ip.is_unspecified()) {
        const bool told = family == AF_INET6
                              ? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == 0
                              : setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0;
        if (!told) return fail(describe("setsockopt pktinfo", local));
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kBufferSize, sizeof kBufferSize);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kBufferSize, sizeof kBufferSize);
    const worker::KernelAddress address = worker::to_kernel(local);
    if (::bind(fd, address.get(), address.size) != 0) return fail(describe("listen udp", local));
    worker::KernelAddress bound;
    bound.size = sizeof bound.storage;
    if (::getsockname(fd, bound.get(), &bound.size) != 0)
        return fail(describe("getsockname", local));
    result.local_ = worker::from_kernel(bound.storage);
    return result;
}

Result<DatagramSocket, std::string> DatagramSocket::share(int fd) {
    DatagramSocket result;
    result.fd_ = worker::FileDescriptor(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    worker::KernelAddress bound;
    bound.size = sizeof bound.storage;
    if (!result.fd_ || ::getsockname(fd, bound.get(), &bound.size) != 0)
        return fail(std::string("share a media socket: ") + std::strerror(errno));
    result.local_ = worker::from_kernel(bound.storage);
    return result;
}

std::span<const Datagram> DatagramSocket::receive(DatagramBatch& batch) {
    DatagramBatch::Messages& messages = *batch.messages_;
    for (std::size_t i = 0; i < DatagramBatch::kSize; ++i) {
        msghdr& header = messages.headers[i].msg_hdr;
        messages.buffers[i] = {messages.bytes[i].data(), messages.bytes[i].size()};
        header = {};
        header.msg_name = &messages.addresses[i];
        header.msg_namelen = sizeof messages.addresses[i];
        header.msg_iov = &messages.buffers[i];
        header.msg_iovlen = 1;
        header.msg_control = messages.controls[i].bytes.data();
        header.msg_controllen = kControlSize;
    }
    const int count =
        ::recvmmsg(fd_.get(), messages.headers.data(), DatagramBatch::kSize, 0, nullptr);
    std::size_t filled = 0;
    for (std::size_t i = 0; count > 0 && i < static_cast<std::size_t>(count); ++i) {
        msghdr& header = messages.headers[i].msg_hdr;
        if ((header.msg_flags & MSG_TRUNC) != 0) continue;
        Datagram& datagram = batch.datagrams_[filled++];
        datagram.from = worker::from_kernel(messages.addresses[i]);
        datagram.local = local_;
        if (const auto ip = destination(header)) datagram.local.ip = *ip;
        datagram.bytes = BytesView(messages.bytes[i]).first(messages.headers[i].msg_len);
    }
    return std::span(batch.datagrams_).first(filled);
}

bool DatagramSocket::send(const SocketAddress& from, const SocketAddress& to, BytesView bytes) {
    worker::KernelAddress address = worker::to_kernel(to);
    // The kernel's interface takes no const.
    iovec buffer{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
    Control control;
    msghdr header{};
    header.msg_name = address.get();
    header.msg_namelen = address.size;
    header.msg_iov = &buffer;
    header.msg_iovlen = 1;
    if (local_.ip.is_unspecified() && !from.ip.is_unspecified())
        leave_from(from.ip, header, control);
    return ::sendmsg(fd_.get(), &header, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

}  // namespace confab::turn_server
