// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/net/tcp_streams.h"

#include <doctest/doctest.h>

#include "sim/net/net_testing.h"

namespace confab::sim {
namespace {

using Texts = std::vector<std::string>;

constexpr Duration kSoon = Duration::millis(100);

struct Fixture {
    // Of client 0, to shard 3; its number is 1.
    void open() {
        TcpStreams::Opening opening;
        opening.shard = 3;
        net.open(0, opening);
    }
    Texts after(Duration length) {
        testing::run_for(events, length);
        return ends.take();
    }
    Timestamp at(std::int64_t ms) { return kRunStart + Duration::millis(ms); }

    EventQueue events{kRunStart};
    testing::NotingEnds ends{events};
    TcpStreams net{2, events, ends, ends};
};

TEST_CASE("TcpStreams: open after two ways, then carries frames both ways in order") {
    Fixture f;
    f.open();
    f.net.send_up(1, as_bytes("too early"));
    CHECK(f.after(kSoon) == Texts{"24 client 0 opened 1"});
    f.net.send_up(1, as_bytes("a"));
    f.net.send_up(1, as_bytes("b"));
    f.net.send_down(1, as_bytes("c"));
    CHECK(f.after(kSoon) == Texts{"112 shard 3 a", "112 shard 3 b", "112 client 0 c"});
    CHECK(f.ends.sent == Texts{"0 c"});
}

TEST_CASE("TcpStreams: an outage holds frames back, in order") {
    Fixture f;
    f.open();
    (void)f.after(kSoon);
    f.net.cut(0, {true, false}, f.at(500));
    f.net.send_up(1, as_bytes("a"));
    f.net.send_down(1, as_bytes("b"));
    CHECK(f.after(kSoon) == Texts{"112 client 0 b"});
    f.net.send_up(1, as_bytes("c"));
    CHECK(f.after(Duration::seconds(1)) == Texts{"512 shard 3 a", "512 shard 3 c"});
}

TEST_CASE("TcpStreams: nothing opens in an outage of either direction") {
    for (const Directions which : {Directions{true, false}, Directions{false, true}}) {
        Fixture f;
        f.net.cut(0, which, f.at(300));
        f.open();
        CHECK(f.after(Duration::seconds(1)) == Texts{"324 client 0 opened 1"});
    }
}

TEST_CASE("TcpStreams: the end of a session closes its streams, also those not yet open") {
    Fixture f;
    f.open();
    (void)f.after(kSoon);
    f.net.send_down(1, as_bytes("under way"));
    f.open();
    f.net.close_all(1);
    f.net.close_all(0);
    f.net.send_down(1, as_bytes("too late"));
    CHECK(f.after(kSoon) == Texts{"112 shard 3 closed"});
    CHECK(f.ends.sent == Texts{"0 under way"});
}

TEST_CASE("TcpStreams: a blocked client's buffer has a size, and is of use again") {
    Fixture f;
    f.open();
    (void)f.after(kSoon);
    f.net.cut(0, {false, true}, f.at(500));
    for (std::size_t i = 0; i <= TcpStreams::kMaxWaiting; ++i)
        f.net.send_down(1, as_bytes("x"));
    CHECK(f.ends.sent.size() == TcpStreams::kMaxWaiting + 1);
    CHECK(f.after(Duration::seconds(1)).size() == TcpStreams::kMaxWaiting);
    f.net.send_down(1, as_bytes("y"));
    CHECK(f.after(kSoon) == Texts{"1112 client 0 y"});
}

}  // namespace
}  // namespace confab::sim
