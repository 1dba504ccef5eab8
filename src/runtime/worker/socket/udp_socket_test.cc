// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/socket/udp_socket.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <map>
#include <optional>

#include "runtime/worker/socket/socket_address.h"

namespace confab::worker {
namespace {

constexpr Timestamp kNow = Timestamp::micros(1'000'000);
const IpAddress kLoopback = IpAddress::v4(0x7F000001);

UdpSocket open_any(const IpAddress& ip = kLoopback) {
    auto socket = UdpSocket::open({ip, 0}, false);
    REQUIRE(socket.has_value());
    return std::move(*socket);
}

// Everything that arrives within a moment, by sender.
std::vector<std::pair<SocketAddress, Bytes>> receive_all(UdpSocket& socket, sfu::PacketPool& pool,
                                                         std::size_t expected) {
    std::vector<std::pair<SocketAddress, Bytes>> all;
    std::array<UdpSocket::Received, UdpSocket::kBatch> received;
    for (int tries = 0; tries < 50; ++tries) {
        pollfd p{socket.fd(), POLLIN, 0};
        if (::poll(&p, 1, all.size() < expected ? 200 : 0) != 1) break;
        const std::size_t count = socket.receive(pool, received);
        for (std::size_t i = 0; i < count; ++i) {
            all.emplace_back(received[i].from, to_vector(received[i].packet.data()));
            received[i].packet.reset();
        }
    }
    return all;
}

Bytes numbered(std::size_t size, std::size_t number) {
    Bytes bytes(size, static_cast<std::uint8_t>(number * 7));
    bytes[0] = static_cast<std::uint8_t>(number);
    return bytes;
}

struct Sender {
    void add(const SocketAddress& to, BytesView bytes, std::uint16_t socket_index = 0) {
        ice::Path path;
        path.socket = socket_index;
        path.remote = to;
        std::copy(bytes.begin(), bytes.end(), batch.reserve().begin());
        batch.commit(path, bytes.size());
    }
    UdpSocket socket = open_any();
    sfu::SendBatch batch;
};

TEST_CASE("UdpSocket: runs that went another way are left out [DES-10]") {
    sfu::PacketPool pool;
    UdpSocket receiver = open_any();
    Sender sender;
    for (const std::size_t size : {100U, 200U, 300U})
        sender.add(receiver.local(), numbered(size, size / 100));
    REQUIRE(sender.batch.run_count() == 3);
    sender.batch.mark_sent(1);
    sender.socket.send(kNow, sender.batch, 0);
    CHECK(sender.socket.counters().datagrams_out == 2);
    {
        const auto all = receive_all(receiver, pool, 3);
        REQUIRE(all.size() == 2);
        CHECK(all[0].second.size() == 100);
        CHECK(all[1].second.size() == 300);
    }
    receiver.release_slots();
}

TEST_CASE("UdpSocket: runs of equal lengths leave in one send and arrive as datagrams [DES-10]") {
    sfu::PacketPool pool;
    {
        UdpSocket receiver = open_any();
        Sender sender;
        // Three runs: 5 of 1200 with a shorter end, one longer packet, 3 of 100.
        const std::vector<std::size_t> sizes{1200, 1200, 1200, 1200, 1200,
                                             800,  1201, 100,  100,  100};
        for (std::size_t i = 0; i < sizes.size(); ++i)
            sender.add(receiver.local(), numbered(sizes[i], i));
        REQUIRE(sender.batch.run_count() == 3);
        CHECK(sender.batch.run(0).count == 6);
        CHECK(sender.batch.run(1).count == 2);  // 1201 and the shorter 100 that ends it
        CHECK(sender.batch.run(2).count == 2);
        sender.socket.send(kNow, sender.batch, 0);
        CHECK(sender.socket.counters().sends == 3);
        CHECK(sender.socket.counters().datagrams_out == sizes.size());
        const auto all = receive_all(receiver, pool, sizes.size());
        REQUIRE(all.size() == sizes.size());
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            CHECK(all[i].first == sender.socket.local());
            CHECK(all[i].second == numbered(sizes[i], i));
        }
        CHECK(receiver.counters().datagrams_in == sizes.size());
    }
    CHECK(pool.large_in_use() == 0);
}

TEST_CASE(
    "UdpSocket: 64 segments are the longest run, hundreds of runs need several calls [DES-10]") {
    sfu::PacketPool pool;
    {
        std::vector<UdpSocket> receivers;
        receivers.reserve(3);
        for (int i = 0; i < 3; ++i)
            receivers.push_back(open_any());
        Sender sender;
        for (std::size_t i = 0; i < 70; ++i)
            sender.add(receivers[0].local(), numbered(100, i));
        CHECK(sender.batch.run_count() == 2);
        CHECK(sender.batch.run(0).count == 64);
        for (std::size_t i = 0; i < 150; ++i)
            sender.add(receivers[1 + i % 2].local(), numbered(200, i));
        CHECK(sender.batch.run_count() == 152);
        sender.socket.send(kNow, sender.batch, 0);
        CHECK(sender.socket.counters().datagrams_out == 220);
        CHECK(receive_all(receivers[0], pool, 70).size() == 70);
        CHECK(receive_all(receivers[1], pool, 75).size() == 75);
        CHECK(receive_all(receivers[2], pool, 75).size() == 75);
    }
    CHECK(pool.large_in_use() == 0);
}

TEST_CASE("UdpSocket: runs of other sockets and of TCP are left alone [DES-10]") {
    sfu::PacketPool pool;
    UdpSocket receiver = open_any();
    Sender sender;
    sender.add(receiver.local(), numbered(50, 1), 0);
    sender.add(receiver.local(), numbered(50, 2), 1);
    ice::Path tcp;
    tcp.protocol = ice::Protocol::kTcp;
    tcp.tcp_connection = 3;
    tcp.remote = receiver.local();
    sender.batch.commit(tcp, 50);
    sender.socket.send(kNow, sender.batch, 0);
    const auto all = receive_all(receiver, pool, 1);
    REQUIRE(all.size() == 1);
    CHECK(all[0].second == numbered(50, 1));
}

TEST_CASE("UdpSocket: a datagram tells how long it waited in the socket [IN-07]") {
    Sender sender;
    UdpSocket receiver = open_any();
    const auto monotonic = [] {
        timespec t{};
        clock_gettime(CLOCK_MONOTONIC, &t);
        return Timestamp::micros(std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000);
    };
    constexpr Duration kWait = Duration::millis(3);
    sfu::PacketPool pool;
    std::array<UdpSocket::Received, UdpSocket::kBatch> received;
    // The kernel begins to stamp some time behind the first socket that wants it.
    bool stamped = false;
    for (int tries = 0; tries < 300 && !stamped; ++tries) {
        const Timestamp before = monotonic();
        sender.add(receiver.local(), numbered(100, 1));
        sender.socket.send(kNow, sender.batch, 0);
        sender.batch.clear();
        pollfd p{receiver.fd(), POLLIN, 0};
        REQUIRE(::poll(&p, 1, 1000) == 1);
        const Timestamp there = monotonic();
        while (monotonic() - there < kWait) {
        }
        REQUIRE(receiver.receive(pool, received) == 1);
        stamped = received[0].waited >= kWait;
        CHECK(received[0].waited <= monotonic() - before + Duration::millis(1));
        received[0].packet.reset();
    }
    CHECK(stamped);
    receiver.release_slots();
}

TEST_CASE("UdpSocket: a datagram beyond the slot is dropped and counted [NET-01]") {
    sfu::PacketPool pool;
    {
        UdpSocket receiver = open_any();
        UdpSocket sender = open_any();
        const KernelAddress to = to_kernel(receiver.local());
        const Bytes large(sfu::PacketPool::kLargeCapacity + 1, 5),
            fits(sfu::PacketPool::kLargeCapacity, 6);
        REQUIRE(::sendto(sender.fd(), large.data(), large.size(), 0, to.get(), to.size) > 0);
        REQUIRE(::sendto(sender.fd(), fits.data(), fits.size(), 0, to.get(), to.size) > 0);
        const auto all = receive_all(receiver, pool, 1);
        REQUIRE(all.size() == 1);
        CHECK(all[0].second == fits);
        CHECK(receiver.counters().truncated == 1);
    }
    CHECK(pool.large_in_use() == 0);
}

TEST_CASE(
    "UdpSocket: without packet slots it reads nothing, and goes on when there are some [DES-30]") {
    sfu::PacketPool pool({.large_slots_max = 256, .small_slots_max = 0});
    {
        std::vector<sfu::PacketRef> hoard;
        while (sfu::PacketRef slot = pool.acquire_large())
            hoard.push_back(std::move(slot));
        UdpSocket receiver = open_any();
        Sender sender;
        sender.add(receiver.local(), numbered(60, 9));
        sender.socket.send(kNow, sender.batch, 0);
        CHECK(receive_all(receiver, pool, 0).empty());
        hoard.clear();
        CHECK(receive_all(receiver, pool, 1).size() == 1);
    }
    CHECK(pool.large_in_use() == 0);
}

TEST_CASE("UdpSocket: with the slots it has it goes on when there are no others [DES-30][DES-33]") {
    sfu::PacketPool pool({.large_slots_max = 256, .small_slots_max = 0});
    {
        std::vector<sfu::PacketRef> hoard(256 - UdpSocket::kBatch);
        for (sfu::PacketRef& slot : hoard)
            slot = pool.acquire_large();
        UdpSocket receiver = open_any();
        for (std::size_t i = 0; i < UdpSocket::kBatch; ++i) {
            Sender sender;
            sender.add(receiver.local(), numbered(60, 9));
            sender.socket.send(kNow, sender.batch, 0);
            std::array<UdpSocket::Received, UdpSocket::kBatch> received;
            std::size_t count = 0;
            for (int tries = 0; tries < 1000 && count == 0; ++tries)
                count = receiver.receive(pool, received);
            REQUIRE(count == 1);
            hoard.push_back(std::move(received[0].packet));
        }
        CHECK(receive_all(receiver, pool, 0).empty());
        hoard.clear();
    }
    CHECK(pool.large_in_use() == 0);
}

TEST_CASE("UdpSocket: a full destination or a refused port costs nothing but the packet [DES-06]") {
    sfu::PacketPool pool;
    Sender sender;
    SocketAddress gone;
    {
        UdpSocket closed = open_any();
        gone = closed.local();
    }
    for (int i = 0; i < 20; ++i) {
        sender.add(gone, numbered(100, 1));
        sender.socket.send(kNow, sender.batch, 0);
        sender.batch.clear();
    }
    UdpSocket alive = open_any();
    sender.add(alive.local(), numbered(100, 2));
    sender.socket.send(kNow, sender.batch, 0);
    CHECK(receive_all(alive, pool, 1).size() == 1);
}

TEST_CASE("UdpSocket: a wildcard is refused: answers leave from the address asked [TURN-19]") {
    for (const char* any : {"0.0.0.0", "::"}) {
        const auto socket = UdpSocket::open({IpAddress::parse(any).value(), 0}, false);
        REQUIRE_FALSE(socket.has_value());
        CHECK(socket.error().find("listen udp") != std::string::npos);
    }
}

TEST_CASE("UdpSocket: IPv6 and shared ports; a taken port is named in the error [DES-03][ICE-01]") {
    sfu::PacketPool pool;
    const auto v6 = IpAddress::parse("::1").value();
    if (auto receiver = UdpSocket::open({v6, 0}, false)) {  // not every machine has IPv6
        UdpSocket sender = open_any(v6);
        sfu::SendBatch batch;
        ice::Path path;
        path.remote = receiver->local();
        for (int i = 0; i < 3; ++i)
            batch.commit(path, 500);
        sender.send(kNow, batch, 0);
        const auto all = receive_all(*receiver, pool, 3);
        CHECK(all.size() == 3);
        if (!all.empty()) CHECK(all[0].first == sender.local());
    }
    auto first = UdpSocket::open({kLoopback, 0}, true);
    REQUIRE(first.has_value());
    CHECK(UdpSocket::open(first->local(), true).has_value());
    const auto alone = UdpSocket::open(first->local(), false);
    REQUIRE_FALSE(alone.has_value());
    CHECK(alone.error().find(first->local().to_string()) != std::string::npos);
    CHECK(first->receive_buffer() > 0);
}

TEST_CASE(
    "UdpSocket: a refused segmented send goes out datagram by datagram, for a while [DES-13]") {
    sfu::PacketPool pool;
    UdpSocket receiver = open_any();
    UdpSocket other = open_any();
    Sender sender;
    // The kernel segments nothing that has no checksum: EINVAL.
    const auto set_refusing = [&](int on) {
        REQUIRE(::setsockopt(sender.socket.fd(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on) == 0);
    };
    const auto send_burst = [&](Timestamp now, UdpSocket& to) {
        const std::uint64_t before = sender.socket.counters().unsegmented;
        sender.batch.clear();
        for (std::size_t i = 0; i < 5; ++i)
            sender.add(to.local(), numbered(1200, i));
        sender.socket.send(now, sender.batch, 0);
        CHECK(receive_all(to, pool, 5).size() == 5);
        return sender.socket.counters().unsegmented - before;
    };
    CHECK(send_burst(kNow, receiver) == 0);
    set_refusing(1);
    CHECK(send_burst(kNow, receiver) == 1);
    set_refusing(0);
    // This path is left alone for a time, others are not concerned.
    CHECK(send_burst(kNow + PlainPaths::kFor - Duration::millis(1), receiver) == 1);
    CHECK(send_burst(kNow, other) == 0);
    CHECK(send_burst(kNow + PlainPaths::kFor, receiver) == 0);
    CHECK(sender.socket.counters().send_errors == 0);
}

TEST_CASE("UdpSocket: segments beyond the MTU of the path arrive all the same [DES-13]") {
    sfu::PacketPool pool;
    const auto v6 = IpAddress::parse("::1").value();
    auto receiver = UdpSocket::open({v6, 0}, false);
    REQUIRE(receiver.has_value());
    UdpSocket sender = open_any(v6);
    const int mtu = 1280;
    REQUIRE(::setsockopt(sender.fd(), IPPROTO_IPV6, IPV6_MTU, &mtu, sizeof mtu) == 0);
    sfu::SendBatch batch;
    ice::Path path;
    path.remote = receiver->local();
    const auto add = [&](std::size_t size) {
        for (std::size_t i = 0; i < 5; ++i) {
            const Bytes bytes = numbered(size, i);
            std::copy(bytes.begin(), bytes.end(), batch.reserve().begin());
            batch.commit(path, size);
        }
    };
    add(1400);
    sender.send(kNow, batch, 0);
    CHECK(receive_all(*receiver, pool, 5).size() == 5);
    CHECK(sender.counters().unsegmented == 1);
    CHECK(sender.counters().send_errors == 0);
}

TEST_CASE(
    "UdpSocket: one that is adopted has what waits in it and answers from its address [MC-20]") {
    sfu::PacketPool pool;
    Sender sender;
    std::optional<UdpSocket> first = open_any();
    const SocketAddress at = first->local();
    sender.add(at, numbered(100, 1));
    sender.socket.send(kNow, sender.batch, 0);
    auto adopted = UdpSocket::adopt(FileDescriptor(::dup(first->fd())));
    REQUIRE(adopted.has_value());
    first.reset();
    CHECK(adopted->local() == at);
    {
        const auto all = receive_all(*adopted, pool, 1);
        REQUIRE(all.size() == 1);
        CHECK(all[0].first == sender.socket.local());
    }
    adopted->release_slots();
}

TEST_CASE("UdpSocket: what is no UDP socket of one address is not adopted [MC-20]") {
    CHECK_FALSE(UdpSocket::adopt(FileDescriptor()).has_value());
    CHECK_FALSE(UdpSocket::adopt(FileDescriptor(::dup(STDIN_FILENO))).has_value());
    CHECK_FALSE(UdpSocket::adopt(FileDescriptor(::socket(AF_INET, SOCK_STREAM, 0))).has_value());
    CHECK_FALSE(UdpSocket::adopt(FileDescriptor(::socket(AF_UNIX, SOCK_DGRAM, 0))).has_value());
    // Bound to nothing.
    CHECK_FALSE(UdpSocket::adopt(FileDescriptor(::socket(AF_INET, SOCK_DGRAM, 0))).has_value());
}

TEST_CASE(
    "UdpSocket: on a path that takes no segments packets keep their order [DES-11] [DES-13]") {
    sfu::PacketPool pool;
    {
        UdpSocket receiver = open_any();
        Sender sender;
        const int on = 1;  // without checksums the kernel makes no segments
        REQUIRE(::setsockopt(sender.socket.fd(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on) == 0);
        for (const bool known : {false, true}) {
            CAPTURE(known);
            sender.batch.clear();
            sender.add(receiver.local(), numbered(1000, 0));  // a run of its own
            for (std::size_t i = 1; i <= 5; ++i)
                sender.add(receiver.local(), numbered(1001, i));
            REQUIRE(sender.batch.run_count() == 2);
            const auto before = sender.socket.counters().unsegmented;
            sender.socket.send(kNow, sender.batch, 0);
            CHECK(sender.socket.counters().unsegmented == before + 1);
            const auto all = receive_all(receiver, pool, 6);
            REQUIRE(all.size() == 6);
            for (std::size_t i = 0; i < all.size(); ++i)
                CHECK(all[i].second == numbered(i == 0 ? 1000 : 1001, i));
        }
        receiver.release_slots();
    }
}

TEST_CASE("PlainPaths: bounded, each entry ends by itself, a collision loses one [DES-13]") {
    PlainPaths paths;
    const auto address = [](std::uint32_t i) {
        return SocketAddress{IpAddress::v4(0x0A000000 + i), 5000};
    };
    CHECK_FALSE(paths.contains(kNow, address(0)));
    for (std::uint32_t i = 0; i < 20 * PlainPaths::kMaxPaths; ++i)
        paths.add(kNow, address(i));
    std::size_t known = 0;
    for (std::uint32_t i = 0; i < 20 * PlainPaths::kMaxPaths; ++i)
        if (paths.contains(kNow, address(i))) ++known;
    CHECK(known <= PlainPaths::kMaxPaths);
    CHECK(known > PlainPaths::kMaxPaths / 2);
    const std::uint32_t last = 20 * PlainPaths::kMaxPaths - 1;
    CHECK(paths.contains(kNow + PlainPaths::kFor - Duration::micros(1), address(last)));
    CHECK_FALSE(paths.contains(kNow + PlainPaths::kFor, address(last)));
}

}  // namespace
}  // namespace confab::worker
