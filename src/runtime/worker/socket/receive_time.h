// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// When a datagram came, as the kernel stamped it (SO_TIMESTAMPNS, software): what waited in the
// socket while the worker was busy is no jitter of the network (RFC 3550 §6.4.1, 02 IN-07).
#pragma once

#include <sys/socket.h>

#include <ctime>

#include "base/time.h"

namespace confab::worker {

// A datagram does not wait longer in a socket that a living worker reads; beyond it, or before its
// arrival, one of the clocks was set.
inline constexpr Duration kMaxWait = Duration::seconds(1);

inline UnixTime to_unix(const timespec& t) {
    return UnixTime::micros(std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000);
}

// How long a datagram stamped at `stamped` had waited at `read`, both of the kernel's wall clock;
// zero if that is absurd.
inline Duration waited(UnixTime stamped, UnixTime read) {
    const Duration wait = read - stamped;
    return wait < Duration::zero() || wait > kMaxWait ? Duration::zero() : wait;
}

// Makes the kernel stamp what comes; without it every datagram counts as just arrived.
void request_receive_times(int fd);
// Room for the stamp of one datagram.
struct alignas(cmsghdr) ReceiveControl {
    static constexpr std::size_t kSize = CMSG_SPACE(sizeof(timespec));
    std::uint8_t bytes[kSize];
};
// The wait of a received message, zero if it carries no stamp.
Duration wait_of(msghdr& message, UnixTime read);

}  // namespace confab::worker
