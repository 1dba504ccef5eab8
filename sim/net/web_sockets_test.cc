// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/net/web_sockets.h"

#include <doctest/doctest.h>

#include "sim/net/net_testing.h"
#include "sim/report.h"

namespace confab::sim {
namespace {

using Texts = std::vector<std::string>;

constexpr NodeId kNode = 2;
constexpr Duration kSoon = Duration::millis(100);

// Gives each session the next number.
class Ends final : public SignalEnds {
  public:
    explicit Ends(const EventQueue& events) : events_(events) {}

    room::SessionId start_session(NodeId, ClientId by, const livekit::JoinRequest&) override {
        note("session of " + std::to_string(by));
        return room::SessionId(++sessions_);
    }
    void session_started(NodeId) override { note("started"); }
    void request_arrived(NodeId, room::SessionId, ClientId, std::string_view message) override {
        note("request " + std::string(message));
    }
    void session_closed(NodeId, room::SessionId) override { note("session closed"); }
    void message_arrived(ClientId, std::string_view message) override {
        note("message " + std::string(message));
    }
    void socket_closed(ClientId) override { note("closed"); }
    void socket_refused(ClientId) override { note("refused"); }

    // What has come since the last call, each with its ms from the start of the run.
    Texts take() { return std::exchange(arrived_, {}); }

  private:
    void note(const std::string& what) {
        arrived_.push_back(std::to_string((events_.now() - kRunStart).ms()) + " " + what);
    }

    const EventQueue& events_;
    std::uint64_t sessions_ = 0;
    Texts arrived_;
};

// Client 0, 10 ms away.
struct Fixture {
    Fixture() { net.attach(0, Duration::millis(10)); }
    void open() { net.open(0, kNode, {}); }
    Texts after(Duration length) {
        testing::run_for(events, length);
        return ends.take();
    }
    Timestamp at(std::int64_t ms) { return kRunStart + Duration::millis(ms); }
    void down(std::string message, std::uint64_t session = 1) {
        net.send_down(kNode, room::SessionId(session), std::move(message));
    }

    EventQueue events{kRunStart};
    Ends ends{events};
    WebSockets net{1, events, ends};
};

const room::SessionId kFirst(1);

TEST_CASE("WebSockets: a session starts, is noted, and both sides talk in order") {
    Fixture f;
    CHECK_FALSE(f.net.is_open(0));
    f.open();
    CHECK(f.net.is_open(0));
    f.net.send_up(0, "a");
    CHECK(f.after(kSoon) == Texts{"10 session of 0", "10 started", "10 request a"});
    REQUIRE(f.net.peer_of(kNode, kFirst).has_value());
    CHECK(f.net.peer_of(kNode, kFirst)->is_there);
    CHECK_FALSE(f.net.peer_of(kNode + 1, kFirst).has_value());
    f.down("b");
    f.down("c");
    CHECK(f.after(kSoon) == Texts{"110 message b", "110 message c"});
}

TEST_CASE("WebSockets: an outage holds messages back, in order, in its direction alone") {
    Fixture f;
    f.open();
    (void)f.after(kSoon);
    f.net.cut(0, {true, false}, f.at(500));
    f.net.send_up(0, "a");
    f.down("b");
    CHECK(f.after(kSoon) == Texts{"110 message b"});
    f.net.send_up(0, "c");
    CHECK(f.after(Duration::seconds(1)) == Texts{"510 request a", "510 request c"});
}

TEST_CASE("WebSockets: the server hears of an end behind what was said, or never") {
    Fixture f;
    f.open();
    (void)f.after(kSoon);
    SUBCASE("told") {
        f.net.send_up(0, "last");
        f.net.close(0, false);
        CHECK_FALSE(f.net.is_open(0));
        CHECK(f.after(kSoon) == Texts{"110 request last", "110 session closed"});
        CHECK_FALSE(f.net.peer_of(kNode, kFirst).has_value());
    }
    SUBCASE("silently") {
        f.net.close(0, true);
        f.down("to nobody");
        CHECK(f.after(kSoon) == Texts{});
        CHECK(f.net.peer_of(kNode, kFirst).has_value());
    }
}

TEST_CASE("WebSockets: a server closes what has been silent for 20 s") {
    Fixture f;
    f.open();
    (void)f.after(Duration::seconds(4));
    f.net.send_up(0, "a");
    // Each 5 s it looks whether 20 s have passed.
    CHECK(f.after(Duration::seconds(20)) == Texts{"4010 request a"});
    CHECK(f.after(kSoon + Duration::seconds(1)) == Texts{"25010 session closed", "25020 closed"});
    CHECK_FALSE(f.net.is_open(0));
}

TEST_CASE("WebSockets: an end, or a refusal, by the server comes behind what it said") {
    Fixture f;
    f.open();
    (void)f.after(kSoon);
    f.down("last");
    SUBCASE("closed") {
        f.net.close(kNode, kFirst);
        CHECK(f.after(kSoon) == Texts{"100 session closed", "110 message last", "110 closed"});
    }
    SUBCASE("refused") {
        f.net.refuse(kNode, kFirst);
        CHECK(f.after(kSoon) == Texts{"100 session closed", "110 message last", "110 refused"});
    }
    f.net.close(kNode, kFirst);
    f.down("nothing");
    CHECK(f.after(kSoon) == Texts{});
}

TEST_CASE("WebSockets: a break is heard on both sides") {
    Fixture f;
    f.open();
    (void)f.after(kSoon);
    f.net.reset(0);
    CHECK(f.after(kSoon) == Texts{"100 closed", "110 session closed"});
    f.net.reset(0);
    CHECK(f.after(kSoon) == Texts{});
}

TEST_CASE("WebSockets: another socket takes the place of the one there is") {
    Fixture f;
    f.open();
    (void)f.after(kSoon);
    f.down("old");
    f.open();
    // The server still has the first: it belongs to the same client, which hears nothing of it.
    REQUIRE(f.net.peer_of(kNode, kFirst).has_value());
    CHECK(f.net.peer_of(kNode, kFirst)->is_there);
    CHECK(f.after(kSoon) == Texts{"110 session closed", "110 session of 0", "110 started"});
    f.down("new", 2);
    CHECK(f.after(kSoon) == Texts{"210 message new"});
}

TEST_CASE("WebSockets: who has gone hears nothing, the next one under its number neither") {
    Fixture f;
    f.open();
    (void)f.after(kSoon);
    f.down("under way");
    f.net.detach(0);
    CHECK_FALSE(f.net.is_open(0));
    f.net.attach(0, Duration::millis(10));
    f.down("too late");
    REQUIRE(f.net.peer_of(kNode, kFirst).has_value());
    CHECK_FALSE(f.net.peer_of(kNode, kFirst)->is_there);
    CHECK(f.after(kSoon) == Texts{});
}

}  // namespace
}  // namespace confab::sim
