// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/relay/worker_relays.h"

#include <doctest/doctest.h>
#include <poll.h>

namespace confab::worker {
namespace {

using Family = IpAddress::Family;

const IpAddress kAny = IpAddress::v4(0);
const IpAddress kLoopback = IpAddress::v4(0x7F00'0001);
const IpAddress kElsewhere = IpAddress::v4(0x0A00'0001);
constexpr std::uint16_t kFirst = 30'000;
constexpr std::uint16_t kLast = 30'003;
constexpr std::uint64_t kAllocation = 77;

// A worker with one socket, and the TURN server's end by hand.
struct Scene {
    Scene() { exchange.connect(0, bell, {{kLoopback, 7000}}); }

    ice::Path path(std::uint16_t port, const IpAddress& ip = kLoopback) const {
        ice::Path result;
        result.local = {kLoopback, 7000};
        result.remote = {ip, port};
        return result;
    }
    void add(const ice::Path& to, std::size_t size, std::uint8_t mark = 0,
             sfu::Worth worth = sfu::Worth::kFirst) {
        std::fill_n(batch.reserve().begin(), size, mark);
        batch.commit(to, size, worth);
    }
    // What the TURN server gets, at most that many.
    std::vector<RelayedDatagram> take(std::size_t most = 10'000) {
        std::vector<RelayedDatagram> all;
        SpscRing<RelayedDatagram>* ring = exchange.lane(0).to_turn.consumer();
        while (ring != nullptr && all.size() < most && ring->front() != nullptr) {
            all.push_back(*ring->front());
            ring->release();
        }
        return all;
    }
    // Sends that many datagrams, in batches as large as there is room for.
    void flood(std::size_t count) {
        for (std::size_t sent = 0; sent < count;) {
            batch.clear();
            for (; sent < count && batch.has_room(); ++sent)
                add(path(kFirst), 100);
            relays.send(batch);
        }
    }
    std::uint64_t overflowed() { return exchange.lane(0).overflowed.load(); }

    Wakeup bell;
    RelayExchange exchange{{kAny, {}, kFirst, kLast}, {kLoopback}, 1};
    WorkerRelays relays{0, &exchange};
    sfu::SendBatch batch;
};

TEST_CASE("WorkerRelays: a run to an allocation goes by the ring, datagram by datagram [DES-10]") {
    Scene scene;
    scene.exchange.table().open(Family::kV4, kFirst, kAllocation);
    for (const std::size_t size : {1200U, 1200U, 1200U, 700U})
        scene.add(scene.path(kFirst), size, 5);
    scene.add(scene.path(9), 700, 6);
    scene.add(scene.path(kFirst), 100, 7);
    REQUIRE(scene.batch.run_count() == 3);
    scene.relays.send(scene.batch);
    // Only the other one is left for the sockets.
    CHECK(scene.batch.run(0).count == 0);
    CHECK(scene.batch.run(1).count == 1);
    CHECK(scene.batch.run(2).count == 0);
    const auto all = scene.take();
    REQUIRE(all.size() == 5);
    const std::array<std::size_t, 5> sizes{1200, 1200, 1200, 700, 100};
    for (std::size_t i = 0; i < all.size(); ++i) {
        CHECK(all[i].head.allocation == kAllocation);
        CHECK(all[i].head.port == kFirst);
        CHECK(all[i].head.socket == 0);
        REQUIRE(all[i].size == sizes[i]);
        CHECK(all[i].bytes[0] == (i < 4 ? 5 : 7));
        CHECK(all[i].bytes[sizes[i] - 1] == (i < 4 ? 5 : 7));
    }
    CHECK(scene.overflowed() == 0);
}

TEST_CASE("WorkerRelays: of each datagram of a run it is told whether it gives way [DES-06]") {
    Scene scene;
    scene.exchange.table().open(Family::kV4, kFirst, kAllocation);
    const std::array<sfu::Worth, 3> worths{sfu::Worth::kPicture, sfu::Worth::kFirst,
                                           sfu::Worth::kPicture};
    for (const sfu::Worth worth : worths)
        scene.add(scene.path(kFirst), 500, 5, worth);
    REQUIRE(scene.batch.run_count() == 1);
    scene.relays.send(scene.batch);
    const auto all = scene.take();
    REQUIRE(all.size() == 3);
    for (std::size_t i = 0; i < all.size(); ++i)
        CHECK((all[i].head.urgency == Urgency::kFirst) == (worths[i] == sfu::Worth::kFirst));
}

TEST_CASE("WorkerRelays: what goes elsewhere is left to the sockets [TURN-03]") {
    Scene scene;
    const auto is_taken = [&](const ice::Path& to) {
        scene.batch.clear();
        scene.add(to, 100);
        scene.relays.send(scene.batch);
        return scene.batch.run(0).count == 0;
    };
    CHECK_FALSE(is_taken(scene.path(kFirst)));  // nobody has it
    scene.exchange.table().open(Family::kV4, kFirst, kAllocation);
    scene.exchange.table().open(Family::kV4, kLast, kAllocation + 1);
    CHECK(is_taken(scene.path(kFirst)));
    CHECK(is_taken(scene.path(kLast)));
    CHECK_FALSE(is_taken(scene.path(kFirst - 1)));
    CHECK_FALSE(is_taken(scene.path(kLast + 1)));
    CHECK_FALSE(is_taken(scene.path(kFirst + 1)));          // not open
    CHECK_FALSE(is_taken(scene.path(kFirst, kElsewhere)));  // another host's
    CHECK_FALSE(is_taken(scene.path(kFirst, *IpAddress::parse("::1"))));
    ice::Path stream = scene.path(kFirst);
    stream.protocol = ice::Protocol::kTcp;
    CHECK_FALSE(is_taken(stream));
    scene.exchange.table().close(Family::kV4, kFirst);
    CHECK_FALSE(is_taken(scene.path(kFirst)));
    CHECK(scene.take().size() == 2);
}

TEST_CASE("WorkerRelays: without a TURN server, or a way to it, nothing is taken [TURN-01]") {
    Scene scene;
    scene.exchange.table().open(Family::kV4, kFirst, kAllocation);
    scene.add(scene.path(kFirst), 100);
    WorkerRelays alone(0, nullptr);
    alone.send(scene.batch);
    CHECK_FALSE(alone.has_input());
    CHECK(alone.front() == nullptr);
    CHECK(scene.batch.run(0).count == 1);
    // IPv6 is not relayed here.
    const IpAddress v6 = *IpAddress::parse("::1");
    RelayExchange other({kAny, {}, kFirst, kLast}, {v6}, 1);
    CHECK(other.source(0).is_none());
    other.table().open(Family::kV6, kFirst, kAllocation);
    WorkerRelays relays(0, &other);
    scene.batch.clear();
    scene.add(scene.path(kFirst, v6), 100);
    relays.send(scene.batch);
    CHECK(scene.batch.run(0).count == 1);
}

TEST_CASE("WorkerRelays: what has no room in the ring is left to the sockets, counted [DES-06]") {
    for (const std::size_t count :
         {RelayExchange::kToTurn - 1, RelayExchange::kToTurn, RelayExchange::kToTurn + 1}) {
        Scene scene;
        scene.exchange.table().open(Family::kV4, kFirst, kAllocation);
        for (std::size_t i = 0; i < count; ++i) {
            scene.batch.clear();
            scene.add(scene.path(kFirst), 100);
            scene.relays.send(scene.batch);
            CHECK(scene.batch.run(0).count == (i < RelayExchange::kToTurn ? 0 : 1));
        }
        const std::size_t fit = std::min(count, RelayExchange::kToTurn);
        CHECK(scene.overflowed() == count - fit);
        CHECK(scene.take(1).size() == 1);
        // There is room again.
        scene.flood(1);
        CHECK(scene.overflowed() == count - fit);
        CHECK(scene.take().size() == fit);
    }
}

TEST_CASE("WorkerRelays: a run goes by the ring as a whole, or not at all [DES-06, DES-10]") {
    constexpr std::size_t kRun = 10;
    for (const std::size_t room : {kRun - 1, kRun, kRun + 1}) {
        CAPTURE(room);
        Scene scene;
        scene.exchange.table().open(Family::kV4, kFirst, kAllocation);
        scene.exchange.table().open(Family::kV4, kLast, kAllocation + 1);
        scene.flood(RelayExchange::kToTurn - room);
        scene.batch.clear();
        for (std::size_t i = 0; i < kRun; ++i)
            scene.add(scene.path(kFirst), 1200);
        scene.add(scene.path(kLast), 100);
        REQUIRE(scene.batch.run_count() == 2);
        scene.relays.send(scene.batch);
        CHECK(scene.batch.run(0).count == (room < kRun ? kRun : 0));
        // Others' still have what room there is.
        CHECK(scene.batch.run(1).count == (room == kRun ? 1 : 0));
        CHECK(scene.overflowed() == (room < kRun ? kRun : room == kRun ? 1 : 0));
    }
}

TEST_CASE("WorkerRelays: the TURN server is woken for what it is sent, once [DES-42]") {
    Scene scene;
    scene.exchange.table().open(Family::kV4, kFirst, kAllocation);
    const auto rings = [&](auto send) {
        Wakeup& bell = scene.exchange.turn_bell();
        bell.announce_sleep();
        send();
        pollfd waiting{bell.fd(), POLLIN, 0};
        const bool rung = ::poll(&waiting, 1, 0) == 1;
        bell.awake();
        return rung;
    };
    CHECK_FALSE(rings([&] { scene.flood(0); }));
    CHECK(rings([&] { scene.flood(1); }));
    CHECK_FALSE(rings([&] {
        scene.batch.clear();
        scene.add(scene.path(9), 100);
        scene.relays.send(scene.batch);
    }));
    // Who reads too slowly has to be told, too.
    scene.flood(RelayExchange::kToTurn);
    CHECK(rings([&] { scene.flood(1); }));
}

TEST_CASE("WorkerRelays: what clients send comes from the relayed address [TURN-03]") {
    Scene scene;
    CHECK_FALSE(scene.relays.has_input());
    CHECK(scene.relays.front() == nullptr);
    const RelayedHead head{0, Timestamp::micros(5000), 0, kLast};
    CHECK(push(scene.exchange.lane(0).to_worker.producer(), head, as_bytes("hello")));
    REQUIRE(scene.relays.has_input());
    const RelayedDatagram* const datagram = scene.relays.front();
    REQUIRE(datagram != nullptr);
    CHECK(datagram->head.arrival == Timestamp::micros(5000));
    CHECK(as_text(BytesView(datagram->bytes).first(datagram->size)) == "hello");
    CHECK(scene.relays.path_of(*datagram) == scene.path(kLast));
    scene.relays.release();
    CHECK_FALSE(scene.relays.has_input());
    CHECK(scene.relays.front() == nullptr);
}

// The address that clients are told is no address of this host.
TEST_CASE("WorkerRelays: behind a NAT relayed datagrams have the address clients know [ICE-18]") {
    const IpAddress kTold = *IpAddress::parse("203.0.113.9");
    Scene scene;
    RelayExchange exchange({kAny, {}, kFirst, kLast, 0, kTold, {}}, {kLoopback}, 1);
    exchange.connect(0, scene.bell, {{kLoopback, 7000}});
    WorkerRelays relays(0, &exchange);
    exchange.table().open(Family::kV4, kFirst, kAllocation);
    CHECK(push(exchange.lane(0).to_worker.producer(), {0, {}, 0, kFirst}, as_bytes("hello")));
    REQUIRE(relays.front() != nullptr);
    const ice::Path path = relays.path_of(*relays.front());
    CHECK(path == scene.path(kFirst, kTold));
    // The way back, and the one that the kernel knows; others' stay.
    for (const ice::Path& to : {path, scene.path(kFirst), scene.path(kFirst, kElsewhere)})
        scene.add(to, 100);
    relays.send(scene.batch);
    REQUIRE(scene.batch.run_count() == 3);
    CHECK(scene.batch.run(0).count == 0);
    CHECK(scene.batch.run(1).count == 0);
    CHECK(scene.batch.run(2).count == 1);
    CHECK(scene.batch.run(2).path.remote.ip == kElsewhere);
    // What has no room leaves by the kernel, to where it gets it.
    for (std::size_t i = 2; i <= RelayExchange::kToTurn; ++i) {
        scene.batch.clear();
        scene.add(path, 100);
        relays.send(scene.batch);
    }
    REQUIRE(scene.batch.run(0).count == 1);
    CHECK(scene.batch.run(0).path.remote == SocketAddress{kLoopback, kFirst});
    // No way of this family: no address is told either.
    RelayExchange none({{}, {}, kFirst, kLast, 0, kTold, {}}, {kLoopback}, 1);
    CHECK(none.told(0).is_none());
}

// A worker whose port clients of the TURN server use, too.
struct SharedScene {
    SharedScene() { exchange.connect(0, bell, {{kLoopback, 443}, {kLoopback, 7000}}); }
    bool take(BytesView datagram, std::uint16_t socket = 0) {
        return relays.take_client(socket, {kElsewhere, 9}, datagram);
    }
    std::size_t waiting() {
        std::size_t count = 0;
        SpscRing<ClientDatagram>* const ring = exchange.lane(0).from_clients.consumer();
        for (; ring != nullptr && ring->front() != nullptr; ++count) {
            last = *ring->front();
            ring->release();
        }
        return count;
    }

    Wakeup bell;
    RelayExchange exchange{{kAny, {}, kFirst, kLast, 443}, {kLoopback, kLoopback}, 1};
    WorkerRelays relays{0, &exchange};
    ClientDatagram last;
};

// Of an allocated channel (RFC 8656 §12.4).
const Bytes kChannelData{0x40, 1, 0, 4, 'a', 'b', 'c', 'd'};
const Bytes kMedia{0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0};

TEST_CASE("WorkerRelays: at a shared port, what is for the TURN server goes to it [TURN-19]") {
    SharedScene scene;
    Wakeup& bell = scene.exchange.turn_bell();
    bell.announce_sleep();
    CHECK(scene.take(kChannelData));
    scene.relays.ring_bell();
    pollfd waiting{bell.fd(), POLLIN, 0};
    CHECK(::poll(&waiting, 1, 0) == 1);
    bell.awake();
    REQUIRE(scene.waiting() == 1);
    CHECK(scene.last.from == SocketAddress{kElsewhere, 9});
    CHECK(scene.last.socket == 0);
    CHECK(BytesView(scene.last.bytes).first(scene.last.size).back() == 'd');
    // Media is not, nor anything at other sockets.
    CHECK_FALSE(scene.take(kMedia));
    CHECK_FALSE(scene.take(kChannelData, 1));
    CHECK(scene.waiting() == 0);
    bell.announce_sleep();
    scene.relays.ring_bell();  // for nothing new
    CHECK(::poll(&waiting, 1, 0) == 0);
    bell.awake();
}

TEST_CASE("WorkerRelays: without a shared port, or a TURN server, all is for media [TURN-19]") {
    Scene scene;
    CHECK_FALSE(scene.relays.take_client(0, {kElsewhere, 9}, kChannelData));
    WorkerRelays alone(0, nullptr);
    CHECK_FALSE(alone.take_client(0, {kElsewhere, 9}, kChannelData));
    alone.ring_bell();
}

TEST_CASE("WorkerRelays: clients that send too much are dropped, and counted [TURN-19] [DES-06]") {
    for (const std::size_t count : {RelayExchange::kFromClients - 1, RelayExchange::kFromClients,
                                    RelayExchange::kFromClients + 1}) {
        SharedScene scene;
        for (std::size_t i = 0; i < count; ++i)
            CHECK(scene.take(kChannelData));
        const std::size_t fit = std::min(count, RelayExchange::kFromClients);
        CHECK(scene.exchange.lane(0).clients_dropped.load() == count - fit);
        CHECK(scene.waiting() == fit);
    }
    SharedScene scene;
    Bytes large(ClientDatagram::kCapacity + 1, 0);
    large[0] = 0x40;
    CHECK(scene.take(large));
    CHECK(scene.exchange.lane(0).clients_dropped.load() == 1);
    large.pop_back();
    CHECK(scene.take(large));
    CHECK(scene.waiting() == 1);
}

TEST_CASE("push: a datagram larger than a slot finds no room [NET-01]") {
    SpscRing<RelayedDatagram> ring(2);
    for (const std::size_t size : {RelayedDatagram::kCapacity - 1, RelayedDatagram::kCapacity,
                                   RelayedDatagram::kCapacity + 1}) {
        const Bytes bytes(size, 3);
        CHECK(push(ring, {}, bytes) == (size <= RelayedDatagram::kCapacity));
    }
    CHECK(ring.front()->size == RelayedDatagram::kCapacity - 1);
    CHECK_FALSE(push(ring, {}, as_bytes("x")));  // full
}

}  // namespace
}  // namespace confab::worker
