// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/ice/check_list.h"

#include <doctest/doctest.h>

#include <unordered_set>

#include "rtc/ice/test_net.h"
#include "rtc/ice/transactions.h"

using namespace confab;
using namespace confab::ice;

namespace {

Path path_to(std::uint16_t port) {
    return Path{0, Protocol::kUdp, 0, test::addr("198.51.100.1:7882"),
                SocketAddress{*IpAddress::parse("203.0.113.1"), port}};
}

Pair pair_to(std::uint16_t port, std::uint32_t priority, bool authenticated) {
    Pair pair;
    pair.path = path_to(port);
    pair.local_priority = host_priority(Protocol::kUdp, wire::TcpType::kNone);
    pair.remote_priority = priority;
    pair.check_received = authenticated;
    pair.last_heard = authenticated ? Timestamp::micros(port) : kLongAgo;
    return pair;
}

}  // namespace

TEST_CASE("pair_priority: RFC 8445 §6.1.2.3 [ICE-07]") {
    CHECK(pair_priority(2130706431, 2130706431) == (2130706431ULL << 32) + 2 * 2130706431ULL);
    CHECK(pair_priority(2, 1) == (1ULL << 32) + 5);
    CHECK(pair_priority(1, 2) == (1ULL << 32) + 4);
}

TEST_CASE("host_priority and reflexive_priority: the numbers of upstream [ICE-07]") {
    CHECK(host_priority(Protocol::kUdp, wire::TcpType::kNone) == 2130706431);
    CHECK(host_priority(Protocol::kTcp, wire::TcpType::kPassive) == 1671430143);
    CHECK(reflexive_priority(Protocol::kUdp, 2130706431) == 110 * 0x1000000 + 65535 * 256 + 255);
    CHECK(reflexive_priority(Protocol::kTcp, 1671430143) == 83 * 0x1000000 + 40959 * 256 + 255);
}

TEST_CASE("CheckList: a full list prefers authenticated pairs and never loses the selected one") {
    CheckList list;
    for (std::uint16_t i = 1; i <= kMaxPairs; ++i)
        REQUIRE(list.add(pair_to(i, i, false), Role::kControlled, 0) != nullptr);
    const std::uint32_t selected = list.find(path_to(1))->id;
    // A signalled pair finds no place, unless one has failed.
    CHECK(list.add(pair_to(1000, 9999, false), Role::kControlled, selected) == nullptr);
    list.find(path_to(7))->state = PairState::kFailed;
    CHECK(list.add(pair_to(1000, 1, false), Role::kControlled, selected) != nullptr);
    CHECK(list.find(path_to(7)) == nullptr);
    // Authenticated ones always do, for hours.
    for (std::uint16_t i = 2000; i < 4000; ++i) {
        REQUIRE(list.add(pair_to(i, 1, true), Role::kControlled, selected) != nullptr);
        REQUIRE(list.pairs().size() == kMaxPairs);
        REQUIRE(list.find(selected) != nullptr);
    }
    CHECK(list.find(path_to(3999)) != nullptr);
    CHECK(list.find(path_to(2000)) == nullptr);  // the longest silent went first
    CHECK(list.evicted() == 2001);
}

TEST_CASE("CheckList: closing a stream removes its pairs only") {
    CheckList list;
    Pair stream = pair_to(1, 1, true);
    stream.path.protocol = Protocol::kTcp;
    stream.path.tcp_connection = 5;
    list.add(stream, Role::kControlled, 0);
    list.add(pair_to(2, 1, true), Role::kControlled, 0);
    list.erase_tcp_connection(5);
    CHECK(list.pairs().size() == 1);
    list.erase_tcp_connection(0);  // the 0 of UDP pairs is no stream
    CHECK(list.pairs().size() == 1);
}

TEST_CASE("CheckList: starting over asks every pair anew, and the next check is the earliest") {
    CheckList list;
    CHECK(list.next_check().is_never());
    for (std::uint16_t i = 1; i <= 3; ++i) {
        Pair pair = pair_to(i, i, true);
        pair.state = i == 1 ? PairState::kFailed : PairState::kSucceeded;
        pair.unanswered = 5;
        pair.nominating = true;
        pair.next_check = Timestamp::micros(100 - i);
        list.add(pair, Role::kControlling, 0);
    }
    CHECK(list.next_check() == Timestamp::micros(97));
    list.start_over(Timestamp::micros(50));
    CHECK(list.next_check() == Timestamp::micros(50));
    for (const Pair& pair : list.pairs()) {
        CHECK(pair.state == PairState::kWaiting);
        CHECK(pair.unanswered == 0);
        CHECK_FALSE(pair.nominating);
    }
}

