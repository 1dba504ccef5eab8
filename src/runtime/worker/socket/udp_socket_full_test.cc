// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "runtime/worker/socket/full_kernel_testing.h"
#include "runtime/worker/socket/udp_socket.h"

namespace {

// How many of `messages` are taken now; -1 with errno: none.
int take(unsigned messages) {
    int room = confab::worker::kernel_room.load();
    while (room >= 0) {
        const int taken = std::min(room, static_cast<int>(messages));
        if (taken == 0) {
            if (++confab::worker::kernel_refusals == confab::worker::kernel_patience)
                confab::worker::kernel_room = -1;
            errno = EAGAIN;
            return -1;
        }
        if (confab::worker::kernel_room.compare_exchange_weak(room, room - taken)) return taken;
    }
    return static_cast<int>(messages);
}

}  // namespace

// In place of the C library's in this program.
extern "C" int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
    const int taken = take(count);
    if (taken < 0) return -1;
    return static_cast<int>(::syscall(SYS_sendmmsg, fd, messages, taken, flags));
}
extern "C" ssize_t sendto(int fd, const void* bytes, std::size_t size, int flags,
                          const sockaddr* to, socklen_t length) {
    if (take(1) < 0) return -1;
    return ::syscall(SYS_sendto, fd, bytes, size, flags, to, length);
}
extern "C" ssize_t sendmsg(int fd, const msghdr* message, int flags) {
    if (take(1) < 0) return -1;
    return ::syscall(SYS_sendmsg, fd, message, flags);
}

namespace confab::worker {
namespace {

constexpr Timestamp kNow = Timestamp::micros(1'000'000);
const IpAddress kLoopback = IpAddress::v4(0x7F000001);

struct Pair {
    Pair() {
        auto a = UdpSocket::open({kLoopback, 0}, false);
        auto b = UdpSocket::open({kLoopback, 0}, false);
        REQUIRE(a.has_value());
        REQUIRE(b.has_value());
        sender = std::move(*a);
        receiver = std::move(*b);
    }
    ~Pair() { receiver->release_slots(); }

    // Datagrams of `size` octets that begin with `name`.
    void send(Timestamp now, std::initializer_list<std::pair<char, std::size_t>> datagrams) {
        batch.clear();
        ice::Path path;
        path.remote = receiver->local();
        for (const auto& [name, size] : datagrams) {
            batch.reserve()[0] = static_cast<std::uint8_t>(name);
            const bool is_sound = name >= 'a';
            batch.commit(path, size, is_sound ? sfu::Worth::kFirst : sfu::Worth::kPicture);
        }
        sender->send(now, batch, 0);
    }
    // The names of all that arrived within a moment.
    std::string arrived() {
        std::string names;
        std::array<UdpSocket::Received, UdpSocket::kBatch> received;
        for (pollfd p{receiver->fd(), POLLIN, 0}; ::poll(&p, 1, 20) == 1;) {
            const std::size_t count = receiver->receive(pool, received);
            for (std::size_t i = 0; i < count; ++i) {
                names += static_cast<char>(received[i].packet.data()[0]);
                received[i].packet.reset();
            }
        }
        return names;
    }

    sfu::PacketPool pool;
    std::optional<UdpSocket> sender;
    std::optional<UdpSocket> receiver;
    sfu::SendBatch batch;
};

// Sound and what keeps a connection has small letters.
constexpr std::size_t kLong = 1000;
constexpr std::size_t kShort = 100;

TEST_CASE("UdpSocket: what finds the buffer full leaves when there is room, sound first [DES-06]") {
    Pair pair;
    {
        const FullKernel full(1);
        pair.send(kNow, {{'A', kLong}, {'B', kLong + 1}, {'C', kLong + 2}, {'x', kLong + 3}});
        CHECK(pair.sender->holds());
        pair.send(kNow, {{'y', kLong}, {'D', kLong + 1}});  // not before those that wait
        pair.sender->send_held(kNow + HeldRuns::kLongest);
    }
    CHECK(pair.arrived() == "A");
    pair.sender->send_held(kNow + HeldRuns::kLongest);
    CHECK_FALSE(pair.sender->holds());
    CHECK(pair.arrived() == "xyBCD");
    CHECK(pair.sender->dropped_full() == 0);
    CHECK(pair.sender->counters().datagrams_out == 6);
    pair.send(kNow, {{'E', kLong}});
    CHECK(pair.arrived() == "E");
}

TEST_CASE("UdpSocket: what stands behind a run that found no room does not overtake it [DES-06]") {
    Pair pair;
    const FullKernel full(0, 1);  // a large send may find none where a small one does
    pair.send(kNow, {{'A', kLong}, {'B', kLong + 1}, {'x', kLong + 2}});
    CHECK(pair.arrived().empty());
    pair.send(kNow, {{'C', kShort}});
    CHECK_FALSE(pair.sender->holds());
    CHECK(pair.arrived() == "xABC");
    CHECK(pair.sender->dropped_full() == 0);
}

TEST_CASE("UdpSocket: of a run with both, its sound is held apart from its pictures [DES-06]") {
    Pair pair;
    {
        const FullKernel full;
        pair.send(kNow, {{'A', kLong}, {'x', kLong}, {'B', kLong}, {'y', kShort}});
        REQUIRE(pair.batch.run_count() == 1);
    }
    const std::uint64_t before = pair.sender->counters().sends;
    pair.sender->send_held(kNow);
    CHECK(pair.sender->counters().sends == before + 2);  // a run each
    CHECK(pair.arrived() == "xyAB");
}

TEST_CASE("UdpSocket: what was held too long is given up, and counted [DES-06]") {
    Pair pair;
    const Timestamp late = kNow + HeldRuns::kLongest + Duration::micros(1);
    {
        const FullKernel full;
        pair.send(kNow, {{'A', kLong}, {'A', kLong}, {'x', kShort}});
        pair.send(late, {{'B', kLong}, {'y', kShort}});
    }
    CHECK(pair.sender->dropped_full() == 3);
    pair.sender->send_held(late);
    CHECK(pair.arrived() == "yB");
    CHECK_FALSE(pair.sender->holds());
    CHECK(pair.sender->counters().send_errors == 0);
}

TEST_CASE("UdpSocket: where runs go one by one, each waits for itself [DES-06] [DES-13]") {
    Pair pair;
    const auto refuse_segments = [&](int on) {
        REQUIRE(::setsockopt(pair.sender->fd(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on) == 0);
    };
    refuse_segments(1);
    pair.send(kNow, {{'A', kLong}, {'A', kLong}});
    CHECK(pair.arrived() == "AA");
    {
        const FullKernel full(2);
        pair.send(kNow, {{'B', kLong}, {'C', kLong}, {'D', kLong}, {'x', kShort}});
    }
    CHECK(pair.arrived() == "BC");
    pair.sender->send_held(kNow);
    CHECK(pair.arrived() == "xD");
    CHECK(pair.sender->dropped_full() == 0);
    CHECK(pair.sender->counters().send_errors == 0);
}

}  // namespace
}  // namespace confab::worker
