// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/turn/media_shortcut.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <stdexcept>
#include <string>

namespace confab::turn_server {
namespace {

using worker::RelayedDatagram;
using worker::RelayExchange;
using worker::Wakeup;

constexpr auto kV4 = IpAddress::Family::kV4;
constexpr Timestamp kNow = Timestamp::micros(5000);
const IpAddress kAny = IpAddress::v4(0);
const IpAddress kLoopback = IpAddress::v4(0x7F00'0001);
const SocketAddress kMedia{kLoopback, 7000};
constexpr std::uint16_t kFirst = 30'000;
constexpr std::uint16_t kLast = 30'009;
constexpr turn::AllocationHandle kAllocation{3, 5};
// The first octets of STUN messages.
constexpr std::array<std::uint8_t, 2> kAnswer{0x01, 0x01};
constexpr std::array<std::uint8_t, 2> kRequest{0x00, 0x01};
constexpr std::array<std::uint8_t, 2> kRefusal{0x01, 0x11};

// Three workers that share one port; each has one of its own too.
struct Scene {
    static std::uint16_t own_port(std::size_t worker) {
        return static_cast<std::uint16_t>(7001 + worker);
    }
    bool send(std::uint16_t port, const SocketAddress& to, BytesView bytes = as_bytes("x")) {
        return shortcut.send(kNow, port, to, bytes);
    }
    // Takes the datagram that waits; the worker that had it, -1: nobody.
    int taken_by() {
        for (std::size_t i = 0; i < bells.size(); ++i) {
            auto* ring = exchange.lane(i).to_worker.consumer();
            if (ring == nullptr || ring->front() == nullptr) continue;
            last = *ring->front();
            ring->release();
            return static_cast<int>(i);
        }
        return -1;
    }
    // A worker's answer to a check from there; or something else.
    void answer(std::size_t worker, std::uint16_t port, BytesView bytes = kAnswer) {
        REQUIRE(push(exchange.lane(worker).to_turn.producer(), {kAllocation.packed(), {}, 0, port},
                     bytes));
    }
    std::size_t read() {
        std::size_t count = 0;
        shortcut.read([&](turn::AllocationHandle allocation, const SocketAddress& from, BytesView,
                          Urgency urgency) {
            heard_urgency = urgency;
            heard = allocation;
            heard_from = from;
            return ++count % 2 == 1;
        });
        return count;
    }

    std::array<Wakeup, 3> bells;
    RelayExchange exchange{{kAny, {}, kFirst, kLast}, {kLoopback, kLoopback}, 3};
    MediaShortcut shortcut{connected()};
    RelayedDatagram last;
    turn::AllocationHandle heard;
    SocketAddress heard_from;
    Urgency heard_urgency = Urgency::kFirst;

  private:
    // The shortcut learns of the sockets when it is made.
    RelayExchange& connected() {
        for (std::size_t i = 0; i < bells.size(); ++i)
            exchange.connect(i, bells[i], {kMedia, {kLoopback, own_port(i)}});
        return exchange;
    }
};

TEST_CASE("MediaShortcut: what goes to our media is on its worker's ring [TURN-03]") {
    Scene scene;
    scene.shortcut.open(kAllocation, kV4, kFirst);
    REQUIRE(scene.send(kFirst, {kLoopback, Scene::own_port(1)}, as_bytes("hello")));
    CHECK(scene.taken_by() == 1);
    CHECK(scene.last.head.port == kFirst);
    CHECK(scene.last.head.socket == 1);
    CHECK(scene.last.head.arrival == kNow);
    CHECK(as_text(BytesView(scene.last.bytes).first(scene.last.size)) == "hello");
    CHECK(scene.taken_by() == -1);
    CHECK(scene.shortcut.counters().to_workers == 1);
}

TEST_CASE("MediaShortcut: other peers are reached by sockets [TURN-03]") {
    Scene scene;
    scene.shortcut.open(kAllocation, kV4, kFirst);
    const std::vector<SocketAddress> others{{kLoopback, 6999},
                                            {kLoopback, 7004},
                                            {IpAddress::v4(0x7F00'0002), 7000},
                                            {*IpAddress::parse("::1"), 7000}};
    for (const SocketAddress& other : others)
        CHECK_FALSE(scene.send(kFirst, other));
    CHECK(scene.taken_by() == -1);
    CHECK(scene.shortcut.counters().to_workers == 0);
    CHECK(scene.shortcut.counters().dropped == 0);
    // From nowhere our IPv6 media could see relayed datagrams come.
    Wakeup bell;
    const SocketAddress v6{*IpAddress::parse("::1"), 7000};
    RelayExchange exchange({kAny, {}, kFirst, kLast}, {v6.ip}, 1);
    exchange.connect(0, bell, {v6});
    MediaShortcut shortcut(exchange);
    CHECK_FALSE(shortcut.send(kNow, kFirst, v6, as_bytes("x")));
}

TEST_CASE("MediaShortcut: behind a shared port the worker that answers gets the rest [DES-03]") {
    Scene scene;
    scene.shortcut.open(kAllocation, kV4, kFirst);
    for (const int worker : {2, 0, 1}) {
        scene.answer(static_cast<std::size_t>(worker), kFirst);
        CHECK(scene.read() == 1);
        REQUIRE(scene.send(kFirst, kMedia));
        CHECK(scene.taken_by() == worker);
    }
    // A port of one worker alone is that one's.
    REQUIRE(scene.send(kFirst, {kLoopback, Scene::own_port(2)}));
    CHECK(scene.taken_by() == 2);
    // Others are not concerned: they begin with the first.
    for (std::uint16_t port = kFirst + 1; port <= kFirst + 3; ++port) {
        scene.shortcut.open(kAllocation, kV4, port);
        REQUIRE(scene.send(port, kMedia));
        CHECK(scene.taken_by() == 0);
    }
}

TEST_CASE("MediaShortcut: what is no answer to a check diverts no client [DES-03][TURN-15]") {
    Scene scene;
    scene.shortcut.open(kAllocation, kV4, kFirst);
    const auto goes_to = [&](std::size_t worker, BytesView bytes) {
        scene.answer(worker, kFirst, bytes);
        CHECK(scene.read() == 1);
        REQUIRE(scene.send(kFirst, kMedia));
        return scene.taken_by();
    };
    CHECK(goes_to(2, kRequest) == 2);  // nobody spoke before
    CHECK(goes_to(1, kAnswer) == 1);
    // A session of the client that ends elsewhere, or somebody's checks of its address.
    CHECK(goes_to(2, kRequest) == 1);
    CHECK(goes_to(0, kRefusal) == 1);
    CHECK(goes_to(0, as_bytes("media")) == 1);
    CHECK(goes_to(2, BytesView(kAnswer).first(1)) == 1);
    CHECK(goes_to(2, {}) == 1);
    // Its next session.
    CHECK(goes_to(2, kAnswer) == 2);
}

TEST_CASE("MediaShortcut: the reader is told what gives way [DES-06]") {
    Scene scene;
    scene.shortcut.open(kAllocation, kV4, kFirst);
    for (const Urgency urgency : {Urgency::kGivesWay, Urgency::kFirst}) {
        REQUIRE(push(scene.exchange.lane(0).to_turn.producer(),
                     {kAllocation.packed(), {}, 0, kFirst, urgency}, as_bytes("x")));
        CHECK(scene.read() == 1);
        CHECK(scene.heard_urgency == urgency);
    }
}

TEST_CASE("MediaShortcut: what its reader throws on is not read again [ERR-04]") {
    Scene scene;
    scene.shortcut.open(kAllocation, kV4, kFirst);
    scene.answer(0, kFirst);
    scene.answer(0, kFirst);
    const auto throws = [](turn::AllocationHandle, const SocketAddress&, BytesView,
                           Urgency) -> bool { throw std::runtime_error("full"); };
    CHECK_THROWS(scene.shortcut.read(throws));
    CHECK(scene.read() == 1);
}

TEST_CASE("MediaShortcut: the next allocation at a port begins anew [TURN-13]") {
    Scene scene;
    constexpr turn::AllocationHandle kNext{3, 6};
    scene.shortcut.open(kAllocation, kV4, kFirst);
    REQUIRE(scene.send(kFirst, kMedia));
    const int first = scene.taken_by();
    const std::size_t other = (static_cast<std::size_t>(first) + 1) % 3;
    scene.answer(other, kFirst);
    scene.answer(other, kFirst);
    CHECK(scene.read() == 2);
    CHECK(scene.heard == kAllocation);
    CHECK(scene.heard_from == kMedia);
    scene.answer(other, kFirst);  // on its way as the allocation ends
    scene.shortcut.close(kV4, kFirst);
    CHECK(scene.exchange.table().owner(kV4, kFirst) == 0);
    scene.shortcut.open(kNext, kV4, kFirst);
    CHECK(scene.exchange.table().owner(kV4, kFirst) == kNext.packed());
    // It is still the earlier one's, which is found no more; and it tells nothing of the next.
    CHECK(scene.read() == 1);
    CHECK(scene.heard == kAllocation);
    REQUIRE(scene.send(kFirst, kMedia));
    CHECK(scene.taken_by() == first);
}

TEST_CASE("MediaShortcut: a full ring drops and counts; others go on [DES-06]") {
    for (const std::size_t count :
         {RelayExchange::kToWorker - 1, RelayExchange::kToWorker, RelayExchange::kToWorker + 1}) {
        Scene scene;
        scene.shortcut.open(kAllocation, kV4, kFirst);
        const SocketAddress to{kLoopback, Scene::own_port(0)};
        for (std::size_t i = 0; i < count; ++i)
            CHECK(scene.send(kFirst, to));  // it is ours all the same
        const std::size_t fit = std::min(count, RelayExchange::kToWorker);
        CHECK(scene.shortcut.counters().to_workers == fit);
        CHECK(scene.shortcut.counters().dropped == count - fit);
        CHECK(scene.send(kFirst, {kLoopback, Scene::own_port(1)}));
        CHECK(scene.shortcut.counters().to_workers == fit + 1);
        CHECK(scene.taken_by() == 0);
        CHECK(scene.send(kFirst, to));
        CHECK(scene.shortcut.counters().to_workers == fit + 2);
    }
}

TEST_CASE("MediaShortcut: what no worker could take is dropped and counted [TURN-15]") {
    Scene scene;
    scene.shortcut.open(kAllocation, kV4, kFirst);
    CHECK(scene.send(kFirst, kMedia, Bytes(RelayedDatagram::kCapacity, 1)));
    CHECK(scene.shortcut.counters().too_large == 0);
    CHECK(scene.send(kFirst, kMedia, Bytes(RelayedDatagram::kCapacity + 1, 1)));
    CHECK(scene.shortcut.counters().too_large == 1);
    CHECK(scene.shortcut.counters().to_workers == 1);
    // What the workers left to the kernel is not lost.
    scene.exchange.lane(0).overflowed = 2;
    scene.exchange.lane(2).overflowed = 5;
    CHECK(scene.shortcut.counters().overflowed == 7);
    CHECK(scene.shortcut.counters().dropped == 0);
}

TEST_CASE("MediaShortcut: counts what came for clients [TURN-14]") {
    Scene scene;
    scene.shortcut.open(kAllocation, kV4, kFirst);
    for (int i = 0; i < 3; ++i)
        scene.answer(0, kFirst);
    CHECK(scene.read() == 3);
    CHECK(scene.shortcut.counters().to_clients == 2);  // as the handler said
}

TEST_CASE("MediaShortcut: reads so much of a worker at once [DES-41]") {
    constexpr std::size_t kLimit = MediaShortcut::kMaxPerRead;
    for (const std::size_t count : {kLimit - 1, kLimit, kLimit + 1}) {
        Scene scene;
        scene.shortcut.open(kAllocation, kV4, kFirst);
        CHECK_FALSE(scene.shortcut.has_input());
        for (std::size_t i = 0; i < count; ++i)
            scene.answer(0, kFirst);
        scene.answer(1, kFirst);
        CHECK(scene.read() == std::min(count, kLimit) + 1);
        CHECK(scene.shortcut.has_input() == (count > kLimit));
        CHECK(scene.read() == count - std::min(count, kLimit));
        CHECK_FALSE(scene.shortcut.has_input());
    }
}

TEST_CASE("MediaShortcut: wakes the workers that were sent something [DES-42]") {
    Scene scene;
    scene.shortcut.open(kAllocation, kV4, kFirst);
    const auto rung = [&] {
        std::string result;
        for (Wakeup& bell : scene.bells)
            bell.announce_sleep();
        scene.shortcut.ring_bells();
        for (Wakeup& bell : scene.bells) {
            pollfd waiting{bell.fd(), POLLIN, 0};
            result += ::poll(&waiting, 1, 0) == 1 ? '1' : '0';
            bell.awake();
        }
        return result;
    };
    CHECK(rung() == "000");
    CHECK(scene.send(kFirst, {kLoopback, Scene::own_port(1)}));
    CHECK(rung() == "010");
    CHECK(rung() == "000");
}

TEST_CASE("MediaShortcut: clients at ports of workers are heard, in turns [TURN-19]") {
    Scene scene;
    CHECK_FALSE(scene.shortcut.has_input());
    const auto put = [&](std::size_t worker, std::uint16_t socket) {
        worker::ClientDatagram datagram;
        datagram.from = {IpAddress::v4(0x0A00'0001), 9};
        datagram.socket = socket;
        datagram.size = 1;
        datagram.bytes[0] = 0x40;
        REQUIRE(scene.exchange.lane(worker).from_clients.producer().push(
            worker::ClientDatagram(datagram)));
    };
    for (std::size_t i = 0; i <= MediaShortcut::kMaxClientsPerRead; ++i)
        put(0, 0);
    put(2, 1);
    CHECK(scene.shortcut.has_input());
    std::vector<SocketAddress> locals;
    const auto hear = [&](const worker::ClientDatagram& datagram, const SocketAddress& local) {
        CHECK(datagram.from.port == 9);
        CHECK(datagram.size == 1);
        locals.push_back(local);
    };
    scene.shortcut.read_clients(hear);
    REQUIRE(locals.size() == MediaShortcut::kMaxClientsPerRead + 1);
    CHECK(locals.front() == kMedia);
    CHECK(locals.back() == SocketAddress{kLoopback, Scene::own_port(2)});
    CHECK(scene.shortcut.has_input());
    scene.shortcut.read_clients(hear);
    CHECK(locals.size() == MediaShortcut::kMaxClientsPerRead + 2);
    CHECK_FALSE(scene.shortcut.has_input());
    scene.exchange.lane(1).clients_dropped.store(4);
    CHECK(scene.shortcut.counters().clients_dropped == 4);
}

}  // namespace
}  // namespace confab::turn_server
