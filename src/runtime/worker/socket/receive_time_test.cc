// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/socket/receive_time.h"

#include <doctest/doctest.h>

#include <cstring>

namespace confab::worker {
namespace {

constexpr UnixTime kRead = UnixTime::seconds(1'800'000'000);

// A message as the kernel leaves it, with one piece of control data.
struct Message {
    Message(int type, UnixTime stamp, std::size_t size = sizeof(timespec)) {
        header.msg_control = control.bytes;
        header.msg_controllen = sizeof control.bytes;
        cmsghdr* c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = type;
        c->cmsg_len = CMSG_LEN(size);
        const timespec t{stamp.us() / 1'000'000, (stamp.us() % 1'000'000) * 1000};
        std::memcpy(CMSG_DATA(c), &t, sizeof t);
    }
    ReceiveControl control{};
    msghdr header{};
};

TEST_CASE("ReceiveTime: the wait of a datagram is what lies between stamp and reading [IN-07]") {
    Message message(SO_TIMESTAMPNS, kRead - Duration::micros(12'345));
    CHECK(wait_of(message.header, kRead) == Duration::micros(12'345));
}

TEST_CASE("ReceiveTime: without a stamp it just arrived [IN-07]") {
    msghdr none{};
    CHECK(wait_of(none, kRead) == Duration::zero());
    Message other(SO_TIMESTAMP, kRead - Duration::millis(5));
    CHECK(wait_of(other.header, kRead) == Duration::zero());
    Message cut(SO_TIMESTAMPNS, kRead - Duration::millis(5), 8);
    CHECK(wait_of(cut.header, kRead) == Duration::zero());
}

TEST_CASE("ReceiveTime: a clock that was set moves nothing [IN-07]") {
    CHECK(waited(kRead, kRead) == Duration::zero());
    CHECK(waited(kRead + Duration::micros(1), kRead) == Duration::zero());
    CHECK(waited(kRead - kMaxWait, kRead) == kMaxWait);
    CHECK(waited(kRead - kMaxWait - Duration::micros(1), kRead) == Duration::zero());
    CHECK(waited(UnixTime::seconds(0), kRead) == Duration::zero());
}

}  // namespace
}  // namespace confab::worker
