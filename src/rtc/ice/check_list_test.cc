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
