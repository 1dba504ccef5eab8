// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Two agents on a virtual network: every combination of roles, loss, translation, TCP, restart.
#include <doctest/doctest.h>

#include "base/machine.h"
#include "rtc/ice/agent.h"
#include "rtc/ice/test_net.h"

using namespace confab;
using namespace confab::ice;
using namespace confab::ice::test;

static_assert(SansIoMachine<Agent>);

namespace {

constexpr Role kRoles[] = {Role::kControlling, Role::kControlled};

struct Combination {
    Role a_role;
    bool a_lite;
    Role b_role;
    bool b_lite;
};
std::vector<Combination> combinations() {
    std::vector<Combination> all;
    for (const Role a : kRoles)
        for (const Role b : kRoles)
            all.push_back({a, false, b, false});
    for (const Role full : kRoles) {
        all.push_back({full, false, Role::kControlled, true});
        all.push_back({Role::kControlled, true, full, false});
    }
    return all;
}

Path path_from_b_in_a() {
    return Path{0, Protocol::kUdp, 0, addr("198.51.100.1:7882"), addr("198.51.100.2:5000")};
}

}  // namespace

TEST_CASE_HANDED_OVER(
    "Agent: connects in every combination of role and lite [ICE-03][ICE-04][TRAP-31]") {
    for (const Combination& c : combinations()) {
        Couple couple(c.a_role, c.a_lite, c.b_role, c.b_lite);
        couple.start();
        REQUIRE(couple.connect());
        CHECK(couple.a.agent.role() != couple.b.agent.role());
        CHECK(couple.a.agent.selected() == path_from_b_in_a());
        CHECK(couple.b.agent.selected()->remote == addr("198.51.100.1:7882"));
        if (c.a_lite) CHECK(couple.a.agent.snapshot().counters.requests_sent == 0);
        if (c.b_lite) CHECK(couple.b.agent.role() == Role::kControlled);
        // And it stays so, with consent checks only.
        couple.net.run_for(Duration::seconds(60));
        CHECK(couple.both_connected());
        CHECK(couple.a.count(State::kConnected) == 1);
        CHECK(couple.b.count(State::kConnected) == 1);
    }
}

