// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the clients of a load share, the loop that drives them, and their UDP sockets.
#pragma once

#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/rng.h"
#include "client/session/participant_pool.h"
#include "crypto/certificate.h"
#include "crypto/random.h"
#include "rtc/peer/transport.h"
#include "runtime/load/loop.h"
#include "runtime/worker/socket/socket_address.h"

namespace confab::bench {

using Waiter = load::Waiter;
using LoadLoop = load::Loop;
inline Timestamp now() {
    return load::monotonic_now();
}
inline UnixTime wall() {
    return load::wall_now();
}

// What all clients of a load share.
struct Load {
    LoadLoop loop;
    Rng rng = crypto::seeded_rng();
    srtp::Engine engine;
    std::string fingerprint;
    std::optional<dtls::Context> dtls;
    bool deflate = true;
    std::uint16_t sample_rtp = 1;  // one RTP packet in so many is received
    std::shared_ptr<client::ParticipantPool> participants =
        std::make_shared<client::ParticipantPool>();

    Load() {
        const auto certificate = crypto::Certificate::generate(wall());
        if (!certificate) std::abort();
        fingerprint = certificate->sha256_fingerprint();
        auto context = dtls::Context::create(*certificate);
        if (!context) std::abort();
        dtls.emplace(std::move(*context));
    }
};

// A UDP socket of loopback.
class LoadSocket {
  public:
    LoadSocket() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        auto address = worker::to_kernel({IpAddress::v4(INADDR_LOOPBACK), 0});
        if (::bind(fd_, address.get(), address.size) != 0) std::abort();
        address.size = sizeof address.storage;
        (void)::getsockname(fd_, address.get(), &address.size);
        address_ = worker::from_kernel(address.storage);
    }
    ~LoadSocket() { ::close(fd_); }
    LoadSocket(const LoadSocket&) = delete;
    LoadSocket& operator=(const LoadSocket&) = delete;

    int fd() const { return fd_; }
    const SocketAddress& address() const { return address_; }
    void send(const SocketAddress& to, BytesView bytes) const {
        const auto kernel = worker::to_kernel(to);
        (void)::sendto(fd_, bytes.data(), bytes.size(), 0, kernel.get(), kernel.size);
    }
    // Lets one RTP packet in so many through, a power of two; the kernel drops the others, so that
    // it is not the load generator that is measured. What is no RTP always passes (RFC 7983,
    // RFC 5761 §4). Offsets count from the UDP header.
    void sample_rtp(std::uint16_t one_in) {
        constexpr std::uint32_t kAll = 0xFFFF;
        std::array<sock_filter, 10> program = {{
            BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
            BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xC0),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x80, 0, 6),  // RTP or RTCP
            BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
            BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xE0),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xC0, 3, 0),  // 192–223: RTCP
            BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 10),           // the sequence number
            BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, one_in - 1U, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, 0),
            BPF_STMT(BPF_RET | BPF_K, kAll),
        }};
        sock_fprog filter{program.size(), program.data()};
        if (::setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
            std::abort();
    }
    // take(from, datagram) for what is there, some at a time: epoll tells of the rest.
    template <typename F>
    void receive(F&& take) const {
        constexpr std::size_t kBatch = 16;
        static thread_local std::array<std::array<std::uint8_t, 2048>, kBatch> buffers;
        std::array<sockaddr_storage, kBatch> from;
        std::array<iovec, kBatch> parts;
        std::array<mmsghdr, kBatch> messages{};
        for (std::size_t i = 0; i < kBatch; ++i) {
            parts[i] = {buffers[i].data(), buffers[i].size()};
            messages[i].msg_hdr.msg_iov = &parts[i];
            messages[i].msg_hdr.msg_iovlen = 1;
            messages[i].msg_hdr.msg_name = &from[i];
            messages[i].msg_hdr.msg_namelen = sizeof from[i];
        }
        const int count = ::recvmmsg(fd_, messages.data(), kBatch, MSG_DONTWAIT, nullptr);
        for (std::size_t i = 0; std::cmp_less(i, count); ++i)
            take(worker::from_kernel(from[i]), BytesSpan(buffers[i]).first(messages[i].msg_len));
    }

  private:
    int fd_;
    SocketAddress address_;
};

}  // namespace confab::bench
