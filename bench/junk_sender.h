// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sends datagrams to a port of loopback from any of its addresses: by sockets (IP_PKTINFO, ip(7)),
// which hear what is answered, and, where the system lets us, with the address and port of somebody
// else (raw(7)).
#pragma once

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/bytes.h"
#include "base/net_address.h"
#include "runtime/worker/socket/file_descriptor.h"
#include "runtime/worker/socket/socket_address.h"

namespace confab::bench {

class JunkSender {
  public:
    static constexpr std::size_t kSockets = 16;

    explicit JunkSender(std::uint16_t port)
        : to_{IpAddress::v4(INADDR_LOOPBACK), port},
          raw_(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW)) {
        for (std::size_t i = 0; i < kSockets; ++i) {
            worker::FileDescriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
            const auto any = worker::to_kernel({IpAddress::v4(INADDR_ANY), 0});
            if (!fd || ::bind(fd.get(), any.get(), any.size) != 0) std::abort();
            sockets_.push_back(std::move(fd));
        }
    }

    bool can_spoof() const { return static_cast<bool>(raw_); }
    // `from` is any address of 127.0.0.0/8; the port is that of one of the sockets.
    void send(const IpAddress& from, BytesView bytes) {
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in_pktinfo))> control{};
        const auto kernel = worker::to_kernel(to_);
        msghdr message{};
        // sendmsg() changes neither address nor bytes.
        iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
        message.msg_name = const_cast<sockaddr*>(kernel.get());
        message.msg_namelen = kernel.size;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = IPPROTO_IP;
        header->cmsg_type = IP_PKTINFO;
        header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
        in_pktinfo info{};
        info.ipi_spec_dst.s_addr = htonl(from.to_v4());
        std::memcpy(CMSG_DATA(header), &info, sizeof info);
        if (::sendmsg(sockets_[next_++ % kSockets].get(), &message, 0) >= 0) ++sent_;
    }
    // As if `from` had sent it.
    void spoof(const SocketAddress& from, BytesView bytes) {
        Bytes packet(sizeof(iphdr) + sizeof(udphdr) + bytes.size());
        iphdr ip{};
        ip.version = 4;
        ip.ihl = sizeof ip / 4;
        ip.ttl = 64;
        ip.protocol = IPPROTO_UDP;
        ip.saddr = htonl(from.ip.to_v4());
        ip.daddr = htonl(INADDR_LOOPBACK);
        udphdr udp{};  // without a checksum (RFC 768)
        udp.source = htons(from.port);
        udp.dest = htons(to_.port);
        udp.len = htons(static_cast<std::uint16_t>(sizeof udp + bytes.size()));
        std::memcpy(packet.data(), &ip, sizeof ip);
        std::memcpy(packet.data() + sizeof ip, &udp, sizeof udp);
        std::copy(bytes.begin(), bytes.end(), packet.begin() + sizeof ip + sizeof udp);
        const auto kernel = worker::to_kernel(to_);
        if (::sendto(raw_.get(), packet.data(), packet.size(), 0, kernel.get(), kernel.size) >= 0)
            ++spoofed_;
    }
    // What came back so far.
    std::size_t take_answers() {
        std::array<std::uint8_t, 2048> buffer;
        for (const auto& fd : sockets_)
            while (::recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT) >= 0)
                ++answers_;
        return answers_;
    }
    std::size_t sent() const { return sent_; }
    std::size_t spoofed() const { return spoofed_; }

  private:
    SocketAddress to_;
    worker::FileDescriptor raw_;
    std::vector<worker::FileDescriptor> sockets_;
    std::size_t next_ = 0;
    std::size_t sent_ = 0;
    std::size_t spoofed_ = 0;
    std::size_t answers_ = 0;
};

}  // namespace confab::bench