TEST_CASE("CheckList: another role means other priorities, and no nomination of ours [ICE-07]") {
    CheckList list;
    Pair pair = pair_to(1, 5, true);
    pair.nominating = true;
    const Pair& added = *list.add(pair, Role::kControlling, 0);
    const std::uint32_t ours = added.local_priority;
    CHECK(added.priority == pair_priority(ours, 5));
    list.set_role(Role::kControlled);
    CHECK(added.priority == pair_priority(5, ours));
    CHECK_FALSE(added.nominating);
}

TEST_CASE("Pair: asked 8 times 200 ms apart, then slowly, not at all beside a selection [ICE-04]") {
    const Timers timers;
    Pair pair;
    Timestamp now = Timestamp::micros(0);
    for (int i = 0; i < timers.requests_per_pair; ++i) {
        CHECK(pair.begin_check(now, timers, false));
        CHECK(pair.state == PairState::kInProgress);
        CHECK(pair.next_check - now == timers.check_interval);
        now = pair.next_check;
    }
    CHECK_FALSE(pair.begin_check(now, timers, false));
    CHECK(pair.state == PairState::kFailed);
    now = pair.next_check;
    CHECK(pair.begin_check(now, timers, false));
    CHECK(pair.next_check - now == timers.slow_check_interval);
    CHECK_FALSE(pair.begin_check(pair.next_check, timers, true));
    CHECK(pair.next_check.is_never());
    CHECK(pair.last_check == now);
    // An answered one stays so while it is asked.
    Pair answered;
    answered.state = PairState::kSucceeded;
    CHECK(answered.begin_check(now, timers, true));
    CHECK(answered.state == PairState::kSucceeded);
}

TEST_CASE("Pair: a check of the peer triggers ours, 50 ms after the last at the earliest") {
    const Duration spacing = Timers().min_check_spacing;
    Pair pair;
    pair.trigger_check(Timestamp::micros(7), spacing);
    CHECK(pair.next_check == Timestamp::micros(7));
    pair.state = PairState::kFailed;
    pair.unanswered = 8;
    pair.last_check = Timestamp::micros(10'000);
    pair.next_check = Timestamp::micros(500'000);
    pair.trigger_check(Timestamp::micros(20'000), spacing);
    CHECK(pair.next_check == Timestamp::micros(60'000));
    CHECK(pair.state == PairState::kWaiting);
    CHECK(pair.unanswered == 0);
    pair.trigger_check(Timestamp::micros(70'000), spacing);
    CHECK(pair.next_check == Timestamp::micros(60'000));  // not later than it was
}

TEST_CASE(
    "Pair: peer-reflexive with the PRIORITY of the check, ours without one [ICE-05][ICE-07]") {
    const Timestamp now = Timestamp::micros(9);
    Pair pair = peer_reflexive_pair(now, path_to(1), 77);
    CHECK(pair.remote_priority == 77);
    CHECK(pair.remote_type == CandidateType::kPeerReflexive);
    CHECK(pair.is_valid());
    CHECK(pair.last_heard == now);
    CHECK(peer_reflexive_pair(now, path_to(1), std::nullopt).remote_priority ==
          reflexive_priority(Protocol::kUdp, pair.local_priority));
    // Once it is signalled, what was signalled counts.
    RemoteCandidate signalled;
    signalled.type = CandidateType::kRelay;
    signalled.priority = 5;
    apply_signalled(pair, signalled, Role::kControlled);
    CHECK(pair.remote_type == CandidateType::kRelay);
    CHECK(pair.priority == pair_priority(5, pair.local_priority));
}

TEST_CASE("Transactions: bounded, the oldest is forgotten first") {
    Transactions transactions;
    for (std::uint16_t i = 0; i < 2 * kMaxPendingTransactions; ++i) {
        Transaction t;
        store_be16(t.id.data(), i);
        t.sent = Timestamp::micros(i);
        transactions.add(t);
    }
    CHECK(transactions.size() == kMaxPendingTransactions);
    CHECK(transactions.find({0, 1}) == nullptr);
    CHECK(transactions.find({1, 255}) != nullptr);
    transactions.expire(Timestamp::micros(511));
    CHECK(transactions.size() == 1);
    transactions.erase({1, 255});
    CHECK(transactions.size() == 0);
}

TEST_CASE("Path: equal, ordered and hashed by all its parts") {
    std::unordered_set<Path> set;
    for (const char* local : {"192.0.2.1:1", "192.0.2.1:2", "[::1]:1"})
        for (const char* far : {"192.0.2.9:1", "192.0.2.8:1"})
            for (std::uint16_t socket = 0; socket < 3; ++socket)
                for (std::uint32_t tcp = 0; tcp < 3; ++tcp)
                    set.insert(Path{socket, tcp == 0 ? Protocol::kUdp : Protocol::kTcp, tcp,
                                    test::addr(local), test::addr(far)});
    CHECK(set.size() == 54);
    CHECK(path_to(1) == path_to(1));
    CHECK(path_to(1) < path_to(2));
    CHECK(std::hash<Path>{}(path_to(1)) == std::hash<Path>{}(path_to(1)));
}