TEST_CASE_HANDED_OVER("Agent: two lite agents never connect and fail after 15 s [ICE-03]") {
    Couple couple(Role::kControlled, true, Role::kControlled, true);
    couple.start();
    CHECK_FALSE(couple.connect(Duration::millis(14'900)));
    couple.net.run_for(Duration::millis(200));
    CHECK(couple.a.agent.state() == State::kFailed);
}

TEST_CASE_HANDED_OVER(
    "Agent: without loss the first pair is selected after two round trips [MC-01]") {
    for (const Role role : kRoles) {
        Couple couple(role, false,
                      role == Role::kControlled ? Role::kControlling : Role::kControlled, false);
        const Timestamp begin = couple.net.now;
        couple.start();
        REQUIRE(couple.connect());
        CHECK(couple.net.now - begin <=
              Duration::millis(45));  // 4 times 10 ms and the step of 1 ms
    }
}

TEST_CASE_HANDED_OVER(
    "Agent: connects under 30 % loss with late timers, whatever the seed [ICE-04]") {
    for (std::uint64_t seed = 1; seed <= 25; ++seed)
        for (const Combination& c : combinations()) {
            Couple couple(c.a_role, c.a_lite, c.b_role, c.b_lite, seed);
            couple.net.loss = 0.3;
            couple.net.delay = Duration::millis(static_cast<std::int64_t>(10 + 10 * seed));
            couple.net.max_timer_lateness = Duration::millis(50);
            couple.start();
            CAPTURE(seed);
            REQUIRE(couple.connect(Duration::seconds(10)));
            couple.net.loss = 0;
            couple.net.run_for(Duration::seconds(5));
            REQUIRE(couple.both_connected());
            REQUIRE(couple.a.agent.role() != couple.b.agent.role());
        }
}

TEST_CASE_HANDED_OVER(
    "Agent: an outage of 10 s at the start or after a restart is survived [ICE-04][ICE-14]") {
    for (const Role role : {Role::kControlled, Role::kControlling})
        for (const bool lite : {false, true}) {
            if (lite && role == Role::kControlling) continue;
            const Role peer = role == Role::kControlled ? Role::kControlling : Role::kControlled;
            Couple couple(role, lite, peer, false);
            couple.net.loss = 1;
            couple.start();
            couple.net.run_for(Duration::seconds(10));
            couple.net.loss = 0;
            REQUIRE(couple.connect(Duration::millis(1200)));

            couple.net.loss = 1;
            couple.a.agent.restart(couple.net.now, {credentials("again"), false});
            couple.b.agent.restart(couple.net.now, {credentials("bagain"), false});
            couple.start();
            couple.net.run_for(Duration::seconds(10));
            couple.net.loss = 0;
            REQUIRE(couple.connect(Duration::millis(1200)));
        }
}

TEST_CASE("Agent: equal seeds give equal bytes at equal times") {
    std::uint64_t hashes[3];
    for (int i = 0; i < 3; ++i) {
        Couple couple(i == 2 ? 8 : 7);
        couple.net.loss = 0.2;
        couple.start();
        couple.net.run_for(Duration::seconds(8));
        hashes[i] = couple.net.hash;
    }
    CHECK(hashes[0] == hashes[1]);
    CHECK(hashes[0] != hashes[2]);
}

TEST_CASE_HANDED_OVER(
    "Agent: a client that is known by its checks only connects as prflx [ICE-12]") {
    for (const bool lite : {false, true}) {
        Couple couple(Role::kControlling, lite, Role::kControlling, false);
        couple.net.translate("198.51.100.2:5000", "203.0.113.77:61000");
        couple.exchange_credentials();
        // Only the client knows an address of the other side.
        couple.b.agent.add_remote_candidate(couple.net.now, remote("198.51.100.1:7882"));
        REQUIRE(couple.connect(Duration::millis(500)));
        CHECK(couple.a.agent.selected()->remote == addr("203.0.113.77:61000"));
    }
}

TEST_CASE_HANDED_OVER(
    "Agent: checks that overtake the answer are answered, and count later [ICE-13]") {
    for (const bool lite : {false, true})
        for (const Role role : kRoles) {
            Couple couple(role, lite, Role::kControlling, false);
            couple.b.agent.set_remote_credentials(couple.net.now,
                                                  couple.a.agent.local_credentials());
            couple.b.agent.add_remote_candidate(couple.net.now, remote("198.51.100.1:7882"));
            couple.net.run_for(Duration::millis(300));
            CHECK(couple.a.agent.snapshot().counters.successes_sent +
                      couple.a.agent.snapshot().counters.role_conflicts >
                  0);
            couple.a.agent.set_remote_credentials(couple.net.now,
                                                  couple.b.agent.local_credentials());
            REQUIRE(couple.connect(Duration::millis(1500)));
        }
}

TEST_CASE_HANDED_OVER("Agent: candidates before the credentials are kept [ICE-13]") {
    Couple couple;
    couple.exchange_candidates();
    couple.net.run_for(Duration::seconds(3));
    CHECK(couple.a.agent.state() == State::kNew);
    CHECK(couple.a.agent.snapshot().counters.requests_sent == 0);
    couple.exchange_credentials();
    CHECK(couple.connect(Duration::millis(100)));
}

// ---------------------------------------------------------------- TCP

namespace {

struct TcpCouple {
    std::vector<LocalCandidate> a_sockets;
    Net net;
    Node a, b;
    Path b_path{3, Protocol::kTcp, 70, addr("198.51.100.2:40000"), addr("198.51.100.1:7881")};
    Path a_path{9, Protocol::kTcp, 41, addr("198.51.100.1:7881"), addr("198.51.100.2:40000")};

    // `more`: addresses of UDP that come first.
    TcpCouple(Role role, bool lite, int more = 0)
        : a_sockets(sockets(more)),
          a(make("alice", role, lite, a_sockets), 1),
          b(make("bobby", Role::kControlling, false, {}), 2) {
        net.attach(a, a_sockets);
        net.attach(b, {});
        net.connect_tcp(b, b_path, a, a_path);
        a.agent.set_remote_credentials(net.now, b.agent.local_credentials());
        b.agent.set_remote_credentials(net.now, a.agent.local_credentials());
    }
    static std::vector<LocalCandidate> sockets(int more) {
        std::vector<LocalCandidate> list{udp("198.51.100.1:7882")};
        for (int i = 0; i < more; ++i)
            list.push_back(udp(("10.0.0." + std::to_string(i + 1) + ":7882").c_str(),
                               static_cast<std::uint16_t>(20 + i)));
        list.push_back(tcp("198.51.100.1:7881"));
        return list;
    }
    static AgentConfig make(const char* name, Role role, bool lite,
                            std::vector<LocalCandidate> sockets) {
        AgentConfig c = Couple::config(name, role, lite, std::move(sockets));
        c.tcp_only = true;
        return c;
    }
    bool connect() {
        return net.run_while_not(
            [this] {
                return a.agent.state() == State::kConnected && b.agent.state() == State::kConnected;
            },
            Duration::seconds(2));
    }
};

}  // namespace

TEST_CASE_HANDED_OVER(
    "Agent: connects over passive TCP in each role, UDP is not touched [ICE-08][ICE-15]") {
    for (const bool lite : {false, true})
        for (const Role role : kRoles) {
            TcpCouple couple(role, lite);
            couple.b.agent.add_tcp_connection(couple.net.now, couple.b_path);
            couple.a.agent.add_remote_candidate(couple.net.now, remote("198.51.100.2:5000"));
            CHECK(couple.a.agent.snapshot().pairs == 0);
            REQUIRE(couple.connect());
            CHECK(couple.a.agent.selected() == couple.a_path);
            CHECK(couple.b.agent.selected() == couple.b_path);
            // A right check over UDP gets no answer and makes nothing valid.
            const auto before = couple.a.agent.snapshot();
            couple.a.agent.handle_packet(couple.net.now, path_from_b_in_a(),
                                         Couple::check(credentials("bobby"), credentials("alice"),
                                                       Role::kControlling, true));
            CHECK_FALSE(couple.a.agent.poll_transmit());
            CHECK(couple.a.agent.snapshot().counters.filtered == before.counters.filtered + 1);
            CHECK_FALSE(couple.a.agent.is_valid_path(path_from_b_in_a()));
        }
}

TEST_CASE_HANDED_OVER(
    "Agent: connects over TCP on a host with many addresses [ICE-08][ICE-11][ICE-15]") {
    for (const int more : {15, 126}) {
        TcpCouple couple(Role::kControlled, false, more);
        couple.b.agent.add_tcp_connection(couple.net.now, couple.b_path);
        REQUIRE(couple.connect());
        CHECK(couple.a.agent.selected() == couple.a_path);
        CHECK(couple.a.agent.snapshot().counters.filtered == 0);
    }
}

TEST_CASE_HANDED_OVER(
    "Agent: a closed stream is replaced by a new one without a restart [ICE-08]") {
    TcpCouple couple(Role::kControlling, false);
    couple.b.agent.add_tcp_connection(couple.net.now, couple.b_path);
    REQUIRE(couple.connect());
    couple.a.agent.remove_tcp_connection(couple.net.now, couple.a_path.tcp_connection);
    couple.b.agent.remove_tcp_connection(couple.net.now, couple.b_path.tcp_connection);
    CHECK_FALSE(couple.a.agent.selected());
    CHECK_FALSE(couple.a.agent.is_valid_path(couple.a_path));
    couple.net.run_for(Duration::seconds(1));

    Path a_again = couple.a_path, b_again = couple.b_path;
    a_again.tcp_connection = 42, b_again.tcp_connection = 71;
    a_again.remote.port = b_again.local.port = 40001;
    couple.net.connect_tcp(couple.b, b_again, couple.a, a_again);
    couple.b.agent.add_tcp_connection(couple.net.now, b_again);
    couple.net.run_for(Duration::millis(200));
    CHECK(couple.a.agent.selected() == a_again);
    CHECK(couple.b.agent.selected() == b_again);
    CHECK(couple.a.agent.state() == State::kConnected);
}

// ---------------------------------------------------------------- restart

TEST_CASE_HANDED_OVER("Agent: a restart keeps the path until the new nomination [ICE-14]") {
    for (const Combination& c : combinations()) {
        Couple couple(c.a_role, c.a_lite, c.b_role, c.b_lite);
        couple.start();
        REQUIRE(couple.connect());
        couple.net.run_for(Duration::seconds(3));
        const Path old_path = *couple.a.agent.selected();

        // Only one side restarts; the other answers 17 s later; consent goes on till then.
        couple.a.agent.restart(couple.net.now, {credentials("again"), false});
        CHECK(couple.a.agent.state() == State::kChecking);
        for (int i = 0; i < 170; ++i) {
            couple.net.run_for(Duration::millis(100));
            REQUIRE(couple.a.agent.selected() == old_path);
            REQUIRE(couple.a.agent.is_valid_path(old_path));
            REQUIRE(couple.b.agent.state() == State::kConnected);
        }
        couple.b.agent.restart(couple.net.now, {credentials("bagain"), false});
        couple.start();
        REQUIRE(couple.connect());
        CHECK(couple.a.agent.is_valid_path(old_path));
        CHECK(couple.a.count(State::kFailed) == 0);
        CHECK(couple.a.count(State::kConnected) == 2);
    }
}

TEST_CASE_HANDED_OVER("Agent: after a restart the old path is valid for 5 s only [ICE-14]") {
    Couple couple;
    couple.start();
    REQUIRE(couple.connect());
    const Path old_path = *couple.a.agent.selected();
    // The client comes back from another address: a new network.
    const std::vector<LocalCandidate> lte{udp("203.0.113.9:6000")};
    Node b2(Couple::config("bagain", Role::kControlled, false, lte), 77);
    couple.net.attach(b2, lte);
    couple.b.muted = true;
    couple.a.agent.restart(couple.net.now, {credentials("again"), false});
    couple.a.agent.set_remote_credentials(couple.net.now, b2.agent.local_credentials());
    b2.agent.set_remote_credentials(couple.net.now, couple.a.agent.local_credentials());
    b2.agent.add_remote_candidate(couple.net.now, remote("198.51.100.1:7882"));
    CHECK(couple.net.run_while_not([&] { return couple.a.agent.state() == State::kConnected; },
                                   Duration::seconds(1)));
    CHECK(couple.a.agent.selected()->remote == addr("203.0.113.9:6000"));
    CHECK(couple.a.agent.is_valid_path(old_path));
    couple.net.run_for(Duration::millis(4900));
    CHECK(couple.a.agent.is_valid_path(old_path));
    couple.net.run_for(Duration::millis(200));
    CHECK_FALSE(couple.a.agent.is_valid_path(old_path));
}

TEST_CASE_HANDED_OVER(
    "Agent: a restart without an answer fails with the old path, not before [ICE-14]") {
    Couple couple;
    couple.start();
    REQUIRE(couple.connect());
    couple.a.agent.restart(couple.net.now, {credentials("again"), false});
    couple.net.run_for(Duration::seconds(40));
    CHECK(couple.a.agent.state() == State::kChecking);  // the peer still answers consent checks
    couple.b.muted = true;
    const Timestamp silent = couple.net.now;
    couple.net.run_for(Duration::seconds(20));
    CHECK(couple.a.agent.state() == State::kFailed);
    const Duration after = couple.a.when(State::kFailed) - silent;
    CHECK(after >= Duration::seconds(12));
    CHECK(after <= Duration::millis(15'100));
}

TEST_CASE_HANDED_OVER("Agent: a failed agent connects again after a restart [ICE-14]") {
    Couple couple;
    couple.start();
    REQUIRE(couple.connect());
    couple.a.muted = couple.b.muted = true;
    couple.net.run_for(Duration::seconds(20));
    CHECK(couple.a.agent.state() == State::kFailed);
    CHECK_FALSE(couple.a.agent.selected());
    couple.a.muted = couple.b.muted = false;
    couple.a.agent.restart(couple.net.now, {credentials("again"), false});
    couple.b.agent.restart(couple.net.now, {credentials("bagain"), false});
    couple.start();
    CHECK(couple.connect(Duration::millis(100)));
}

TEST_CASE_HANDED_OVER(
    "Agent: a peer that restarts alone is followed, from UDP to TCP too [ICE-14][ICE-15]") {
    Couple couple;
    couple.start();
    REQUIRE(couple.connect());
    couple.b.agent.restart(couple.net.now, {credentials("bagain"), false});
    CHECK(couple.a.agent.set_remote_credentials(couple.net.now, credentials("bagain")));
    couple.b.agent.set_remote_credentials(couple.net.now, couple.a.agent.local_credentials());
    couple.exchange_candidates();
    CHECK(couple.a.agent.state() == State::kChecking);
    REQUIRE(couple.connect(Duration::millis(100)));

    const Path udp_path = *couple.a.agent.selected();
    couple.a.agent.restart(couple.net.now, {credentials("tcponly"), true});
    CHECK(couple.a.agent.is_valid_path(udp_path));
    couple.a.agent.set_remote_credentials(couple.net.now, credentials("third"));
    couple.a.agent.add_remote_candidate(couple.net.now, remote("198.51.100.2:5000"));
    CHECK(couple.a.agent.snapshot().pairs == 0);
}

TEST_CASE("Agent: moved to sockets of other numbers it goes on on those [SIO-11]") {
    Couple couple;
    couple.start();
    REQUIRE(couple.connect());
    const Timestamp now = couple.net.now;
    AgentConfig config = couple.a.config;
    config.candidates[0].socket = 5;
    Agent moved(config, Rng(1));
    REQUIRE(import_state(moved, export_state(couple.a.agent, now), now));
    REQUIRE(moved.selected());
    CHECK(moved.selected()->socket == 5);
    CHECK(moved.selected()->remote == couple.a.agent.selected()->remote);
    CHECK(moved.is_valid_path(*moved.selected()));
    CHECK_FALSE(moved.is_valid_path(*couple.a.agent.selected()));
    CHECK(moved.local_credentials() == couple.a.agent.local_credentials());
    CHECK(moved.role() == couple.a.agent.role());
    CHECK(moved.next_deadline() == couple.a.agent.next_deadline());
}

TEST_CASE("Agent: a state cut anywhere is refused or harmless [SIO-11]") {
    Couple couple;
    couple.start();
    couple.net.run_for(Duration::millis(15));
    const Bytes state = export_state(couple.a.agent, couple.net.now);
    for (std::size_t size = 0; size < state.size(); ++size) {
        Agent agent(couple.a.config, Rng(1));
        if (!import_state(agent, BytesView(state).first(size), couple.net.now)) continue;
        agent.handle_timeout(couple.net.now + Duration::seconds(20));
        while (agent.poll_transmit()) {
        }
    }
    Agent agent(couple.a.config, Rng(1));
    CHECK_FALSE(import_state(agent, {}, couple.net.now));
}
