// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The floor of the call benchmark: a forwarder with one socket and no protocol. It takes what has
// come (recvmmsg), encrypts it for each subscriber and sends each what is its own in one GSO send;
// then it sleeps until more comes.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <utility>
#include <vector>

#include "bench/call_shared.h"
#include "bench/forward_floor.h"
#include "wire/rtp/rtp.h"

namespace confab::bench {

[[noreturn]] inline void run_call_floor(CallShared& shared, std::size_t subscribers) {
    constexpr std::size_t kBatch = 16;  // as many as fit into one segmented send
    const auto sinks = shared.floor_sinks.begin();
    Floor floor(
        std::vector<std::uint16_t>(sinks, sinks + static_cast<std::ptrdiff_t>(subscribers)));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    void* const raw = &address;
    if (::bind(floor.socket(), static_cast<sockaddr*>(raw), size) != 0 ||
        ::getsockname(floor.socket(), static_cast<sockaddr*>(raw), &size) != 0)
        give_up("the floor has no socket");
    shared.floor_port = ntohs(address.sin_port);

    static std::array<std::array<std::uint8_t, 2048>, kBatch> buffers;
    std::array<iovec, kBatch> parts;
    std::array<mmsghdr, kBatch> messages{};
    for (std::size_t i = 0; i < kBatch; ++i) {
        parts[i] = {buffers[i].data(), buffers[i].size()};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    std::vector<BytesView> payloads;
    for (;;) {
        pollfd one{floor.socket(), POLLIN, 0};
        (void)::poll(&one, 1, -1);
        const int count =
            ::recvmmsg(floor.socket(), messages.data(), kBatch, MSG_DONTWAIT, nullptr);
        payloads.clear();
        for (std::size_t i = 0; std::cmp_less(i, count); ++i) {
            const BytesView packet = BytesView(buffers[i]).first(messages[i].msg_len);
            if (const auto rtp = wire::parse_rtp(packet)) payloads.push_back(rtp->payload);
        }
        if (!payloads.empty()) floor.turn(payloads);
    }
}

}  // namespace confab::bench
