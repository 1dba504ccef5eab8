// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "netem/stream_relay.h"

#include <doctest/doctest.h>

#include <string>

#include "base/machine.h"
#include "netem/relay_testing.h"

namespace confab::netem {
namespace {

constexpr Direction kUp = Direction::kUp;
constexpr Direction kDown = Direction::kDown;

struct Fixture {
    Path path;
    StreamRelay relay;
    explicit Fixture(Path p, StreamLimits limits = {}) : path(std::move(p)), relay(path, limits) {}

    StreamId open(Timestamp now = at_ms(0)) {
        const auto id = relay.open(now);
        REQUIRE(id);
        return *id;
    }
    std::string take(Timestamp now, StreamId id, Direction d) {
        const std::string text(as_text(relay.due(now, id, d)));
        relay.consume(id, d, text.size());
        return text;
    }
};

TEST_CASE("StreamRelay: octets come in order after the delay, and so does the end [DES-51]") {
    Fixture f(path_of("delay=20ms,jitter=15ms"));
    const StreamId id = f.open();
    std::string expected;
    for (int i = 0; i < 50; ++i) {
        const std::string text = std::to_string(i) + ",";
        expected += text;
        f.relay.handle_bytes(at_ms(i), id, kUp, as_bytes(text));
    }
    f.relay.handle_end(at_ms(50), id, kUp);
    CHECK(f.relay.room(id, kUp) == 0);
    CHECK(f.relay.room(id, kDown) > 0);
    std::string got;
    CHECK(f.take(at_ms(4), id, kUp).empty());
    for (Timestamp now = at_ms(0); !now.is_never() && !f.relay.has_ended(now, id, kUp);
         now = f.relay.next_deadline(now))
        got += f.take(now, id, kUp);
    CHECK(got == expected);
    CHECK(f.relay.has_ended(at_ms(100), id, kUp));
    CHECK_FALSE(f.relay.has_ended(at_ms(100), id, kDown));
    CHECK(f.relay.counters().octets_up == expected.size());
}

TEST_CASE("StreamRelay: the rate spaces octets of all streams, and closes the window [DES-51]") {
    Fixture f(path_of("rate=8mbit,queue=10ms"));  // an octet per microsecond
    const StreamId id = f.open();
    CHECK(f.relay.room(id, kUp) == 10'000);
    f.relay.handle_bytes(at_ms(0), id, kUp, Bytes(10'000, 'a'));
    CHECK(f.relay.room(id, kUp) == 0);
    CHECK(f.take(at_ms(5), id, kUp).size() == 3 * StreamRelay::kSegment);
    CHECK(f.relay.room(id, kUp) == 3 * StreamRelay::kSegment);
    const StreamId other = f.open(at_ms(5));
    f.relay.handle_bytes(at_ms(5), other, kUp, Bytes(1000, 'b'));
    CHECK(f.take(at_ms(10), other, kUp).empty());
    CHECK(f.take(at_ms(11), other, kUp).size() == 1000);
    CHECK(f.take(at_ms(11), id, kUp).size() == 10'000 - 3 * StreamRelay::kSegment);
    // The other direction has a wire of its own.
    f.relay.handle_bytes(at_ms(11), id, kDown, Bytes(1000, 'c'));
    CHECK(f.relay.next_deadline(at_ms(11)) == at_ms(12));
}

TEST_CASE("StreamRelay: part of what is due may be taken") {
    Fixture f(path_of("clear"));
    const StreamId id = f.open();
    f.relay.handle_bytes(at_ms(0), id, kDown, as_bytes("hello"));
    CHECK(as_text(f.relay.due(at_ms(0), id, kDown)) == "hello");
    f.relay.consume(id, kDown, 2);
    f.relay.handle_bytes(at_ms(1), id, kDown, as_bytes(" world"));
    CHECK(as_text(f.relay.due(at_ms(1), id, kDown)) == "llo world");
    f.relay.handle_end(at_ms(1), id, kDown);
    CHECK_FALSE(f.relay.has_ended(at_ms(1), id, kDown));
    f.relay.consume(id, kDown, 9);
    CHECK(f.relay.has_ended(at_ms(1), id, kDown));
}

TEST_CASE("StreamRelay: an outage lets streams stand still and loses nothing [DES-51]") {
    Fixture f(path_of("delay=20ms", "10ms outage=5s"));
    const StreamId id = f.open();
    f.relay.handle_bytes(at_ms(0), id, kUp, as_bytes("before"));
    f.relay.handle_timeout(at_ms(10));
    CHECK(f.take(at_ms(20), id, kUp).empty());
    f.relay.handle_bytes(at_ms(100), id, kUp, as_bytes(" in it"));
    f.relay.handle_end(at_ms(100), id, kUp);
    CHECK_FALSE(f.relay.has_ended(at_ms(5009), id, kUp));
    CHECK(f.relay.next_deadline(at_ms(100)) == at_ms(5010));
    CHECK(f.take(at_ms(5009), id, kUp).empty());
    CHECK(f.take(at_ms(5010), id, kUp) == "before in it");
    CHECK(f.relay.has_ended(at_ms(5010), id, kUp));
}

TEST_CASE("StreamRelay: tcp=stall, then tcp=pass [MC-02]") {
    Fixture f(path_of("clear"));
    const StreamId id = f.open();
    f.relay.handle_bytes(at_ms(0), id, kUp, as_bytes("x"));
    f.path.apply(at_ms(1), change("tcp=stall"));
    CHECK(f.relay.room(id, kUp) == 0);
    CHECK(f.take(at_ms(2), id, kUp).empty());
    CHECK(f.relay.next_deadline(at_ms(2)).is_never());
    CHECK(f.relay.open(at_ms(3)));
    f.path.apply(at_ms(4), change("tcp=pass"));
    CHECK(f.take(at_ms(4), id, kUp) == "x");
    CHECK(f.relay.room(id, kUp) > 0);
}

TEST_CASE("StreamRelay: tcp=cut resets what is open, tcp=refuse what comes, too [MC-02]") {
    Fixture f(path_of("clear", "1s tcp=cut\n2s tcp=refuse\n3s tcp=pass"));
    const StreamId first = f.open();
    const StreamId second = f.open();
    f.relay.handle_timeout(at_ms(1000));
    CHECK(f.relay.poll_reset() == first);
    CHECK(f.relay.poll_reset() == second);
    CHECK_FALSE(f.relay.poll_reset());
    CHECK(f.relay.streams() == 0);
    const StreamId third = f.open(at_ms(1500));
    CHECK_FALSE(f.relay.open(at_ms(2000)));
    CHECK(f.relay.poll_reset() == third);
    CHECK(f.relay.counters().cut == 3);
    CHECK(f.relay.counters().refused == 1);
    CHECK(f.relay.open(at_ms(3000)));
    CHECK(f.relay.due(at_ms(3000), third, kUp).empty());
    CHECK(f.relay.room(third, kUp) == 0);
}

TEST_CASE("StreamRelay: streams and their octets are bounded") {
    Fixture f(path_of("clear"), {.max_streams = 2, .max_octets = 100});
    const StreamId id = f.open();
    (void)f.open();
    CHECK_FALSE(f.relay.open(at_ms(0)));
    f.relay.handle_bytes(at_ms(0), id, kUp, Bytes(99, 'x'));
    CHECK(f.relay.room(id, kUp) == 1);
    f.relay.handle_bytes(at_ms(0), id, kUp, Bytes(1, 'x'));
    CHECK(f.relay.room(id, kUp) == 0);
    f.relay.close(id);
    CHECK(f.relay.open(at_ms(0)));
}

TEST_CASE("StreamRelay: a slow path holds what its queue and its flight hold") {
    Fixture f(path_of("rate=800kbit,queue=200ms,delay=100ms"));
    CHECK(f.relay.room(f.open(), kUp) == 30'000);
    Fixture octets(path_of("rate=800kbit,queue=50kB"));
    CHECK(octets.relay.room(octets.open(), kUp) == 50'000);
    Fixture tiny(path_of("rate=8kbit,queue=1ms"));
    CHECK(tiny.relay.room(tiny.open(), kUp) == 4096);
}

}  // namespace
}  // namespace confab::netem
