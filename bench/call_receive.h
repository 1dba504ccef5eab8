// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the subscribers of the call benchmark receive: datagrams with the kernel's time of their
// arrival, which does not wait for whoever reads them, and what is counted of them.
#pragma once

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include "bench/call_shared.h"
#include "runtime/worker/socket/socket_address.h"
#include "wire/rtp/rtp.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace confab::bench {

// `runs`: a segmented send stays one datagram until it is read, so that it can be counted.
inline void prepare_receiving(int fd, bool runs) {
    const int on = 1, buffer = 4'194'304;
    if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0)
        (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (::setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0)
        give_up("no receive times");
    if (runs && ::setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on) != 0) give_up("no UDP_GRO");
}

struct Arrival {
    SocketAddress from;
    std::int64_t at_us = 0;  // of the wall clock
    std::size_t index = 0;   // in the segmented send that it came with
};

class StampedReceiver {
  public:
    StampedReceiver() {
        for (std::size_t i = 0; i < kBatch; ++i) {
            parts_[i] = {buffers_.get() + i * kSize, kSize};
            messages_[i].msg_hdr.msg_iov = &parts_[i];
            messages_[i].msg_hdr.msg_iovlen = 1;
        }
    }
    // take(arrival, datagram) for what is there, some at a time: epoll tells of the rest.
    template <typename Take>
    void receive(int fd, Take take) {
        for (std::size_t i = 0; i < kBatch; ++i) {
            msghdr& header = messages_[i].msg_hdr;
            header.msg_name = &from_[i];
            header.msg_namelen = sizeof from_[i];
            header.msg_control = controls_[i].bytes.data();
            header.msg_controllen = controls_[i].bytes.size();
        }
        const int count = ::recvmmsg(fd, messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
        for (std::size_t i = 0; std::cmp_less(i, count); ++i) {
            BytesSpan rest(buffers_.get() + i * kSize, messages_[i].msg_len);
            Arrival arrival;
            arrival.from = worker::from_kernel(from_[i]);
            std::size_t segment = rest.size();
            read_control(messages_[i].msg_hdr, arrival, segment);
            for (; !rest.empty(); ++arrival.index) {
                const std::size_t size = std::min(segment, rest.size());
                take(std::as_const(arrival), rest.first(size));
                rest = rest.subspan(size);
            }
        }
    }

  private:
    static constexpr std::size_t kBatch = 16;
    static constexpr std::size_t kSize = 65'536;
    struct alignas(cmsghdr) Control {
        std::array<std::uint8_t, CMSG_SPACE(sizeof(timespec)) + CMSG_SPACE(sizeof(int))> bytes{};
    };

    static void read_control(msghdr& header, Arrival& arrival, std::size_t& segment) {
        for (cmsghdr* one = CMSG_FIRSTHDR(&header); one != nullptr;
             one = CMSG_NXTHDR(&header, one)) {
            if (one->cmsg_level == SOL_SOCKET && one->cmsg_type == SCM_TIMESTAMPNS) {
                timespec t{};
                std::memcpy(&t, CMSG_DATA(one), sizeof t);
                arrival.at_us = std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000;
            } else if (one->cmsg_level == SOL_UDP && one->cmsg_type == UDP_GRO) {
                int size = 0;
                std::memcpy(&size, CMSG_DATA(one), sizeof size);
                segment = static_cast<std::size_t>(std::max(1, size));
            }
        }
    }

    std::unique_ptr<std::uint8_t[]> buffers_ = std::make_unique<std::uint8_t[]>(kBatch * kSize);
    std::array<iovec, kBatch> parts_{};
    std::array<mmsghdr, kBatch> messages_{};
    std::array<sockaddr_storage, kBatch> from_{};
    std::array<Control, kBatch> controls_{};
};

// Counts the decrypted payload if it is of the present measurement, and its send where `runs`;
// whether it is.
inline bool count_packet(CallShared& shared, BytesView payload, const Arrival& arrival, bool runs) {
    constexpr auto kRelaxed = std::memory_order_relaxed;
    const auto stamp = CallStamp::read(payload);
    if (!stamp || stamp->measurement != shared.measurement.load(kRelaxed)) return false;
    const std::int64_t took = std::clamp<std::int64_t>(
        arrival.at_us - stamp->sent_us, 0, static_cast<std::int64_t>(CallShared::kLatencies) - 1);
    shared.latencies[static_cast<std::size_t>(took)].fetch_add(1, kRelaxed);
    shared.received.fetch_add(1, kRelaxed);
    if (!runs) return true;
    shared.run_packets.fetch_add(1, kRelaxed);
    if (arrival.index == 0) shared.runs.fetch_add(1, kRelaxed);
    return true;
}

}  // namespace confab::bench
