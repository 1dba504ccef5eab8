// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "netem/datagram_relay.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "base/machine.h"
#include "netem/packet_queue.h"
#include "netem/relay_testing.h"

namespace confab::netem {
namespace {

static_assert(SansIoMachine<DatagramRelay>);

using EventKind = DatagramRelay::EventKind;

SocketAddress client(std::uint16_t port) {
    return {IpAddress::v4(0x0A00'0001), port};
}

struct Sent {
    Timestamp at;
    Direction direction;
    ClientId client;
    std::string text;
};

struct Fixture {
    Path path;
    DatagramRelay relay;
    std::vector<Sent> sent;

    explicit Fixture(Path p, RelayLimits limits = {}) : path(std::move(p)), relay(path, limits) {}

    void up(Timestamp now, std::uint16_t port, std::string_view text, std::size_t route = 0) {
        relay.handle_client_packet(now, route, client(port), as_bytes(text));
    }
    std::vector<DatagramRelay::Event> events() {
        std::vector<DatagramRelay::Event> out;
        while (const auto event = relay.poll_event())
            out.push_back(*event);
        return out;
    }
    ClientId opened() {
        const auto all = events();
        REQUIRE(all.size() == 1);
        REQUIRE(all[0].kind == EventKind::kOpened);
        return all[0].client;
    }
    // Wakes the relay when it asks for it.
    void run_until(Timestamp end) {
        while (relay.next_deadline() <= end) {
            const Timestamp now = relay.next_deadline();
            relay.handle_timeout(now);
            drain(now);
        }
    }
    void drain(Timestamp now) {
        std::array<DatagramRelay::Outgoing, 4> out;
        while (const std::size_t count = relay.poll_transmit(now, out))
            for (std::size_t i = 0; i < count; ++i)
                sent.push_back(
                    {now, out[i].direction, out[i].client, std::string(as_text(out[i].bytes))});
    }
};

TEST_CASE("PacketQueue: by time, equal ones in their order, bounded") {
    PacketQueue queue(3);
    CHECK(queue.next_deadline().is_never());
    CHECK(queue.push(at_ms(2), 1, as_bytes("b")));
    CHECK(queue.push(at_ms(1), 2, as_bytes("a")));
    CHECK(queue.push(at_ms(2), 3, as_bytes("c")));
    CHECK_FALSE(queue.push(at_ms(0), 4, as_bytes("d")));
    CHECK(queue.next_deadline() == at_ms(1));
    CHECK_FALSE(queue.pop(at_ms(0)));
    std::string order;
    while (const auto packet = queue.pop(at_ms(2))) {
        order += as_text(queue.bytes(*packet));
        queue.release(*packet);
    }
    CHECK(order == "abc");
    CHECK(queue.push(at_ms(0), 5, Bytes(kMaxDatagram, 1)));
    CHECK_FALSE(queue.push(at_ms(0), 6, Bytes(kMaxDatagram + 1, 1)));
}

TEST_CASE("PacketQueue: a slot that is lent is not overwritten") {
    PacketQueue queue(200);
    CHECK(queue.push(at_ms(1), 1, as_bytes("kept")));
    const auto lent = queue.pop(at_ms(1));
    for (int i = 0; i < 200; ++i)
        CHECK(queue.push(at_ms(2), 2, as_bytes("other")));
    CHECK(as_text(queue.bytes(*lent)) == "kept");
}

TEST_CASE("DatagramRelay: both directions, delayed, in order [DES-51]") {
    Fixture f(path_of("delay=20ms"));
    f.up(at_ms(0), 1, "one");
    const ClientId id = f.opened();
    f.up(at_ms(5), 1, "two");
    f.relay.handle_server_packet(at_ms(7), id, as_bytes("three"));
    CHECK(f.events().empty());
    f.drain(at_ms(19));
    CHECK(f.sent.empty());
    CHECK(f.relay.next_deadline() == at_ms(20));
    f.run_until(at_ms(100));
    REQUIRE(f.sent.size() == 3);
    CHECK(f.sent[0].text == "one");
    CHECK(f.sent[0].at == at_ms(20));
    CHECK(f.sent[0].direction == Direction::kUp);
    CHECK(f.sent[0].client == id);
    CHECK(f.sent[1].at == at_ms(25));
    CHECK(f.sent[2].text == "three");
    CHECK(f.sent[2].direction == Direction::kDown);
    CHECK(f.sent[2].at == at_ms(27));
    CHECK(f.relay.counters(Direction::kUp).forwarded == 2);
    CHECK(f.relay.counters(Direction::kUp).octets == 6);
    CHECK(f.relay.counters(Direction::kDown).forwarded == 1);
    CHECK(f.relay.next_deadline().is_never());
}

TEST_CASE("DatagramRelay: a seed gives the same, another does not [DES-51]") {
    const auto run = [](std::uint64_t seed) {
        Fixture f(path_of("delay=20ms,jitter=10ms,loss=10%,duplicate=5%,reorder=5%", {}, seed));
        for (int i = 0; i < 500; ++i)
            f.up(at_ms(i), 1, std::to_string(i));
        f.run_until(at_ms(10'000));
        std::string log;
        for (const Sent& one : f.sent)
            log += std::to_string(one.at.us()) + one.text + ",";
        return log;
    };
    CHECK(run(7) == run(7));
    CHECK(run(7) != run(8));
}

TEST_CASE("DatagramRelay: directions have links of their own [DES-51]") {
    Conditions conditions;
    conditions.down = parse_link_spec("loss=100%").value();
    Fixture f(Path(conditions, {}, 1, at_ms(0)));
    f.up(at_ms(0), 1, "up");
    f.relay.handle_server_packet(at_ms(0), f.opened(), as_bytes("down"));
    f.run_until(at_ms(100));
    REQUIRE(f.sent.size() == 1);
    CHECK(f.sent[0].text == "up");
    CHECK(f.path.link(Direction::kDown).counters().lost == 1);
}

TEST_CASE("DatagramRelay: routes and ports tell clients apart, all share the link") {
    Fixture f(path_of("rate=8mbit"));  // an octet per microsecond
    f.up(at_ms(0), 1, std::string(972, 'a'));
    f.up(at_ms(0), 2, std::string(972, 'b'));
    f.up(at_ms(0), 1, std::string(972, 'c'), 1);
    const auto events = f.events();
    REQUIRE(events.size() == 3);
    CHECK(events[2].route == 1);
    CHECK(f.relay.clients() == 3);
    f.run_until(at_ms(100));
    REQUIRE(f.sent.size() == 3);
    CHECK(f.sent[2].at == at_ms(3));
}

TEST_CASE("DatagramRelay: rebinding tells of every client once, and of one alone [MC-03]") {
    Fixture f(path_of("clear", "10ms rebind"));
    f.up(at_ms(0), 1, "a");
    f.up(at_ms(0), 2, "b");
    const auto before = f.events();
    f.run_until(at_ms(20));
    const auto after = f.events();
    REQUIRE(after.size() == 2);
    CHECK(after[0].kind == EventKind::kRebound);
    CHECK(after[0].client == before[0].client);
    CHECK(after[1].client == before[1].client);
    f.up(at_ms(30), 1, "c");
    CHECK(f.events().empty());
    CHECK(f.relay.clients() == 2);
    f.relay.rebind(before[1].client);
    REQUIRE(f.events().size() == 1);
    // By hand, and late.
    f.path.apply(at_ms(40), change("rebind"));
    f.up(at_ms(40), 1, "d");
    CHECK(f.events().size() == 2);
}

TEST_CASE("DatagramRelay: an outage loses what enters, not what is under way [DES-51]") {
    Fixture f(path_of("delay=20ms", "10ms outage=5s"));
    f.up(at_ms(0), 1, "before");
    f.up(at_ms(11), 1, "in it");
    f.up(at_ms(5009), 1, "still");
    f.up(at_ms(5010), 1, "after");
    f.run_until(at_ms(10'000));
    REQUIRE(f.sent.size() == 2);
    CHECK(f.sent[0].text == "before");
    CHECK(f.sent[1].text == "after");
    CHECK(f.path.link(Direction::kUp).counters().in_outage == 2);
}

TEST_CASE("DatagramRelay: udp=drop and udp=pass [MC-02]") {
    Fixture f(path_of("clear", "0s udp=drop\n1s udp=pass"));
    f.up(at_ms(0), 1, "lost");
    f.up(at_ms(999), 1, "lost");
    f.up(at_ms(1000), 1, "passes");
    f.run_until(at_ms(2000));
    REQUIRE(f.sent.size() == 1);
    CHECK(f.relay.counters(Direction::kUp).udp_dropped == 2);
}

TEST_CASE("DatagramRelay: beyond max_clients the one silent longest goes") {
    Fixture f(path_of("delay=20ms"), {.max_clients = 2});
    f.up(at_ms(0), 1, "a");
    const ClientId first = f.opened();
    f.up(at_ms(1), 2, "b");
    const ClientId second = f.opened();
    f.relay.handle_server_packet(at_ms(2), first, as_bytes("x"));
    f.up(at_ms(3), 3, "c");
    const auto events = f.events();
    REQUIRE(events.size() == 2);
    CHECK(events[0].kind == EventKind::kClosed);
    CHECK(events[0].client == second);
    CHECK(f.relay.clients() == 2);
    CHECK(f.relay.evicted() == 1);
    // What it had under way, and what comes for it, goes nowhere.
    f.relay.handle_server_packet(at_ms(4), second, as_bytes("y"));
    f.run_until(at_ms(100));
    CHECK(f.sent.size() == 3);
    f.up(at_ms(200), 2, "again");
    CHECK(f.events().size() == 2);
}

TEST_CASE("DatagramRelay: what is under way is bounded") {
    Fixture f(path_of("delay=20ms"), {.max_packets = 3});
    for (int i = 0; i < 5; ++i)
        f.up(at_ms(0), 1, "x");
    CHECK(f.relay.counters(Direction::kUp).overflow == 2);
    f.run_until(at_ms(100));
    CHECK(f.sent.size() == 3);
    f.up(at_ms(100), 1, "x");
    f.run_until(at_ms(200));
    CHECK(f.sent.size() == 4);
}

TEST_CASE("Path: changes lay over what holds, at their times [DES-51]") {
    Path path = path_of("delay=10ms,loss=100%", "1s down:loss=0%\n2s both:clear");
    CHECK(path.next_deadline() == at_ms(1000));
    path.handle_timeout(at_ms(999));
    CHECK(path.spec(Direction::kDown).loss == 1);
    path.handle_timeout(at_ms(1000));
    CHECK(path.spec(Direction::kDown).loss == 0);
    CHECK(path.spec(Direction::kDown).delay == Duration::millis(10));
    CHECK(path.spec(Direction::kUp).loss == 1);
    CHECK(path.link(Direction::kDown).offer(at_ms(1000), 10).count == 1);
    CHECK(path.link(Direction::kUp).offer(at_ms(1000), 10).count == 0);
    path.handle_timeout(at_ms(5000));
    CHECK(path.spec(Direction::kUp) == LinkSpec{});
    CHECK(path.next_deadline().is_never());
}

TEST_CASE("Path: a late timeout does not make an outage longer") {
    Path path = path_of("clear", "1s up:outage=500ms");
    path.handle_timeout(at_ms(1400));
    CHECK(path.outage_until(Direction::kUp) == at_ms(1500));
    CHECK(path.outage_until(Direction::kDown) == Timestamp());
}

}  // namespace
}  // namespace confab::netem
