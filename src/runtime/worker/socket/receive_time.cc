// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/socket/receive_time.h"

#include <cstring>

namespace confab::worker {

void request_receive_times(int fd) {
    const int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
}

Duration wait_of(msghdr& message, UnixTime read) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPNS) continue;
        if (c->cmsg_len < CMSG_LEN(sizeof(timespec))) continue;
        timespec stamp{};
        std::memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
        return waited(to_unix(stamp), read);
    }
    return Duration::zero();
}

}  // namespace confab::worker
