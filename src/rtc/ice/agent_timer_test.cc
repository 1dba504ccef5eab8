// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The numbers of 02 ICE-04, and timers that come late, early or twice.
#include <doctest/doctest.h>

#include "rtc/ice/agent.h"
#include "rtc/ice/test_net.h"

using namespace confab;
using namespace confab::ice;
using namespace confab::ice::test;

namespace {

Timestamp at(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

std::size_t drain(Agent& agent) {
    std::size_t count = 0;
    while (agent.poll_transmit())
        ++count;
    return count;
}

Agent lone_agent(Role role = Role::kControlling) {
    return Agent(Couple::config("alice", role, false, {udp("198.51.100.1:7882")}), Rng(5));
}

const Path kPath{0, Protocol::kUdp, 0, addr("198.51.100.1:7882"), addr("198.51.100.2:5000")};

}  // namespace

TEST_CASE_HANDED_OVER("Agent: 8 checks 200 ms apart, then one a second, failed at 15 s [ICE-04]") {
    Agent agent = lone_agent();
    agent.set_remote_credentials(at(0), credentials("bobby"));
    agent.add_remote_candidate(at(0), remote("198.51.100.2:5000"));
    CHECK(drain(agent) == 1);
    std::vector<std::int64_t> sent{0};
    while (agent.state() != State::kFailed) {
        const Timestamp due = agent.next_deadline();
        REQUIRE_FALSE(due.is_never());
        agent.handle_timeout(due);
        for (std::size_t n = drain(agent); n > 0; --n)
            sent.push_back(due.ms());
        if (agent.state() == State::kFailed) CHECK(due.ms() == 15'000);
    }
    std::vector<std::int64_t> expected{0, 200, 400, 600, 800, 1000, 1200, 1400};
    for (std::int64_t ms = 2600; ms < 15'000; ms += 1000)
        expected.push_back(ms);
    CHECK(sent == expected);
    CHECK(agent.next_deadline().is_never());
}

TEST_CASE_HANDED_OVER(
    "Agent: a generation may have less time to find a path, the next one not [ICE-17]") {
    Agent agent = lone_agent();
    std::int64_t now = 0;
    for (const std::int64_t limit : {0, 5'000, 0}) {
        RestartOptions options{credentials("alice")};
        if (limit > 0) options.checking_limit = Duration::millis(limit);
        agent.restart(at(now), options);
        agent.set_remote_credentials(at(now), credentials("bobby" + std::to_string(now)));
        const std::int64_t until = now + (limit > 0 ? limit : 15'000);
        agent.handle_timeout(at(until - 1));
        CHECK(agent.state() == State::kChecking);
        agent.handle_timeout(at(until));
        CHECK(agent.state() == State::kFailed);
        drain(agent);
        now = until;
    }
}

TEST_CASE_HANDED_OVER(
    "Agent: controlled, the first check is left to the peer for 50 ms [ICE-04] [ICE-06]") {
    Agent agent = lone_agent(Role::kControlled);
    agent.set_remote_credentials(at(0), credentials("bobby"));
    agent.add_remote_candidate(at(0), remote("198.51.100.2:5000"));
    agent.handle_timeout(at(49));
    CHECK(drain(agent) == 0);
    CHECK(agent.next_deadline() == at(50));
    agent.handle_timeout(at(50));
    CHECK(drain(agent) == 1);
    // A candidate that comes later is checked at once.
    agent.add_remote_candidate(at(60), remote("198.51.100.2:5002"));
    CHECK(drain(agent) == 1);
}

TEST_CASE_HANDED_OVER(
    "Agent: a peer's check without nomination is answered and followed by ours [ICE-06]") {
    // A peer that nominates only when it is checked over a pair that works already.
    const auto check = [](Agent& agent, Timestamp now, std::uint8_t id) {
        CheckRequest request;
        request.id.fill(id);
        request.priority = 1'845'501'695;
        request.role = Role::kControlling;
        agent.handle_packet(
            now, kPath, build_check(request, {credentials("bobby"), agent.local_credentials()}));
    };
    Agent agent = lone_agent(Role::kControlled);
    agent.set_remote_credentials(at(0), credentials("bobby"));
    agent.add_remote_candidate(at(0), remote("198.51.100.2:5000"));
    check(agent, at(10), 1);
    std::vector<Bytes> sent;
    while (auto packet = agent.poll_transmit())
        sent.emplace_back(packet->bytes().begin(), packet->bytes().end());
    REQUIRE(sent.size() == 2);
    const auto first = wire::StunMessage::parse(sent[0]);
    const auto second = wire::StunMessage::parse(sent[1]);
    REQUIRE((first && second));
    CHECK(first->message_class() == wire::StunClass::kSuccess);
    CHECK(second->message_class() == wire::StunClass::kRequest);
    // Again when its answer has come and still nothing is nominated, but not more often than 50 ms.
    agent.handle_packet(
        at(11), kPath,
        build_success(second->transaction_id(), kPath.local, credentials("bobby").pwd));
    check(agent, at(20), 2);
    CHECK(drain(agent) == 1);
    agent.handle_timeout(at(60));
    CHECK(drain(agent) == 1);
    check(agent, at(120), 3);
    CHECK(drain(agent) == 2);
}

TEST_CASE_HANDED_OVER(
    "Agent: keepalive is a Binding request on the selected pair, 5 s behind an answered one "
    "[ICE-04]") {
    Couple couple;
    couple.start();
    REQUIRE(couple.connect());
    couple.net.run_for(Duration::seconds(3));
    const auto before = couple.a.agent.snapshot().counters;
    couple.net.run_for(Duration::seconds(20));
    const auto after = couple.a.agent.snapshot().counters;
    CHECK(after.requests_sent - before.requests_sent == 4);
    CHECK(after.successes_received - before.successes_received == 4);
    CHECK(couple.a.agent.snapshot().rtt == Duration::millis(20));
}

TEST_CASE_HANDED_OVER("Agent: keepalives that nobody answers follow each other in 2 s [ICE-04]") {
    Couple couple;
    couple.start();
    REQUIRE(couple.connect());
    couple.net.run_for(Duration::seconds(6));  // the first one was answered
    couple.b.muted = true;
    couple.net.run_for(Duration::seconds(5));  // and the next one was not
    const auto before = couple.a.agent.snapshot().counters;
    couple.net.run_for(Duration::millis(3500));
    CHECK(couple.a.agent.snapshot().counters.requests_sent - before.requests_sent == 2);
}

TEST_CASE_HANDED_OVER("Agent: disconnected after 10 s of silence, failed 5 s later [ICE-04]") {
    for (const bool lite : {false, true}) {
        Couple couple(Role::kControlled, lite, Role::kControlling, false);
        couple.start();
        REQUIRE(couple.connect());
        couple.net.run_for(Duration::seconds(2));
        couple.b.muted = true;
        couple.net.run_for(Duration::millis(10));  // the last packets arrive
        const Timestamp last = couple.net.now;
        couple.a.agent.note_activity(last, kPath);
        couple.net.run_for(Duration::seconds(30));
        CHECK(couple.a.when(State::kDisconnected) - last == Duration::seconds(10));
        CHECK(couple.a.when(State::kFailed) - last == Duration::seconds(15));
        CHECK_FALSE(couple.a.agent.is_valid_path(kPath));
    }
}

TEST_CASE_HANDED_OVER(
    "Agent: any packet of the selected path counts, of another one does not [ICE-04]") {
    Couple couple(Role::kControlled, true, Role::kControlling, false);
    couple.start();
    REQUIRE(couple.connect());
    couple.b.muted = true;
    for (int i = 0; i < 9; ++i) {
        couple.net.run_for(Duration::seconds(3));
        couple.a.agent.note_activity(couple.net.now, kPath);
    }
    CHECK(couple.a.count(State::kDisconnected) == 0);

    Couple other(Role::kControlled, true, Role::kControlling, false);
    other.start();
    REQUIRE(other.connect());
    other.b.muted = true;
    Path elsewhere = kPath;
    elsewhere.remote.port = 5001;
    for (int i = 0; i < 4; ++i) {
        other.net.run_for(Duration::seconds(3));
        other.a.agent.note_activity(other.net.now, elsewhere);
    }
    CHECK(other.a.count(State::kDisconnected) == 1);
}

TEST_CASE_HANDED_OVER("Agent: heard again within 5 s, it is connected again [ICE-04]") {
    for (const Role role : {Role::kControlling, Role::kControlled}) {
        Couple couple(role, false,
                      role == Role::kControlled ? Role::kControlling : Role::kControlled, false);
        couple.start();
        REQUIRE(couple.connect());
        couple.a.muted = couple.b.muted = true;
        couple.net.run_for(Duration::seconds(13));
        CHECK(couple.a.agent.state() == State::kDisconnected);
        couple.a.muted = couple.b.muted = false;
        couple.net.run_for(Duration::millis(2500));
        CHECK(couple.both_connected());
        couple.net.run_for(Duration::seconds(30));
        CHECK(couple.a.count(State::kConnected) == 2);
        CHECK(couple.a.count(State::kFailed) == 0);
    }
}

TEST_CASE_HANDED_OVER(
    "Agent: without authenticated STUN for 30 s forged traffic keeps nothing alive [IMM-1]") {
    Couple couple(Role::kControlled, true, Role::kControlling, false);
    couple.start();
    REQUIRE(couple.connect());
    couple.b.muted = true;
    const Timestamp begin = couple.net.now;
    while (couple.a.agent.state() == State::kConnected &&
           couple.net.now - begin < Duration::seconds(60)) {
        couple.net.run_for(Duration::millis(500));
        couple.a.agent.note_activity(couple.net.now, kPath);
    }
    CHECK(couple.a.agent.state() == State::kFailed);
    CHECK(couple.net.now - begin <= Duration::millis(30'600));
}

TEST_CASE_HANDED_OVER(
    "Agent: early and repeated timeouts do nothing, deadlines are in the future") {
    Couple couple;
    couple.start();
    REQUIRE(couple.connect());
    couple.net.run_for(Duration::millis(500));
    for (int i = 0; i < 100; ++i) {
        couple.a.agent.handle_timeout(couple.net.now);
        CHECK_FALSE(couple.a.agent.poll_transmit());
        CHECK(couple.a.agent.next_deadline() > couple.net.now);
    }
    // The clock stands still or goes back.
    couple.a.agent.handle_timeout(couple.net.now - Duration::seconds(1));
    CHECK_FALSE(couple.a.agent.poll_transmit());
    CHECK_FALSE(couple.a.agent.poll_event());
}

TEST_CASE_HANDED_OVER(
    "Agent: a timer a minute late passes through disconnected to failed [ICE-04]") {
    Couple couple;
    couple.start();
    REQUIRE(couple.connect());
    couple.net.run_for(Duration::seconds(1));
    couple.a.agent.handle_timeout(couple.net.now + Duration::seconds(60));
    couple.net.drain(couple.a);
    CHECK(couple.a.count(State::kDisconnected) == 1);
    CHECK(couple.a.count(State::kFailed) == 1);
    CHECK(std::get<StateChanged>(couple.a.events.back()).state == State::kFailed);
    CHECK(couple.a.agent.next_deadline().is_never());
}

TEST_CASE_HANDED_OVER("Agent: one late timeout sends one check per pair, no burst [ICE-04]") {
    Agent agent = lone_agent();
    agent.set_remote_credentials(at(0), credentials("bobby"));
    agent.add_remote_candidate(at(0), remote("198.51.100.2:5000"));
    CHECK(drain(agent) == 1);
    agent.handle_timeout(at(1150));
    CHECK(drain(agent) == 1);
    CHECK(agent.next_deadline() == at(1350));
}

TEST_CASE_HANDED_OVER("Agent: after every deadline the next one is later, in all states") {
    for (std::uint64_t seed = 1; seed < 12; ++seed) {
        Couple couple(seed);
        couple.net.loss = 0.5;
        couple.start();
        for (int i = 0; i < 300; ++i) {
            couple.net.run_for(Duration::millis(70));
            for (Node* node : {&couple.a, &couple.b}) {
                node->agent.handle_timeout(couple.net.now);
                couple.net.drain(*node);
                REQUIRE(node->agent.next_deadline() > couple.net.now);
            }
            if (i == 150) couple.a.agent.restart(couple.net.now, {credentials("again"), false});
            if (i == 200) couple.b.muted = true;
        }
    }
}
